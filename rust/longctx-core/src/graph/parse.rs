//! Parsing: one parser per thread and language, bounded work per file, and walks over syntax trees.

use std::cell::RefCell;
use std::ops::ControlFlow;

use tree_sitter::{Language, Node, ParseOptions, Parser, Tree};

use super::imports;
use super::{FileFacts, Lang};
use crate::interrupt::Watch;
use crate::symbols;
use crate::symbols::calls::{self, Call};

/// Files longer than this are not parsed: they are data, and ranges are 32 bits wide.
pub const MAX_BYTES: usize = 8 << 20;

/// The parser reports back about once per this many steps.
const STEPS_PER_REPORT: usize = 100;

thread_local! {
    static PARSERS: RefCell<[Option<Parser>; Lang::COUNT]> = const { RefCell::new([const { None }; Lang::COUNT]) };
}

/// Parses `text`; none when the grammar is missing, the text too long, the work out of all proportion to its length
/// (counted in parser steps, so that the answer does not depend on the machine), or the call cancelled.
pub(crate) fn parse(lang: Lang, text: &str, watch: Watch<'_>) -> Option<Tree> {
    parse_again(lang, text, None, watch)
}

/// Parses `text` with the tree of what it was before, edited to fit: only what changed is looked at.
pub(crate) fn parse_again(lang: Lang, text: &str, before: Option<&Tree>, watch: Watch<'_>) -> Option<Tree> {
    let grammar = lang.grammar()?;
    if text.len() > MAX_BYTES {
        return None;
    }
    PARSERS.with(|parsers| {
        let slot = &mut parsers.borrow_mut()[lang as usize];
        if slot.is_none() {
            let mut parser = Parser::new();
            parser.set_language(grammar).ok()?;
            *slot = Some(parser);
        }
        let parser = slot.as_mut()?;
        let mut reports = 10_000 + 50 * text.len() / STEPS_PER_REPORT;
        let mut on_progress = |_: &tree_sitter::ParseState| {
            reports = reports.saturating_sub(1);
            if reports == 0 || watch.check().is_err() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let bytes = text.as_bytes();
        let tree = parser.parse_with_options(
            &mut |at, _| bytes.get(at..).unwrap_or_default(),
            before,
            Some(ParseOptions::new().progress_callback(&mut on_progress)),
        );
        if tree.is_none() {
            parser.reset();
        }
        tree
    })
}

/// Reads one file: its imports, definitions and names, in one parse. `path` is relative to the repository.
pub fn read(path: &str, text: &str, watch: Watch<'_>) -> Option<FileFacts> {
    read_with(path, text, watch, |_, _| {}).map(|(facts, ())| facts)
}

/// The same, and the calls, as [`calls::calls`] finds them.
pub(crate) fn read_with_calls(path: &str, text: &str, watch: Watch<'_>) -> Option<(FileFacts, Vec<Call>)> {
    read_with(path, text, watch, |lang, tree| calls::collect(lang, text, tree))
}

fn read_with<T: Default>(
    path: &str,
    text: &str,
    watch: Watch<'_>,
    also: impl FnOnce(Lang, &Tree) -> T,
) -> Option<(FileFacts, T)> {
    let lang = Lang::of(path)?;
    let mut facts = FileFacts::empty(lang);
    let mut more = T::default();
    match parse(lang, text, watch) {
        Some(tree) => {
            facts.broken = tree.root_node().has_error();
            imports::extract(path, text, Some(&tree), &mut facts, watch);
            facts.definitions = symbols::collect(lang, text, &tree);
            more = also(lang, &tree);
        }
        None => {
            facts.broken = true;
            imports::extract(path, text, None, &mut facts, watch);
        }
    }
    Some((facts, more))
}

/// A value for every node kind of a grammar, so that a walk compares numbers and not names.
pub(crate) struct Kinds<K>(Vec<K>);

impl<K: Copy> Kinds<K> {
    /// Asks `classify` once for every named kind of the grammar; all others get `other`.
    pub fn new(language: &Language, other: K, classify: impl Fn(&str) -> K) -> Self {
        let count = u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
        let one = |id| match language.node_kind_for_id(id) {
            Some(name) if language.node_kind_is_named(id) => classify(name),
            _ => other,
        };
        Self((0..count).map(one).collect())
    }

    /// The value for the kind of `node`; errors, which have no kind of their own, get `other`.
    pub fn of(&self, node: Node<'_>, other: K) -> K {
        self.0.get(usize::from(node.kind_id())).copied().unwrap_or(other)
    }
}

/// A step of a walk through a tree.
pub(crate) enum Step<'t> {
    /// To a node.
    Enter(Node<'t>),
    /// Away from the node that was entered last and not left yet.
    Leave,
}

/// Visits the tree in preorder; `visit` says whether to go into the node. Not recursive: depth is up to the file.
pub(crate) fn walk<'t>(root: Node<'t>, mut visit: impl FnMut(Node<'t>) -> bool) {
    walk_steps(root, |step| match step {
        Step::Enter(node) => visit(node),
        Step::Leave => false,
    });
}

/// The same, which tells of leaving a node, too.
pub(crate) fn walk_steps<'t>(root: Node<'t>, mut visit: impl FnMut(Step<'t>) -> bool) {
    let mut cursor = root.walk();
    loop {
        if visit(Step::Enter(cursor.node())) && cursor.goto_first_child() {
            continue;
        }
        visit(Step::Leave);
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
            visit(Step::Leave);
        }
    }
}

/// The text of a node; empty where its ends do not fall on characters.
pub(crate) fn text_of<'s>(node: Node<'_>, source: &'s str) -> &'s str {
    source.get(node.byte_range()).unwrap_or_default()
}

/// The line of a node's start, from 1.
pub(crate) fn line_of(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX)
}

/// Values that hold inside stretches of a file, innermost last; read in preorder.
pub(crate) struct Scopes<T>(Vec<(usize, T)>);

impl<T: Clone> Scopes<T> {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Forgets the stretches that end at or before `node`.
    pub fn at(&mut self, node: Node<'_>) -> &[(usize, T)] {
        while self.0.last().is_some_and(|(end, _)| *end <= node.start_byte()) {
            self.0.pop();
        }
        &self.0
    }

    /// `value` holds up to the end of `node`.
    pub fn push(&mut self, node: Node<'_>, value: T) {
        self.0.push((node.end_byte(), value));
    }
}

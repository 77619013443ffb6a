//! Finds the definitions in a syntax tree.

use std::ops::Range;
use std::sync::OnceLock;

use tree_sitter::{Node, Tree};

use super::rules::{self, Rule};
use super::{Definition, SymbolKind, names};
use crate::graph::Lang;
use crate::graph::parse::{Kinds, Scopes, line_of, walk};

/// What the names inside a stretch of text belong to.
#[derive(Debug, Clone, Copy)]
enum Scope {
    Definition(u32),
    /// A function without a name: variables inside are its own business.
    Anonymous,
}

/// What the kinds of the definitions in a node depend on beside the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Around {
    /// The kind of the innermost definition around it.
    parent: Option<SymbolKind>,
    /// A function without a name is nearer.
    anonymous: bool,
}

impl Around {
    fn in_function(self) -> bool {
        self.anonymous || matches!(self.parent, Some(SymbolKind::Function | SymbolKind::Method))
    }
}

/// Collects definitions on a walk through a tree in preorder.
pub(super) struct Collector<'s> {
    lang: Lang,
    text: &'s str,
    kinds: &'static Kinds<Rule>,
    scopes: Scopes<Scope>,
    wrapper: Option<Range<usize>>,
    /// What was found.
    pub out: Vec<Definition>,
}

/// The definitions in a tree of `text`.
pub(crate) fn collect(lang: Lang, text: &str, tree: &Tree) -> Vec<Definition> {
    let mut collector = Collector::new(lang, text, tree);
    walk(tree.root_node(), |node| collector.visit(node));
    collector.out
}

impl<'s> Collector<'s> {
    /// Nothing yet of a tree of `text`.
    pub fn new(lang: Lang, text: &'s str, tree: &Tree) -> Self {
        static KINDS: [OnceLock<Kinds<Rule>>; Lang::COUNT] = [const { OnceLock::new() }; Lang::COUNT];
        let kinds = KINDS[lang as usize]
            .get_or_init(|| Kinds::new(&tree.language(), Rule::None, |name| rules::rule(lang, name)));
        Self { lang, text, kinds, scopes: Scopes::new(), wrapper: None, out: Vec::new() }
    }

    /// The definition around the node that the walk has come to.
    pub fn parent(&mut self, node: Node<'_>) -> Option<u32> {
        self.scopes.at(node).iter().rev().find_map(|(_, scope)| match scope {
            Scope::Definition(at) => Some(*at),
            Scope::Anonymous => None,
        })
    }

    /// What stands around the node that the walk has come to; none if it may be a part of what is in front of it.
    pub fn around(&mut self, node: Node<'_>) -> Option<Around> {
        if self.wrapper.as_ref().is_some_and(|wrapper| wrapper.end > node.start_byte()) {
            return None;
        }
        Some(self.scope(node))
    }

    fn scope(&mut self, node: Node<'_>) -> Around {
        let parent = self.parent(node).map(|at| self.out[at as usize].kind);
        let anonymous = matches!(self.scopes.at(node).last(), Some((_, Scope::Anonymous)));
        Around { parent, anonymous }
    }

    /// Notes what a node defines and says whether to go into it.
    pub fn visit(&mut self, node: Node<'_>) -> bool {
        let Self { lang, text, .. } = *self;
        let (kind, local) = match self.kinds.of(node, Rule::None) {
            Rule::None => return true,
            Rule::Skip => return false,
            // What is broken may hold anything.
            Rule::Barren => return node.has_error(),
            Rule::Wrapper => {
                // The outermost of several counts.
                if self.wrapper.as_ref().is_none_or(|range| range.end != node.end_byte()) {
                    self.wrapper = Some(node.byte_range());
                }
                return true;
            }
            Rule::Anonymous => {
                self.scopes.at(node);
                self.scopes.push(node, Scope::Anonymous);
                return true;
            }
            Rule::Define(kind) => (kind, true),
            Rule::DefineGlobal(kind) => (kind, false),
        };
        let (parent, around) = (self.parent(node), self.scope(node));
        let mut enter = true;
        for found in names::names(lang, kind, node, text) {
            let kind = found.kind;
            let is_value = matches!(kind, SymbolKind::Variable | SymbolKind::Constant);
            if around.in_function() && (!local || is_value) {
                continue;
            }
            let kind = match kind {
                SymbolKind::Function if around.parent.is_some_and(SymbolKind::has_members) => {
                    SymbolKind::Method
                }
                kind => kind,
            };
            let rest = |range: &Range<usize>| text.get(node.end_byte()..range.end).map(str::trim);
            let around_it = self.wrapper.take_if(|range| matches!(rest(range), Some("" | ";")));
            let start = around_it.map_or(node.start_byte(), |range| range.start);
            let end = signature_end(text, node, found.body, is_value);
            if let Ok(at) = u32::try_from(self.out.len()) {
                self.out.push(Definition {
                    name: found.name.into(),
                    kind,
                    range: start as u32..node.end_byte() as u32,
                    signature: node.start_byte() as u32..end as u32,
                    line: line_of(node),
                    parent,
                });
                if !is_value {
                    self.scopes.push(node, Scope::Definition(at));
                }
                enter &=
                    !(matches!(kind, SymbolKind::Function | SymbolKind::Method) && has_flat_functions(lang));
            }
        }
        enter
    }
}

/// Languages in which functions seldom define others: what is inside of them is not looked at.
fn has_flat_functions(lang: Lang) -> bool {
    matches!(
        lang,
        Lang::Rust | Lang::Go | Lang::C | Lang::Cpp | Lang::Java | Lang::CSharp | Lang::Php | Lang::Shell
    )
}

/// Where the head of a definition ends.
fn signature_end(text: &str, node: Node<'_>, body: Option<Node<'_>>, first_line: bool) -> usize {
    let range = node.byte_range();
    let stop = body.map_or(range.end, |body| body.start_byte());
    let Some(head) = text.get(range.start..stop) else { return range.end };
    let head = if first_line { head.lines().next().unwrap_or(head) } else { head };
    range.start + head.trim_end().len()
}

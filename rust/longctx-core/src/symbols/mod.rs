//! The definitions of a file by its syntax tree: what they are called, where they stand, how they begin.

pub mod calls;
mod names;
mod rules;

use std::ops::Range;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use tree_sitter::{Node, Tree};

use self::rules::Rule;
use crate::graph::Lang;
use crate::graph::parse::{Kinds, Scopes, line_of, parse, walk};
use crate::interrupt::Watch;

/// What a definition defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum SymbolKind {
    Function,
    Method,
    Class,
    Struct,
    Enum,
    Interface,
    Trait,
    /// Rust's `impl` block; its name is the type's.
    Impl,
    /// A module or namespace inside of a file.
    Module,
    Type,
    Constant,
    Variable,
    Macro,
}

impl SymbolKind {
    /// Definitions inside are members of it.
    fn has_members(self) -> bool {
        matches!(self, Self::Class | Self::Struct | Self::Enum | Self::Interface | Self::Trait | Self::Impl)
    }
}

/// One definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its own name, without those around it.
    pub name: Box<str>,
    /// What it is.
    pub kind: SymbolKind,
    /// The bytes of all of it, with decorators and `template<...>` in front.
    pub range: Range<u32>,
    /// The bytes of its head: everything before the body, without the space between.
    pub signature: Range<u32>,
    /// The line it begins on, from 1.
    pub line: u32,
    /// The definition around it, as a place in the same list.
    pub parent: Option<u32>,
}

/// The definitions of one text, in the order of their start. Empty where the language has no grammar in this build, or
/// the text could not be parsed.
pub fn definitions(lang: Lang, text: &str, watch: Watch<'_>) -> Vec<Definition> {
    parse(lang, text, watch).map(|tree| collect(lang, text, &tree)).unwrap_or_default()
}

/// What the names inside a stretch of text belong to.
#[derive(Debug, Clone, Copy)]
enum Scope {
    Definition(u32),
    /// A function without a name: variables inside are its own business.
    Anonymous,
}

pub(crate) fn collect(lang: Lang, text: &str, tree: &Tree) -> Vec<Definition> {
    static KINDS: [OnceLock<Kinds<Rule>>; Lang::COUNT] = [const { OnceLock::new() }; Lang::COUNT];
    let kinds = KINDS[lang as usize]
        .get_or_init(|| Kinds::new(&tree.language(), Rule::None, |name| rules::rule(lang, name)));
    let mut out: Vec<Definition> = Vec::new();
    let mut scopes: Scopes<Scope> = Scopes::new();
    let mut wrapper: Option<Range<usize>> = None;
    walk(tree.root_node(), |node| {
        let rule = kinds.of(node, Rule::None);
        let (kind, local) = match rule {
            Rule::None => return true,
            Rule::Skip => return false,
            Rule::Wrapper => {
                // The outermost of several counts.
                if wrapper.as_ref().is_none_or(|range| range.end != node.end_byte()) {
                    wrapper = Some(node.byte_range());
                }
                return true;
            }
            Rule::Anonymous => {
                scopes.at(node);
                scopes.push(node, Scope::Anonymous);
                return true;
            }
            Rule::Define(kind) => (kind, true),
            Rule::DefineGlobal(kind) => (kind, false),
        };
        let scope = scopes.at(node).last().map(|(_, scope)| *scope);
        let parent = scopes.at(node).iter().rev().find_map(|(_, scope)| match scope {
            Scope::Definition(at) => Some(*at),
            Scope::Anonymous => None,
        });
        let around = parent.map(|at| out[at as usize].kind);
        let in_function = matches!(scope, Some(Scope::Anonymous))
            || matches!(around, Some(SymbolKind::Function | SymbolKind::Method));
        let mut enter = true;
        for found in names::names(lang, kind, node, text) {
            let kind = found.kind;
            let is_value = matches!(kind, SymbolKind::Variable | SymbolKind::Constant);
            if in_function && (!local || is_value) {
                continue;
            }
            let kind = match kind {
                SymbolKind::Function if around.is_some_and(SymbolKind::has_members) => SymbolKind::Method,
                kind => kind,
            };
            let rest = |range: &Range<usize>| text.get(node.end_byte()..range.end).map(str::trim);
            let around_it = wrapper.take_if(|range| matches!(rest(range), Some("" | ";")));
            let start = around_it.map_or(node.start_byte(), |range| range.start);
            let end = signature_end(text, node, found.body, is_value);
            if let Ok(at) = u32::try_from(out.len()) {
                out.push(Definition {
                    name: found.name.into(),
                    kind,
                    range: start as u32..node.end_byte() as u32,
                    signature: node.start_byte() as u32..end as u32,
                    line: line_of(node),
                    parent,
                });
                if !is_value {
                    scopes.push(node, Scope::Definition(at));
                }
                enter &=
                    !(matches!(kind, SymbolKind::Function | SymbolKind::Method) && has_flat_functions(lang));
            }
        }
        enter
    });
    out
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

#[cfg(test)]
mod tests;

//! The definitions of a version, by its lines. Versions of a file are parsed one after the other, each time only what
//! changed.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tree_sitter::{InputEdit, Point, Tree};

use super::align::{Alignment, Hunk};
use super::lines::Lines;
use crate::graph::Lang;
use crate::graph::parse::parse_again;
use crate::interrupt::Watch;
use crate::symbols::{Definition, Definitions, SymbolKind};

/// So many lines of comments and attributes above a definition belong to it.
const MOST_ABOVE: u32 = 12;

/// A definition.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// What it is called.
    pub name: Arc<str>,
    /// All of it, with the comments and attributes directly above.
    pub lines: Range<u32>,
    /// Its head.
    pub head: Range<u32>,
    /// It stands inside of a function, or is a value: its head tells little to whoever does not look at it.
    pub minor: bool,
}

/// The syntax of a version.
pub struct Syntax {
    tree: Option<Tree>,
    definitions: Definitions,
    /// Whether all of the text was understood: then how it was parsed makes no difference.
    pub sound: bool,
    /// In the order of their start; what stands inside of another comes after it.
    pub spans: Vec<Span>,
}

/// A text and where its lines are.
#[derive(Clone, Copy)]
pub struct Source<'s> {
    /// The text.
    pub text: &'s str,
    /// Its lines.
    pub lines: &'s Lines,
}

impl Syntax {
    /// Definitions that were found before.
    pub fn known(spans: Vec<Span>) -> Self {
        Self { tree: None, definitions: Definitions::default(), sound: true, spans }
    }

    /// Parses a text from its beginning.
    pub fn read(lang: Option<Lang>, source: Source<'_>, watch: Watch<'_>) -> Self {
        let Some(lang) = lang else { return Self::known(Vec::new()) };
        Self::new(lang, source, parse_again(lang, source.text, None, watch), None)
    }

    /// Parses `after`, knowing the syntax of `before`.
    pub fn next(
        &self,
        lang: Option<Lang>,
        [before, after]: [Source<'_>; 2],
        alignment: &Alignment,
        watch: Watch<'_>,
    ) -> Self {
        let Some(lang) = lang else { return Self::known(Vec::new()) };
        let mut tree = self.tree.clone();
        if let Some(tree) = &mut tree {
            // From the last to the first, so that an edit moves no other.
            for hunk in alignment.hunks().iter().rev() {
                tree.edit(&edit(hunk, before, after));
            }
        }
        Self::new(lang, after, parse_again(lang, after.text, tree.as_ref(), watch), Some(self))
    }

    /// What a tree says that was parsed after the one of `before`.
    fn new(lang: Lang, source: Source<'_>, tree: Option<Tree>, before: Option<&Self>) -> Self {
        let sound = tree.as_ref().is_some_and(|tree| !tree.root_node().has_error());
        let known = before.filter(|before| sound && before.sound).map(|before| &before.definitions);
        let definitions =
            tree.as_ref().map(|tree| Definitions::of(lang, source.text, tree, known)).unwrap_or_default();
        let all = &definitions.all;
        let spans = all.iter().map(|one| span(one, all, source)).collect();
        Self { tree, definitions, sound, spans }
    }

    /// The innermost definition that holds some lines, or the place between two lines if there are none.
    pub fn around(&self, lines: &Range<u32>) -> Option<&Span> {
        self.spans.iter().rev().find(|span| span.holds(lines))
    }
}

impl Span {
    /// Whether all of `lines` are in it; if there are none, whether both lines beside the place are.
    pub fn holds(&self, lines: &Range<u32>) -> bool {
        if lines.is_empty() {
            self.lines.start < lines.start && lines.start < self.lines.end
        } else {
            self.lines.start <= lines.start && lines.end <= self.lines.end
        }
    }
}

fn span(definition: &Definition, all: &[Definition], source: Source<'_>) -> Span {
    let Source { text, lines } = source;
    let mut place = lines.around(&definition.range);
    for _ in 0..MOST_ABOVE {
        let Some(above) = place.start.checked_sub(1) else { break };
        let line = text[lines.bytes(&(above..above + 1))].trim_start();
        if !["//", "/*", "*", "#", "@"].iter().any(|sign| line.starts_with(sign)) {
            break;
        }
        place.start = above;
    }
    let is_value = |kind| matches!(kind, SymbolKind::Variable | SymbolKind::Constant);
    let is_function = |kind| matches!(kind, SymbolKind::Function | SymbolKind::Method);
    let in_function = definition.parent.is_some_and(|parent| is_function(all[parent as usize].kind));
    Span {
        name: (&*definition.name).into(),
        lines: place,
        head: lines.around(&definition.signature),
        minor: is_value(definition.kind) || in_function,
    }
}

fn edit(hunk: &Hunk, before: Source<'_>, after: Source<'_>) -> InputEdit {
    let start = before.lines.start(hunk.before.start);
    let row = hunk.before.start as usize;
    InputEdit {
        start_byte: start,
        old_end_byte: before.lines.start(hunk.before.end),
        new_end_byte: start + after.lines.bytes(&hunk.after).len(),
        start_position: Point::new(row, 0),
        old_end_position: end(row, &hunk.before, before),
        new_end_position: end(row, &hunk.after, after),
    }
}

/// Where some lines end if they begin at a row.
fn end(row: usize, lines: &Range<u32>, source: Source<'_>) -> Point {
    let bytes = source.lines.bytes(lines);
    if bytes.is_empty() || source.text.as_bytes()[bytes.end - 1] == b'\n' {
        return Point::new(row + lines.len(), 0);
    }
    let last = source.lines.start(lines.end - 1);
    Point::new(row + lines.len() - 1, bytes.end - last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::symbols;

    fn names(syntax: &Syntax) -> Vec<(String, Range<u32>, Range<u32>)> {
        let tell = |span: &Span| (span.name.to_string(), span.lines.clone(), span.head.clone());
        syntax.spans.iter().map(tell).collect()
    }

    #[test]
    fn a_definition_has_the_comments_above_it() {
        let text = "use a;\n\n/// Says.\n#[inline]\nfn f(\n    x: u32,\n) -> u32 {\n    x\n}\n";
        let lines = Lines::new(text);
        let syntax = Syntax::read(Some(Lang::Rust), Source { text, lines: &lines }, Watch::none());
        assert_eq!(names(&syntax), [("f".to_owned(), 2..9, 4..7)]);
        assert!(syntax.around(&(7..8)).is_some() && syntax.around(&(8..8)).is_some());
        assert!(syntax.around(&(9..9)).is_none() && syntax.around(&(1..3)).is_none());
    }

    proptest! {
        #[test]
        fn parsing_what_changed_finds_what_parsing_all_finds(
            before in prop::collection::vec(0u8..12, 1..12),
            after in prop::collection::vec(0u8..12, 1..12),
            broken in any::<(bool, bool)>(),
        ) {
            let text = |numbers: &[u8], broken: bool| {
                let parts = numbers.iter().map(|n| format!("def f{n}(x):\n    y = {n}\n    return y\n\n"));
                let mut text: String = parts.collect();
                text.truncate(text.len() - if broken { 2 } else { 0 });
                text
            };
            let texts = [text(&before, broken.0), text(&after, broken.1)];
            let lines = [Lines::new(&texts[0]), Lines::new(&texts[1])];
            let sources = [0, 1].map(|n| Source { text: &texts[n], lines: &lines[n] });
            let alignment = Alignment::new(&texts[0], &texts[1]);
            let first = Syntax::read(Some(Lang::Python), sources[0], Watch::none());
            let next = first.next(Some(Lang::Python), sources, &alignment, Watch::none());
            let fresh = Syntax::read(Some(Lang::Python), sources[1], Watch::none());
            prop_assert_eq!(names(&next), names(&fresh));
        }

        #[test]
        fn what_the_parser_took_over_is_found_where_it_stands_now(
            lang in prop::sample::select(vec![Lang::Python, Lang::Rust, Lang::TypeScript]),
            versions in prop::collection::vec(prop::collection::vec((0usize..5, 0u8..30), 1..14), 2..5),
        ) {
            let part = |&(kind, n): &(usize, u8)| match lang {
                Lang::Python => [
                    format!("def f{n}(x):\n    def g(y):\n        z = [y for y in x]\n    return g({n})\n\n"),
                    format!("@d(lambda x: {n})\nclass C{n}(B):\n    A = {n}\n    @p\n    def m(self): pass\n"),
                    format!("V{n} = call(a, [b for b in c if {{'k': {n}}}])\n"),
                    format!("if a:\n    def h{n}(): pass\nelse:\n    W{n} = 1\n    class K: x = {n}\n"),
                    "# a comment\n\n".to_owned(),
                ],
                Lang::Rust => [
                    format!("/// Doc.\nfn f{n}(x: u32) -> u32 {{\n    let y = |z| z + {n};\n    y(x)\n}}\n"),
                    format!("impl S{n} {{\n    pub fn m(&self) -> [u8; {n}] {{ [0; {n}] }}\n    const A: u8 = {n};\n}}\n"),
                    format!("mod m{n} {{ pub struct S(u8, u8); enum E {{ A, B, C }} }}\n"),
                    format!("static V: [u32; 3] = [{n}, 1, 2];\n"),
                    "// a comment\n\n".to_owned(),
                ],
                _ => [
                    format!("export default function f{n}(a, b) {{ const c = () => ({{ d: {n} }}); return c }}\n"),
                    format!("export class C{n} {{ m(a: number) {{ let x = {n}; return x }} n = (y) => y }}\n"),
                    format!("const f = {{ g() {{ return function () {{ var v = {n} }} }} }};\n"),
                    format!("export const v{n} = 1, w = (a) => a + {n}\n"),
                    "// a comment\n\n".to_owned(),
                ],
            }[kind].clone();
            let texts: Vec<String> =
                versions.iter().map(|parts| parts.iter().map(part).collect()).collect();
            let lines: Vec<Lines> = texts.iter().map(|text| Lines::new(text)).collect();
            let source = |at: usize| Source { text: &texts[at], lines: &lines[at] };
            let mut syntax = Syntax::read(Some(lang), source(0), Watch::none());
            for at in 1..texts.len() {
                let alignment = Alignment::new(&texts[at - 1], &texts[at]);
                syntax = syntax.next(Some(lang), [source(at - 1), source(at)], &alignment, Watch::none());
                prop_assert!(syntax.sound);
                let all = symbols::definitions(lang, &texts[at], Watch::none());
                prop_assert_eq!(&syntax.definitions.all, &all);
            }
        }
    }
}

//! The definitions of one version of a text after another: what the parser took over from the version before is not
//! looked at again.

use rustc_hash::FxHashMap;
use tree_sitter::{Node, Tree};

use super::Definition;
use super::collect::{Around, Collector};
use crate::graph::Lang;
use crate::graph::parse::{Step, walk_steps};

/// A node with fewer below it is looked at rather than remembered.
const LEAST: usize = 16;

/// The definitions of a text, and in which nodes of its tree they were found.
#[derive(Default)]
pub(crate) struct Definitions {
    /// In the order of their start.
    pub all: Vec<Definition>,
    /// In preorder.
    nodes: Vec<Seen>,
}

/// A node that was looked at.
struct Seen {
    /// The same for as long as the tree, or one that took the node over, is there.
    id: usize,
    byte: u32,
    row: u32,
    around: Around,
    /// The definitions in it, as places in the list.
    definitions: [u32; 2],
    /// How many of the nodes after it are in it.
    inner: u32,
}

impl Definitions {
    /// What [`super::collect`] finds. If `tree` was parsed after another one, which is still there, `before` is what was
    /// found in that; neither may have an error.
    pub fn of(lang: Lang, text: &str, tree: &Tree, before: Option<&Self>) -> Self {
        let places = before.map(Self::places);
        let mut collector = Collector::new(lang, text, tree);
        let mut nodes: Vec<Seen> = Vec::new();
        // For each node that is entered its place in the list.
        let mut open: Vec<Option<usize>> = Vec::new();
        walk_steps(tree.root_node(), |step| {
            let node = match step {
                Step::Enter(node) => node,
                Step::Leave => {
                    if let Some(at) = open.pop().flatten() {
                        nodes[at].inner = (nodes.len() - at - 1) as u32;
                        nodes[at].definitions[1] = collector.out.len() as u32;
                    }
                    return false;
                }
            };
            let large = node.descendant_count() >= LEAST;
            let Some(around) = large.then(|| collector.around(node)).flatten() else {
                open.push(None);
                return collector.visit(node);
            };
            if let (Some(before), Some(places)) = (before, &places)
                && let Some(&at) = places.get(&node.id())
                && before.nodes[at].around == around
            {
                before.take_over(at, node, &mut collector, &mut nodes);
                open.push(None);
                return false;
            }
            open.push(Some(nodes.len()));
            let (byte, row) = place(node);
            let found = collector.out.len() as u32;
            nodes.push(Seen { id: node.id(), byte, row, around, definitions: [found, found], inner: 0 });
            collector.visit(node)
        });
        Self { all: collector.out, nodes }
    }

    fn places(&self) -> FxHashMap<usize, usize> {
        self.nodes.iter().enumerate().map(|(at, seen)| (seen.id, at)).collect()
    }

    /// Adds what was found in a node that stands elsewhere now.
    fn take_over(&self, at: usize, node: Node<'_>, collector: &mut Collector<'_>, nodes: &mut Vec<Seen>) {
        let Seen { byte: old_byte, row: old_row, definitions: [from, to], inner, .. } = self.nodes[at];
        let (byte, row) = place(node);
        let parent = collector.parent(node);
        let base = collector.out.len() as u32;
        let move_to = |old: u32, from: u32, to: u32| old - from + to;
        let moved = |old: u32| move_to(old, old_byte, byte);
        for old in &self.all[from as usize..to as usize] {
            // What is in front of a definition may begin before the node; it is never taken over then.
            collector.out.push(Definition {
                name: old.name.clone(),
                kind: old.kind,
                range: moved(old.range.start)..moved(old.range.end),
                signature: moved(old.signature.start)..moved(old.signature.end),
                line: move_to(old.line, old_row, row),
                parent: match old.parent {
                    Some(inside) if inside >= from => Some(move_to(inside, from, base)),
                    _ => parent,
                },
            });
        }
        nodes.extend(self.nodes[at..=at + inner as usize].iter().map(|old| Seen {
            id: old.id,
            byte: moved(old.byte),
            row: move_to(old.row, old_row, row),
            around: old.around,
            definitions: old.definitions.map(|place| move_to(place, from, base)),
            inner: old.inner,
        }));
    }
}

/// The byte and the row where a node begins.
fn place(node: Node<'_>) -> (u32, u32) {
    (node.start_byte() as u32, node.start_position().row as u32)
}

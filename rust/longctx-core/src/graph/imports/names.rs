//! Names that a file uses, each with its first line.

use std::collections::HashMap;

use tree_sitter::Node;

use crate::graph::facts::Use;
use crate::graph::parse::line_of;

/// Collects names in the order of the file.
#[derive(Default)]
pub(super) struct Names<'s>(HashMap<&'s str, u32>);

impl<'s> Names<'s> {
    pub fn add(&mut self, name: &'s str, node: Node<'_>) {
        if !name.is_empty() {
            self.0.entry(name).or_insert_with(|| line_of(node));
        }
    }

    /// The names, sorted.
    pub fn into_uses(self) -> Vec<Use> {
        let mut uses: Vec<Use> =
            self.0.into_iter().map(|(name, line)| Use { name: name.into(), line }).collect();
        uses.sort_unstable();
        uses
    }
}

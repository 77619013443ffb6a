//! Names that a reader knows.

use rustc_hash::FxHashSet;

use crate::sequence::{Shapes, words};

/// About as many names are known before most sequences.
const USUAL: usize = 128;

/// A set of names. Most that are asked for are not in it.
pub struct Names<'n> {
    all: FxHashSet<&'n [u8]>,
    shapes: Shapes,
}

impl<'n> Names<'n> {
    /// None yet.
    pub fn new() -> Self {
        Self {
            all: FxHashSet::with_capacity_and_hasher(USUAL, Default::default()),
            shapes: Shapes::default(),
        }
    }

    /// Adds the words of a text.
    pub fn add(&mut self, text: &'n str) {
        for (_, word) in words(text) {
            self.shapes.add(word);
            self.all.insert(word.as_bytes());
        }
    }

    /// Whether a name is known, by its bytes.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.shapes.may_have(name) && self.all.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_texts_are_known() {
        let mut names = Names::new();
        names.add("from a import read_file");
        names.add("use b;");
        let known =
            ["a", "read_file", "b", "use", "read", "c", ""].map(|name| names.contains(name.as_bytes()));
        assert_eq!(known, [true, true, true, true, false, false, false]);
    }
}

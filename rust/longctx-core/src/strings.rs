//! A list of short texts, on disk or in memory.

use std::ops::Index;
use std::path::Path;

use longctx_column::Column;

use crate::Result;
use crate::buckets::part;
use crate::list::ListWriter;

/// Texts that are added once and stay.
#[derive(Debug)]
pub struct Strings {
    text: Column<u8>,
    /// Where each ends.
    ends: Column<u64>,
}

impl Strings {
    /// Texts that lie in files without names in `folder`, or in memory without a folder.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the disk is full.
    pub fn new<'s>(folder: Option<&Path>, texts: impl Iterator<Item = &'s str>) -> Result<Self> {
        let (mut all, mut ends) =
            (ListWriter::in_folder_if_any(folder)?, ListWriter::in_folder_if_any(folder)?);
        for text in texts {
            all.extend(text.as_bytes())?;
            ends.extend(&[all.len() as u64])?;
        }
        Ok(Self { text: all.finish()?, ends: ends.finish()? })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.len()).map(|at| &self[at])
    }

    /// Where a text is, if they are sorted.
    pub fn find_sorted(&self, wanted: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.bytes(middle).cmp(wanted.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn bytes(&self, at: usize) -> &[u8] {
        &self.text[part(&self.ends, at)]
    }
}

impl Index<usize> for Strings {
    type Output = str;

    fn index(&self, at: usize) -> &str {
        // It was text when it was added.
        std::str::from_utf8(self.bytes(at)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_come_back_and_are_found(texts in prop::collection::btree_set("[a-cä]{0,3}", 0..30)) {
            let texts: Vec<String> = texts.into_iter().collect();
            let folder = tempfile::tempdir()?;
            for folder in [None, Some(folder.path())] {
                let strings = Strings::new(folder, texts.iter().map(String::as_str))?;
                prop_assert_eq!(strings.iter().collect::<Vec<_>>(), texts.clone());
                for wanted in ["", "a", "b", "abc", "ä", "cc"] {
                    let at = texts.iter().position(|text| text == wanted);
                    prop_assert_eq!(strings.find_sorted(wanted), at);
                }
            }
        }
    }
}

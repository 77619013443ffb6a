//! A list of short texts in one buffer.

use std::ops::Index;

/// Texts that are added once and stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strings {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Strings {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
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
            match self[middle].cmp(wanted) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

impl Index<usize> for Strings {
    type Output = str;

    fn index(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[at]]
    }
}

impl<'s> FromIterator<&'s str> for Strings {
    fn from_iter<I: IntoIterator<Item = &'s str>>(texts: I) -> Self {
        let mut strings = Self::default();
        for text in texts {
            strings.text.push_str(text);
            strings.ends.push(strings.text.len());
        }
        strings.text.shrink_to_fit();
        strings.ends.shrink_to_fit();
        strings
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
            let strings: Strings = texts.iter().map(String::as_str).collect();
            prop_assert_eq!(strings.iter().collect::<Vec<_>>(), texts.clone());
            prop_assert_eq!(strings.is_empty(), texts.is_empty());
            for wanted in ["", "a", "b", "abc", "ä", "cc"] {
                let at = texts.iter().position(|text| text == wanted);
                prop_assert_eq!(strings.find_sorted(wanted), at);
            }
        }
    }
}

//! A sieve for words: most of those that a set does not hold are told at a glance.

/// Bits, as words of 64.
const WORDS: usize = 32;

/// The shapes of some words: their lengths and a few of their letters.
#[derive(Debug, Clone, Default)]
pub struct Shapes([u64; WORDS]);

impl Shapes {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.fill(0);
    }

    /// Adds a word.
    pub fn add(&mut self, word: impl AsRef<[u8]>) {
        let (place, bit) = shape(word.as_ref());
        self.0[place] |= bit;
    }

    /// False for words that were not added, but for a few of them.
    pub fn may_have(&self, word: impl AsRef<[u8]>) -> bool {
        let (place, bit) = shape(word.as_ref());
        self.0[place] & bit != 0
    }
}

fn shape(bytes: &[u8]) -> (usize, u64) {
    let at = |place: usize| bytes.get(place).copied().unwrap_or(0);
    let length = bytes.len();
    let seen = u32::from_le_bytes([at(0), at(length / 2), at(length.saturating_sub(1)), length as u8]);
    // Multiplying spreads all of it into the highest bits (Knuth).
    let bit = seen.wrapping_mul(0x9E37_79B1) >> (u32::BITS - (WORDS * 64).ilog2());
    (bit as usize / 64, 1 << (bit % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_word_that_was_added_is_missed(words in proptest::collection::vec(".{0,12}", 0..60)) {
            let mut shapes = Shapes::default();
            words.iter().for_each(|word| shapes.add(word));
            prop_assert!(words.iter().all(|word| shapes.may_have(word)));
        }
    }

    #[test]
    fn most_other_words_are_told() {
        let mut shapes = Shapes::default();
        (0..100).for_each(|number| shapes.add(format!("name_{number}")));
        let others = (0..1000).map(|number| format!("other{number}_name"));
        assert!(others.filter(|word| shapes.may_have(word)).count() < 200);
        shapes.clear();
        assert!(!shapes.may_have("name_1"));
    }
}

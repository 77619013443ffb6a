//! How alike two texts are, by the shingles that they share: exactly, and estimated from sketches of a fixed size.
//!
//! A sketch is a one-permutation MinHash (Li, Owen, Zhang: One Permutation Hashing, 2012): every shingle is hashed once and
//! falls into one of the bins, which keeps its least hash. Bins that stay empty take the value of another, found by a walk
//! that is random but the same for all texts (Shrivastava: Optimal Densification for Fast and Accurate Minwise Hashing,
//! 2017). Two texts agree in a bin with the probability of their Jaccard similarity.

mod block;
mod near;
mod shingles;

pub use near::near_duplicates;

/// Bins of a sketch, as many as a byte has values. The estimate of a similarity J has no bias and a standard deviation of
/// sqrt(J (1 - J) / BINS): 0.031 for 0.5, 0.025 for 0.8. Measured for 0.8 it is 0.022 with 1,000 shingles and 0.032 with
/// ten, where bins share their lenders. With half as many bins, 0.8 would be taken for less than 0.7 forty times as often.
const BINS: usize = 256;

/// A text's set of shingles in 1 KiB: its bins.
pub type Sketch = [u32; BINS];

/// The sketch of a text: the same on every machine.
pub fn sketch(text: &str) -> Sketch {
    // A shingle's hash has 63 bits, so none equals this.
    const EMPTY: u64 = u64::MAX;
    let mut least = [EMPTY; BINS];
    shingles::for_each(text, |hash| {
        let bin = &mut least[(hash >> 55) as usize];
        *bin = hash.min(*bin);
    });
    let filled = least.map(|hash| hash != EMPTY);
    std::array::from_fn(|bin| {
        let source = if filled[bin] { bin } else { lender(bin, &filled) };
        (least[source] >> 23) as u32
    })
}

/// What [`from_bytes`] reads.
pub fn to_bytes(sketch: &Sketch) -> Vec<u8> {
    sketch.iter().flat_map(|bin| bin.to_le_bytes()).collect()
}

/// A sketch that was written down; none if the length is not that of one.
pub fn from_bytes(bytes: &[u8]) -> Option<Sketch> {
    let (words, rest) = bytes.as_chunks::<4>();
    let bins: [[u8; 4]; BINS] = words.try_into().ok()?;
    rest.is_empty().then(|| bins.map(u32::from_le_bytes))
}

/// In how many bins two sketches agree.
fn agreement(one: &Sketch, other: &Sketch) -> u32 {
    one.iter().zip(other).map(|(one, other)| u32::from(one == other)).sum()
}

/// An estimate of the Jaccard similarity of two texts, from 0 to 1 in steps of 1/256.
#[cfg(test)]
fn similarity(one: &Sketch, other: &Sketch) -> f64 {
    f64::from(agreement(one, other)) / BINS as f64
}

/// The first filled bin on the walk that begins at an empty one. At least one must be filled: every text has a shingle.
fn lender(empty: usize, filled: &[bool; BINS]) -> usize {
    let mut round = 0;
    loop {
        round += 1;
        // Each byte of the hash is one step.
        for step in shingles::scramble((empty as u64) << 32 | round).to_le_bytes() {
            if filled[usize::from(step)] {
                return usize::from(step);
            }
        }
    }
}

/// The Jaccard similarity of two texts' sets of shingles: how many they share over how many there are, from 0 to 1.
#[cfg(test)]
pub fn jaccard(one: &str, other: &str) -> f64 {
    overlap(&set(one), &set(other))
}

/// The shingles of a text by their hashes, sorted. Among ten million of them two are mistaken for one with a probability
/// of 5e-6.
#[cfg(test)]
fn set(text: &str) -> Vec<u64> {
    let mut hashes = Vec::new();
    shingles::for_each(text, |hash| hashes.push(hash));
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// What two sorted sets share over what they have, neither being empty.
#[cfg(test)]
fn overlap(one: &[u64], other: &[u64]) -> f64 {
    let mut rest = other.iter().peekable();
    let mut shared = 0;
    for hash in one {
        while rest.next_if(|&next| next < hash).is_some() {}
        shared += usize::from(rest.next_if_eq(&hash).is_some());
    }
    shared as f64 / (one.len() + other.len() - shared) as f64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// Random numbers that are the same everywhere.
    pub(super) struct Dice(pub u64);

    impl Dice {
        pub fn below(&mut self, limit: usize) -> usize {
            self.0 += 1;
            (shingles::scramble(self.0) % limit as u64) as usize
        }

        pub fn words(&mut self, count: usize) -> Vec<String> {
            (0..count).map(|_| format!("word{}", self.below(500))).collect()
        }

        /// Replaces, inserts, removes and moves single words and stretches.
        pub fn edit(&mut self, words: &mut Vec<String>, times: usize) {
            for _ in 0..times {
                let at = self.below(words.len() + 1);
                let end = words.len().min(at + 1 + self.below(6));
                match self.below(4) {
                    0 => drop(words.splice(at..end, self.words(end - at))),
                    1 => drop(words.splice(at..at, self.words(end - at))),
                    2 => drop(words.drain(at..end)),
                    _ => {
                        let moved: Vec<String> = words.drain(at..end).collect();
                        let to = self.below(words.len() + 1);
                        drop(words.splice(to..to, moved));
                    }
                }
            }
        }
    }

    /// The definition, word by word.
    fn words(text: &str) -> Vec<String> {
        let in_run = |c: char| c.is_alphanumeric() || c == '_';
        let mut words: Vec<String> = Vec::new();
        let mut running = false;
        for c in text.chars() {
            match words.last_mut() {
                Some(word) if running && in_run(c) => word.push(c),
                _ if !c.is_whitespace() => words.push(c.to_string()),
                _ => {}
            }
            running = in_run(c);
        }
        words
    }

    fn jaccard_by_words(one: &str, other: &str) -> f64 {
        let (one, other) = (words(one), words(other));
        let shingles = |words: &[String]| -> HashSet<Vec<String>> {
            let windows = words.windows(words.len().clamp(1, 5)).map(<[String]>::to_vec);
            windows.chain(words.is_empty().then(Vec::new)).collect()
        };
        let (one, other) = (shingles(&one), shingles(&other));
        one.intersection(&other).count() as f64 / one.union(&other).count() as f64
    }

    #[test]
    fn estimates_are_near_the_exact_similarity_for_texts_of_any_length() {
        let mut dice = Dice(1);
        let mut errors = Vec::new();
        for length in [1, 3, 6, 12, 25, 50, 100, 200, 400, 800, 1600, 3200] {
            for round in 0..25 {
                let mut words = dice.words(length);
                let old = words.join(" ");
                dice.edit(&mut words, 1 + length * round / 200);
                let new = words.join(" ");
                errors.push(similarity(&sketch(&old), &sketch(&new)) - jaccard(&old, &new));
            }
        }
        let mean = |errors: &[f64], power: i32| {
            errors.iter().map(|error| error.powi(power)).sum::<f64>() / errors.len() as f64
        };
        assert!(errors.iter().all(|error| error.abs() < 0.1));
        assert!(mean(&errors, 1).abs() < 0.005);
        assert!(mean(&errors, 2).sqrt() < 0.031);
    }

    #[test]
    fn spaces_do_not_count_and_order_does() {
        assert!(sketch("fn f ( x ) { x + 1 }") == sketch("fn f(x) {\n\tx+1\n}\n"));
        assert!(similarity(&sketch("a b c d e f g"), &sketch("g f e d c b a")) < 0.1);
        assert_eq!(jaccard("a b c d e f g", "g f e d c b a"), 0.0);
    }

    #[test]
    fn short_texts_are_one_shingle() {
        assert_eq!(jaccard("", " \n"), 1.0);
        assert_eq!(jaccard("", "a"), 0.0);
        assert_eq!(jaccard("a b c d", "a b c d"), 1.0);
        assert_eq!(jaccard("a b c d", "a b c e"), 0.0);
        assert_eq!(jaccard("a b c d e", "a b c d e f"), 0.5);
        assert_eq!(similarity(&sketch(""), &sketch("a")), 0.0);
        assert_eq!(similarity(&sketch(""), &sketch("\t")), 1.0);
    }

    #[test]
    fn sketches_are_the_same_everywhere() {
        let sketch = sketch("fn main() { println!(\"größer als 3 €\"); }");
        let digest = sketch.iter().fold(0, |digest, &bin| shingles::scramble(digest ^ u64::from(bin)));
        assert_eq!(digest, 8_387_385_560_148_917_904);
    }

    #[test]
    fn words_have_the_same_hash_wherever_they_stand() {
        let mut dice = Dice(5);
        let pieces =
            ["_", "a", "zZ09", "word", "eightlet", "nine_char", " ", "\n", "+", "[", "\u{b}", "é", "€"];
        for round in 0..200 {
            let most = if round % 2 == 0 { pieces.len() } else { pieces.len() - 2 };
            let text: String = (0..dice.below(120)).map(|_| pieces[dice.below(most)]).collect();
            let spread: String = words(&text).iter().map(|word| format!("{word} \u{2003}")).collect();
            assert_eq!(set(&text), set(&spread), "{text:?}");
        }
    }

    #[test]
    fn a_sketch_comes_back_from_its_bytes() {
        let sketch = sketch("one two three four five six");
        let bytes = to_bytes(&sketch);
        assert!(from_bytes(&bytes).unwrap() == sketch);
        assert!(from_bytes(&bytes[1..]).is_none());
        assert!(from_bytes(&[&bytes[..], b"1234"].concat()).is_none());
    }

    proptest! {
        #[test]
        fn the_exact_similarity_is_that_of_five_words_in_a_row(
            one in "[ab_é9€+ \u{2003}\n]{0,60}",
            other in "[ab_é9€+ \u{2003}\n]{0,60}",
        ) {
            prop_assert_eq!(jaccard(&one, &other), jaccard_by_words(&one, &other));
            prop_assert_eq!(jaccard(&one, &other), jaccard(&other, &one));
        }

        #[test]
        fn any_text_has_a_sketch_that_is_its_own(text in "\\PC{0,200}") {
            prop_assert_eq!(jaccard(&text, &text), 1.0);
            prop_assert_eq!(similarity(&sketch(&text), &sketch(&text)), 1.0);
        }
    }
}

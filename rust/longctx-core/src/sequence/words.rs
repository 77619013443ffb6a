//! The words of a text that may be names.

use wide::u8x16;

/// Bytes that are looked at at once.
const BLOCK: usize = 64;

/// The words of `text` with the byte where each begins: runs of letters, digits and underscores that do not begin with
/// a digit.
pub fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut runs = Runs::new(text);
    let mut end = 0;
    std::iter::from_fn(move || {
        loop {
            let start = runs.end(end, false);
            end = runs.end(start, true);
            let word = text.get(start..end)?;
            let &first = word.as_bytes().first()?;
            let is_number = match first.is_ascii() {
                true => first.is_ascii_digit(),
                false => word.starts_with(char::is_numeric),
            };
            if !is_number {
                return Some((start, word));
            }
        }
    })
}

/// Finds where runs end, from the front of a text to its end.
struct Runs<'t> {
    text: &'t str,
    /// Where the block begins that was looked at last.
    block: usize,
    /// Its bytes that are part of words, as bits; bit 0 is the first byte.
    inside: u64,
    /// Its bytes that are part of a character outside ASCII.
    wide: u64,
}

impl<'t> Runs<'t> {
    fn new(text: &'t str) -> Self {
        let mut runs = Self { text, block: 0, inside: 0, wide: 0 };
        runs.look_at(0);
        runs
    }

    fn look_at(&mut self, from: usize) {
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let mut padded = [0; BLOCK];
        let block = match rest.first_chunk() {
            Some(block) => block,
            None => {
                padded[..rest.len()].copy_from_slice(rest);
                &padded
            }
        };
        (self.block, self.inside, self.wide) = (from, 0, 0);
        let (parts, _) = block.as_chunks::<16>();
        for (place, part) in parts.iter().enumerate() {
            let bytes = u8x16::new(*part);
            let bits = |found: u8x16| u64::from(found.to_bitmask()) << (place * 16);
            let letters = within(bytes | u8x16::splat(0x20), b'a', b'z');
            let others = within(bytes, b'0', b'9') | bytes.simd_eq(u8x16::splat(b'_'));
            self.inside |= bits(letters | others);
            self.wide |= bits(bytes);
        }
    }

    /// Where the run at `at` ends, whose characters are all part of words, or all are not.
    fn end(&mut self, mut at: usize, in_word: bool) -> usize {
        loop {
            at = self.end_in_ascii(at, in_word);
            let wide = self.text.as_bytes().get(at).is_some_and(|byte| !byte.is_ascii());
            match self.text.get(at..).filter(|_| wide).and_then(|rest| rest.chars().next()) {
                Some(wide) if wide.is_alphanumeric() == in_word => at += wide.len_utf8(),
                _ => return at,
            }
        }
    }

    /// The same, if no character outside ASCII belongs to the run.
    fn end_in_ascii(&mut self, mut at: usize, in_word: bool) -> usize {
        let length = self.text.len();
        while at < length {
            if at - self.block >= BLOCK {
                self.look_at(at);
            }
            let ends = if in_word { !self.inside } else { self.inside | self.wide };
            let ends = ends >> (at - self.block);
            if ends != 0 {
                return (at + ends.trailing_zeros() as usize).min(length);
            }
            at = self.block + BLOCK;
        }
        length
    }
}

/// Bytes of `vector` from `least` to `most`.
fn within(vector: u8x16, least: u8, most: u8) -> u8x16 {
    let above = vector - u8x16::splat(least);
    above.simd_eq(above.min(u8x16::splat(most - least)))
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_are_the_runs_between_other_characters(text in "[ab_1é９ -€\n]{0,40}|[ab_1Z9@`{/:é -]{0,200}|[ab\\[]{50,140}") {
            let runs = text.split(|c: char| c != '_' && !c.is_alphanumeric());
            let runs = runs.map(|run| (run.as_ptr() as usize - text.as_ptr() as usize, run));
            let expected: Vec<_> =
                runs.filter(|(_, run)| !run.is_empty() && !run.starts_with(char::is_numeric)).collect();
            prop_assert_eq!(words(&text).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn words_are_what_can_be_a_name() {
        let found: Vec<_> = words("x1 = foo_bar(2e, größe)\n_").collect();
        assert_eq!(found, [(0, "x1"), (5, "foo_bar"), (17, "größe"), (26, "_")]);
        assert_eq!(words("12 34").count(), 0);
    }
}

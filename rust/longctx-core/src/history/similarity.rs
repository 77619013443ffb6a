//! How alike two texts are, estimated as git estimates it, so that renames come out as git's do.
//!
//! A text is cut at line ends, and after 64 bytes without one; each piece is hashed into about 2^17 values, and the
//! estimate is the number of bytes in pieces that both texts have, over the size of the larger text. The hash and
//! its modulus are part of the estimate: collisions count as equal pieces in git too.

/// The score of identical texts; 50 % is half of it.
pub(super) const MAX_SCORE: u64 = 60_000;

/// Number of different piece hashes.
const MODULUS: u32 = 107_927;

/// Pieces end here at the latest.
const LONGEST_PIECE: u32 = 64;

/// A text is binary, for git, if a NUL is among this many first bytes.
const BINARY_PROBE: usize = 8_000;

/// The pieces of one text: distinct hashes in rising order, each with the number of bytes under it.
pub(super) struct Fingerprint {
    pieces: Vec<(u32, u32)>,
    size: u64,
}

impl Fingerprint {
    /// Cuts and hashes `text`.
    pub(super) fn new(text: &[u8]) -> Self {
        let skip_cr = !is_binary(text);
        let mut pieces = Vec::with_capacity(text.len() / 32 + 1);
        let (mut low, mut high, mut length) = (0u32, 0u32, 0u32);
        for (at, &byte) in text.iter().enumerate() {
            if byte == b'\r' && skip_cr && text.get(at + 1) == Some(&b'\n') {
                continue;
            }
            let carried = low;
            low = (low << 7) ^ (high >> 25);
            high = (high << 7) ^ (carried >> 25);
            low = low.wrapping_add(u32::from(byte));
            length += 1;
            if length < LONGEST_PIECE && byte != b'\n' {
                continue;
            }
            pieces.push((piece_hash(low, high), length));
            (low, high, length) = (0, 0, 0);
        }
        if length > 0 {
            pieces.push((piece_hash(low, high), length));
        }
        pieces.sort_unstable_by_key(|piece| piece.0);
        pieces.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        pieces.shrink_to_fit();
        Self { pieces, size: text.len() as u64 }
    }

    /// The similarity of `self` (the older text) to `newer`, from 0 to [`MAX_SCORE`].
    pub(super) fn score(&self, newer: &Self) -> u64 {
        let larger = self.size.max(newer.size);
        if newer.size == 0 {
            return 0;
        }
        let mut shared = 0u64;
        let mut others = newer.pieces.iter().peekable();
        for &(hash, bytes) in &self.pieces {
            while others.next_if(|other| other.0 < hash).is_some() {}
            if let Some(&(_, other_bytes)) = others.next_if(|other| other.0 == hash) {
                shared += u64::from(bytes.min(other_bytes));
            }
        }
        shared * MAX_SCORE / larger
    }
}

/// Whether the sizes alone allow a similarity of `minimum`.
pub(super) fn sizes_allow(one: u64, other: u64, minimum: u64) -> bool {
    let larger = one.max(other);
    let difference = larger - one.min(other);
    u128::from(larger) * u128::from(MAX_SCORE - minimum) >= u128::from(difference) * u128::from(MAX_SCORE)
}

/// git's test for binary content.
pub(super) fn is_binary(text: &[u8]) -> bool {
    memchr::memchr(0, &text[..text.len().min(BINARY_PROBE)]).is_some()
}

fn piece_hash(low: u32, high: u32) -> u32 {
    low.wrapping_add(high.wrapping_mul(0x61)) % MODULUS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn score(old: &[u8], new: &[u8]) -> u64 {
        Fingerprint::new(old).score(&Fingerprint::new(new))
    }

    #[test]
    fn identical_texts_have_the_full_score_and_strangers_none() {
        assert_eq!(score(b"a\nb\n", b"a\nb\n"), MAX_SCORE);
        assert_eq!(score(b"aaaaaaaa\n", b"bbbbbbbb\n"), 0);
        assert_eq!(score(b"a\n", b""), 0);
    }

    #[test]
    fn half_of_the_lines_is_half_of_the_score() {
        assert_eq!(score(b"one\ntwo\n", b"one\nsix\n"), MAX_SCORE / 2);
    }

    #[test]
    fn line_endings_do_not_count_in_text_but_do_in_binary() {
        assert_eq!(score(b"one\r\ntwo\r\n", b"one\ntwo\n"), 8 * MAX_SCORE / 10);
        assert!(score(b"\0one\r\ntwo\r\n", b"\0one\ntwo\n") < MAX_SCORE / 10);
    }

    proptest! {
        #[test]
        fn scores_stay_in_range_and_sizes_never_exclude_a_similar_pair(
            old in proptest::collection::vec(0u8..4, 1..400),
            new in proptest::collection::vec(0u8..4, 1..400),
        ) {
            let score = score(&old, &new);
            prop_assert!(score <= MAX_SCORE);
            if score > 0 {
                prop_assert!(sizes_allow(old.len() as u64, new.len() as u64, score));
            }
        }
    }
}

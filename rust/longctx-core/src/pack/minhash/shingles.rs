//! Texts as sets of shingles: every five words in a row.

use super::block;

/// Words in a shingle.
const WORDS: usize = 5;

/// What a character is to a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Stands between words.
    Space,
    /// Part of a run that is one word.
    Run,
    /// A word by itself.
    Single,
}

const ASCII: [Class; 128] = {
    let mut classes = [Class::Single; 128];
    let mut at = 0;
    while at < 128 {
        let byte = at as u8;
        // Unlike `is_ascii_whitespace`, `char::is_whitespace` counts the vertical tab too.
        if byte.is_ascii_whitespace() || byte == 0x0b {
            classes[at] = Class::Space;
        } else if byte.is_ascii_alphanumeric() || byte == b'_' {
            classes[at] = Class::Run;
        }
        at += 1;
    }
    classes
};

/// The multiplier of hashes, of a word and of the sum over a shingle: 2^64 over the golden ratio, odd.
pub(super) const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// What the oldest of [`WORDS`] words has been multiplied by when the next one has come.
const OLDEST: u64 = FACTOR.wrapping_pow(WORDS as u32);

/// Calls `each` with the hash of every shingle, 63 bits, in order and as often as it occurs. A word is a run of letters,
/// digits and underscores, or one other character that is no space. A text of fewer than [`WORDS`] words is one
/// shingle, the empty text too.
pub(super) fn for_each(text: &str, mut each: impl FnMut(u64)) {
    let mut latest = [0u64; WORDS];
    let (mut sum, mut count) = (0u64, 0usize);
    for_each_word(text, |word| {
        let oldest = latest[0];
        latest.copy_within(1.., 0);
        latest[WORDS - 1] = word;
        sum = sum.wrapping_mul(FACTOR).wrapping_add(word).wrapping_sub(oldest.wrapping_mul(OLDEST));
        count += 1;
        if count >= WORDS {
            each(scramble(sum) >> 1);
        }
    });
    if count < WORDS {
        each(scramble(sum) >> 1);
    }
}

/// Calls `each` with the hash of every word.
fn for_each_word(text: &str, mut each: impl FnMut(u64)) {
    let mut at = 0;
    loop {
        // A word that goes on to the end of a block begins the next one.
        while let Some(length) = block::for_each_word(&text.as_bytes()[at..], |hash| each(scramble(hash))) {
            at += length;
        }
        // What is no block, or none yet: on for as long, to the end of a word.
        let until = at + block::BLOCK;
        while at < until {
            let Some((class, mut end)) = character(text, at) else { return };
            if class != Class::Space {
                let mut hash = FACTOR;
                loop {
                    for &byte in &text.as_bytes()[at..end] {
                        hash = (hash ^ u64::from(byte)).wrapping_mul(FACTOR);
                    }
                    match character(text, end) {
                        Some((Class::Run, next)) if class == Class::Run => (at, end) = (end, next),
                        _ => break,
                    }
                }
                each(scramble(hash));
            }
            at = end;
        }
    }
}

/// The class and the end of the character that begins at byte `at`.
#[inline]
fn character(text: &str, at: usize) -> Option<(Class, usize)> {
    let &byte = text.as_bytes().get(at)?;
    if let Some(&class) = ASCII.get(usize::from(byte)) {
        return Some((class, at + 1));
    }
    let wide = text.get(at..)?.chars().next()?;
    let class = match wide {
        _ if wide.is_alphanumeric() => Class::Run,
        _ if wide.is_whitespace() => Class::Space,
        _ => Class::Single,
    };
    Some((class, at + wide.len_utf8()))
}

/// Makes every bit depend on every other: the end of MurmurHash3.
pub(super) fn scramble(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits = (bits ^ (bits >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}

//! Sixty-four bytes at a time: a bit for each byte, and pre-tokens found with a few operations on whole words.
//!
//! A block begins where a pre-token begins, so that nothing before it matters. Only ASCII is understood; what lies at or
//! after the first other character, or depends on bytes after the block, is left undecided.

use wide::u8x16;

use super::scalar::{contraction, contraction_any_case};

/// Bytes of a block.
pub const BLOCK: usize = 64;

/// What [`Classes::of`] finds besides letters, digits, white space and apostrophes.
const NEWLINES: u8 = 1;
const CASE: u8 = 2;
const PUNCTUATION: u8 = 4;

/// Which bytes of a block are of a class; bit 0 is the first byte. Those after `known` bytes mean nothing.
#[derive(Debug, Clone, Copy, Default)]
struct Classes {
    letters: u64,
    digits: u64,
    /// All white space.
    spaces: u64,
    /// U+0020.
    blanks: u64,
    /// Carriage return and line feed.
    newlines: u64,
    /// Apostrophes.
    quotes: u64,
    /// Capital letters.
    capitals: u64,
    /// U+002F.
    slashes: u64,
    /// ASCII that is `\p{P}`.
    punctuation: u64,
    /// How many bytes there are before one outside ASCII, at most 64.
    known: u32,
}

/// Bytes of `vector` from `least` to `most`.
#[inline(always)]
fn within(vector: u8x16, least: u8, most: u8) -> u8x16 {
    let above = vector - u8x16::splat(least);
    above.simd_eq(above.min(u8x16::splat(most - least)))
}

impl Classes {
    #[inline(always)]
    fn of<const WANTED: u8>(block: &[u8; BLOCK]) -> Self {
        let mut classes = Self::default();
        let mut foreign = 0u64;
        let (parts, _) = block.as_chunks::<16>();
        for (place, part) in parts.iter().enumerate() {
            let bytes = u8x16::new(*part);
            let bits = |found: u8x16| u64::from(found.to_bitmask()) << (place * 16);
            let equal = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
            let blanks = equal(b' ');
            classes.letters |= bits(within(bytes | u8x16::splat(0x20), b'a', b'z'));
            classes.digits |= bits(within(bytes, b'0', b'9'));
            classes.spaces |= bits(within(bytes, b'\t', b'\r') | blanks);
            classes.blanks |= bits(blanks);
            classes.quotes |= bits(equal(b'\''));
            if WANTED & NEWLINES != 0 {
                classes.newlines |= bits(equal(b'\n') | equal(b'\r'));
            }
            if WANTED & CASE != 0 {
                classes.capitals |= bits(within(bytes, b'A', b'Z'));
                classes.slashes |= bits(equal(b'/'));
            }
            if WANTED & PUNCTUATION != 0 {
                let graphic = within(bytes, b'!', b'/')
                    | within(bytes, b':', b'@')
                    | within(bytes, b'[', b'`')
                    | within(bytes, b'{', b'~');
                let symbols = within(bytes, b'<', b'>')
                    | equal(b'$')
                    | equal(b'+')
                    | equal(b'^')
                    | equal(b'`')
                    | equal(b'|')
                    | equal(b'~');
                classes.punctuation |= bits(graphic & !symbols);
            }
            foreign |= bits(bytes);
        }
        classes.known = foreign.trailing_zeros();
        classes
    }
}

/// First bits of runs.
#[inline(always)]
fn first(run: u64) -> u64 {
    run & !(run << 1)
}

/// Bits of the runs that begin at bits of `from`, each of which begins a run.
#[inline(always)]
fn flood(run: u64, from: u64) -> u64 {
    run & !run.wrapping_add(from)
}

/// The lowest `count` bits, `count <= 64`.
#[inline(always)]
fn lowest(count: u32) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// How many bits of `run` there are in a row right below bit `known`.
#[inline(always)]
fn tail(run: u64, known: u32) -> u32 {
    (!(run << (64 - known))).leading_zeros()
}

/// Puts the ends of contractions in: `contraction` says where one that begins with the apostrophe at a place ends. Each
/// ends the pre-token, whatever follows.
#[inline(always)]
fn contract(
    mut bits: u64,
    mut decided: u64,
    quotes: u64,
    contraction: impl Fn(usize) -> Option<usize>,
) -> u64 {
    let mut candidates = quotes & bits & decided;
    while candidates != 0 {
        let place = candidates.trailing_zeros();
        candidates &= candidates - 1;
        if let Some(end) = contraction(place as usize) {
            let end = end as u32;
            bits &= !(lowest(end) & !lowest(place + 1));
            if end < 64 {
                bits |= 1 << end;
            } else {
                decided &= lowest(place + 1);
            }
        }
    }
    bits & decided
}

/// Starts of [`super::Gpt2`], or of [`super::DigitsGpt2`].
#[inline(always)]
pub fn gpt2<const DIGITS: bool>(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64 {
    let Classes { letters, digits, spaces, blanks, quotes, known, .. } = Classes::of::<0>(block);
    if known == 0 {
        return 1;
    }
    let others = !(letters | digits | spaces);
    let last_space = spaces & !(spaces >> 1);
    let bits = if DIGITS {
        ((first(letters) | first(others)) & !(blanks << 1))
            | digits
            | first(spaces)
            | (last_space & !(digits >> 1))
    } else {
        ((first(letters) | first(digits) | first(others)) & !(blanks << 1)) | first(spaces) | last_space
    };
    // The character after white space decides where it is cut.
    let decided = lowest(known - ((spaces >> (known - 1)) & 1) as u32);
    contract(bits, decided, quotes, |place| Some(contraction(text, at + place)? - at))
}

/// Digits that begin a group of at most `LENGTH`.
#[inline(always)]
fn groups<const LENGTH: usize>(digits: u64) -> u64 {
    if LENGTH == 1 {
        return digits;
    }
    let mut full = digits;
    for before in 1..=LENGTH {
        full &= digits << before;
    }
    let mut group = first(digits);
    let mut groups = group;
    while group != 0 {
        group = (group << LENGTH) & full;
        groups |= group;
    }
    groups
}

/// What cl100k and o200k have in common, given the line ends (and slashes) `absorbed` by punctuation before them: starts,
/// and how many of the first bytes are decided.
#[inline(always)]
fn words_numbers_space<const DIGITS: usize>(classes: &Classes, others: u64, absorbed: u64) -> (u64, u32) {
    let Classes { letters, digits, spaces, blanks, newlines, known, .. } = *classes;
    let level = spaces & !newlines;
    // White space after the last line end of its run, before something else: all of it but its last character is one.
    let last = level & !(spaces >> 1);
    let trailing = flood(level.reverse_bits(), last.reverse_bits()).reverse_bits();
    // A single other character, not taken by a blank before it, goes with the letters after it; so does white space.
    let single = first(others) & !(blanks << 1) & !(others >> 1);
    let bits = (first(letters) & !((level | single) << 1))
        | groups::<DIGITS>(digits)
        | (first(others) & !(blanks << 1))
        | first(spaces & !absorbed)
        | first(trailing)
        | last;
    (bits, known - tail(level, known))
}

/// Starts of [`super::Llama3`] and [`super::Cl100k`] (numbers of up to three digits) or [`super::Qwen2`] (one).
#[inline(always)]
pub fn cl100k<const DIGITS: usize>(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64 {
    let classes = Classes::of::<NEWLINES>(block);
    if classes.known == 0 {
        return 1;
    }
    let others = !(classes.letters | classes.digits | classes.spaces);
    // Line ends right after punctuation belong to it.
    let absorbed = flood(classes.newlines, classes.newlines & (others << 1));
    let (bits, decided) = words_numbers_space::<DIGITS>(&classes, others, absorbed);
    contract(bits, lowest(decided), classes.quotes, |place| {
        Some(contraction_any_case(text, at + place)? - at)
    })
}

/// Starts of [`super::O200k`].
#[inline(always)]
pub fn o200k(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64 {
    let classes = Classes::of::<{ NEWLINES | CASE }>(block);
    let Classes { letters, capitals, newlines, slashes, quotes, known, .. } = classes;
    if known == 0 {
        return 1;
    }
    let others = !(letters | classes.digits | classes.spaces);
    // Line ends and slashes after punctuation and a line end belong to it; one stretch may begin inside another's run.
    let mut absorbed = 0;
    let mut candidates = newlines & (others << 1);
    while candidates != 0 {
        let from = candidates & candidates.wrapping_neg();
        absorbed |= flood(newlines | slashes, from);
        candidates &= !(absorbed | from);
    }
    let (bits, decided) = words_numbers_space::<3>(&classes, others & !absorbed, absorbed);
    let mut bits = bits | (capitals & ((letters & !capitals) << 1));
    let mut decided = lowest(decided);
    // A contraction goes with the letter before it, unless that belongs to a contraction itself.
    let mut apostrophes = quotes & (letters << 1) & decided;
    let mut free = 0;
    while apostrophes != 0 {
        let place = apostrophes.trailing_zeros();
        apostrophes &= apostrophes - 1;
        if place == free {
            continue;
        }
        if let Some(end) = contraction_any_case(text, at + place as usize) {
            let end = (end - at) as u32;
            bits &= !(lowest(end) & !lowest(place));
            if end < 64 {
                bits |= 1 << end;
            } else {
                decided &= lowest(place);
            }
            free = end;
        }
    }
    bits & decided
}

/// Starts of [`super::DeepSeekCoder`].
#[inline(always)]
pub fn deepseek_coder(block: &[u8; BLOCK]) -> u64 {
    let Classes { letters, digits, spaces, newlines, punctuation, known, .. } =
        Classes::of::<{ NEWLINES | PUNCTUATION }>(block);
    if known == 0 {
        return 1;
    }
    let level = spaces & !newlines;
    let led = level & ((letters | punctuation) >> 1);
    let words = letters | (level & (letters >> 1));
    let marks = punctuation | (level & (punctuation >> 1));
    let rest = !(words | marks | newlines);
    let alone = newlines | digits;
    let bits = first(words) | first(marks) | first(rest) | led | alone | (alone << 1);
    // What white space belongs to is decided by the character after it.
    bits & lowest(known - ((level >> (known - 1)) & 1) as u32)
}

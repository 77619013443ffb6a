//! The words of plain text, many at a time: where they begin is found by comparing 64 characters at once, and a word of
//! up to eight characters is hashed without asking how long it is.

use wide::u8x16;

use super::shingles::FACTOR;

/// Characters of a block.
pub const BLOCK: usize = 64;
/// Bytes that are hashed at once.
const STEP: usize = 8;

/// By what the hash of so many bytes, and of zeros after them up to [`STEP`], is multiplied to be the hash of the bytes
/// alone: a zero multiplies by [`FACTOR`], which has an inverse.
const UNDO: [u64; STEP + 1] = {
    let mut inverse = FACTOR;
    let mut round = 0;
    while round < 6 {
        // Newton: twice as many bits are right after each.
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(FACTOR.wrapping_mul(inverse)));
        round += 1;
    }
    let mut powers = [1u64; STEP + 1];
    let mut bytes = STEP;
    while bytes > 0 {
        powers[bytes - 1] = powers[bytes].wrapping_mul(inverse);
        bytes -= 1;
    }
    powers
};

/// Calls `each` with the hash, not yet scrambled, of every word of the first [`BLOCK`] bytes of `text`, and says how many
/// bytes that makes: fewer where the last word may go on. None if the bytes are not all ASCII, are one word, or if fewer
/// than [`STEP`] others follow.
pub fn for_each_word(text: &[u8], mut each: impl FnMut(u64)) -> Option<usize> {
    let block: &[u8; BLOCK] = text.get(..text.len().checked_sub(STEP)?)?.first_chunk()?;
    let (runs, singles) = classes(block)?;
    let open = runs.leading_ones();
    let inside = runs & runs << 1;
    let mut starts = (runs & !inside | singles) & u64::MAX.checked_shr(open)?;
    while starts != 0 {
        let start = starts.trailing_zeros();
        starts &= starts - 1;
        let length = 1 + (inside >> start >> 1).trailing_ones() as usize;
        each(hash(text, start as usize, length));
    }
    Some(BLOCK - open as usize)
}

/// The characters of a block that are part of longer words, and those that are words by themselves, as bits; none if
/// some are not ASCII.
fn classes(block: &[u8; BLOCK]) -> Option<(u64, u64)> {
    let (mut runs, mut spaces, mut wide) = (0, 0, 0);
    let (parts, _) = block.as_chunks::<16>();
    for (place, part) in parts.iter().enumerate() {
        let bytes = u8x16::new(*part);
        let bits = |found: u8x16| u64::from(found.to_bitmask()) << (place * 16);
        let equal = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
        let letters = within(bytes | u8x16::splat(0x20), b'a', b'z');
        runs |= bits(letters | within(bytes, b'0', b'9') | equal(b'_'));
        spaces |= bits(within(bytes, b'\t', b'\r') | equal(b' '));
        wide |= bits(within(bytes, 0x80, 0xff));
    }
    (wide == 0).then_some((runs, !(runs | spaces)))
}

fn within(vector: u8x16, least: u8, most: u8) -> u8x16 {
    let above = vector - u8x16::splat(least);
    above.simd_eq(above.min(u8x16::splat(most - least)))
}

/// The hash of a word; [`STEP`] bytes after its end must be there.
fn hash(text: &[u8], mut at: usize, mut length: usize) -> u64 {
    let load = |at: usize| {
        let bytes = text.get(at..).and_then(|rest| rest.first_chunk::<STEP>());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let mut hash = FACTOR;
    let mut steps = |bytes: u64| {
        for step in 0..STEP {
            hash = (hash ^ (bytes >> (8 * step) & 0xff)).wrapping_mul(FACTOR);
        }
        hash
    };
    while length > STEP {
        steps(load(at));
        (at, length) = (at + STEP, length - STEP);
    }
    steps(load(at) & u64::MAX >> (64 - 8 * length)).wrapping_mul(UNDO[length])
}

//! Headers of numpy's `.npy` files, version 1.0 (numpy/doc/neps/nep-0001-npy-format).

use super::TokenWidth;

/// One row of an index: its numpy type, packed, little-endian.
pub const INDEX_DESCR: &str = "[('offset', '<u8'), ('length', '<u4'), ('loss_start', '<u4'), ('kind', '|u1'), \
     ('difficulty', '|u1'), ('band', '|u1'), ('seen', '|u1'), ('score', '<f4'), ('files', '<u2')]";

/// Bytes of one row.
pub const INDEX_ROW: usize = 26;

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// A row of an index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndexRow {
    /// First token of the sequence in the shard.
    pub offset: u64,
    /// Tokens.
    pub length: u32,
    /// Tokens from here on carry loss.
    pub loss_start: u32,
    /// See [`crate::sequence::Kind`].
    pub kind: u8,
    /// See [`crate::difficulty::Difficulty`].
    pub difficulty: u8,
    /// Number of the phase.
    pub band: u8,
    /// 1 if what it teaches is (also) in the training split.
    pub seen: u8,
    /// The difficulty's score.
    pub score: f32,
    /// Different files.
    pub files: u16,
}

impl IndexRow {
    /// The row as numpy stores it.
    pub fn to_bytes(self) -> [u8; INDEX_ROW] {
        let mut row = [0; INDEX_ROW];
        row[0..8].copy_from_slice(&self.offset.to_le_bytes());
        row[8..12].copy_from_slice(&self.length.to_le_bytes());
        row[12..16].copy_from_slice(&self.loss_start.to_le_bytes());
        row[16..20].copy_from_slice(&[self.kind, self.difficulty, self.band, self.seen]);
        row[20..24].copy_from_slice(&self.score.to_le_bytes());
        row[24..26].copy_from_slice(&self.files.to_le_bytes());
        row
    }

    /// A row that numpy stored.
    pub fn from_bytes(row: &[u8; INDEX_ROW]) -> Self {
        let u32_at = |at: usize| u32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
        Self {
            offset: u64::from(u32_at(0)) | (u64::from(u32_at(4)) << 32),
            length: u32_at(8),
            loss_start: u32_at(12),
            kind: row[16],
            difficulty: row[17],
            band: row[18],
            seen: row[19],
            score: f32::from_bits(u32_at(20)),
            files: u16::from_le_bytes([row[24], row[25]]),
        }
    }
}

/// The header of a one-dimensional array of `count` elements of type `descr` (a Python literal).
pub fn header(descr: &str, count: u64) -> Vec<u8> {
    let mut dict = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': ({count},), }}");
    // Data begins at a multiple of 64 bytes; the header ends with a newline.
    let unpadded = MAGIC.len() + 2 + dict.len() + 1;
    dict.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    dict.push('\n');
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&(dict.len() as u16).to_le_bytes());
    out.extend_from_slice(dict.as_bytes());
    out
}

/// The header of a shard's tokens.
pub fn tokens_header(width: TokenWidth, count: u64) -> Vec<u8> {
    let descr = match width {
        TokenWidth::Two => "'<u2'",
        TokenWidth::Four => "'<u4'",
    };
    header(descr, count)
}

/// The header of a shard's index.
pub fn index_header(count: u64) -> Vec<u8> {
    header(INDEX_DESCR, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_what_numpy_writes() {
        let expected =
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<u2', 'fortran_order': False, 'shape': (12345,), }";
        let header = tokens_header(TokenWidth::Two, 12_345);
        assert_eq!(&header[..expected.len()], expected);
        assert_eq!(header.len(), 128);
        assert_eq!(header.last(), Some(&b'\n'));
        assert_eq!(index_header(7).len() % 64, 0);
    }

    #[test]
    fn rows_survive_the_round_trip() {
        let row = IndexRow {
            offset: u64::MAX - 5,
            length: 2048,
            loss_start: 520,
            kind: 2,
            difficulty: 3,
            band: 1,
            seen: 1,
            score: 0.41,
            files: 777,
        };
        assert_eq!(IndexRow::from_bytes(&row.to_bytes()), row);
    }
}

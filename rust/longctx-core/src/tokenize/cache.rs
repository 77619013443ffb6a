//! What one thread remembers of pre-tokens it has met: two tables of fixed size.
//!
//! Of the pre-tokens of source code 98 % are one of 10,000. They are at most 15 bytes long, so that a key is two
//! registers, and most are one token. Tables are small and private to a thread: a large one pays for its page faults
//! on the first pass, a shared one for its locks.

use std::hash::Hasher;

/// Longest pre-token of the short table: 15 bytes and their number make a key.
pub const SHORT: usize = 15;
/// Most ids of an entry of the short table.
pub const INLINE: usize = 3;
/// Two entries a bucket, a cache line each: 2 MiB.
const BUCKET_BITS: u32 = 15;
const LONG_BITS: u32 = 13;
/// Longer pre-tokens are not remembered.
const LONG_BYTES: usize = 256;

/// Up to 15 bytes and, in the top byte, their number; never zero.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    low: u64,
    high: u64,
}

/// Masks of the first bytes of a 16-byte window, by their number.
const MASKS: [[u64; 2]; 16] = {
    let mut masks = [[0; 2]; 16];
    let mut length = 0;
    while length < 16 {
        let mask = (1u128 << (length * 8)) - 1;
        masks[length] = [mask as u64, (mask >> 64) as u64];
        length += 1;
    }
    masks
};

impl Key {
    const NONE: Self = Self { low: 0, high: 0 };

    /// The first `length` bytes of `window`.
    #[inline(always)]
    pub fn of_window(window: &[u8; 16], length: usize) -> Self {
        let whole = u128::from_le_bytes(*window);
        let [low, high] = MASKS[length & 15];
        Self { low: whole as u64 & low, high: ((whole >> 64) as u64 & high) | ((length as u64) << 56) }
    }

    /// All bytes of `piece`, of which there are at most 15.
    #[inline(always)]
    pub fn of_piece(piece: &[u8]) -> Self {
        let mut window = [0; 16];
        window[..piece.len()].copy_from_slice(piece);
        Self::of_window(&window, piece.len())
    }

    /// Equality without a branch between the halves.
    #[inline(always)]
    fn is(self, other: Self) -> bool {
        (self.low ^ other.low) | (self.high ^ other.high) == 0
    }

    #[inline(always)]
    fn bucket(self) -> usize {
        let mixed =
            self.low.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ self.high.wrapping_mul(0xA24B_AED4_963E_E407);
        (mixed >> (64 - BUCKET_BITS)) as usize
    }

    fn other_bucket(self) -> usize {
        let mixed = (self.low ^ self.high.rotate_left(29)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        (mixed >> (64 - BUCKET_BITS)) as usize
    }
}

/// The ids of a short pre-token: at most three, or as many as it has bytes if those after the first are the same, as of
/// a line break and an indent where the vocabulary has no entry for several spaces.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    key: Key,
    /// Ids; those from `count` on mean nothing. Of more than three all after the second are as the second.
    pub ids: [u32; INLINE],
    /// Bytes of the pre-token up to the end of each.
    pub ends: [u8; INLINE],
    /// How many there are.
    pub count: u8,
}

impl Entry {
    /// Whether an entry can tell so many ids.
    pub fn can_hold(ids: &[u32]) -> bool {
        ids.len() <= INLINE || ids[2..].iter().all(|&id| id == ids[1])
    }
}

const NO_ENTRY: Entry = Entry { key: Key::NONE, ids: [0; INLINE], ends: [0; INLINE], count: 0 };

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Bucket([Entry; 2]);

/// The table of pre-tokens of up to 15 bytes, of those that [`Entry`] can tell.
#[derive(Debug)]
pub struct ShortCache(Box<[Bucket; 1 << BUCKET_BITS]>);

impl Default for ShortCache {
    fn default() -> Self {
        let buckets = vec![Bucket([NO_ENTRY; 2]); 1 << BUCKET_BITS].into_boxed_slice();
        match buckets.try_into() {
            Ok(buckets) => Self(buckets),
            Err(_) => unreachable!("as many buckets as were asked for"),
        }
    }
}

impl ShortCache {
    /// The entry of `key`.
    #[inline(always)]
    pub fn get(&self, key: Key) -> Option<&Entry> {
        // Which of the two it is no branch predicts well, so none is asked.
        let Bucket(entries) = &self.0[key.bucket()];
        let entry = &entries[usize::from(!entries[0].key.is(key))];
        entry.key.is(key).then_some(entry)
    }

    /// The entry of a `key` that had no room in its own bucket.
    #[inline]
    pub fn get_moved(&self, key: Key) -> Option<&Entry> {
        let Bucket(entries) = &self.0[key.other_bucket()];
        entries.iter().find(|entry| entry.key.is(key))
    }

    /// Remembers `ids` that an [`Entry::can_hold`]. What came first, and so most often, keeps its place.
    pub fn insert(&mut self, key: Key, ids: &[u32], length: impl Fn(u32) -> u32) {
        let mut entry = Entry { key, count: ids.len() as u8, ..NO_ENTRY };
        let mut end = 0;
        for (at, &id) in ids.iter().enumerate().take(INLINE) {
            end += length(id);
            (entry.ids[at], entry.ends[at]) = (id, end as u8);
        }
        for bucket in [key.bucket(), key.other_bucket()] {
            let Bucket(entries) = &mut self.0[bucket];
            if let Some(free) = entries.iter_mut().find(|entry| entry.key.is(Key::NONE)) {
                *free = entry;
                return;
            }
        }
        self.0[key.bucket()].0[1] = entry;
    }
}

#[derive(Debug, Default)]
struct LongEntry {
    piece: Vec<u8>,
    tokens: Vec<[u32; 2]>,
}

/// The table of pre-tokens of up to 256 bytes: each has one place, and the last to come keeps it.
#[derive(Debug)]
pub struct LongCache(Box<[LongEntry]>);

impl Default for LongCache {
    fn default() -> Self {
        Self((0..1 << LONG_BITS).map(|_| LongEntry::default()).collect())
    }
}

impl LongCache {
    fn place(piece: &[u8]) -> usize {
        let mut hasher = rustc_hash::FxHasher::default();
        hasher.write(piece);
        (hasher.finish() >> (64 - LONG_BITS)) as usize
    }

    /// The tokens of `piece`: the id of each and the bytes of the piece up to its end.
    pub fn get(&self, piece: &[u8]) -> Option<&[[u32; 2]]> {
        let entry = &self.0[Self::place(piece)];
        (entry.piece == piece && !piece.is_empty()).then_some(&entry.tokens)
    }

    /// Remembers the `ids` of `piece`, if it is short enough.
    pub fn insert(&mut self, piece: &[u8], ids: &[u32], length: impl Fn(u32) -> u32) {
        if piece.len() > LONG_BYTES {
            return;
        }
        let entry = &mut self.0[Self::place(piece)];
        entry.piece.clear();
        entry.piece.extend_from_slice(piece);
        let mut end = 0;
        entry.tokens.clear();
        entry.tokens.extend(ids.iter().map(|&id| {
            end += length(id);
            [id, end]
        }));
    }
}

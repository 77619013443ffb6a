//! Byte-level byte-pair encoding, exact, with a small fixed-size cache of pre-tokens for each thread.

use std::collections::HashMap;

use super::merges::{MergeTable, MergeWork};
use super::pretokenize::{DigitsGpt2, Gpt2, Llama3, Pattern, Qwen2, Scan};

/// Pre-tokens of up to this many bytes fit a cache key: 15 bytes and their number.
const SHORT: usize = 15;
/// Two entries a bucket: 2^13 buckets of one cache line take 512 KiB, so that they stay in a core's own cache. A larger
/// table pays for its page faults on the first pass.
const BUCKET_BITS: u32 = 13;
const INLINE: usize = 3;
/// Longer pre-tokens are remembered in a map of at most this many entries.
const LONG_ENTRIES: usize = 1 << 13;
const LONG_BYTES: usize = 256;

/// A byte-level BPE whose pre-tokenizer has a scanner.
#[derive(Debug)]
pub struct Bpe {
    pattern: Pattern,
    /// Entry of each byte; `None` for bytes the vocabulary lacks, which Hugging Face drops.
    bytes: [Option<u32>; 256],
    merges: MergeTable,
    /// Where the file says `ignore_merges`: whole pre-tokens that are entries.
    whole: Option<HashMap<Box<[u8]>, u32>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u128,
    ids: [u32; INLINE],
    count: u32,
}

const NO_ENTRY: Entry = Entry { key: 0, ids: [0; INLINE], count: 0 };

/// What one thread keeps between calls: the caches and buffers.
#[derive(Debug)]
pub struct Scratch {
    short: Box<[[Entry; 2]]>,
    long: HashMap<Box<[u8]>, Box<[u32]>>,
    symbols: Vec<u32>,
    work: MergeWork,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            short: vec![[NO_ENTRY; 2]; 1 << BUCKET_BITS].into_boxed_slice(),
            long: HashMap::new(),
            symbols: Vec::new(),
            work: MergeWork::default(),
        }
    }
}

impl Bpe {
    /// `merges` are `(left, right, merged)` in rank order; `whole` is given where the file says `ignore_merges`.
    pub fn new(
        pattern: Pattern,
        bytes: [Option<u32>; 256],
        merges: &[(u32, u32, u32)],
        whole: Option<HashMap<Box<[u8]>, u32>>,
    ) -> Self {
        Self { pattern, bytes, merges: MergeTable::new(merges), whole }
    }

    /// Appends the ids of `text` to `out`.
    pub fn encode(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<u32>) {
        match self.pattern {
            Pattern::Gpt2 => self.encode_with::<Gpt2>(text.as_bytes(), scratch, out),
            Pattern::DigitsGpt2 => self.encode_with::<DigitsGpt2>(text.as_bytes(), scratch, out),
            Pattern::Llama3 => self.encode_with::<Llama3>(text.as_bytes(), scratch, out),
            Pattern::Qwen2 => self.encode_with::<Qwen2>(text.as_bytes(), scratch, out),
        }
    }

    fn encode_with<S: Scan>(&self, text: &[u8], scratch: &mut Scratch, out: &mut Vec<u32>) {
        out.reserve(text.len() / 3 + 8);
        let mut at = 0;
        while at < text.len() {
            let end = S::end(text, at);
            if end - at <= SHORT {
                self.encode_short(text, at, end, scratch, out);
            } else {
                self.encode_long(&text[at..end], scratch, out);
            }
            at = end;
        }
    }

    #[inline(always)]
    fn encode_short(&self, text: &[u8], at: usize, end: usize, scratch: &mut Scratch, out: &mut Vec<u32>) {
        let key = short_key(text, at, end - at);
        let bucket = bucket_of(key);
        let entries = &mut scratch.short[bucket];
        let hit = if entries[0].key == key {
            entries[0]
        } else if entries[1].key == key {
            entries.swap(0, 1);
            entries[0]
        } else {
            self.fill(key, bucket, &text[at..end], scratch, out);
            return;
        };
        match hit.count {
            1 => out.push(hit.ids[0]),
            count => out.extend_from_slice(&hit.ids[..count as usize]),
        }
    }

    #[cold]
    #[inline(never)]
    fn fill(&self, key: u128, bucket: usize, piece: &[u8], scratch: &mut Scratch, out: &mut Vec<u32>) {
        self.encode_piece(piece, scratch);
        out.extend_from_slice(&scratch.symbols);
        let count = scratch.symbols.len();
        if count <= INLINE {
            let mut ids = [0; INLINE];
            ids[..count].copy_from_slice(&scratch.symbols);
            let entries = &mut scratch.short[bucket];
            entries[1] = entries[0];
            entries[0] = Entry { key, ids, count: count as u32 };
        }
    }

    #[inline(never)]
    fn encode_long(&self, piece: &[u8], scratch: &mut Scratch, out: &mut Vec<u32>) {
        if piece.len() > LONG_BYTES {
            self.encode_piece(piece, scratch);
            out.extend_from_slice(&scratch.symbols);
            return;
        }
        if let Some(ids) = scratch.long.get(piece) {
            out.extend_from_slice(ids);
            return;
        }
        self.encode_piece(piece, scratch);
        out.extend_from_slice(&scratch.symbols);
        if scratch.long.len() >= LONG_ENTRIES {
            scratch.long.clear();
        }
        scratch.long.insert(piece.into(), scratch.symbols.as_slice().into());
    }

    /// Leaves the ids of one pre-token in `scratch.symbols`.
    fn encode_piece(&self, piece: &[u8], scratch: &mut Scratch) {
        let Scratch { symbols, work, .. } = scratch;
        symbols.clear();
        if let Some(&id) = self.whole.as_ref().and_then(|whole| whole.get(piece)) {
            symbols.push(id);
            return;
        }
        symbols.extend(piece.iter().filter_map(|&byte| self.bytes[usize::from(byte)]));
        self.merges.merge(symbols, work);
    }
}

/// The bytes from `at`, `length <= 15` of them, and their number in the top byte; never zero.
#[inline(always)]
fn short_key(text: &[u8], at: usize, length: usize) -> u128 {
    let bytes = match text.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        Some(chunk) => u128::from_le_bytes(*chunk) & ((1u128 << (length * 8)) - 1),
        None => {
            let mut chunk = [0u8; 16];
            chunk[..length].copy_from_slice(&text[at..at + length]);
            u128::from_le_bytes(chunk)
        }
    };
    bytes | ((length as u128) << 120)
}

#[inline(always)]
fn bucket_of(key: u128) -> usize {
    let folded = (key as u64) ^ ((key >> 64) as u64).wrapping_mul(0xA24B_AED4_963E_E407);
    (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BUCKET_BITS)) as usize
}

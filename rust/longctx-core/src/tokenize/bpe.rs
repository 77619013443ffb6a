//! Byte-level byte-pair encoding, exact: pre-tokens by [`Scan`], their ids from a small cache or by merging.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Encoded;
use super::cache::{Entry, INLINE, Key, LongCache, SHORT, ShortCache};
use super::merges::{MergeTable, MergeWork};
use super::pretokenize::{
    BLOCK, Cl100k, DeepSeekCoder, DigitsGpt2, Gpt2, Llama3, O200k, Pattern, Qwen2, Scan,
};

/// Tokens are put together here before they are copied to the caller's memory.
const STAGED: usize = 1024;
/// A block, and what the key of a pre-token that begins in it may look at.
const WINDOW: usize = BLOCK + 16;

/// Room for those, for the tokens of one more block, and for those that [`Stage::take`] writes in vain.
const STAGE: usize = STAGED + WINDOW + INLINE;

/// A byte-level BPE whose pre-tokenizer has a scanner.
#[derive(Debug)]
pub struct Bpe {
    pattern: Pattern,
    /// Entry of each byte; `None` for bytes the vocabulary lacks, which Hugging Face drops.
    bytes: [Option<u32>; 256],
    merges: MergeTable,
    /// Where the file says `ignore_merges`: whole pre-tokens that are entries.
    whole: Option<HashMap<Box<[u8]>, u32>>,
    /// Bytes of each entry that can come out.
    lengths: Box<[u32]>,
    /// Tells this encoder from all others of the process; not zero.
    number: u64,
}

static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

/// Bytes that are encoded without the caches before these are made: a short text is sooner done than they are.
pub(super) const UNCACHED: usize = 4096;

/// What one thread keeps between calls: the caches and buffers.
#[derive(Debug, Default)]
pub struct Scratch {
    caches: Option<Box<Caches>>,
    /// Bytes encoded so far without caches.
    uncached: usize,
    work: Work,
}

#[derive(Debug)]
struct Caches {
    /// [`Bpe::number`] of the encoder that filled them.
    owner: u64,
    short: ShortCache,
    long: LongCache,
    staged: [[u32; 2]; STAGE],
}

impl Caches {
    fn new(owner: u64) -> Self {
        Self { owner, short: ShortCache::default(), long: LongCache::default(), staged: [[0; 2]; STAGE] }
    }
}

#[derive(Debug, Default)]
struct Work {
    symbols: Vec<u32>,
    merging: MergeWork,
    /// A byte that the vocabulary lacks was met.
    dropped: bool,
}

/// Ids and ends on their way out.
struct Stage<'o> {
    tokens: &'o mut [[u32; 2]; STAGE],
    count: usize,
    out: &'o mut Encoded,
}

impl Stage<'_> {
    /// Takes one token; there is room for those of a block after each [`Self::make_room`].
    #[inline(always)]
    fn push(&mut self, id: u32, end: u32) {
        if let Some(slot) = self.tokens.get_mut(self.count) {
            *slot = [id, end];
            self.count += 1;
        } else {
            debug_assert!(false, "more tokens than bytes");
        }
    }

    /// Takes the tokens of an entry whose pre-token begins at `from`.
    #[inline(always)]
    fn take(&mut self, entry: &Entry, from: u32) {
        let count = usize::from(entry.count);
        // All three whatever the count is, for no branch predicts it; what comes next stands in place of those too many.
        if let Some(slots) =
            self.tokens.get_mut(self.count..).and_then(|rest| rest.first_chunk_mut::<INLINE>())
        {
            for (slot, (&id, &end)) in slots.iter_mut().zip(entry.ids.iter().zip(&entry.ends)) {
                *slot = [id, from + u32::from(end)];
            }
            self.count += count.min(INLINE);
        } else {
            debug_assert!(false, "more tokens than bytes");
        }
        if count > INLINE {
            let step = u32::from(entry.ends[1] - entry.ends[0]);
            let mut end = from + u32::from(entry.ends[2]);
            for _ in INLINE..count {
                end += step;
                self.push(entry.ids[1], end);
            }
        }
    }

    /// Takes the `ids` of a pre-token that begins at `from`, however many.
    fn extend(&mut self, ids: &[u32], from: u32, lengths: &[u32]) {
        let mut end = from;
        for &id in ids {
            end += lengths[id as usize];
            self.make_room();
            self.push(id, end);
        }
    }

    /// Takes the tokens of a pre-token that begins at `from`, as [`LongCache::get`] gives them, however many.
    fn take_long(&mut self, tokens: &[[u32; 2]], from: u32) {
        for part in tokens.chunks(WINDOW) {
            self.make_room();
            for &[id, end] in part {
                self.push(id, from + end);
            }
        }
        self.make_room();
    }

    #[inline(always)]
    fn make_room(&mut self) {
        if self.count > STAGED {
            self.flush();
        }
    }

    #[inline(never)]
    fn flush(&mut self) {
        let staged = &self.tokens[..self.count];
        self.out.ids.extend(staged.iter().map(|token| token[0]));
        self.out.ends.extend(staged.iter().map(|token| token[1]));
        self.count = 0;
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
        let lengths = lengths(&bytes, merges, whole.as_ref());
        let number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { pattern, bytes, merges: MergeTable::new(merges), whole, lengths, number }
    }

    /// Bytes of each entry that can come out, zero for the others.
    pub fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// Appends the tokens of `text`, which begins at byte `base` of the whole. False if a byte that the vocabulary lacks
    /// was dropped: ends are then those of the text, not those of what the tokens spell.
    pub fn encode(&self, text: &str, base: u32, scratch: &mut Scratch, out: &mut Encoded) -> bool {
        match self.pattern {
            Pattern::Gpt2 => self.encode_with::<Gpt2>(text, base, scratch, out),
            Pattern::DigitsGpt2 => self.encode_with::<DigitsGpt2>(text, base, scratch, out),
            Pattern::Llama3 => self.encode_with::<Llama3>(text, base, scratch, out),
            Pattern::Qwen2 => self.encode_with::<Qwen2>(text, base, scratch, out),
            Pattern::Cl100k => self.encode_with::<Cl100k>(text, base, scratch, out),
            Pattern::O200k => self.encode_with::<O200k>(text, base, scratch, out),
            Pattern::DeepSeekCoder => self.encode_with::<DeepSeekCoder>(text, base, scratch, out),
        }
    }

    fn encode_with<S: Scan>(&self, text: &str, base: u32, scratch: &mut Scratch, out: &mut Encoded) -> bool {
        out.ids.reserve(text.len() / 3 + 8);
        out.ends.reserve(text.len() / 3 + 8);
        let Scratch { caches, uncached, work } = scratch;
        work.dropped = false;
        if caches.is_none() {
            *uncached += text.len();
        }
        let caches = match caches {
            None if *uncached < UNCACHED => {
                self.encode_uncached::<S>(text.as_bytes(), base, work, out);
                return !work.dropped;
            }
            Some(caches) if caches.owner == self.number => caches,
            caches => caches.insert(Box::new(Caches::new(self.number))),
        };
        let Caches { short, long, staged, .. } = &mut **caches;
        let stage = Stage { tokens: staged, count: 0, out };
        Run { bpe: self, short, long, work, stage, base }.encode::<S>(text.as_bytes());
        !work.dropped
    }

    fn encode_uncached<S: Scan>(&self, text: &[u8], base: u32, work: &mut Work, out: &mut Encoded) {
        let (mut at, mut token_end) = (0, base);
        while at < text.len() {
            let end = S::end(text, at);
            self.encode_piece(&text[at..end], work);
            out.ids.extend_from_slice(&work.symbols);
            out.ends.extend(work.symbols.iter().map(|&id| {
                token_end += self.lengths[id as usize];
                token_end
            }));
            at = end;
        }
    }

    /// Leaves the ids of one pre-token in `work.symbols`.
    fn encode_piece(&self, piece: &[u8], work: &mut Work) {
        let Work { symbols, merging, dropped } = work;
        symbols.clear();
        if let Some(&id) = self.whole.as_ref().and_then(|whole| whole.get(piece)) {
            symbols.push(id);
            return;
        }
        symbols.extend(piece.iter().filter_map(|&byte| self.bytes[usize::from(byte)]));
        *dropped |= symbols.len() < piece.len();
        self.merges.merge(symbols, merging);
    }
}

/// The encoding of one text.
struct Run<'r> {
    bpe: &'r Bpe,
    short: &'r mut ShortCache,
    long: &'r mut LongCache,
    work: &'r mut Work,
    stage: Stage<'r>,
    /// Where the text begins in the whole.
    base: u32,
}

impl Run<'_> {
    fn encode<S: Scan>(mut self, text: &[u8]) {
        let mut at = 0;
        while let Some(window) = text.get(at..).and_then(|rest| rest.first_chunk::<WINDOW>()) {
            self.stage.make_room();
            let Some(block) = window.first_chunk::<BLOCK>() else { break };
            let mut starts = S::starts(block, text, at) & !1;
            if starts == 0 {
                // One long pre-token, or something outside ASCII.
                at = self.encode_one(text, at, S::end(text, at));
                continue;
            }
            let mut begin = 0;
            while starts != 0 {
                let end = starts.trailing_zeros() as usize;
                starts &= starts - 1;
                let length = end - begin;
                let from = self.base + (at + begin) as u32;
                if length <= SHORT
                    && let Some(bytes) = window.get(begin..).and_then(|rest| rest.first_chunk::<16>())
                {
                    self.encode_short(Key::of_window(bytes, length), &text[at + begin..at + end], from);
                } else {
                    self.encode_long(&text[at + begin..at + end], from);
                }
                begin = end;
            }
            at += begin;
        }
        while at < text.len() {
            self.stage.make_room();
            at = self.encode_one(text, at, S::end(text, at));
        }
        self.stage.flush();
    }

    /// Encodes the pre-token from `at` to `end`, and returns `end`.
    #[inline(never)]
    fn encode_one(&mut self, text: &[u8], at: usize, end: usize) -> usize {
        let piece = &text[at..end];
        let from = self.base + at as u32;
        if piece.len() <= SHORT {
            self.encode_short(Key::of_piece(piece), piece, from);
        } else {
            self.encode_long(piece, from);
        }
        end
    }

    #[inline(always)]
    fn encode_short(&mut self, key: Key, piece: &[u8], from: u32) {
        match self.short.get(key) {
            Some(entry) => self.stage.take(entry, from),
            None => self.fill(key, piece, from),
        }
    }

    #[cold]
    #[inline(never)]
    fn fill(&mut self, key: Key, piece: &[u8], from: u32) {
        let Self { bpe, short, long, work, stage, .. } = self;
        if let Some(entry) = short.get_moved(key) {
            stage.take(entry, from);
            return;
        }
        if let Some(tokens) = long.get(piece) {
            stage.take_long(tokens, from);
            return;
        }
        bpe.encode_piece(piece, work);
        stage.extend(&work.symbols, from, &bpe.lengths);
        if work.dropped {
            // Not remembered, so that it is noticed the next time.
        } else if Entry::can_hold(&work.symbols) {
            short.insert(key, &work.symbols, |id| bpe.lengths[id as usize]);
        } else {
            long.insert(piece, &work.symbols, |id| bpe.lengths[id as usize]);
        }
    }

    #[inline(never)]
    fn encode_long(&mut self, piece: &[u8], from: u32) {
        let Self { bpe, long, work, stage, .. } = self;
        if let Some(tokens) = long.get(piece) {
            stage.take_long(tokens, from);
            return;
        }
        bpe.encode_piece(piece, work);
        stage.extend(&work.symbols, from, &bpe.lengths);
        if !work.dropped {
            long.insert(piece, &work.symbols, |id| bpe.lengths[id as usize]);
        }
    }
}

fn lengths(
    bytes: &[Option<u32>; 256],
    merges: &[(u32, u32, u32)],
    whole: Option<&HashMap<Box<[u8]>, u32>>,
) -> Box<[u32]> {
    let whole = || whole.into_iter().flatten().map(|(bytes, &id)| (id, bytes.len() as u32));
    let single = || bytes.iter().flatten().map(|&id| (id, 1));
    let top = merges.iter().flat_map(|&(left, right, id)| [left, right, id]);
    let top = top.chain(single().map(|(id, _)| id)).chain(whole().map(|(id, _)| id)).max();
    let mut lengths = vec![0; top.map_or(0, |top| top as usize + 1)].into_boxed_slice();
    for (id, length) in whole().chain(single()) {
        lengths[id as usize] = length;
    }
    for &(left, right, id) in merges {
        lengths[id as usize] = lengths[left as usize] + lengths[right as usize];
    }
    lengths
}

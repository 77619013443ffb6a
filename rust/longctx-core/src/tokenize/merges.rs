//! Byte-pair merging of one pre-token, in the order of Hugging Face's `BPE::merge_word`: lowest rank first, leftmost
//! among equals.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Above this many symbols a heap beats scanning for the next merge.
const SCAN_LIMIT: usize = 48;

const EMPTY: u64 = u64::MAX;

/// What a pair of neighbours becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Merge {
    rank: u32,
    id: u32,
}

/// Pair of entries -> rank and merged entry, in an open-addressing table at most half full.
#[derive(Debug)]
pub struct MergeTable {
    slots: Box<[(u64, Merge)]>,
    shift: u32,
}

impl MergeTable {
    /// A table of `merges`, each `(left, right, merged)`, in rank order. A pair that occurs twice keeps its last rank,
    /// as in Hugging Face's map.
    pub fn new(merges: &[(u32, u32, u32)]) -> Self {
        let capacity = (merges.len() * 2 + 16).next_power_of_two();
        let mut table = Self {
            slots: vec![(EMPTY, Merge { rank: 0, id: 0 }); capacity].into_boxed_slice(),
            shift: 64 - capacity.trailing_zeros(),
        };
        for (rank, &(left, right, id)) in (0u32..).zip(merges) {
            let key = pair_key(left, right);
            let slot = table.slot(key);
            table.slots[slot] = (key, Merge { rank, id });
        }
        table
    }

    /// The slot that holds `key`, or the empty one where it would go.
    #[inline(always)]
    fn slot(&self, key: u64) -> usize {
        let mut slot = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize;
        loop {
            let found = self.slots[slot].0;
            if found == key || found == EMPTY {
                return slot;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    #[inline(always)]
    fn get(&self, left: u32, right: u32) -> Option<Merge> {
        let (key, merge) = self.slots[self.slot(pair_key(left, right))];
        (key != EMPTY).then_some(merge)
    }

    /// Merges `symbols` in place until no pair is in the table.
    pub fn merge(&self, symbols: &mut Vec<u32>, work: &mut MergeWork) {
        if symbols.len() < 2 {
            return;
        }
        if symbols.len() <= SCAN_LIMIT {
            self.merge_by_scanning(symbols);
        } else {
            self.merge_by_heap(symbols, work);
        }
    }

    /// Looks for the lowest rank again after each merge: quadratic, and the fastest for short pre-tokens.
    fn merge_by_scanning(&self, symbols: &mut Vec<u32>) {
        // Of the pair that begins at each symbol.
        let mut ranks = [u32::MAX; SCAN_LIMIT];
        let mut ids = [0u32; SCAN_LIMIT];
        let mut count = symbols.len().min(SCAN_LIMIT);
        let pair = |left: u32, right: u32| {
            self.get(left, right).map_or((u32::MAX, 0), |merge| (merge.rank, merge.id))
        };
        for (at, neighbours) in symbols.windows(2).enumerate().take(SCAN_LIMIT) {
            (ranks[at], ids[at]) = pair(neighbours[0], neighbours[1]);
        }
        loop {
            let (mut best, mut place) = (u32::MAX, 0);
            for (at, &rank) in ranks[..count].iter().enumerate() {
                if rank < best {
                    (best, place) = (rank, at);
                }
            }
            if best == u32::MAX {
                break;
            }
            symbols[place] = ids[place];
            // Close the gap by hand: so few are moved that a call costs more.
            for at in place + 1..count - 1 {
                symbols[at] = symbols[at + 1];
                ranks[at] = ranks[at + 1];
                ids[at] = ids[at + 1];
            }
            count -= 1;
            (ranks[place], ids[place]) =
                if place + 1 < count { pair(symbols[place], symbols[place + 1]) } else { (u32::MAX, 0) };
            if place > 0 {
                (ranks[place - 1], ids[place - 1]) = pair(symbols[place - 1], symbols[place]);
            }
        }
        symbols.truncate(count);
    }

    /// O(n log n) in the number of symbols: a linked list of symbols and a heap of candidate merges.
    fn merge_by_heap(&self, symbols: &mut Vec<u32>, work: &mut MergeWork) {
        const GONE: u32 = u32::MAX;
        let MergeWork { links, heap, .. } = work;
        let count = symbols.len() as u32;
        links.clear();
        links.extend((0..count).map(|index| (index.wrapping_sub(1), index + 1)));
        heap.clear();
        for (index, pair) in (0u32..).zip(symbols.windows(2)) {
            if let Some(merge) = self.get(pair[0], pair[1]) {
                heap.push(Reverse((merge.rank, index, merge.id)));
            }
        }
        while let Some(Reverse((rank, place, id))) = heap.pop() {
            let next = links[place as usize].1;
            if symbols[place as usize] == GONE || next >= count {
                continue;
            }
            // The pair may have changed since it was pushed.
            match self.get(symbols[place as usize], symbols[next as usize]) {
                Some(merge) if merge.rank == rank && merge.id == id => {}
                _ => continue,
            }
            symbols[place as usize] = id;
            symbols[next as usize] = GONE;
            let after = links[next as usize].1;
            links[place as usize].1 = after;
            if after < count {
                links[after as usize].0 = place;
                if let Some(merge) = self.get(id, symbols[after as usize]) {
                    heap.push(Reverse((merge.rank, place, merge.id)));
                }
            }
            let before = links[place as usize].0;
            if before < count
                && let Some(merge) = self.get(symbols[before as usize], id)
            {
                heap.push(Reverse((merge.rank, before, merge.id)));
            }
        }
        symbols.retain(|&symbol| symbol != GONE);
    }
}

#[inline(always)]
fn pair_key(left: u32, right: u32) -> u64 {
    (u64::from(left) << 32) | u64::from(right)
}

/// Buffers that [`MergeTable::merge`] reuses from call to call.
#[derive(Debug, Default)]
pub struct MergeWork {
    links: Vec<(u32, u32)>,
    heap: BinaryHeap<Reverse<(u32, u32, u32)>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Merges of a small alphabet 0..4, with ids from 4 on.
    fn table() -> MergeTable {
        MergeTable::new(&[
            (0, 1, 4),
            (4, 2, 5),
            (0, 0, 6),
            (6, 6, 7),
            (1, 1, 8),
            (5, 5, 9),
            (2, 0, 10),
            (7, 7, 11),
        ])
    }

    proptest! {
        #[test]
        fn scanning_and_heap_give_the_same(symbols in prop::collection::vec(0u32..4, 0..=SCAN_LIMIT)) {
            let (mut scanned, mut heaped) = (symbols.clone(), symbols);
            table().merge_by_scanning(&mut scanned);
            table().merge_by_heap(&mut heaped, &mut MergeWork::default());
            prop_assert_eq!(scanned, heaped);
        }
    }
}

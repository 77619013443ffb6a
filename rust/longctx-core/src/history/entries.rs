//! The entries of a tree object, read where they lie: two neighbouring versions of a large folder are alike but for
//! one entry, and what is alike is passed over without looking at it entry by entry on both sides.

use std::cmp::Ordering;

use gix::ObjectId;
use gix::hash::Kind;

/// Bytes compared at once.
const BLOCK: usize = 256;

/// One entry: `mode SP name NUL id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// git's mode, in one number.
    pub(super) mode: u16,
    /// The name, without folders.
    pub(super) name: &'a [u8],
    id: &'a [u8],
}

impl Entry<'_> {
    /// The id of what the entry holds.
    pub(super) fn id(&self) -> ObjectId {
        ObjectId::from_bytes_or_panic(self.id)
    }

    /// Whether it is a folder.
    pub(super) fn is_tree(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    /// Which of two entries comes first in a tree: by name, where a folder's name ends in `/`.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let shared = self.name.len().min(other.name.len());
        let after = |entry: &Self| entry.name.get(shared).copied().or(entry.is_tree().then_some(b'/'));
        // With equal names a file and a folder are two entries; the file comes first.
        self.name[..shared].cmp(&other.name[..shared]).then_with(|| after(self).cmp(&after(other)))
    }
}

/// The rest of a tree's entries.
#[derive(Clone, Copy)]
pub(super) struct Entries<'a> {
    rest: &'a [u8],
    id_length: usize,
}

impl<'a> Entries<'a> {
    /// The entries of a tree whose ids are of the given kind.
    pub(super) fn new(tree: &'a [u8], kind: Kind) -> Self {
        Self { rest: tree, id_length: kind.len_in_bytes() }
    }

    /// Whether the entries end where the tree ends, and all can be read.
    pub(super) fn all_whole(mut self) -> bool {
        while self.next().is_some() {}
        self.rest.is_empty()
    }

    /// The next entry, which stays the next.
    pub(super) fn peek(&self) -> Option<Entry<'a>> {
        Some(split(self.rest, self.id_length)?.0)
    }

    /// Passes over the entries with which both begin.
    pub(super) fn skip_common(&mut self, other: &mut Self) {
        let mut left = common(self.rest, other.rest);
        let mut passed = 0;
        while let Some(end) = memchr::memchr(0, &self.rest[passed..passed + left]) {
            let length = end + 1 + self.id_length;
            if length > left {
                break;
            }
            passed += length;
            left -= length;
        }
        self.rest = &self.rest[passed..];
        other.rest = &other.rest[passed..];
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (entry, rest) = split(self.rest, self.id_length)?;
        self.rest = rest;
        Some(entry)
    }
}

fn split(tree: &[u8], id_length: usize) -> Option<(Entry<'_>, &[u8])> {
    let space = tree.iter().take(8).position(|&byte| byte == b' ')?;
    let mut mode = 0u16;
    for &digit in &tree[..space] {
        mode = mode
            .checked_mul(8)?
            .checked_add(u16::from(digit.checked_sub(b'0').filter(|digit| *digit < 8)?))?;
    }
    let after = &tree[space + 1..];
    let end = memchr::memchr(0, after)?;
    let id = after.get(end + 1..end + 1 + id_length)?;
    Some((Entry { mode, name: &after[..end], id }, &after[end + 1 + id_length..]))
}

/// How many bytes two slices have in common at their start.
fn common(one: &[u8], other: &[u8]) -> usize {
    let blocks = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK)).take_while(|(a, b)| a == b).count();
    let start = blocks * BLOCK;
    start + one[start..].iter().zip(&other[start..]).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let mut tree = Vec::new();
        for (mode, name, id) in entries {
            tree.extend_from_slice(mode.as_bytes());
            tree.push(b' ');
            tree.extend_from_slice(name.as_bytes());
            tree.push(0);
            tree.extend_from_slice(&[*id; 20]);
        }
        tree
    }

    #[test]
    fn entries_are_read_with_mode_name_and_id() {
        let tree = tree(&[("100644", "a", 0), ("40000", "b", 1)]);
        let entries = Entries::new(&tree, Kind::Sha1);
        assert!(entries.all_whole());
        let read: Vec<_> = entries.map(|entry| (entry.mode, entry.name, entry.is_tree())).collect();
        assert_eq!(read, [(0o100_644, b"a".as_slice(), false), (0o040_000, b"b", true)]);
    }

    #[test]
    fn folders_sort_as_if_their_names_ended_in_a_slash() {
        let tree = tree(&[("100644", "a", 0), ("40000", "a", 0), ("100644", "a-b", 0), ("100644", "a0", 0)]);
        let entries: Vec<_> = Entries::new(&tree, Kind::Sha1).collect();
        let (file, folder, dash, digit) = (entries[0], entries[1], entries[2], entries[3]);
        assert_eq!(file.order(&dash), Ordering::Less);
        assert_eq!(dash.order(&folder), Ordering::Less);
        assert_eq!(folder.order(&digit), Ordering::Less);
        assert_eq!(file.order(&folder), Ordering::Less);
        assert_eq!(folder.order(&folder), Ordering::Equal);
    }

    #[test]
    fn cut_off_trees_are_not_whole() {
        let tree = tree(&[("100644", "a", 7)]);
        for end in 1..tree.len() {
            assert!(!Entries::new(&tree[..end], Kind::Sha1).all_whole(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn skipping_what_is_common_loses_no_difference(
            ids in proptest::collection::vec(0u8..3, 1..60),
            at in 0usize..60,
        ) {
            let names: Vec<String> = (0..ids.len()).map(|n| format!("name{n:04}")).collect();
            let entries: Vec<_> =
                ids.iter().zip(&names).map(|(id, name)| ("100644", name.as_str(), *id)).collect();
            let mut other = entries.clone();
            let at = at % other.len();
            other[at].2 = 9;
            let (one, two) = (tree(&entries), tree(&other));
            let (mut one, mut two) = (Entries::new(&one, Kind::Sha1), Entries::new(&two, Kind::Sha1));
            one.skip_common(&mut two);
            prop_assert_eq!(one.next().map(|entry| entry.name), Some(names[at].as_bytes()));
            prop_assert_eq!(two.next().map(|entry| entry.id), Some(&[9u8; 20][..]));
            one.skip_common(&mut two);
            prop_assert!(one.next().is_none() && two.next().is_none());
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            Entries::new(&bytes, Kind::Sha1).all_whole();
        }
    }
}

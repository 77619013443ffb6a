//! The first-parent line, commit by commit; what an earlier run read is not read again, for commits do not change.

use std::collections::VecDeque;

use gix::ObjectId;

use super::node::{Node, Parents};
use super::store::Reader;
use super::stretch::is_last;
use crate::cache::{Cache, Key, KeyMaker};

/// Goes from commits to their first parents.
pub(super) struct Line<'l> {
    reader: &'l mut Reader,
    parents: &'l Parents,
    cache: Option<&'l Cache>,
    /// Commits to come that an earlier run read.
    known: VecDeque<Node>,
    stretch: Stretch,
}

/// Commits that were read since the last stretch ended.
#[derive(Default)]
struct Stretch {
    first: Option<ObjectId>,
    count: usize,
    /// Written down, one after the other.
    bytes: Vec<u8>,
}

impl<'l> Line<'l> {
    /// Nothing is read yet. `cache` knows what earlier runs read.
    pub(super) fn new(reader: &'l mut Reader, parents: &'l Parents, cache: Option<&'l Cache>) -> Self {
        Self { reader, parents, cache, known: VecDeque::new(), stretch: Stretch::default() }
    }

    /// A commit, which is the first parent of the last one that was asked for; none, and that is noted, if it is missing
    /// or malformed.
    pub(super) fn node(&mut self, id: ObjectId) -> Option<Node> {
        let Some(cache) = self.cache else { return Node::read(self.reader, id, self.parents) };
        if self.known.is_empty() && self.stretch.first.is_none() {
            self.known = cache.get(&key(id)).and_then(|bytes| unpack(&bytes, id)).unwrap_or_default();
        }
        if let Some(node) = self.known.pop_front() {
            return Some(node);
        }
        let Some(node) = Node::read(self.reader, id, self.parents) else {
            self.stretch = Stretch::default();
            return None;
        };
        self.stretch.add(&node, cache);
        Some(node)
    }
}

impl Stretch {
    /// Adds the next commit; keeps the stretch if it ends there.
    fn add(&mut self, node: &Node, cache: &Cache) {
        let first = *self.first.get_or_insert(node.commit.id);
        self.count += 1;
        let Ok(bytes) = postcard::to_extend(node, std::mem::take(&mut self.bytes)) else { return };
        self.bytes = bytes;
        if is_last(node.commit.id, self.count) || node.parents.is_empty() {
            cache.put(key(first), &self.bytes);
            *self = Self::default();
        }
    }
}

fn key(first: ObjectId) -> Key {
    KeyMaker::new("first parents").add(first.as_slice()).key()
}

/// Commits that were written down, each the first parent of the one before; none if it is something else.
fn unpack(mut bytes: &[u8], first: ObjectId) -> Option<VecDeque<Node>> {
    let mut nodes: VecDeque<Node> = VecDeque::new();
    while !bytes.is_empty() {
        let (node, rest) = postcard::take_from_bytes::<Node>(bytes).ok()?;
        let expected = nodes.back().map_or(Some(first), |before| before.parents.first().copied());
        if expected != Some(node.commit.id) {
            return None;
        }
        nodes.push_back(node);
        bytes = rest;
    }
    Some(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Commit;

    fn id(number: u8) -> ObjectId {
        ObjectId::from_bytes_or_panic(&[number; 20])
    }

    /// A commit and its parent, by numbers.
    fn written(number: u8, parent: u8) -> Vec<u8> {
        let commit = Commit {
            id: id(number),
            parent: Some(id(parent)),
            subject: "subject".to_owned(),
            time: 1,
            author: "Ada".to_owned(),
            merge: false,
            left_out: None,
        };
        postcard::to_stdvec(&Node::of(commit, id(0), vec![id(parent)])).unwrap()
    }

    #[test]
    fn commits_that_do_not_follow_each_other_are_not_known() {
        let chain = [written(1, 2), written(2, 3)].concat();
        let known = unpack(&chain, id(1)).unwrap();
        assert_eq!(known.iter().map(|node| node.commit.id).collect::<Vec<_>>(), [id(1), id(2)]);
        assert!(unpack(&chain, id(2)).is_none());
        assert!(unpack(&[written(1, 2), written(3, 4)].concat(), id(1)).is_none());
        assert!(unpack(&chain[..chain.len() - 1], id(1)).is_none());
        assert!(unpack(b"something else", id(1)).is_none());
    }
}

//! Documents that belong together, and why.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

/// Why two documents are in one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Their contents are equal.
    SameContent,
    /// Their contents, or versions of them, are nearly equal.
    NearDuplicate,
    /// One was renamed to the other.
    Renamed,
    /// They depend on each other.
    Cycle,
}

impl Reason {
    /// All reasons, sorted.
    pub const ALL: [Self; 4] = [Self::SameContent, Self::NearDuplicate, Self::Renamed, Self::Cycle];

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Documents, by number, in clusters that grow as pairs are joined.
pub struct Clusters {
    sets: DisjointSets,
    /// For each document the reasons of the joins that name it first.
    reasons: Vec<Reasons>,
}

/// The clusters that all joins made.
pub struct Groups {
    /// For each document the number of its cluster.
    pub of: Vec<u32>,
    /// Sorted by first document.
    pub clusters: Vec<Cluster>,
}

/// Documents that belong together; one that belongs to no other is a cluster too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cluster {
    /// The document of the lowest number.
    pub first: u32,
    /// How many documents.
    pub size: u32,
    /// Why they belong together; none where there is one document.
    pub reasons: Reasons,
}

/// A set of reasons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reasons(u8);

impl Reasons {
    /// All of them, sorted.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| self.0 & reason.bit() != 0)
    }

    fn add(&mut self, others: Self) {
        self.0 |= others.0;
    }
}

impl From<Reason> for Reasons {
    fn from(reason: Reason) -> Self {
        Self(reason.bit())
    }
}

impl Clusters {
    /// `count` documents, each alone.
    pub fn new(count: usize) -> Self {
        Self { sets: DisjointSets::new(count), reasons: vec![Reasons::default(); count] }
    }

    /// How many documents there are.
    pub fn documents(&self) -> usize {
        self.reasons.len()
    }

    /// Puts two documents into one cluster. A reason counts for a cluster even if its documents were joined before;
    /// a document is not joined with itself.
    pub fn join(&mut self, one: u32, other: u32, reason: Reason) {
        if one != other {
            self.sets.join(one, other);
            self.reasons[one as usize].add(reason.into());
        }
    }

    /// Puts documents of equal content, or whatever stands for it, into one cluster. `contents` has one item for each
    /// document.
    pub fn join_equal<C: Hash + Eq>(&mut self, contents: impl Iterator<Item = C>) {
        let mut firsts = HashMap::new();
        for (document, content) in (0u32..).zip(contents) {
            let first = *firsts.entry(content).or_insert(document);
            self.join(first, document, Reason::SameContent);
        }
    }

    /// The clusters so far, the same for any order of joins.
    pub fn groups(&self) -> Groups {
        let count = self.documents();
        let mut of = Vec::with_capacity(count);
        let mut clusters: Vec<Cluster> = Vec::new();
        let mut number_of_root = vec![u32::MAX; count];
        for (document, &reasons) in (0u32..).zip(&self.reasons) {
            let number = &mut number_of_root[self.sets.root(document) as usize];
            if *number == u32::MAX {
                *number = clusters.len() as u32;
                clusters.push(Cluster { first: document, size: 0, reasons: Reasons::default() });
            }
            let cluster = &mut clusters[*number as usize];
            cluster.size += 1;
            cluster.reasons.add(reasons);
            of.push(*number);
        }
        Groups { of, clusters }
    }
}

/// Union by size: a root is at most log2(members) steps away.
#[derive(Clone)]
pub(super) struct DisjointSets {
    parents: Vec<u32>,
    sizes: Vec<u32>,
}

impl DisjointSets {
    /// `count` sets of one member each.
    pub(super) fn new(count: usize) -> Self {
        Self { parents: (0..count as u32).collect(), sizes: vec![1; count] }
    }

    /// How many members there are.
    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    /// The member that stands for the set of `member`.
    pub(super) fn root(&self, mut member: u32) -> u32 {
        loop {
            let parent = self.parents[member as usize];
            if parent == member {
                return member;
            }
            member = parent;
        }
    }

    /// Makes one set of two; false if they are one.
    pub(super) fn join(&mut self, one: u32, other: u32) -> bool {
        let (mut one, mut other) = (self.root(one), self.root(other));
        if one == other {
            return false;
        }
        if self.sizes[one as usize] < self.sizes[other as usize] {
            std::mem::swap(&mut one, &mut other);
        }
        self.parents[other as usize] = one;
        self.sizes[one as usize] += self.sizes[other as usize];
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clusters_are_numbered_by_first_member_and_know_their_reasons() {
        let mut clusters = Clusters::new(6);
        clusters.join(5, 3, Reason::Renamed);
        clusters.join(1, 4, Reason::Cycle);
        clusters.join(3, 5, Reason::SameContent);
        let groups = clusters.groups();
        assert_eq!(groups.of, [0, 1, 2, 3, 1, 3]);
        let cluster = |first, size, reasons: &[Reason]| {
            let mut all = Reasons::default();
            reasons.iter().for_each(|&reason| all.add(reason.into()));
            Cluster { first, size, reasons: all }
        };
        let expected = [
            cluster(0, 1, &[]),
            cluster(1, 2, &[Reason::Cycle]),
            cluster(2, 1, &[]),
            cluster(3, 2, &[Reason::SameContent, Reason::Renamed]),
        ];
        assert_eq!(groups.clusters, expected);
    }

    #[test]
    fn a_document_joined_with_itself_stays_alone_without_reason() {
        let mut clusters = Clusters::new(1);
        clusters.join(0, 0, Reason::Cycle);
        assert_eq!(clusters.groups().clusters, [Cluster { first: 0, size: 1, reasons: Reasons::default() }]);
        assert!(Clusters::new(0).groups().clusters.is_empty());
    }

    #[test]
    fn equal_contents_are_joined() {
        let mut clusters = Clusters::new(5);
        clusters.join_equal(["a", "b", "a", "c", "b"].iter());
        assert_eq!(clusters.groups().of, [0, 1, 0, 2, 1]);
    }

    proptest! {
        #[test]
        fn clusters_are_what_joins_connect_in_any_order(
            joins in prop::collection::vec((0u32..30, 0u32..30, 0usize..4), 0..40).prop_shuffle(),
        ) {
            let mut clusters = Clusters::new(30);
            // The definition: a document's cluster is named by the least document that joins lead to.
            let mut least: Vec<u32> = (0..30).collect();
            for &(one, other, reason) in &joins {
                clusters.join(one, other, Reason::ALL[reason]);
                let (from, to) = (least[one as usize], least[other as usize]);
                for name in &mut least {
                    if *name == from.max(to) {
                        *name = from.min(to);
                    }
                }
            }
            let groups = clusters.groups();
            for (document, &number) in groups.of.iter().enumerate() {
                let cluster = &groups.clusters[number as usize];
                prop_assert_eq!(cluster.first, least[document]);
                prop_assert_eq!(cluster.size as usize, least.iter().filter(|&&name| name == cluster.first).count());
                let within = joins.iter().filter(|join| join.0 != join.1 && least[join.0 as usize] == cluster.first);
                let mut reasons: Vec<Reason> = within.map(|join| Reason::ALL[join.2]).collect();
                reasons.sort_unstable();
                reasons.dedup();
                prop_assert_eq!(cluster.reasons.iter().collect::<Vec<_>>(), reasons);
            }
        }
    }
}

//! Numbers sorted into buckets, in two lists instead of one for each bucket.

use std::ops::Range;

/// Numbers, each in one bucket.
#[derive(Debug, Default)]
pub struct Buckets {
    starts: Starts,
    members: Vec<u32>,
}

/// Where each bucket begins in a list that is sorted by bucket, and the end of the list.
#[derive(Debug, Default)]
pub struct Starts(Vec<u32>);

impl Buckets {
    /// Puts 0, 1, 2 ... into the buckets that `of` names, which are numbered below `count`.
    pub fn new(count: usize, of: impl Iterator<Item = u32> + Clone) -> Self {
        Self::of_pairs(count, of.zip(0..))
    }

    /// Puts numbers into buckets: of each pair the second into the one that the first names.
    pub fn of_pairs(count: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let starts = Starts::new(count, pairs.clone().map(|(bucket, _)| bucket));
        let mut free = starts.0.clone();
        let mut members = vec![0; starts.0[count] as usize];
        for (bucket, member) in pairs {
            let place = &mut free[bucket as usize];
            members[*place as usize] = member;
            *place += 1;
        }
        Self { starts, members }
    }

    /// Where the members of each bucket are, and all members, bucket by bucket.
    pub fn into_parts(self) -> (Starts, Vec<u32>) {
        (self.starts, self.members)
    }

    /// The numbers in a bucket, in the order in which they were put there; none if there is no such bucket.
    pub fn of(&self, bucket: u32) -> &[u32] {
        &self.members[self.starts.of(bucket)]
    }
}

impl Starts {
    /// Counts the members of each of `count` buckets; `of` names the bucket of each.
    pub fn new(count: usize, of: impl Iterator<Item = u32>) -> Self {
        let mut starts = vec![0_u32; count + 1];
        for bucket in of {
            starts[bucket as usize + 1] += 1;
        }
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        Self(starts)
    }

    /// The bucket of a member, by its place in the list.
    pub fn bucket(&self, place: u32) -> u32 {
        self.0.partition_point(|&start| start <= place) as u32 - 1
    }

    /// The part of the list with a bucket's members; empty if there is no such bucket.
    pub fn of(&self, bucket: u32) -> Range<usize> {
        match self.0.get(bucket as usize..).unwrap_or_default() {
            [start, end, ..] => *start as usize..*end as usize,
            _ => 0..0,
        }
    }
}

/// Part `at` of a list, where `ends` says for each part where it ends.
pub fn part<E: Copy + Into<u64>>(ends: &[E], at: usize) -> Range<usize> {
    let start = at.checked_sub(1).map_or(0, |before| ends[before].into());
    start as usize..ends[at].into() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_number_is_in_its_bucket(of in prop::collection::vec(0u32..6, 0..40)) {
            let buckets = Buckets::new(6, of.iter().copied());
            for bucket in 0..8 {
                let all = 0..of.len() as u32;
                let expected: Vec<u32> = all.filter(|&number| of[number as usize] == bucket).collect();
                prop_assert_eq!(buckets.of(bucket), expected);
            }
            let (starts, members) = buckets.into_parts();
            for (place, &member) in (0u32..).zip(&members) {
                prop_assert_eq!(starts.bucket(place), of[member as usize]);
            }
        }

        #[test]
        fn parts_follow_each_other(counts in prop::collection::vec(0u32..4, 0..9)) {
            let ends: Vec<u32> = counts.iter().scan(0, |end, count| { *end += count; Some(*end) }).collect();
            let mut end = 0;
            for (at, &count) in counts.iter().enumerate() {
                prop_assert_eq!(part(&ends, at), end..end + count as usize);
                end += count as usize;
            }
        }
    }
}

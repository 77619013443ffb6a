//! Numbers sorted into buckets, in two lists instead of one for each bucket.

use std::ops::Range;

/// The numbers from 0 on, each in one bucket.
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
    pub fn new(count: usize, of: impl ExactSizeIterator<Item = u32> + Clone) -> Self {
        let starts = Starts::new(count, of.clone());
        let mut free = starts.0.clone();
        let mut members = vec![0; of.len()];
        for (number, bucket) in (0u32..).zip(of) {
            let place = &mut free[bucket as usize];
            members[*place as usize] = number;
            *place += 1;
        }
        Self { starts, members }
    }

    /// The numbers in a bucket, rising; none if there is no such bucket.
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

    /// The part of the list with a bucket's members; empty if there is no such bucket.
    pub fn of(&self, bucket: u32) -> Range<usize> {
        match self.0.get(bucket as usize..).unwrap_or_default() {
            [start, end, ..] => *start as usize..*end as usize,
            _ => 0..0,
        }
    }
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
        }
    }
}

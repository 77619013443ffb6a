//! Sums of what stands before a place.

/// Numbers by place, and their sums (Fenwick, "A new data structure for cumulative frequency tables", 1994): adding to one
/// and summing up those before a place take as many steps as the count has bits.
pub struct Sums(Vec<u64>);

impl Sums {
    /// As many zeros.
    pub fn new(count: usize) -> Self {
        Self(vec![0; count])
    }

    /// Adds to the number at a place, which there must be.
    pub fn add(&mut self, place: u32, more: u64) {
        self.change(place, |sum| sum.wrapping_add(more));
    }

    /// Takes from the number at a place what was added to it.
    pub fn take(&mut self, place: u32, less: u64) {
        self.change(place, |sum| sum.wrapping_sub(less));
    }

    fn change(&mut self, place: u32, change: impl Fn(u64) -> u64) {
        // The node at `end` holds the sum of as many numbers before it as its lowest bit says.
        let mut end = place as usize + 1;
        while let Some(sum) = self.0.get_mut(end - 1) {
            *sum = change(*sum);
            end += end & end.wrapping_neg();
        }
    }

    /// The sum of all numbers before a place.
    pub fn before(&self, place: u32) -> u64 {
        let mut end = self.0.len().min(place as usize);
        let mut sum: u64 = 0;
        while end > 0 {
            sum = sum.wrapping_add(self.0[end - 1]);
            end &= end - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_are_those_of_the_numbers(added in prop::collection::vec((0u32..40, 0u64..100), 0..60)) {
            let (mut sums, mut numbers) = (Sums::new(40), [0; 40]);
            for (place, more) in added {
                if numbers[place as usize] > more {
                    sums.take(place, more);
                    numbers[place as usize] -= more;
                } else {
                    sums.add(place, more);
                    numbers[place as usize] += more;
                }
                for place in [0, place, place + 1, 40, u32::MAX] {
                    let before = numbers.iter().take(place as usize).sum::<u64>();
                    prop_assert_eq!(sums.before(place), before);
                }
            }
        }
    }
}

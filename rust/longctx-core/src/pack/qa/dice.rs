//! Random choices that a seed decides.

/// A stream of random numbers (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `count`; 0 if that is 0.
    pub fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }

    /// A number of the range, its ends included.
    pub fn between(&mut self, range: [usize; 2]) -> usize {
        range[0] + self.below(range[1].saturating_sub(range[0]) + 1)
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them; none if there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// Puts them into a random order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_as_likely() {
        let mut dice = Dice::new(7);
        let mut counts = [[0_u32; 5]; 5];
        for _ in 0..10_000 {
            let mut all = [0, 1, 2, 3, 4];
            dice.shuffle(&mut all);
            for (place, what) in all.into_iter().enumerate() {
                counts[what][place] += 1;
            }
        }
        assert!(counts.iter().flatten().all(|count| (1800..2200).contains(count)), "{counts:?}");
        assert_eq!((dice.below(0), dice.below(1)), (0, 0));
        assert!((0..100).all(|_| (3..=5).contains(&dice.between([3, 5]))));
    }
}

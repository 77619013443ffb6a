//! How hard a sequence is: features, a published formula, fixed thresholds.

use serde::{Deserialize, Serialize};

/// The levels of the curriculum; the discriminant is what the index stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difficulty {
    /// Score below 0.25.
    Easy = 0,
    /// Score below 0.5.
    Medium = 1,
    /// Score below 0.75.
    Hard = 2,
    /// The rest.
    VeryHard = 3,
}

impl Difficulty {
    /// All levels, by discriminant.
    pub const ALL: [Self; 4] = [Self::Easy, Self::Medium, Self::Hard, Self::VeryHard];

    /// The level of a score in [0, 1].
    pub fn of_score(score: f32) -> Self {
        match score {
            score if score < 0.25 => Self::Easy,
            score if score < 0.5 => Self::Medium,
            score if score < 0.75 => Self::Hard,
            _ => Self::VeryHard,
        }
    }
}

/// What the score is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// Length of the sequence.
    pub tokens: u32,
    /// Different files.
    pub files: u32,
    /// Names that are used in what is learnt and defined earlier in the sequence, in another block.
    pub references: u32,
    /// Tokens from such a use back to the definition: the median.
    pub distance_p50: u32,
    /// The same, the 90th percentile.
    pub distance_p90: u32,
    /// Longest chain of uses and definitions through the blocks, or the hops that a question asks for.
    pub hops: u32,
    /// Definitions in the sequence that have the name of another one in it, or wrong answers that look like the right.
    pub distractors: u32,
}

/// One part of the score: its name, its weight, and its value in [0, 1].
pub type Term = (&'static str, f64, f64);

impl Features {
    /// The parts of the score. Each grows with the logarithm of its feature, from nothing to all:
    /// tokens from 512 to 4,096; files from 1 to 16; references from 0 to 31; distance (90th percentile) from 64 to
    /// 4,096; hops from 0 to 4, linearly; distractors from 0 to 15.
    pub fn terms(&self) -> [Term; 6] {
        let log = |value: u32, nothing: f64, doublings: f64| {
            ((f64::from(value.max(1)) / nothing).log2() / doublings).clamp(0.0, 1.0)
        };
        [
            ("tokens", 0.35, log(self.tokens, 512.0, 3.0)),
            ("files", 0.1, log(self.files, 1.0, 4.0)),
            ("references", 0.15, log(self.references + 1, 1.0, 5.0)),
            ("distance", 0.2, log(self.distance_p90, 64.0, 6.0)),
            ("hops", 0.1, (f64::from(self.hops) / 4.0).clamp(0.0, 1.0)),
            ("distractors", 0.1, log(self.distractors + 1, 1.0, 4.0)),
        ]
    }

    /// The sum of the [`Self::terms`], each times its weight; in [0, 1].
    pub fn score(&self) -> f32 {
        self.terms().iter().map(|(_, weight, value)| weight * value).sum::<f64>() as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_make_one_and_the_score_stays_between_zero_and_one() {
        let total: f64 = Features::default().terms().iter().map(|(_, weight, _)| weight).sum();
        assert!((total - 1.0).abs() < 1e-12);
        assert_eq!(Features::default().score(), 0.0);
        let most = u32::MAX - 1;
        let all = Features {
            tokens: most,
            files: most,
            references: most,
            distance_p50: most,
            distance_p90: most,
            hops: most,
            distractors: most,
        };
        assert!((all.score() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn more_of_anything_is_harder() {
        let some = Features {
            tokens: 1024,
            files: 3,
            references: 4,
            distance_p50: 200,
            distance_p90: 400,
            hops: 1,
            distractors: 0,
        };
        for more in [
            Features { tokens: 2048, ..some },
            Features { files: 4, ..some },
            Features { references: 9, ..some },
            Features { distance_p90: 900, ..some },
            Features { hops: 2, ..some },
            Features { distractors: 1, ..some },
        ] {
            assert!(more.score() > some.score());
        }
    }

    #[test]
    fn levels_begin_at_fixed_thresholds() {
        let levels = [0.0, 0.2499, 0.25, 0.5, 0.75, 1.0].map(Difficulty::of_score);
        use Difficulty::{Easy, Hard, Medium, VeryHard};
        assert_eq!(levels, [Easy, Easy, Medium, Hard, VeryHard, VeryHard]);
    }
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// Length of the sequence.
    pub tokens: u32,
    /// Different files.
    pub files: u32,
}

impl Features {
    /// `0.7 * clamp(log2(tokens / 512) / 3) + 0.3 * clamp(log2(files) / 4)`, clamped to [0, 1] each: a sequence of 512
    /// tokens or less from one file scores 0, one of 4,096 tokens from 16 files 1.
    pub fn score(&self) -> f32 {
        let length = (f64::from(self.tokens.max(1)) / 512.0).log2() / 3.0;
        let files = f64::from(self.files.max(1)).log2() / 4.0;
        (0.7 * length.clamp(0.0, 1.0) + 0.3 * files.clamp(0.0, 1.0)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_and_wider_is_harder() {
        let level = |tokens, files| Difficulty::of_score(Features { tokens, files }.score());
        assert_eq!(level(500, 1), Difficulty::Easy);
        assert_eq!(level(1024, 2), Difficulty::Medium);
        assert_eq!(level(2048, 1), Difficulty::Medium);
        assert_eq!(level(2048, 4), Difficulty::Hard);
        assert_eq!(level(4096, 16), Difficulty::VeryHard);
    }
}

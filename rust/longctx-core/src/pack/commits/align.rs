//! Which lines of two versions are the same, and a way to count through both at once.
//!
//! Rows count through both versions together: a row is a line that both have, or a hunk, that is, lines of one that
//! stand in place of lines of the other. Text outside of some rows is the same in both versions, whatever rows these
//! are as long as they hold all hunks: replacing their lines of the one by those of the other makes the one the other.

use std::ops::Range;

use gix::diff::blob::{Algorithm, Diff, InternedInput};
use serde::{Deserialize, Serialize};

/// A version of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// The older one.
    Before,
    /// The newer one.
    After,
}

/// Lines that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// Lines of the older version; may be none.
    pub before: Range<u32>,
    /// Lines of the newer version that stand in their place; may be none.
    pub after: Range<u32>,
    /// Its row.
    pub row: u32,
}

impl Hunk {
    /// Its lines in one version.
    pub fn lines(&self, age: Age) -> &Range<u32> {
        match age {
            Age::Before => &self.before,
            Age::After => &self.after,
        }
    }
}

/// Two versions side by side.
#[derive(Serialize, Deserialize)]
pub struct Alignment {
    hunks: Vec<Hunk>,
    rows: u32,
}

impl Alignment {
    /// Compares two texts line by line.
    pub fn new(before: &str, after: &str) -> Self {
        let input = InternedInput::new(before, after);
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_lines(&input);
        let mut removed = 0;
        let hunks: Vec<Hunk> = (0..)
            .zip(diff.hunks())
            .map(|(number, hunk)| {
                let row = hunk.before.start - removed + number;
                removed += hunk.before.len() as u32;
                Hunk { before: hunk.before, after: hunk.after, row }
            })
            .collect();
        let rows = input.before.len() as u32 - removed + hunks.len() as u32;
        Self { hunks, rows }
    }

    /// What differs, in order.
    pub fn hunks(&self) -> &[Hunk] {
        &self.hunks
    }

    /// How many rows there are.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// The row of a line.
    pub fn row(&self, age: Age, line: u32) -> u32 {
        let next = self.hunks.partition_point(|hunk| hunk.lines(age).end <= line);
        match self.hunks.get(next) {
            Some(hunk) if hunk.lines(age).start <= line => hunk.row,
            _ => match next.checked_sub(1).map(|last| &self.hunks[last]) {
                Some(last) => last.row + 1 + (line - last.lines(age).end),
                None => line,
            },
        }
    }

    /// The rows of some lines, at least one.
    pub fn rows_of(&self, age: Age, lines: &Range<u32>) -> Range<u32> {
        self.row(age, lines.start)..self.row(age, lines.end - 1) + 1
    }

    /// The lines of some rows.
    pub fn lines(&self, age: Age, rows: &Range<u32>) -> Range<u32> {
        self.first_line(age, rows.start)..self.first_line(age, rows.end)
    }

    /// The first line of a row, or where it would be.
    fn first_line(&self, age: Age, row: u32) -> u32 {
        let next = self.hunks.partition_point(|hunk| hunk.row < row);
        match next.checked_sub(1).map(|last| &self.hunks[last]) {
            Some(last) => last.lines(age).end + (row - last.row - 1),
            None => row,
        }
    }

    /// Stretches of lines that both have: the first line before, the first line after, how many.
    pub fn same(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        let ends = self.hunks.iter().map(|hunk| (hunk.row, hunk.row + 1)).chain([(self.rows, self.rows)]);
        let mut from = 0;
        ends.map(move |(row, next)| {
            let lines = (self.first_line(Age::Before, from), self.first_line(Age::After, from), row - from);
            from = next;
            lines
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(lines: &[u8], broken: bool) -> String {
        let mut text: String = lines.iter().map(|n| format!("{n}\n")).collect();
        if broken {
            text.pop();
        }
        text
    }

    proptest! {
        #[test]
        fn rows_hold_every_line_once_and_others_are_the_same(
            before in prop::collection::vec(0u8..6, 1..30),
            after in prop::collection::vec(0u8..6, 1..30),
            ends in any::<(bool, bool)>(),
        ) {
            let (old, new) = (text(&before, ends.0), text(&after, ends.1));
            let aligned = Alignment::new(&old, &new);
            let (old, new): (Vec<&str>, Vec<&str>) =
                (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
            let mut reached = [0, 0];
            for row in 0..aligned.rows() {
                let hunk = aligned.hunks().iter().find(|hunk| hunk.row == row);
                for (side, age) in [Age::Before, Age::After].into_iter().enumerate() {
                    let lines = aligned.lines(age, &(row..row + 1));
                    prop_assert_eq!(lines.start, reached[side]);
                    reached[side] = lines.end;
                    for line in lines.clone() {
                        prop_assert_eq!(aligned.row(age, line), row);
                    }
                    match hunk {
                        Some(hunk) => prop_assert_eq!(hunk.lines(age), &lines),
                        None => prop_assert_eq!(lines.len(), 1),
                    }
                }
                if hunk.is_none() {
                    prop_assert_eq!(old[reached[0] as usize - 1], new[reached[1] as usize - 1]);
                }
            }
            prop_assert_eq!(reached, [old.len() as u32, new.len() as u32]);
            let mut same = 0;
            for (first, second, count) in aligned.same() {
                for n in 0..count {
                    prop_assert_eq!(old[(first + n) as usize], new[(second + n) as usize]);
                }
                same += count;
            }
            prop_assert_eq!(same as usize + aligned.hunks().len(), aligned.rows() as usize);
        }
    }
}

//! Where the lines of a text are.

use std::ops::Range;

/// The lines of a text, as a diff counts them: each with its line break, the last one perhaps without.
pub struct Lines {
    /// The byte where each line begins, and the end of the text.
    starts: Box<[u32]>,
}

impl Lines {
    /// Finds the lines of `text`.
    pub fn new(text: &str) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1);
        let mut starts: Vec<u32> = std::iter::once(0).chain(breaks).collect();
        if starts.last().is_some_and(|&last| (last as usize) < text.len()) {
            starts.push(text.len() as u32);
        }
        Self { starts: starts.into() }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    /// The byte where a line begins; for [`Self::count`], the end of the text.
    pub fn start(&self, line: u32) -> usize {
        self.starts[line as usize] as usize
    }

    /// The bytes of some lines.
    pub fn bytes(&self, lines: &Range<u32>) -> Range<usize> {
        self.start(lines.start)..self.start(lines.end)
    }

    /// The line that a byte is on.
    pub fn of(&self, byte: u32) -> u32 {
        let line = self.starts.partition_point(|&start| start <= byte) as u32 - 1;
        line.min(self.count().saturating_sub(1))
    }

    /// The lines that some bytes touch.
    pub fn around(&self, bytes: &Range<u32>) -> Range<u32> {
        let first = self.of(bytes.start);
        first..self.of(bytes.end.saturating_sub(1).max(bytes.start)) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_needs_no_break() {
        for (text, count) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)] {
            assert_eq!(Lines::new(text).count(), count, "{text:?}");
        }
        let lines = Lines::new("a\nbc\nd");
        assert_eq!(lines.bytes(&(1..3)), 2..6);
        assert_eq!([0, 1, 2, 4, 5, 6].map(|byte| lines.of(byte)), [0, 0, 1, 1, 2, 2]);
        assert_eq!(lines.around(&(1..3)), 0..2);
    }
}

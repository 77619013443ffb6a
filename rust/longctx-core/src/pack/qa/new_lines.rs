//! Which lines a version of a file has that the version before has nowhere.

use memchr::memchr_iter;
use rustc_hash::FxHashSet;

use crate::pack::commits::Version;
use crate::sequence::Shapes;

/// So many bytes are compared at once.
const COMPARED: usize = 64;

/// The lines of a version, from 0, that the version before has nowhere, not counting the space around lines. They are
/// among the lines that a diff finds new, so there is no need for one.
pub fn new_lines(before: &str, after: &Version) -> Vec<u32> {
    let says = |line: u32| trimmed(after.line_text(&(line..line + 1)));
    // What both begin or end with is known; few lines are left.
    let [old, new] = [before.as_bytes(), after.text.as_bytes()];
    let begin = common(old.chunks(COMPARED), new.chunks(COMPARED));
    let end = new.len() - common(old.rchunks(COMPARED), new.rchunks(COMPARED));
    let last = (after.lines.of(end as u32) + 1).min(after.lines.count());
    let others = after.lines.of(begin as u32)..last;
    let mut shapes = Shapes::default();
    let mut new: FxHashSet<&str> = others.clone().map(says).inspect(|line| shapes.add(line)).collect();
    let mut start = 0;
    for end in memchr_iter(b'\n', old).chain([old.len()]) {
        // A line break at the end begins no line.
        if start == old.len() {
            break;
        }
        let line = trimmed(&before[start..end]);
        start = (end + 1).min(old.len());
        if shapes.may_have(line) && new.remove(line) && new.is_empty() {
            return Vec::new();
        }
    }
    others.filter(|&line| new.contains(says(line))).collect()
}

/// How many bytes are in the parts, at least, that both begin with.
fn common<'b>(old: impl Iterator<Item = &'b [u8]>, new: impl Iterator<Item = &'b [u8]>) -> usize {
    old.zip(new).take_while(|(old, new)| old == new).map(|(old, _)| old.len()).sum()
}

/// A line without the space around it; quick where that is ASCII.
fn trimmed(line: &str) -> &str {
    let line = line.trim_ascii();
    let is_space = |byte: Option<&u8>| byte.is_some_and(|byte| !byte.is_ascii_graphic());
    if is_space(line.as_bytes().first()) || is_space(line.as_bytes().last()) { line.trim() } else { line }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn new_lines_are_those_that_were_nowhere(
            same in ["(line \n){0,30}", "(a\r\n){0,70}"],
            before in "([ab ]{0,2}\r?\n){0,8}[ab ]{0,2}",
            after in "([abc ]{0,2}\r?\n){0,8}[abc ]{0,2}",
            end in "([ab]{0,2}\r?\n){0,60}[ab ]{0,2}",
        ) {
            let [before, after] = [before, after].map(|text| format!("{}{text}{end}", same[0]));
            let new = Version::of_text("a", &after);
            let known: Vec<&str> = before.lines().map(str::trim).collect();
            let lines = 0..new.lines.count();
            let expected: Vec<u32> =
                lines.filter(|&line| !known.contains(&new.line_text(&(line..line + 1)).trim())).collect();
            prop_assert_eq!(new_lines(&before, &new), expected);
        }

        #[test]
        fn lines_are_trimmed_as_any_text(line in "[ \t\x0b\u{a0}\u{2003}\x01aé]{0,6}") {
            prop_assert_eq!(trimmed(&line), line.trim());
        }
    }
}

//! One pre-token at a time: DeepSeek-Coder, whose six pre-tokenizers each cut what the one before left whole.
//!
//! Line ends are cut out, then letters with the white space character before them, then punctuation likewise, then runs
//! of a wide range of characters (most of what lies between U+0800 and U+9FA5, and Hangul), then digits. So whether two
//! neighbours part depends on them and on the character after them alone.

use super::super::unicode::{CharClass, Kind, class_of, kind_of};
use super::scalar::decode;

/// What the second and third pre-tokenizer make of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Letters,
    Punctuation,
    Rest,
}

/// A character and what it is.
#[derive(Debug, Clone, Copy)]
struct Seen {
    length: usize,
    line_end: bool,
    space: bool,
    /// A white space character has that of the next one.
    part: Part,
    wide: bool,
    digit: bool,
}

fn char_at(text: &[u8], at: usize) -> Option<(char, usize)> {
    let (c, length) = decode(text, at, *text.get(at)?);
    Some((c?, length))
}

fn part_of(c: char) -> Part {
    if class_of(c) == CharClass::Letter {
        Part::Letters
    } else if kind_of(c) == Kind::Punctuation {
        Part::Punctuation
    } else {
        Part::Rest
    }
}

fn see(text: &[u8], at: usize) -> Option<Seen> {
    let (c, length) = char_at(text, at)?;
    let line_end = matches!(c, '\r' | '\n');
    let space = !line_end && class_of(c) == CharClass::Space;
    let part = if space {
        char_at(text, at + length).map_or(Part::Rest, |(next, _)| part_of(next))
    } else {
        part_of(c)
    };
    let wide = matches!(c, '\u{800}'..='\u{9FA5}' | '\u{AC00}'..='\u{D7FF}');
    Some(Seen { length, line_end, space, part, wide, digit: c.is_numeric() })
}

/// The end of the pre-token that begins at `at`.
pub fn deepseek_coder_end(text: &[u8], at: usize) -> usize {
    let Some(mut before) = see(text, at) else { return text.len() };
    let mut end = at + before.length;
    while let Some(after) = see(text, end) {
        let parted = before.line_end
            || after.line_end
            || before.digit
            || after.digit
            || before.wide != after.wide
            || before.part != after.part
            || (after.space && after.part != Part::Rest);
        if parted {
            break;
        }
        end += after.length;
        before = after;
    }
    end
}

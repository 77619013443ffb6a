//! One pre-token at a time: o200k, which cuts words where a capital follows a small letter.

use super::super::unicode::{CharClass, Kind, kind_of};
use super::scalar::{class_at, contraction_any_case, decode, run, white_space};

/// The case of the character at `at` and its length, if it belongs to a word: a letter or a mark.
#[inline(always)]
fn case_at(text: &[u8], at: usize) -> Option<(Kind, usize)> {
    let byte = *text.get(at)?;
    if byte < 128 {
        return match byte {
            b'A'..=b'Z' => Some((Kind::Upper, 1)),
            b'a'..=b'z' => Some((Kind::Lower, 1)),
            _ => None,
        };
    }
    let (c, length) = decode(text, at, byte);
    match kind_of(c?) {
        kind @ (Kind::Upper | Kind::Lower | Kind::Both) => Some((kind, length)),
        Kind::Plain | Kind::Punctuation => None,
    }
}

/// The end of the run of those that may stand in the upper (`SMALL` false) or lower part of a word.
#[inline(always)]
fn case_run<const SMALL: bool>(text: &[u8], mut at: usize) -> usize {
    while let Some((kind, length)) = case_at(text, at) {
        if kind == (if SMALL { Kind::Upper } else { Kind::Lower }) {
            break;
        }
        at += length;
    }
    at
}

/// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`: the end, if it matches.
#[inline(always)]
fn mixed(text: &[u8], at: usize) -> Option<usize> {
    let capitals = case_run::<false>(text, at);
    let end = case_run::<true>(text, capitals);
    if end > capitals {
        return Some(end);
    }
    // The last of the first part that may stand in the second is all there is of it.
    let (mut place, mut found) = (at, None);
    while place < capitals
        && let Some((kind, length)) = case_at(text, place)
    {
        place += length;
        if kind == Kind::Both {
            found = Some(place);
        }
    }
    found
}

/// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*` where [`mixed`] does not match.
#[inline(always)]
fn capitals(text: &[u8], at: usize) -> Option<usize> {
    let end = case_run::<false>(text, at);
    (end > at).then_some(end)
}

/// A word, with one character before it that is neither letter, number nor line end, and a contraction after it.
#[inline(always)]
fn word(text: &[u8], at: usize, class: CharClass, length: usize) -> Option<usize> {
    let may_lead = matches!(class, CharClass::Other | CharClass::Space) && !matches!(text[at], b'\r' | b'\n');
    let led = |find: fn(&[u8], usize) -> Option<usize>| {
        let after = if may_lead { find(text, at + length) } else { None };
        after.or_else(|| find(text, at))
    };
    let end = led(mixed).or_else(|| led(capitals))?;
    if text.get(end) == Some(&b'\'')
        && let Some(end) = contraction_any_case(text, end)
    {
        return Some(end);
    }
    Some(end)
}

/// `[\r\n/]*`.
fn newlines_and_slashes(text: &[u8], mut at: usize) -> usize {
    while let Some(b'\r' | b'\n' | b'/') = text.get(at) {
        at += 1;
    }
    at
}

/// The end of the pre-token that begins at `at`.
#[inline(always)]
pub fn o200k_end(text: &[u8], at: usize) -> usize {
    let Some((class, length)) = class_at(text, at) else { return text.len() };
    if class == CharClass::Number {
        let mut end = at + length;
        for _ in 1..3 {
            match class_at(text, end) {
                Some((CharClass::Number, length)) => end += length,
                _ => break,
            }
        }
        return end;
    }
    if let Some(end) = word(text, at, class, length) {
        return end;
    }
    if class == CharClass::Other {
        return newlines_and_slashes(text, run::<false>(text, at + length, CharClass::Other));
    }
    if text[at] == b' '
        && let Some((CharClass::Other, next)) = class_at(text, at + 1)
    {
        return newlines_and_slashes(text, run::<false>(text, at + 1 + next, CharClass::Other));
    }
    white_space::<false>(text, at)
}

//! One pre-token at a time, whatever the characters: the families of GPT-2 and cl100k.

use super::super::unicode::{ASCII, CharClass, class_of};

/// Class and length in bytes of the character at `at`; `None` at the end of the text.
#[inline(always)]
pub fn class_at(text: &[u8], at: usize) -> Option<(CharClass, usize)> {
    let byte = *text.get(at)?;
    if byte < 128 { Some((ASCII[usize::from(byte)], 1)) } else { Some(class_outside_ascii(text, at, byte)) }
}

#[cold]
fn class_outside_ascii(text: &[u8], at: usize, first: u8) -> (CharClass, usize) {
    let (c, length) = decode(text, at, first);
    (c.map_or(CharClass::Other, class_of), length)
}

/// The character at `at`, whose first byte is `first`, and its length in bytes.
pub fn decode(text: &[u8], at: usize, first: u8) -> (Option<char>, usize) {
    if first < 128 {
        return (Some(char::from(first)), 1);
    }
    let (length, mut code) = match first {
        0xF0.. => (4, u32::from(first & 0x07)),
        0xE0.. => (3, u32::from(first & 0x0F)),
        _ => (2, u32::from(first & 0x1F)),
    };
    for &byte in text.get(at + 1..at + length).unwrap_or_default() {
        code = (code << 6) | u32::from(byte & 0x3F);
    }
    (char::from_u32(code), length)
}

/// `Digits` asks the standard library, whose Unicode may be newer than the expression's: what it calls numeric is
/// split off before the expression is tried.
#[inline(always)]
fn class_at_with_digits(text: &[u8], at: usize) -> Option<(CharClass, usize)> {
    let (class, length) = class_at(text, at)?;
    if length > 1 && class != CharClass::Number {
        return Some((numeric_or(class, text, at, length), length));
    }
    Some((class, length))
}

#[cold]
fn numeric_or(class: CharClass, text: &[u8], at: usize, length: usize) -> CharClass {
    let c = std::str::from_utf8(&text[at..at + length]).ok().and_then(|s| s.chars().next());
    if c.is_some_and(char::is_numeric) { CharClass::Number } else { class }
}

/// How many of the eight bytes, from the lowest, are ASCII letters.
#[inline(always)]
fn leading_letters(word: u64) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    // Sums of two numbers below 128 never carry into the next byte.
    let folded = (word | (ONES << 5)) & !HIGH;
    let at_least_a = folded + ONES * (0x80 - b'a' as u64);
    let above_z = folded + ONES * (0x7F - b'z' as u64);
    let letters = at_least_a & !above_z & !word & HIGH;
    ((letters ^ HIGH).trailing_zeros() / 8) as usize
}

/// The end of the run of `class` from `at`.
#[inline(always)]
pub fn run<const DIGITS: bool>(text: &[u8], mut at: usize, class: CharClass) -> usize {
    if class == CharClass::Letter {
        while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            let letters = leading_letters(u64::from_le_bytes(*chunk));
            at += letters;
            if letters < 8 {
                if chunk[letters] < 128 {
                    return at;
                }
                break;
            }
        }
    }
    loop {
        let next = if DIGITS { class_at_with_digits(text, at) } else { class_at(text, at) };
        match next {
            Some((found, length)) if found == class => at += length,
            _ => return at,
        }
    }
}

/// The end of the white space from `at`, and the length of its last character.
#[inline(always)]
pub fn space_run(text: &[u8], mut at: usize) -> (usize, usize) {
    let mut last = 0;
    while let Some((CharClass::Space, length)) = class_at(text, at) {
        at += length;
        last = length;
    }
    (at, last)
}

/// `'s|'t|'re|'ve|'m|'ll|'d` after the apostrophe at `at`: the end, if it matches.
#[inline(always)]
pub fn contraction(text: &[u8], at: usize) -> Option<usize> {
    match *text.get(at + 1)? {
        b's' | b't' | b'm' | b'd' => Some(at + 2),
        b'r' | b'v' if text.get(at + 2) == Some(&b'e') => Some(at + 3),
        b'l' if text.get(at + 2) == Some(&b'l') => Some(at + 3),
        _ => None,
    }
}

/// The same whatever the case; `(?i:s)` matches the long s (U+017F) too.
#[inline(always)]
pub fn contraction_any_case(text: &[u8], at: usize) -> Option<usize> {
    let second = || text.get(at + 2).map(u8::to_ascii_lowercase);
    match text.get(at + 1)?.to_ascii_lowercase() {
        b's' | b't' | b'm' | b'd' => Some(at + 2),
        b'r' | b'v' if second() == Some(b'e') => Some(at + 3),
        b'l' if second() == Some(b'l') => Some(at + 3),
        0xC5 if text.get(at + 2) == Some(&0xBF) => Some(at + 3),
        _ => None,
    }
}

#[inline(always)]
pub fn gpt2_end<const DIGITS: bool>(text: &[u8], at: usize) -> usize {
    let byte = text[at];
    if byte == b'\''
        && let Some(end) = contraction(text, at)
    {
        return end;
    }
    let class = |at| if DIGITS { class_at_with_digits(text, at) } else { class_at(text, at) };
    let Some((first, length)) = class(at) else { return text.len() };
    if first != CharClass::Space {
        if DIGITS && first == CharClass::Number {
            return at + length;
        }
        return run::<DIGITS>(text, at + length, first);
    }
    if byte == b' ' {
        match class(at + 1) {
            Some((CharClass::Number, _)) if DIGITS => return at + 1,
            Some((CharClass::Space, _)) | None => {}
            Some((next, length)) => return run::<DIGITS>(text, at + 1 + length, next),
        }
    }
    let (end, last) = space_run(text, at);
    let ends_the_piece = match class(end) {
        None => true,
        Some((CharClass::Number, _)) => DIGITS,
        Some(_) => false,
    };
    if ends_the_piece || end - at == last { end } else { end - last }
}

#[inline(always)]
pub fn cl100k_end<const DIGITS: usize, const WHOLE_TAIL: bool>(text: &[u8], at: usize) -> usize {
    let byte = text[at];
    if byte == b'\''
        && let Some(end) = contraction_any_case(text, at)
    {
        return end;
    }
    let Some((first, length)) = class_at(text, at) else { return text.len() };
    match first {
        CharClass::Letter => return run::<false>(text, at + length, CharClass::Letter),
        CharClass::Number => {
            let mut end = at + length;
            for _ in 1..DIGITS {
                match class_at(text, end) {
                    Some((CharClass::Number, length)) => end += length,
                    _ => break,
                }
            }
            return end;
        }
        CharClass::Space | CharClass::Other => {}
    }
    let next = class_at(text, at + length);
    if let Some((CharClass::Letter, next_length)) = next
        && byte != b'\r'
        && byte != b'\n'
    {
        return run::<false>(text, at + length + next_length, CharClass::Letter);
    }
    if first == CharClass::Other {
        return newlines(text, run::<false>(text, at + length, CharClass::Other));
    }
    if byte == b' '
        && let Some((CharClass::Other, next_length)) = next
    {
        return newlines(text, run::<false>(text, at + 1 + next_length, CharClass::Other));
    }
    white_space::<WHOLE_TAIL>(text, at)
}

/// `\s*[\r\n]+|\s+(?!\S)|\s+`, after `\s++$` if `WHOLE_TAIL`.
#[inline(always)]
pub fn white_space<const WHOLE_TAIL: bool>(text: &[u8], at: usize) -> usize {
    let (end, last) = space_run(text, at);
    if WHOLE_TAIL && end == text.len() {
        return end;
    }
    if let Some(newline) = memchr::memrchr2(b'\r', b'\n', &text[at..end]) {
        return at + newline + 1;
    }
    if end == text.len() || end - at == last { end } else { end - last }
}

/// `[\r\n]*`.
#[inline(always)]
pub fn newlines(text: &[u8], mut at: usize) -> usize {
    while let Some(b'\r' | b'\n') = text.get(at) {
        at += 1;
    }
    at
}

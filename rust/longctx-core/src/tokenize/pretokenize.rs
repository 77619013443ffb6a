//! Splitting text into pre-tokens by hand-written scanners, exactly as the regular expressions do that they stand for.

use super::unicode::{ASCII, CharClass, class_of};

/// `(?i:'s|...)|...|\p{N}{1,3}|...`: Llama 3 and the Hugging Face form of cl100k.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The same with one digit at a time: Qwen 2 and 3.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The expression inside the `ByteLevel` pre-tokenizer.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// A pre-tokenizer that has a scanner here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// `ByteLevel` with its own expression.
    Gpt2,
    /// `Digits(individual_digits)`, then `ByteLevel`: StarCoder.
    DigitsGpt2,
    /// Numbers in groups of up to three.
    Llama3,
    /// Numbers one digit at a time.
    Qwen2,
}

impl Pattern {
    /// The scanner for an expression of a `Split` pre-tokenizer, if there is one.
    pub fn of_regex(regex: &str) -> Option<Self> {
        match regex {
            LLAMA3 => Some(Self::Llama3),
            QWEN2 => Some(Self::Qwen2),
            GPT2 => Some(Self::Gpt2),
            _ => None,
        }
    }

    /// The expression that the scanner stands for.
    pub fn regex(self) -> &'static str {
        match self {
            Self::Gpt2 | Self::DigitsGpt2 => GPT2,
            Self::Llama3 => LLAMA3,
            Self::Qwen2 => QWEN2,
        }
    }
}

/// Finds the end of the pre-token that begins at `at < text.len()`; `text` is UTF-8.
pub trait Scan {
    /// The byte after the pre-token.
    fn end(text: &[u8], at: usize) -> usize;
}

/// Scanner of [`Pattern::Gpt2`].
pub struct Gpt2;
/// Scanner of [`Pattern::DigitsGpt2`].
pub struct DigitsGpt2;
/// Scanner of [`Pattern::Llama3`].
pub struct Llama3;
/// Scanner of [`Pattern::Qwen2`].
pub struct Qwen2;

impl Scan for Gpt2 {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        gpt2_end::<false>(text, at)
    }
}

impl Scan for DigitsGpt2 {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        gpt2_end::<true>(text, at)
    }
}

impl Scan for Llama3 {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        cl100k_end::<3>(text, at)
    }
}

impl Scan for Qwen2 {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        cl100k_end::<1>(text, at)
    }
}

/// Class and length in bytes of the character at `at`; `None` at the end of the text.
#[inline(always)]
fn class_at(text: &[u8], at: usize) -> Option<(CharClass, usize)> {
    let byte = *text.get(at)?;
    if byte < 128 { Some((ASCII[usize::from(byte)], 1)) } else { Some(class_outside_ascii(text, at, byte)) }
}

#[cold]
fn class_outside_ascii(text: &[u8], at: usize, first: u8) -> (CharClass, usize) {
    let (length, mut code) = match first {
        0xF0.. => (4, u32::from(first & 0x07)),
        0xE0.. => (3, u32::from(first & 0x0F)),
        _ => (2, u32::from(first & 0x1F)),
    };
    for &byte in text.get(at + 1..at + length).unwrap_or_default() {
        code = (code << 6) | u32::from(byte & 0x3F);
    }
    (char::from_u32(code).map_or(CharClass::Other, class_of), length)
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
fn run<const DIGITS: bool>(text: &[u8], mut at: usize, class: CharClass) -> usize {
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
fn space_run(text: &[u8], mut at: usize) -> (usize, usize) {
    let mut last = 0;
    while let Some((CharClass::Space, length)) = class_at(text, at) {
        at += length;
        last = length;
    }
    (at, last)
}

/// `'s|'t|'re|'ve|'m|'ll|'d` after the apostrophe at `at`: the end, if it matches.
#[inline(always)]
fn contraction(text: &[u8], at: usize) -> Option<usize> {
    match *text.get(at + 1)? {
        b's' | b't' | b'm' | b'd' => Some(at + 2),
        b'r' | b'v' if text.get(at + 2) == Some(&b'e') => Some(at + 3),
        b'l' if text.get(at + 2) == Some(&b'l') => Some(at + 3),
        _ => None,
    }
}

/// The same whatever the case; `(?i:s)` matches the long s (U+017F) too.
#[inline(always)]
fn contraction_any_case(text: &[u8], at: usize) -> Option<usize> {
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
fn gpt2_end<const DIGITS: bool>(text: &[u8], at: usize) -> usize {
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
fn cl100k_end<const DIGITS: usize>(text: &[u8], at: usize) -> usize {
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
    let (end, last) = space_run(text, at);
    if let Some(newline) = memchr::memrchr2(b'\r', b'\n', &text[at..end]) {
        return at + newline + 1;
    }
    if end == text.len() || end - at == last { end } else { end - last }
}

/// `[\r\n]*`.
#[inline(always)]
fn newlines(text: &[u8], mut at: usize) -> usize {
    while let Some(b'\r' | b'\n') = text.get(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokenizers::tokenizer::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};
    use tokenizers::{PreTokenizerWrapper, pre_tokenizers as hf};

    fn scan<S: Scan>(text: &str) -> Vec<&str> {
        let mut parts = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let end = S::end(text.as_bytes(), at);
            parts.push(&text[at..end]);
            at = end;
        }
        parts
    }

    fn reference(pattern: Pattern) -> PreTokenizerWrapper {
        use hf::byte_level::ByteLevel;
        use hf::split::{Split, SplitPattern};
        let split = |regex: &str| {
            PreTokenizerWrapper::Split(
                Split::new(
                    SplitPattern::Regex(regex.into()),
                    tokenizers::SplitDelimiterBehavior::Isolated,
                    false,
                )
                .unwrap(),
            )
        };
        match pattern {
            Pattern::Gpt2 => PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true)),
            Pattern::DigitsGpt2 => PreTokenizerWrapper::Sequence(hf::sequence::Sequence::new(vec![
                PreTokenizerWrapper::Digits(hf::digits::Digits::new(true)),
                PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true)),
            ])),
            Pattern::Llama3 | Pattern::Qwen2 => split(pattern.regex()),
        }
    }

    fn expected<'t>(pre_tokenizer: &PreTokenizerWrapper, text: &'t str) -> Vec<&'t str> {
        let mut pieces = PreTokenizedString::from(text);
        pre_tokenizer.pre_tokenize(&mut pieces).unwrap();
        pieces
            .get_splits(OffsetReferential::Original, OffsetType::Byte)
            .into_iter()
            .map(|(_, (start, end), _)| &text[start..end])
            .collect()
    }

    fn agrees(text: &str) {
        for pattern in [Pattern::Gpt2, Pattern::DigitsGpt2, Pattern::Llama3, Pattern::Qwen2] {
            let ours = match pattern {
                Pattern::Gpt2 => scan::<Gpt2>(text),
                Pattern::DigitsGpt2 => scan::<DigitsGpt2>(text),
                Pattern::Llama3 => scan::<Llama3>(text),
                Pattern::Qwen2 => scan::<Qwen2>(text),
            };
            assert_eq!(ours, expected(&reference(pattern), text), "{pattern:?} on {text:?}");
        }
    }

    #[test]
    fn characters_of_every_class_are_split_as_hugging_face_does() {
        // Where classes meet, and a sample of what lies between.
        let class = |code: u32| char::from_u32(code).map(class_of);
        let telling = |code: &u32| {
            *code < 0x800
                || code.is_multiple_of(61)
                || class(*code) != class(code - 1)
                || class(*code) != class(code + 1)
        };
        let mut text = String::new();
        for c in (0..=0x10_FFFFu32).filter(telling).filter_map(char::from_u32) {
            text.push('a');
            text.push(c);
            text.push('1');
            text.push(c);
            text.push('!');
            text.push(c);
            text.push_str("  ");
            text.push(c);
            text.push('\'');
            text.push(c);
            if text.len() > 100_000 {
                agrees(&text);
                text.clear();
            }
        }
        agrees(&text);
    }

    #[test]
    fn white_space_contractions_and_digits_are_split_as_hugging_face_does() {
        for text in [
            "",
            " ",
            "  ",
            "a  b",
            "a \n b",
            "a\n\n\n  b  \n",
            "x   1 22 333 4444   5",
            "it's 'S 'LL 'll 've'RE 'ſ ''s '",
            "\t\tif x:\r\n\r\n\t\ty  \r\n",
            "foo(bar)...\n\n  };\n",
            "\u{3000}\u{3000}a \u{a0}\u{a0}1",
        ] {
            agrees(text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn mixed_text_is_split_as_hugging_face_does(
            text in "([a-zA-Z]{1,12}|[0-9]{1,5}|[ \t\r\n]{1,5}|'(s|S|t|re|VE|m|ll|d|x)|[!-/:-@\\[-`{-~]{1,4}|[\u{80}-\u{24f}]|\u{3000}|\u{17f}|\u{2028}|½|٣|é|🦙|\\PC){0,30}"
        ) {
            agrees(&text);
        }
    }
}

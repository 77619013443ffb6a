//! The scanners against the pre-tokenizers of the Hugging Face library.

use std::sync::LazyLock;

use super::super::unicode::class_of;
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

/// The same as [`scan`], by blocks wherever there is one.
fn scan_blocks<S: Scan>(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let block = text.as_bytes()[at..].first_chunk::<BLOCK>();
        let mut starts = block.map_or(0, |block| S::starts(block, text.as_bytes(), at) & !1);
        if starts == 0 {
            let end = S::end(text.as_bytes(), at);
            parts.push(&text[at..end]);
            at = end;
            continue;
        }
        let from = at;
        while starts != 0 {
            let end = from + starts.trailing_zeros() as usize;
            starts &= starts - 1;
            parts.push(&text[at..end]);
            at = end;
        }
    }
    parts
}

fn split(regex: &str) -> PreTokenizerWrapper {
    use hf::split::{Split, SplitPattern};
    let isolated = tokenizers::SplitDelimiterBehavior::Isolated;
    PreTokenizerWrapper::Split(Split::new(SplitPattern::Regex(regex.into()), isolated, false).unwrap())
}

fn reference(pattern: Pattern) -> PreTokenizerWrapper {
    let sequence = |parts| PreTokenizerWrapper::Sequence(hf::sequence::Sequence::new(parts));
    let digits = PreTokenizerWrapper::Digits(hf::digits::Digits::new(true));
    let byte_level = PreTokenizerWrapper::ByteLevel(hf::byte_level::ByteLevel::new(false, true, true));
    match pattern {
        Pattern::Gpt2 => byte_level,
        Pattern::DigitsGpt2 => sequence(vec![digits, byte_level]),
        Pattern::Llama3 | Pattern::Qwen2 | Pattern::Cl100k | Pattern::O200k => split(pattern.regex()),
        Pattern::DeepSeekCoder => sequence(DEEPSEEK_CODER.into_iter().map(split).chain([digits]).collect()),
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

static REFERENCES: LazyLock<Vec<(Pattern, PreTokenizerWrapper)>> = LazyLock::new(|| {
    let patterns = [
        Pattern::Gpt2,
        Pattern::DigitsGpt2,
        Pattern::Llama3,
        Pattern::Qwen2,
        Pattern::Cl100k,
        Pattern::O200k,
        Pattern::DeepSeekCoder,
    ];
    let own = patterns.into_iter().map(|pattern| (pattern, reference(pattern)));
    own.chain(ALIASES.into_iter().map(|(regex, pattern)| (pattern, split(regex)))).collect()
});

fn agrees(text: &str) {
    // Behind the padding each character is once in a block, before it in the last ones.
    let padded = format!("{text}{}", "\nlet x = 12; // it's\n".repeat(6));
    for (pattern, reference) in REFERENCES.iter() {
        for text in [text, &padded] {
            let expected = expected(reference, text);
            let (ours, blocks) = match pattern {
                Pattern::Gpt2 => (scan::<Gpt2>(text), scan_blocks::<Gpt2>(text)),
                Pattern::DigitsGpt2 => (scan::<DigitsGpt2>(text), scan_blocks::<DigitsGpt2>(text)),
                Pattern::Llama3 => (scan::<Llama3>(text), scan_blocks::<Llama3>(text)),
                Pattern::Qwen2 => (scan::<Qwen2>(text), scan_blocks::<Qwen2>(text)),
                Pattern::Cl100k => (scan::<Cl100k>(text), scan_blocks::<Cl100k>(text)),
                Pattern::O200k => (scan::<O200k>(text), scan_blocks::<O200k>(text)),
                Pattern::DeepSeekCoder => (scan::<DeepSeekCoder>(text), scan_blocks::<DeepSeekCoder>(text)),
            };
            assert_eq!(ours, expected, "{pattern:?} on {text:?}");
            assert_eq!(blocks, expected, "{pattern:?} by blocks on {text:?}");
        }
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
        "fooBar HTTPServer don'tX I'M's 's's x'Tx'S aªB ǅa ªA",
        "a;\n//b /\n/\n/c ;\r\n/x\n/y\n//\nz",
        "e\u{301}\u{301}A \u{301}B !\u{301}\u{301}C",
        "x = \u{4e2d}\u{6587}1\u{2460}, \u{2014}\u{201c}a\u{ac00} $+<=>^`|~ \t( (",
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

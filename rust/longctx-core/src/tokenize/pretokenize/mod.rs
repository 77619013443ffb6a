//! Splitting text into pre-tokens by hand-written scanners, exactly as the regular expressions do that they stand for.

mod block;
mod deepseek;
mod o200k;
mod scalar;
#[cfg(test)]
mod tests;

pub use block::BLOCK;

/// `(?i:'s|...)|...|\p{N}{1,3}|...`: Llama 3 and the Hugging Face form of cl100k.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The same with one digit at a time: Qwen 2 and 3.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The expression inside the `ByteLevel` pre-tokenizer.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// cl100k as tiktoken has it: all white space at the end of a text is one pre-token.
const CL100K: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s";
/// o200k: GPT-4o, gpt-oss, Llama 4.
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Other spellings that mean the same.
const ALIASES: [(&str, Pattern); 4] = [
    (r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", Pattern::Gpt2),
    (r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s", Pattern::Gpt2),
    (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        Pattern::Llama3,
    ),
    (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        Pattern::Qwen2,
    ),
];

/// The expressions of DeepSeek-Coder's four splits; digits follow.
pub const DEEPSEEK_CODER: [&str; 4] =
    ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[\u{4e00}-\u{9fa5}\u{800}-\u{4e00}\u{ac00}-\u{d7ff}]+"];

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
    /// Like [`Self::Llama3`], but for white space at the end.
    Cl100k,
    /// Words cut where their case changes.
    O200k,
    /// A sequence of splits.
    DeepSeekCoder,
}

impl Pattern {
    /// The scanner for an expression of a `Split` pre-tokenizer, if there is one.
    pub fn of_regex(regex: &str) -> Option<Self> {
        let own = [Self::Gpt2, Self::Llama3, Self::Qwen2, Self::Cl100k, Self::O200k];
        let known = own.iter().map(|pattern| (pattern.regex(), *pattern)).chain(ALIASES);
        known.into_iter().find(|(known, _)| *known == regex).map(|(_, pattern)| pattern)
    }

    /// The expression that the scanner stands for; for a sequence of several the last that is one.
    pub fn regex(self) -> &'static str {
        match self {
            Self::Gpt2 | Self::DigitsGpt2 => GPT2,
            Self::Llama3 => LLAMA3,
            Self::Qwen2 => QWEN2,
            Self::Cl100k => CL100K,
            Self::O200k => O200K,
            Self::DeepSeekCoder => DEEPSEEK_CODER[3],
        }
    }
}

/// Finds pre-tokens; `text` is UTF-8.
pub trait Scan {
    /// The end of the pre-token that begins at `at < text.len()`.
    fn end(text: &[u8], at: usize) -> usize;

    /// Where pre-tokens begin in `block`, the 64 bytes from `at`, given that one begins at `at`: a bit for each byte. All
    /// of them are there up to the last; bit 0 means nothing, and where no other is set it takes [`Self::end`].
    fn starts(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64;
}

/// Scanner of [`Pattern::Gpt2`].
pub struct Gpt2;

impl Scan for Gpt2 {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        scalar::gpt2_end::<false>(text, at)
    }

    #[inline(always)]
    fn starts(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64 {
        block::gpt2::<false>(block, text, at)
    }
}

/// Scanner of [`Pattern::DigitsGpt2`].
pub struct DigitsGpt2;

impl Scan for DigitsGpt2 {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        scalar::gpt2_end::<true>(text, at)
    }

    #[inline(always)]
    fn starts(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64 {
        block::gpt2::<true>(block, text, at)
    }
}

/// Scanner of [`Pattern::Llama3`].
pub struct Llama3;

impl Scan for Llama3 {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        scalar::cl100k_end::<3, false>(text, at)
    }

    #[inline(always)]
    fn starts(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64 {
        block::cl100k::<3>(block, text, at)
    }
}

/// Scanner of [`Pattern::Qwen2`].
pub struct Qwen2;

impl Scan for Qwen2 {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        scalar::cl100k_end::<1, false>(text, at)
    }

    #[inline(always)]
    fn starts(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64 {
        block::cl100k::<1>(block, text, at)
    }
}

/// Scanner of [`Pattern::Cl100k`].
pub struct Cl100k;

impl Scan for Cl100k {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        scalar::cl100k_end::<3, true>(text, at)
    }

    #[inline(always)]
    fn starts(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64 {
        block::cl100k::<3>(block, text, at)
    }
}

/// Scanner of [`Pattern::O200k`].
pub struct O200k;

impl Scan for O200k {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        o200k::o200k_end(text, at)
    }

    #[inline(always)]
    fn starts(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64 {
        block::o200k(block, text, at)
    }
}

/// Scanner of [`Pattern::DeepSeekCoder`].
pub struct DeepSeekCoder;

impl Scan for DeepSeekCoder {
    #[inline(always)]
    fn end(text: &[u8], at: usize) -> usize {
        deepseek::deepseek_coder_end(text, at)
    }

    #[inline(always)]
    fn starts(block: &[u8; BLOCK], text: &[u8], at: usize) -> u64 {
        let _ = (text, at);
        block::deepseek_coder(block)
    }
}

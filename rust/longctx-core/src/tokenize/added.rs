//! Added tokens that are not special: Hugging Face splits them off before the pre-tokenizer, even where the spelling of
//! special tokens is read as plain text.

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};

/// An entry of `added_tokens` in a `tokenizer.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AddedToken {
    /// Its id.
    pub id: u32,
    /// Its spelling.
    pub content: String,
    /// Matches whole words only.
    #[serde(default)]
    pub single_word: bool,
    /// Swallows white space on its left.
    #[serde(default)]
    pub lstrip: bool,
    /// Swallows white space on its right.
    #[serde(default)]
    pub rstrip: bool,
    /// Is looked for after normalization.
    #[serde(default)]
    pub normalized: bool,
    /// Is special: its spelling in a text is text.
    #[serde(default)]
    pub special: bool,
}

impl AddedToken {
    /// A special token with no whims.
    pub fn special(id: u32, content: &str) -> Self {
        Self {
            id,
            content: content.to_owned(),
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: true,
        }
    }

    /// Whether a plain search finds what Hugging Face finds.
    fn is_plain(&self) -> bool {
        !self.single_word && !self.lstrip && !self.rstrip && !self.content.is_empty()
    }
}

/// Splits text at added tokens.
#[derive(Debug)]
pub struct AddedSplitter {
    /// First those looked for in the raw text, then those in the normalized text.
    passes: Vec<(AhoCorasick, Vec<Option<u32>>)>,
}

impl AddedSplitter {
    /// A splitter for those of `tokens` that are not special; `None` if one of them needs more than a plain search.
    pub fn new(tokens: &[AddedToken]) -> Option<Self> {
        let mut passes = Vec::new();
        for normalized in [false, true] {
            // A special token is found too, so that no other is found inside it, and then left as text.
            let wanted: Vec<&AddedToken> =
                tokens.iter().filter(|token| token.normalized == normalized).collect();
            if wanted.iter().all(|token| token.special) {
                continue;
            }
            if !wanted.iter().all(|token| token.special || token.is_plain()) {
                return None;
            }
            let search = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(wanted.iter().map(|token| &token.content))
                .ok()?;
            passes.push((search, wanted.iter().map(|token| (!token.special).then_some(token.id)).collect()));
        }
        Some(Self { passes })
    }

    /// Whether there is nothing to split off.
    pub fn is_empty(&self) -> bool {
        self.passes.is_empty()
    }

    /// Calls `visit` for each stretch of text and each added token, in order.
    pub fn split<'t>(&self, text: &'t str, visit: &mut dyn FnMut(Part<'t>)) {
        self.split_from(0, text, visit);
    }

    fn split_from<'t>(&self, pass: usize, text: &'t str, visit: &mut dyn FnMut(Part<'t>)) {
        let Some((search, ids)) = self.passes.get(pass) else {
            if !text.is_empty() {
                visit(Part::Text(text));
            }
            return;
        };
        let mut at = 0;
        for found in search.find_iter(text) {
            if let Some(id) = ids[found.pattern().as_usize()] {
                self.split_from(pass + 1, &text[at..found.start()], visit);
                visit(Part::Token(id));
                at = found.end();
            }
        }
        self.split_from(pass + 1, &text[at..], visit);
    }
}

/// What [`AddedSplitter::split`] finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'t> {
    /// Text without added tokens.
    Text(&'t str),
    /// An added token.
    Token(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: u32, content: &str, special: bool) -> AddedToken {
        AddedToken { special, ..AddedToken::special(id, content) }
    }

    #[test]
    fn the_longest_token_wins_and_special_ones_are_text() {
        let splitter =
            AddedSplitter::new(&[token(1, "<a>", true), token(2, "    ", false), token(3, "  ", false)])
                .unwrap();
        let mut parts = Vec::new();
        splitter.split("x<a>      y", &mut |part| parts.push(part));
        assert_eq!(parts, [Part::Text("x<a>"), Part::Token(2), Part::Token(3), Part::Text("y")]);
    }

    #[test]
    fn nothing_is_found_inside_a_special_token() {
        let splitter = AddedSplitter::new(&[token(1, "<a  b>", true), token(2, "  ", false)]).unwrap();
        let mut parts = Vec::new();
        splitter.split("<a  b>  ", &mut |part| parts.push(part));
        assert_eq!(parts, [Part::Text("<a  b>"), Part::Token(2)]);
    }

    #[test]
    fn a_token_that_strips_needs_the_reference_implementation() {
        let mut stripping = token(1, "<mask>", false);
        stripping.lstrip = true;
        assert!(AddedSplitter::new(&[stripping]).is_none());
    }
}

//! The line that stands for text that is left out of a file block.

use std::collections::HashMap;

use crate::tokenize::{Encoded, Scratch, Tokenizer};

/// Tokens of one language's elision line, with the line breaks that its place needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ElisionTokens {
    /// Before text that begins with a line break of its own.
    pub before_break: Box<[u32]>,
    /// Before any other text.
    pub before: Box<[u32]>,
    /// After text that ends with a line break.
    pub after_break: Box<[u32]>,
    /// After any other text.
    pub after: Box<[u32]>,
}

impl ElisionTokens {
    /// Tokens for a comment syntax; without one the line is `...`.
    pub fn new(tokenizer: &Tokenizer, comment: Comment, scratch: &mut Scratch) -> Self {
        let line = match comment {
            Some((before, after)) => format!("{before}...{after}"),
            None => "...".to_owned(),
        };
        let mut buffer = Encoded::default();
        let mut encode = |text: &str| -> Box<[u32]> {
            let _ = tokenizer.encode(text, scratch, &mut buffer);
            buffer.ids.as_slice().into()
        };
        Self {
            before_break: encode(&line),
            before: encode(&format!("{line}\n")),
            after_break: encode(&format!("{line}\n")),
            after: encode(&format!("\n{line}\n")),
        }
    }
}

/// A language's comment syntax: what stands before and after the comment.
pub type Comment = Option<(&'static str, &'static str)>;

/// Elision lines of many languages, by their comment syntax.
#[derive(Debug)]
pub struct Elisions {
    lines: HashMap<(&'static str, &'static str), ElisionTokens>,
    /// Without comments.
    bare: ElisionTokens,
}

impl Elisions {
    /// Lines for each comment syntax.
    pub fn new(
        tokenizer: &Tokenizer,
        comments: impl Iterator<Item = Comment>,
        scratch: &mut Scratch,
    ) -> Self {
        let mut lines = HashMap::new();
        for comment in comments.flatten() {
            lines.entry(comment).or_insert_with(|| ElisionTokens::new(tokenizer, Some(comment), scratch));
        }
        Self { lines, bare: ElisionTokens::new(tokenizer, None, scratch) }
    }

    /// The line for a comment syntax; without comments for one that was not prepared.
    pub fn of(&self, comment: Comment) -> &ElisionTokens {
        comment.and_then(|comment| self.lines.get(&comment)).unwrap_or(&self.bare)
    }
}

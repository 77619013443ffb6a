//! The tokens of a whole document, secrets replaced.

use std::ops::Range;

use super::REDACTED;
use crate::tokenize::{Encoded, NotLossless, Scratch, Tokenizer};

/// A stretch of a document that is replaced by a placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactedTokens {
    /// Bytes of the text that are hidden.
    pub bytes: Range<u32>,
    /// Tokens of the placeholder.
    pub tokens: Range<u32>,
}

/// The tokens of a document: those of each stretch between redactions, encoded on its own, and of the placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncodedDocument {
    /// Token ids, and the byte of the text after each; all tokens of a placeholder end where its secret ends.
    pub tokens: Encoded,
    /// In order.
    pub redacted: Vec<RedactedTokens>,
}

/// Encodes `text` with the bytes of `redactions` (sorted, disjoint, on character boundaries) replaced.
///
/// # Errors
/// [`NotLossless`] if some stretch does not decode to its text.
pub fn encode_document(
    tokenizer: &Tokenizer,
    text: &str,
    redactions: &[Range<usize>],
    scratch: &mut Scratch,
    out: &mut EncodedDocument,
) -> Result<(), NotLossless> {
    out.redacted.clear();
    if redactions.is_empty() {
        return tokenizer.encode(text, scratch, &mut out.tokens);
    }
    out.tokens.clear();
    let mut part = Encoded::default();
    let mut at = 0;
    for redaction in redactions {
        append(tokenizer, &text[at..redaction.start], at, scratch, &mut part, &mut out.tokens)?;
        let first = out.tokens.ids.len() as u32;
        tokenizer.encode(REDACTED, scratch, &mut part)?;
        out.tokens.ids.extend_from_slice(&part.ids);
        out.tokens.ends.resize(out.tokens.ids.len(), redaction.end as u32);
        out.redacted.push(RedactedTokens {
            bytes: redaction.start as u32..redaction.end as u32,
            tokens: first..out.tokens.ids.len() as u32,
        });
        at = redaction.end;
    }
    append(tokenizer, &text[at..], at, scratch, &mut part, &mut out.tokens)
}

fn append(
    tokenizer: &Tokenizer,
    text: &str,
    at: usize,
    scratch: &mut Scratch,
    part: &mut Encoded,
    out: &mut Encoded,
) -> Result<(), NotLossless> {
    tokenizer.encode(text, scratch, part)?;
    out.ids.extend_from_slice(&part.ids);
    out.ends.extend(part.ends.iter().map(|end| end + at as u32));
    Ok(())
}

impl EncodedDocument {
    /// Number of tokens.
    pub fn len(&self) -> u32 {
        self.tokens.ids.len() as u32
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.tokens.ids.is_empty()
    }

    /// Byte of the text where token `index` begins; for `len()`, where the text ends.
    pub fn byte_before(&self, index: u32) -> u32 {
        match index.checked_sub(1) {
            Some(last) => self.tokens.ends[last as usize],
            None => 0,
        }
    }
}

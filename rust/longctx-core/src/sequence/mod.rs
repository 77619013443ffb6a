//! From the tokens of a document to the blocks that sequences are made of.
//!
//! A file block is: start marker; path and newline, encoded together; the content, encoded on its own; end marker. A
//! block that shows a window of a document has an elision line in the language's comment syntax where text is left out.

mod build;
mod document;
mod draft;
mod elision;
mod header;
mod segment;
mod shapes;
mod window;
mod words;

use serde::{Deserialize, Serialize};

pub use build::{
    Answer, BuiltSequence, TextVersion, build_commit_chain_sequence, build_file_sequence, build_qa_sequence,
};
pub use document::{EncodedDocument, RedactedTokens, encode_document};
pub use draft::{Draft, Kit, Mark, Part, Piece, Text};
pub use elision::{Comment, ElisionTokens, Elisions};
pub use header::header_tokens;
pub use segment::{Link, Role, Segment, Why};
pub use shapes::Shapes;
pub use window::{Window, cut};
pub use words::words;

/// What a secret is replaced by.
pub const REDACTED: &str = "<REDACTED_SECRET>";

/// A length range that a training phase trains on, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The number of the phase, from 1.
    pub id: u8,
    /// Sequences are at least this long where the repository has enough text.
    pub min: u32,
    /// No sequence is longer.
    pub max: u32,
    /// Tokens that a window repeats of the one before.
    pub overlap: u32,
}

/// The kinds of sequences; the discriminant is what the index stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// File blocks.
    Hierarchical = 0,
    /// Versions of files.
    Commits = 1,
    /// Questions about snippets.
    Qa = 2,
}

impl Kind {
    /// All kinds, by discriminant.
    pub const ALL: [Self; 3] = [Self::Hierarchical, Self::Commits, Self::Qa];

    /// What the ids of its sequences begin with.
    pub fn letter(self) -> char {
        match self {
            Self::Hierarchical => 'h',
            Self::Commits => 'c',
            Self::Qa => 'q',
        }
    }
}

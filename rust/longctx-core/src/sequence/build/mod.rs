//! Single sequences from texts that a caller gives: the engine behind the public builder.

mod chain;
mod files;
mod questions;

use serde::Serialize;

use super::{Draft, Elisions, Kit, Role, Text};
use crate::Error;
use crate::path::RepoPath;
use crate::source::{self, LANGUAGES};
use crate::tokenize::{NotLossless, Scratch, Scratches, Tokenizer};

pub use chain::{TextVersion, build_commit_chain_sequence};
pub use files::build_file_sequence;
pub use questions::{Answer, build_qa_sequence};

/// A sequence and what became of the texts it was asked to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuiltSequence {
    /// Token ids.
    #[serde(skip)]
    pub ids: Vec<u32>,
    /// The first token that is learnt.
    #[serde(skip)]
    pub loss_start: u32,
    /// The texts shown, in order.
    pub segments: Vec<BuiltSegment>,
    /// Paths of files, or ids of commits, that found no room, front to back.
    pub dropped: Vec<String>,
    /// Tokens of the target beyond the length allowed.
    pub truncated_tokens: u32,
}

/// A text in a [`BuiltSequence`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuiltSegment {
    path: String,
    role: Role,
    bytes: [u32; 2],
    tokens: [u32; 2],
}

impl BuiltSequence {
    fn of(draft: Draft, dropped: Vec<String>) -> Self {
        let segments = draft.segments.iter().map(|segment| BuiltSegment {
            path: segment.path.to_string(),
            role: segment.role,
            bytes: segment.bytes,
            tokens: segment.tokens,
        });
        let segments = segments.collect();
        Self { ids: draft.tokens, loss_start: draft.loss_start, segments, dropped, truncated_tokens: 0 }
    }
}

/// Elision lines of all languages.
fn elisions(tokenizer: &Tokenizer) -> Elisions {
    let comments = LANGUAGES.iter().map(|language| language.line_comment);
    Elisions::new(tokenizer, comments, &mut Scratch::default())
}

fn kit<'k>(
    tokenizer: &'k Tokenizer,
    scratches: &'k Scratches,
    elisions: &'k Elisions,
    max_length: u32,
) -> Kit<'k> {
    let header_limit = (max_length / 8).max(1) as usize;
    Kit { tokenizer, scratches, elisions, markers: tokenizer.markers(), header_limit }
}

/// A text that belongs to no repository.
fn loose<'t>(path: &'t RepoPath, text: &'t str) -> Text<'t> {
    let comment = source::detect(path, text).line_comment;
    Text {
        path: path.borrow(),
        header: None,
        name: path.text().into(),
        blob: "".into(),
        commit: None,
        text,
        hidden: &[],
        comment,
    }
}

fn unencodable(what: &str) -> impl FnOnce(NotLossless) -> Error {
    let message = format!("the tokenizer cannot represent {what}");
    move |NotLossless| Error::usage(message)
}

//! A stretch of a sequence that came from a document, and why it is there.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::graph::EdgeKind;

/// What a segment is in its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Text of a file, a slice of the tokens of the whole file.
    File,
    /// A placeholder for a secret.
    Redacted,
    /// The import lines of a file.
    Imports,
    /// The beginning of a file, cut at a line end.
    Head,
    /// A whole definition.
    Definition,
    /// The head of a definition, without its body.
    Signature,
    /// A whole version of a file.
    Version,
    /// A part of a version around what changed.
    Change,
    /// A part of a file that a question is about, or that stands beside such a part.
    Snippet,
}

/// Why a segment is in its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It is what the sequence teaches.
    Target,
    /// The window before has taught it; here it is context.
    Overlap,
    /// The target's own import lines.
    OwnImports,
    /// The definition that the target's window begins in.
    Enclosing,
    /// The target's import lines, or its text before what is learnt, name it.
    Named,
    /// It is a member of something that is named.
    MemberOfNamed,
    /// It was drawn from a file that the target needs.
    Drawn,
    /// Its file lies beside the target.
    Sibling,
    /// Its file is the target's test, header or the like: the same name with a prefix or ending.
    Counterpart,
    /// The state of the file before the first change that is shown.
    State,
    /// What a commit made of the file.
    Changed,
    /// The heads of the definitions around what changed.
    Outline,
    /// It holds the answer to a question.
    Answer,
    /// The question asks about it.
    Question,
    /// It stands beside what is asked for.
    Distractor,
}

/// The import by which a file needs another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The file that imports.
    pub path: Arc<str>,
    /// How strongly.
    pub kind: EdgeKind,
    /// Where it says so, from 1.
    pub line: u32,
}

/// A token slice that came from one document; an element of `segments` in `meta.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// The document's path.
    pub path: Arc<str>,
    /// Its git object id.
    pub blob: Arc<str>,
    /// The commit it was read from; none for a work tree.
    pub commit: Option<Arc<str>>,
    /// What it is.
    pub role: Role,
    /// Range in the document, decoded to UTF-8.
    pub bytes: [u32; 2],
    /// Range in the sequence.
    pub tokens: [u32; 2],
    /// Why it is there.
    pub why: Why,
    /// The name of the definition that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// Who needs the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed_by: Option<Link>,
}

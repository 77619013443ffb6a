//! A question, its answer, and what proves it.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// The snippet that defines something.
    Definition,
    /// The snippet whose file imports another.
    Import,
    /// The snippet that calls something.
    Caller,
    /// The snippet that defines what another calls.
    Callee,
    /// The snippets through which calls lead, in order.
    Chain,
    /// The commit that introduced a line.
    Commit,
    /// What no snippet has.
    None,
}

impl Type {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Definition => "definition",
            Self::Import => "import",
            Self::Caller => "caller",
            Self::Callee => "callee",
            Self::Chain => "chain",
            Self::Commit => "commit",
            Self::None => "none",
        }
    }
}

/// What a proof says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// A definition of the name begins at the line.
    Defines,
    /// A call of the name begins at the line.
    Calls,
    /// The import on the line leads to the file `name`.
    Imports,
    /// The commit added the line, whose text is `name`.
    Introduces,
    /// No snippet defines (or calls, whichever is asked for) the name.
    Absent,
    /// No snippet's file imports the file `name`.
    NotImported,
}

/// One statement that an answer follows from; anyone can check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The file that it is about.
    pub path: String,
    /// The line, from 1; 0 where something is not there.
    pub line: u32,
    /// What it says.
    pub kind: Fact,
    /// Of what.
    pub name: String,
    /// The snippet that shows it, from 1; none if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<usize>,
    /// The commit that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The commit before that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

impl Proof {
    /// A statement about a file that was packed. `shown` is the place of its snippet, from 0.
    pub fn new(kind: Fact, path: &str, line: u32, name: &str, shown: Option<usize>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            kind,
            name: name.to_owned(),
            snippet: shown.map(|place| place + 1),
            commit: None,
            parent: None,
        }
    }
}

/// A question about the snippets of a sequence.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it asks for.
    pub kind: Type,
    /// What it is about: no two questions of a sequence have the same type and subject.
    pub subject: String,
    /// Without "Question:".
    pub text: String,
    /// The snippets that are the answer, in order, from 0; none for none of them.
    pub answers: Vec<usize>,
    /// Snippets that are asked about, from 0.
    pub about: Vec<usize>,
    /// What proves it.
    pub proof: Vec<Proof>,
    /// How many steps lead to the answer.
    pub hops: u32,
}

/// Why questions and sequences were not made, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Dropped(BTreeMap<&'static str, u64>);

impl Dropped {
    /// One more.
    pub fn note(&mut self, reason: &'static str) {
        *self.0.entry(reason).or_default() += 1;
    }

    /// Those of another count too.
    pub fn merge(&mut self, other: &Self) {
        for (&reason, count) in &other.0 {
            *self.0.entry(reason).or_default() += count;
        }
    }
}

//! Versions of files: read, decoded, what must not be shown found, and compared in pairs.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::align::Alignment;
use super::known::Known;
use super::lines::Lines;
use super::plan::{Content, Plan};
use super::syntax::{Source, Syntax};
use super::telling::Message;
use crate::graph::Lang;
use crate::history::{Blob, BlobIndex, Blobs, ObjectId};
use crate::interrupt::Watch;
use crate::path::RepoPath;
use crate::sequence::{Comment, REDACTED, Text};
use crate::source::{self, Document, SkipReason, SourceOptions};

/// Longer subjects are cut, in characters.
const LONGEST_SUBJECT: usize = 200;

/// Reads versions.
pub struct Library<'l> {
    /// What they are.
    pub plan: &'l Plan,
    /// Where they are.
    pub blobs: &'l Blobs,
    /// What is left out and hidden, as in files.
    pub options: SourceOptions,
    /// Larger ones are left out, in bytes.
    pub largest: u64,
    /// Says when to stop.
    pub watch: Watch<'l>,
}

/// What reading found, by content.
#[derive(Default)]
pub struct Readings(pub BTreeMap<BlobIndex, Result<(), SkipReason>>);

/// A version of a file.
pub struct Version {
    /// Its content.
    pub blob: BlobIndex,
    /// Its text.
    pub text: String,
    /// Where its lines are.
    pub lines: Lines,
    path: RepoPath,
    name: Arc<str>,
    id: Arc<str>,
    commit: Arc<str>,
    hidden: Vec<Range<usize>>,
    comment: Comment,
    /// What it is parsed as.
    pub lang: Option<Lang>,
    syntax: OnceCell<Syntax>,
}

impl Library<'_> {
    /// Reads a version; none if it cannot be shown.
    pub fn read(&self, content: &Content, readings: &mut Readings) -> Option<Version> {
        let result = self.open(content, &self.options, Blobs::read_at_most);
        let found = result.as_ref().map(|_| ()).map_err(|&reason| reason);
        readings.0.insert(content.blob, found);
        result.ok().map(|document| Version::new(content, document))
    }

    /// Reads a version that may never be shown: nothing is noted, nor found out what is hidden.
    pub fn glance(&self, content: &Content) -> Option<Version> {
        let document = self.open(content, &self.without_secrets(), Blobs::glance).ok()?;
        Some(Version::new(content, document))
    }

    /// Reads the text of a version that will not be shown; none if it could not be.
    pub fn text(&self, content: &Content) -> Option<String> {
        let document = self.open(content, &self.without_secrets(), Blobs::read_at_most).ok()?;
        Some(document.text)
    }

    fn without_secrets(&self) -> SourceOptions {
        SourceOptions { redact_secrets: false, ..self.options }
    }

    /// How a commit introduces itself.
    pub fn message(&self, commit: u32) -> Message {
        let told = &self.plan.history.commits[commit as usize];
        let mut subject = told.subject.clone();
        if self.options.redact_secrets {
            for secret in source::find_secrets(&told.subject).into_iter().rev() {
                subject.replace_range(secret.range, REDACTED);
            }
        }
        if let Some((end, _)) = subject.char_indices().nth(LONGEST_SUBJECT) {
            subject.truncate(end);
        }
        Message { commit, short_id: told.short_id(), subject }
    }

    fn open(
        &self,
        content: &Content,
        options: &SourceOptions,
        read: for<'b> fn(&Blobs, ObjectId, u64, &'b mut Vec<u8>) -> Blob<'b>,
    ) -> Result<Document, SkipReason> {
        let history = &self.plan.history;
        let id = history.blob(content.blob);
        let mut bytes = Vec::new();
        match read(self.blobs, id, self.largest, &mut bytes) {
            Blob::Bytes(_) => {}
            Blob::TooLarge(_) => return Err(SkipReason::TooLarge),
            Blob::Missing => return Err(SkipReason::MissingObject),
        }
        let path = self.plan.shown_path(content.path);
        source::classify(&path, bytes, &id, options)
    }
}

impl Version {
    fn new(content: &Content, document: Document) -> Self {
        let name: Arc<str> = document.path.text().into();
        Self {
            blob: content.blob,
            lines: Lines::new(&document.text),
            text: document.text,
            lang: Lang::of(&name),
            path: document.path,
            name,
            id: document.blob.into(),
            commit: content.commit.to_string().into(),
            hidden: document.redactions.into_iter().map(|redaction| redaction.range).collect(),
            comment: document.language.line_comment,
            syntax: OnceCell::new(),
        }
    }

    /// To cut pieces from.
    pub fn as_text(&self) -> Text<'_> {
        Text {
            path: self.path.borrow(),
            header: None,
            name: self.name.clone(),
            blob: self.id.clone(),
            commit: Some(self.commit.clone()),
            text: &self.text,
            hidden: &self.hidden,
            comment: self.comment,
        }
    }

    /// Its path, as the dataset has it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of some lines.
    pub fn line_text(&self, lines: &Range<u32>) -> &str {
        &self.text[self.lines.bytes(lines)]
    }

    /// Whether `#` begins a comment.
    pub fn has_hash_comments(&self) -> bool {
        self.comment.is_some_and(|(before, _)| before.starts_with('#'))
    }

    /// Its definitions, parsed from the beginning unless that was done.
    pub fn syntax(&self, watch: Watch<'_>) -> &Syntax {
        self.syntax.get_or_init(|| Syntax::read(self.lang, self.source(), watch))
    }

    /// What is parsed.
    pub fn source(&self) -> Source<'_> {
        Source { text: &self.text, lines: &self.lines }
    }
}

/// Two versions of a file, one made of the other.
pub struct Pair<'p> {
    /// The older one.
    pub before: &'p Version,
    /// The newer one.
    pub after: &'p Version,
    alignment: OnceCell<Alignment>,
    known: Option<[Arc<Syntax>; 2]>,
    watch: Watch<'p>,
}

impl<'p> Pair<'p> {
    /// A pair.
    pub fn new(before: &'p Version, after: &'p Version, watch: Watch<'p>) -> Self {
        Self { before, after, alignment: OnceCell::new(), known: None, watch }
    }

    /// A pair of which something is known. In the stretch for which that was found out, it is what parsing its
    /// versions one after the other finds.
    pub fn of_known(
        before: &'p Version,
        after: &'p Version,
        known: Option<Known>,
        in_stretch: bool,
        watch: Watch<'p>,
    ) -> Self {
        let mut pair = Self::new(before, after, watch);
        if let Some(known) = known {
            pair.alignment = known.alignment.into();
            pair.known = (in_stretch || known.anywhere).then_some(known.syntax);
        }
        pair
    }

    /// Which lines are the same.
    pub fn alignment(&self) -> &Alignment {
        self.alignment.get_or_init(|| Alignment::new(&self.before.text, &self.after.text))
    }

    /// The definitions of the older and of the newer version.
    pub fn syntax(&self) -> [&Syntax; 2] {
        if let Some([before, after]) = &self.known {
            return [before, after];
        }
        let Self { before, after, watch, .. } = *self;
        let old = before.syntax(watch);
        let new = after.syntax.get_or_init(|| {
            if before.lang == after.lang {
                old.next(after.lang, [before.source(), after.source()], self.alignment(), watch)
            } else {
                Syntax::read(after.lang, after.source(), watch)
            }
        });
        [old, new]
    }
}

#[cfg(test)]
impl Version {
    /// A version that lies in no repository.
    pub fn of_text(path: &str, text: &str) -> Self {
        Self {
            blob: BlobIndex::first(),
            lines: Lines::new(text),
            text: text.to_owned(),
            lang: Lang::of(path),
            path: path.into(),
            name: path.into(),
            id: "blob".into(),
            commit: "commit".into(),
            hidden: Vec::new(),
            comment: None,
            syntax: OnceCell::new(),
        }
    }
}

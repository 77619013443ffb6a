//! One commit as the walk sees it, and who its parents are.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use gix::ObjectId;
use serde::{Deserialize, Serialize};

use super::message::{CommitText, is_empty_talk};
use super::store::{Place, Reader, causes, repository_error};
use super::{Commit, Note, ObjectKind};
use crate::{Error, Result};

/// A commit as far as the walk needs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Node {
    /// What is told of it.
    pub(super) commit: Commit,
    /// Its tree.
    pub(super) tree: ObjectId,
    /// Its parents, in order.
    pub(super) parents: Vec<ObjectId>,
    /// The subject as written, where the body speaks for it.
    written: Option<String>,
}

impl Node {
    /// Reads a commit; none, and that is noted, if it is missing or malformed.
    pub(super) fn read(reader: &mut Reader, id: ObjectId, parents: &Parents) -> Option<Self> {
        let mut buffer = Vec::new();
        let place = Place { commit: None, path: &[] };
        if !reader.read(id, ObjectKind::Commit, place, &mut buffer) {
            return None;
        }
        let Some(text) = CommitText::parse(&buffer) else {
            reader.note_missing(id, ObjectKind::Commit, place, Some("is malformed".to_owned()));
            return None;
        };
        let written = text.subject();
        let merge = text.parents.len() > 1;
        let spoken = if merge && is_empty_talk(&written) { text.body_line() } else { None };
        let (subject, written) = match spoken {
            Some(spoken) => (spoken, Some(written)),
            None => (written, None),
        };
        let author = text.author_text();
        let parents = parents.of(id, text.parents);
        let commit = Commit {
            id,
            parent: parents.first().copied(),
            subject,
            time: text.time,
            author,
            merge,
            left_out: None,
        };
        Some(Self { commit, tree: text.tree, parents, written })
    }

    /// A commit that was not read.
    #[cfg(test)]
    pub(super) fn of(commit: Commit, tree: ObjectId, parents: Vec<ObjectId>) -> Self {
        Self { commit, tree, parents, written: None }
    }

    /// The subject as written.
    pub(super) fn written(&self) -> &str {
        self.written.as_deref().unwrap_or(&self.commit.subject)
    }
}

/// Who a commit's parents are: what it says, unless a graft or the boundary of a shallow clone says otherwise.
pub(super) struct Parents {
    grafts: HashMap<ObjectId, Vec<ObjectId>>,
    shallow: HashSet<ObjectId>,
}

impl Parents {
    /// Reads what says otherwise in the repository at `path`.
    pub(super) fn read(repo: &gix::Repository, path: &Path) -> Result<Self> {
        let shallow = repo.shallow_commits().map_err(|error| {
            repository_error(path, &format!("its list of shallow commits: {}", causes(&error)))
        })?;
        let file = repo.common_dir().join("info/grafts");
        let grafts = match std::fs::read(&file) {
            Ok(text) => parse_grafts(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => HashMap::new(),
            Err(error) => return Err(Error::io("read", &file, error)),
        };
        Ok(Self { grafts, shallow: shallow.iter().flat_map(|list| list.iter().copied()).collect() })
    }

    fn of(&self, id: ObjectId, own: Vec<ObjectId>) -> Vec<ObjectId> {
        if self.shallow.contains(&id) {
            return Vec::new();
        }
        self.grafts.get(&id).cloned().unwrap_or(own)
    }

    /// What is unusual about the repository.
    pub(super) fn notes(&self, repo: &gix::Repository) -> Vec<Note> {
        let mut notes = Vec::new();
        if !self.shallow.is_empty() {
            notes.push(Note::Shallow { boundary: self.shallow.len() });
        }
        if !self.grafts.is_empty() {
            notes.push(Note::Grafts { commits: self.grafts.len() });
        }
        let replaced = repo.references().is_ok_and(|all| {
            all.prefixed("refs/replace/").is_ok_and(|mut replacements| replacements.next().is_some())
        });
        if replaced {
            notes.push(Note::Replaced);
        }
        let config = repo.config_snapshot();
        let promisor = config
            .plumbing()
            .sections_by_name("remote")
            .into_iter()
            .flatten()
            .any(|section| section.value("promisor").is_some_and(|value| value.as_slice() == b"true"));
        if promisor || config.string("extensions.partialClone").is_some() {
            notes.push(Note::Partial);
        }
        notes
    }
}

fn parse_grafts(text: &[u8]) -> HashMap<ObjectId, Vec<ObjectId>> {
    text.split(|&byte| byte == b'\n')
        .filter(|line| !line.starts_with(b"#"))
        .filter_map(|line| {
            let mut ids = line.trim_ascii().split(|&byte| byte == b' ').map(ObjectId::from_hex);
            let commit = ids.next()?.ok()?;
            let parents = ids.collect::<std::result::Result<Vec<_>, _>>().ok()?;
            Some((commit, parents))
        })
        .collect()
}

//! The history of a repository that is packed, and which of it belongs to which document.

use std::collections::HashMap;

use super::corpus::Corpus;
use super::options::PackOptions;
use crate::cache::Cache;
use crate::history::{self, Blobs, Chain, History, HistoryOptions, ObjectId};
use crate::interrupt::Watch;
use crate::walk::Tree;
use crate::{Error, Result};

/// A history, and the means to read its contents.
pub struct Past {
    /// The commits and what they did to files.
    pub history: History,
    /// Reads contents.
    pub blobs: Blobs,
}

impl Past {
    /// Reads the history up to what is packed: a work tree stands at `HEAD`. Where there is none, or none that can be
    /// read, the reason in a clause.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn read(
        tree: &Tree,
        options: &PackOptions,
        cache: &Cache,
        watch: Watch<'_>,
    ) -> Result<Result<Self, String>> {
        if tree.commit().is_none() && !tree.repository_root().join(".git").exists() {
            return Ok(Err("no git history".to_owned()));
        }
        // A revision that was asked for knows nothing of later commits.
        let packed = options.revision.as_ref().and_then(|_| tree.commit());
        let choice = &options.history;
        let walked = HistoryOptions {
            mode: choice.mode,
            start: packed.and_then(|commit| ObjectId::from_hex(commit.as_bytes()).ok()),
            since: choice.since,
            max_commits: choice.max_commits,
            max_files_per_commit: choice.max_files_per_commit,
            skip_bots: choice.skip_bots,
            skip_formatting: choice.skip_formatting,
        };
        let root = tree.repository_root();
        let read = history::read_with(root, &walked, cache, watch)
            .and_then(|history| Ok((history, Blobs::open(root)?)));
        match read {
            Ok((history, blobs)) => Ok(Ok(Self { history, blobs })),
            Err(Error::Interrupted) => Err(Error::Interrupted),
            Err(Error::Repository { message, .. }) => Ok(Err(message)),
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    /// The chains of documents, by document; `prefix` is the path of the packed folder in the repository.
    pub fn chains<'p>(&'p self, corpus: &Corpus, prefix: &[u8]) -> Vec<(u32, &'p Chain)> {
        let documents = (0u32..).zip(corpus.documents.iter());
        let documents: HashMap<&[u8], u32> =
            documents.map(|(number, record)| (record.path.as_bytes(), number)).collect();
        let live = self.history.chains.iter().filter(|chain| chain.live);
        let mut chains: Vec<(u32, &Chain)> = live
            .filter_map(|chain| {
                let path = self.history.path(chain.path).as_bytes().strip_prefix(prefix)?;
                let path = if prefix.is_empty() { path } else { path.strip_prefix(b"/")? };
                Some((*documents.get(path)?, chain))
            })
            .collect();
        chains.sort_by_key(|&(document, _)| document);
        chains
    }
}

//! Whether a dataset is what packing would make again, so that nothing needs to be made.

use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::corpus::Corpus;
use super::options::PackOptions;
use super::past::Past;
use crate::cache::{Cache, Key, KeyMaker};
use crate::interrupt::Watch;
use crate::path::RepoPath;
use crate::shard::DatasetReader;
use crate::shard::manifest::{self, Shard};
use crate::tokenize::Tokenizer;
use crate::walk::Listing;
use crate::{Error, Result};

/// Everything that decides what packing makes.
pub struct Inputs<'i> {
    /// What was asked for.
    pub options: &'i PackOptions,
    /// The tokenizer.
    pub tokenizer: &'i Tokenizer,
    /// The name of the repository.
    pub name: &'i str,
    /// A commit is packed and no work tree.
    pub is_commit: bool,
    /// The files.
    pub listing: &'i Listing,
    /// Their contents.
    pub corpus: &'i Corpus,
    /// The history, or why there is none.
    pub past: Result<&'i Past, &'i str>,
}

impl Inputs<'_> {
    /// A key of all of it; none where an object of the history is there and cannot be read: it may be mended.
    pub fn key(&self) -> Option<Key> {
        let mut maker = KeyMaker::new("dataset");
        let asked = PackOptions {
            repository: PathBuf::new(),
            output: None,
            cache: None,
            threads: None,
            overwrite: false,
            dry_run: false,
            ..self.options.clone()
        };
        add_shown(&mut maker, &asked);
        maker.add(self.tokenizer.sha256().as_bytes()).add(self.name.as_bytes());
        add_shown(&mut maker, &(self.is_commit, &self.listing.commit, &self.listing.skipped));
        for document in self.corpus.documents.iter() {
            maker.add(document.path.as_bytes()).add(document.blob.as_bytes());
        }
        for file in &self.corpus.rejected {
            maker.add(file.path.as_bytes()).number(file.bytes).add(file.reason.name().as_bytes());
        }
        match self.past {
            Err(why) => {
                maker.add(why.as_bytes());
            }
            Ok(Past { history, .. }) => {
                if history.missing.iter().any(|object| object.reason.is_some()) {
                    return None;
                }
                for id in history.missing.iter().map(|object| &object.id).chain(&history.absent) {
                    maker.add(id.as_slice());
                }
                for id in history.commits.iter().map(|commit| &commit.id).chain(&history.blobs) {
                    maker.add(id.as_slice());
                }
                for path in history.chains.iter().map(|chain| history.path(chain.path)) {
                    maker.add(RepoPath::as_bytes(path));
                }
                add_shown(&mut maker, &(&history.left_out, &history.notes));
            }
        }
        Some(maker.key())
    }
}

/// What is said of the dataset at `output` in its manifest and how many bytes its shards have, if the cache knows it for
/// what these inputs make and all of its files are whole.
///
/// # Errors
/// [`Error::Interrupted`].
pub fn is_current(cache: &Cache, key: &Key, output: &Path, watch: Watch<'_>) -> Result<Option<(Value, u64)>> {
    let Some(known) = cache.get(key) else { return Ok(None) };
    let Ok(text) = std::fs::read(output.join(manifest::FILE_NAME)) else { return Ok(None) };
    if blake3::hash(&text).as_bytes() != &*known {
        return Ok(None);
    }
    match DatasetReader::open(output, true, watch) {
        Ok(reader) => {
            let bytes = reader.manifest.shards.iter().map(Shard::bytes).sum();
            Ok(Some((reader.manifest.summary, bytes)))
        }
        Err(Error::Interrupted) => Err(Error::Interrupted),
        Err(_) => Ok(None),
    }
}

/// Remembers that these inputs make the dataset in `folder`.
///
/// # Errors
/// [`Error::Io`] if its manifest cannot be read back.
pub fn remember(cache: &Cache, key: Key, folder: &Path) -> Result<()> {
    let path = folder.join(manifest::FILE_NAME);
    let text = std::fs::read(&path).map_err(|source| Error::io("read", &path, source))?;
    cache.put(key, blake3::hash(&text).as_bytes());
    Ok(())
}

/// Adds a value as it is shown for debugging, without making a text of it.
fn add_shown(maker: &mut KeyMaker, value: &impl fmt::Debug) {
    struct Sink<'m>(&'m mut KeyMaker);
    impl Write for Sink<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.add(text.as_bytes());
            Ok(())
        }
    }
    // A key maker takes everything.
    _ = write!(Sink(maker), "{value:?}");
}

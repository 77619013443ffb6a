//! `manifest.json`: what a dataset is and what its files must be.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::sequence::{Band, Kind};
use crate::tokenize::MarkerIds;
use crate::{Error, Result};

/// The value of `format`.
pub const FORMAT: &str = "longctx-dataset";
/// The value of `schema` that this version writes and reads.
pub const SCHEMA: u32 = 2;
/// The file's name.
pub const FILE_NAME: &str = "manifest.json";

/// The whole of `manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`SCHEMA`].
    pub schema: u32,
    /// Name and version of the program that wrote it.
    pub tool: String,
    /// What was packed.
    pub repository: Repository,
    /// The commit that was packed; none for a work tree.
    pub commit: Option<String>,
    /// The configuration, as the caller gave it.
    pub config: serde_json::Value,
    /// Seed of every random choice.
    pub seed: u64,
    /// The tokenizer.
    pub tokenizer: TokenizerInfo,
    /// "uint16" or "uint32".
    pub token_dtype: String,
    /// Length ranges.
    pub bands: Vec<Band>,
    /// Names of the index's `kind` values.
    pub kinds: Vec<Kind>,
    /// Names of the index's `difficulty` values.
    pub difficulties: Vec<crate::difficulty::Difficulty>,
    /// The files of sequences, in order.
    pub shards: Vec<Shard>,
    /// The tokenizer's files.
    pub files: Vec<NamedDigest>,
    /// Counts, coverage and skip reasons.
    pub summary: serde_json::Value,
}

/// What was packed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Repository {
    /// The folder's name.
    pub name: String,
    /// `HEAD`, or the revision asked for.
    pub commit: Option<String>,
}

/// The tokenizer of a dataset.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenizerInfo {
    /// As the user knows it.
    pub name: String,
    /// Of the `tokenizer.json` before the markers were added.
    pub sha256: String,
    /// One more than the largest id, markers included.
    pub vocab_size: u32,
    /// Ids of the markers.
    pub markers: MarkerIds,
}

/// Length and digest of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Length.
    pub bytes: u64,
    /// In hexadecimal.
    pub blake3: String,
}

/// A file with its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedDigest {
    /// Relative to the dataset's folder.
    pub path: String,
    /// What it must be.
    #[serde(flatten)]
    pub digest: Digest,
}

/// One shard: three files with a common stem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// "train" or "val".
    pub split: String,
    /// The stem: "00000".
    pub name: String,
    /// Rows of the index.
    pub sequences: u64,
    /// Length of the token array.
    pub tokens: u64,
    /// What the three files must be.
    pub files: ShardFiles,
}

impl Shard {
    /// The size of its files.
    pub fn bytes(&self) -> u64 {
        let ShardFiles { tokens, index, meta } = &self.files;
        tokens.bytes + index.bytes + meta.bytes
    }
}

/// The three files of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardFiles {
    /// `NAME.tokens.npy`.
    pub tokens: Digest,
    /// `NAME.index.npy`.
    pub index: Digest,
    /// `NAME.meta.jsonl`.
    pub meta: Digest,
}

impl Shard {
    /// The shard's files, relative to the dataset's folder, with what each must be.
    pub fn paths(&self) -> [(String, &Digest); 3] {
        let Self { split, name, files, .. } = self;
        [
            (format!("{split}/{name}.tokens.npy"), &files.tokens),
            (format!("{split}/{name}.index.npy"), &files.index),
            (format!("{split}/{name}.meta.jsonl"), &files.meta),
        ]
    }
}

impl Manifest {
    /// Reads the manifest of the dataset in `folder`.
    ///
    /// # Errors
    /// [`Error::Dataset`] if there is none, or it is of another format or schema, or damaged.
    pub fn read(folder: &Path) -> Result<(Self, String)> {
        let path = folder.join(FILE_NAME);
        let broken = |message: String| Error::Dataset { path: path.clone(), message };
        let text = std::fs::read_to_string(&path).map_err(|source| {
            if source.kind() == std::io::ErrorKind::NotFound {
                let what = if folder.is_dir() {
                    "no manifest.json: not a dataset"
                } else {
                    "there is no such folder"
                };
                return Error::Dataset { path: folder.to_path_buf(), message: what.to_owned() };
            }
            Error::io("read", &path, source)
        })?;
        #[derive(Deserialize)]
        struct Head {
            format: String,
            schema: u32,
        }
        let head: Head = serde_json::from_str(&text).map_err(|error| broken(format!("damaged: {error}")))?;
        if head.format != FORMAT {
            return Err(broken(format!("its format is {:?}, not {FORMAT:?}", head.format)));
        }
        if head.schema != SCHEMA {
            return Err(broken(format!(
                "its schema is {}, this version of longctx reads {SCHEMA}: pack the repository again",
                head.schema
            )));
        }
        let manifest = serde_json::from_str(&text).map_err(|error| broken(format!("damaged: {error}")))?;
        Ok((manifest, text))
    }
}

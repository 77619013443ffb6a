//! Opens a dataset and refuses one that is not what its manifest says.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Deserialize;

use super::TokenWidth;
use super::manifest::{Digest, Manifest, NamedDigest, Shard};
use super::npy::{self, INDEX_ROW, IndexRow};
use crate::interrupt::Watch;
use crate::{Error, Result};

/// A dataset whose files have the lengths, headers and (if asked for) digests that its manifest states.
pub struct DatasetReader {
    folder: PathBuf,
    /// The manifest.
    pub manifest: Manifest,
    /// Its text.
    pub manifest_text: String,
    /// Bytes of a token.
    pub width: TokenWidth,
}

/// A segment of `meta.jsonl`; keys that this version does not know are passed over.
#[derive(Debug, Clone, Deserialize)]
pub struct SegmentRow {
    /// The document's path.
    pub path: String,
    /// Its git object id.
    pub blob: Option<String>,
    /// The commit it was read from.
    pub commit: Option<String>,
    /// What it is.
    pub role: String,
    /// Range in the document.
    pub bytes: [u32; 2],
    /// Range in the sequence.
    pub tokens: [u32; 2],
}

/// One statement that an answer follows from.
#[derive(Debug, Clone, Deserialize)]
pub struct ProofRow {
    /// The file that it is about.
    pub path: String,
    /// The line, from 1; 0 where something is not there.
    pub line: u32,
    /// What it says.
    pub kind: String,
    /// Of what.
    pub name: String,
    /// The snippet that shows it, from 1.
    pub snippet: Option<usize>,
    /// The commit that it is about.
    pub commit: Option<String>,
    /// The commit before that one.
    pub parent: Option<String>,
}

/// A question of a sequence.
#[derive(Debug, Clone, Deserialize)]
pub struct QuestionRow {
    /// What it asks for.
    pub r#type: String,
    /// The answer in words, markers as they are spelled.
    pub answer: String,
    /// Where in the sequence the answer is.
    pub tokens: [u32; 2],
    /// What proves it.
    pub proof: Vec<ProofRow>,
}

/// A line of `meta.jsonl`.
#[derive(Debug, Clone, Deserialize)]
pub struct MetaRow {
    /// Unique in the dataset.
    pub id: String,
    /// Name of the kind.
    pub kind: String,
    /// Name of the level.
    pub difficulty: String,
    /// What came from documents.
    pub segments: Vec<SegmentRow>,
    /// What is asked.
    #[serde(default)]
    pub questions: Vec<QuestionRow>,
}

impl DatasetReader {
    /// Opens the dataset in `folder`; with `checksums`, every byte is read and hashed.
    ///
    /// # Errors
    /// [`Error::Dataset`] naming the first file that is missing, truncated or altered.
    pub fn open(folder: &Path, checksums: bool, watch: Watch<'_>) -> Result<Self> {
        let (manifest, manifest_text) = Manifest::read(folder)?;
        let width = match manifest.token_dtype.as_str() {
            "uint16" => TokenWidth::Two,
            "uint32" => TokenWidth::Four,
            other => {
                return Err(Error::Dataset {
                    path: folder.join(super::manifest::FILE_NAME),
                    message: format!("token_dtype is {other:?}, not uint16 or uint32"),
                });
            }
        };
        let reader = Self { folder: folder.to_path_buf(), manifest, manifest_text, width };
        let defects = reader.defects(checksums, watch)?;
        match defects.into_iter().next() {
            None => Ok(reader),
            Some((path, message)) => Err(Error::Dataset { path, message }),
        }
    }

    /// Opens without looking at the shards: for [`Self::defects`].
    ///
    /// # Errors
    /// [`Error::Dataset`] if the manifest cannot be used.
    pub fn open_unchecked(folder: &Path) -> Result<Self> {
        let (manifest, manifest_text) = Manifest::read(folder)?;
        let width = if manifest.token_dtype == "uint16" { TokenWidth::Two } else { TokenWidth::Four };
        Ok(Self { folder: folder.to_path_buf(), manifest, manifest_text, width })
    }

    /// Every file that is not what the manifest says, with what is wrong, in the manifest's order.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn defects(&self, checksums: bool, watch: Watch<'_>) -> Result<Vec<(PathBuf, String)>> {
        let mut files: Vec<(PathBuf, &Digest, Option<Vec<u8>>)> = Vec::new();
        for shard in &self.manifest.shards {
            let headers = [
                Some(npy::tokens_header(self.width, shard.tokens)),
                Some(npy::index_header(shard.sequences)),
                None,
            ];
            for ((path, digest), header) in shard.paths().into_iter().zip(headers) {
                files.push((self.folder.join(path), digest, header));
            }
        }
        for NamedDigest { path, digest } in &self.manifest.files {
            files.push((self.folder.join(path), digest, None));
        }
        let total = files.iter().map(|(_, digest, _)| digest.bytes).sum();
        watch.progress.begin("checking", "bytes", total);
        let found: Vec<Option<(PathBuf, String)>> = files
            .into_par_iter()
            .map(|(path, digest, header)| {
                watch.check()?;
                let defect = check_file(&path, digest, header.as_deref(), checksums);
                watch.progress.advance(digest.bytes);
                Ok(defect.map(|message| (path, message)))
            })
            .collect::<Result<_>>()?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The dataset's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens the files of a shard.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Dataset`].
    pub fn shard(&self, shard: &Shard) -> Result<ShardReader> {
        let [tokens, index, meta] = shard.paths().map(|(path, _)| self.folder.join(path));
        let raw = std::fs::read(&index).map_err(|source| Error::io("read", &index, source))?;
        let body = raw.get(npy::index_header(shard.sequences).len()..).unwrap_or_default();
        let (rows, rest) = body.as_chunks::<INDEX_ROW>();
        if !rest.is_empty() || rows.len() as u64 != shard.sequences {
            return Err(Error::Dataset {
                path: index,
                message: "its rows are not as many as announced".to_owned(),
            });
        }
        let open = |path: &Path| File::open(path).map_err(|source| Error::io("read", path, source));
        let mut token_file = BufReader::with_capacity(1 << 18, open(&tokens)?);
        let mut header = vec![0; npy::tokens_header(self.width, shard.tokens).len()];
        token_file.read_exact(&mut header).map_err(|source| Error::io("read", &tokens, source))?;
        Ok(ShardReader {
            width: self.width,
            tokens: token_file,
            tokens_path: tokens,
            rows: rows.iter().map(IndexRow::from_bytes).collect(),
            meta: BufReader::with_capacity(1 << 18, open(&meta)?),
            meta_path: meta,
            line: Vec::new(),
            bytes: Vec::new(),
            at: 0,
        })
    }
}

fn check_file(path: &Path, digest: &Digest, header: Option<&[u8]>, checksums: bool) -> Option<String> {
    let length = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some("missing".to_owned()),
        Err(error) => return Some(error.to_string()),
    };
    if length != digest.bytes {
        let how = if length < digest.bytes { "truncated" } else { "longer than it was written" };
        return Some(format!("{how}: {length} bytes instead of {}", digest.bytes));
    }
    if let Some(header) = header {
        let mut found = vec![0; header.len()];
        let read = File::open(path).and_then(|mut file| file.read_exact(&mut found));
        if read.is_err() || found != header {
            return Some("altered: its numpy header is not the one it was written with".to_owned());
        }
    }
    if checksums {
        let mut hasher = blake3::Hasher::new();
        match File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ())) {
            Ok(()) if hasher.finalize().to_hex().as_str() == digest.blake3 => {}
            Ok(()) => {
                return Some("altered: its content is not what was written (blake3 differs)".to_owned());
            }
            Err(error) => return Some(error.to_string()),
        }
    }
    None
}

/// The sequences of a shard, read one after the other.
pub struct ShardReader {
    width: TokenWidth,
    tokens: BufReader<File>,
    tokens_path: PathBuf,
    rows: Vec<IndexRow>,
    meta: BufReader<File>,
    meta_path: PathBuf,
    line: Vec<u8>,
    bytes: Vec<u8>,
    at: usize,
}

impl ShardReader {
    /// The next sequence: its row, its line of metadata, its ids in `ids`. `None` after the last.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Dataset`] naming the line that is no metadata.
    pub fn next(&mut self, ids: &mut Vec<u32>) -> Result<Option<(IndexRow, MetaRow)>> {
        let Some(&row) = self.rows.get(self.at) else { return Ok(None) };
        self.at += 1;
        self.bytes.clear();
        let wanted = u64::from(row.length) * self.width.bytes() as u64;
        let read = (&mut self.tokens)
            .take(wanted)
            .read_to_end(&mut self.bytes)
            .map_err(|source| Error::io("read", &self.tokens_path, source))?;
        if read as u64 != wanted {
            return Err(Error::Dataset {
                path: self.tokens_path.clone(),
                message: format!("sequence {} reaches beyond the end", self.at - 1),
            });
        }
        self.width.parse(&self.bytes, ids);
        self.line.clear();
        self.meta
            .read_until(b'\n', &mut self.line)
            .map_err(|source| Error::io("read", &self.meta_path, source))?;
        let meta = serde_json::from_slice(&self.line).map_err(|error| Error::Dataset {
            path: self.meta_path.clone(),
            message: format!("line {}: {error}", self.at),
        })?;
        Ok(Some((row, meta)))
    }
}

//! The segments of a dataset against the documents of its repository.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

use rayon::prelude::*;

use super::{Defect, everything};
use crate::history::{Blobs, ObjectId};
use crate::interrupt::Watch;
use crate::path::RepoPath;
use crate::shard::{DatasetReader, SegmentRow};
use crate::source;
use crate::tokenize::{Encoded, Scratch, Tokenizer};
use crate::walk::{Entry, Location, Tree};
use crate::{Error, Result};

/// Where a piece of a document lies in the dataset.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Which of the readable shards.
    pub shard: u32,
    /// First token, in the shard.
    pub token: u64,
    /// Tokens.
    pub count: u32,
    /// Range in the document.
    pub bytes: [u32; 2],
    /// What kind of piece it is.
    pub piece: Piece,
}

/// How the tokens of a segment came from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// A slice of the tokens of the whole document.
    Slice,
    /// Encoded on its own.
    Own,
    /// The text was replaced by a placeholder.
    Redacted,
}

impl Piece {
    /// The kind of piece that a role stands for.
    pub fn of_role(role: &str) -> Self {
        match role {
            "file" => Self::Slice,
            "redacted" => Self::Redacted,
            _ => Self::Own,
        }
    }
}

/// A document as segments name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    path: String,
    blob: Option<String>,
    /// A commit other than the one that was packed.
    commit: Option<String>,
}

/// The places of every document.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<Name, Vec<Place>>);

impl Places {
    /// Adds a segment.
    pub fn note(&mut self, segment: &SegmentRow, packed: Option<&str>, place: Place) {
        let commit = segment.commit.clone().filter(|commit| Some(&**commit) != packed);
        let name = Name { path: segment.path.clone(), blob: segment.blob.clone(), commit };
        self.0.entry(name).or_default().push(place);
    }

    /// Adds those of another shard.
    pub fn merge(&mut self, other: Self) {
        for (name, mut places) in other.0 {
            self.0.entry(name).or_default().append(&mut places);
        }
    }
}

/// What the comparison found.
pub struct Compared {
    /// Documents read.
    pub documents: u64,
    /// Segments compared.
    pub segments: u64,
    /// What differs.
    pub defects: Vec<Defect>,
}

/// Reads every document of `places` from the repository and compares; `tokens` are the shards' token files.
pub fn compare(
    reader: &DatasetReader,
    repository: &Path,
    places: &Places,
    tokens: Vec<String>,
    watch: Watch<'_>,
) -> Result<Compared> {
    let tree = Tree::open(repository, reader.manifest.commit.as_deref())?;
    let path = reader.folder().join("tokenizer").join("tokenizer.json");
    let tokenizer = Tokenizer::from_file(&path, &reader.manifest.tokenizer.name)?;
    let files: Vec<File> = tokens
        .iter()
        .map(|path| {
            let path = reader.folder().join(path);
            File::open(&path).map_err(|source| Error::io("read", path, source))
        })
        .collect::<Result<_>>()?;
    let blobs =
        if reader.manifest.commit.is_some() { everything::entries(&tree, watch)? } else { HashMap::new() };
    let history = match places.0.keys().any(|name| name.commit.is_some()) {
        true => Some(Blobs::open(tree.repository_root())?),
        false => None,
    };
    let comparer =
        Comparer { reader, tree: &tree, tokenizer: &tokenizer, files: &files, blobs: &blobs, history };
    watch.progress.begin("comparing", "files", places.0.len() as u64);
    let documents: Vec<(&Name, &Vec<Place>)> = places.0.iter().collect();
    let found: Vec<Option<String>> = documents
        .par_iter()
        .map_init(Buffers::default, |buffers, (name, places)| {
            watch.check()?;
            let defect = comparer.document(name, places, buffers);
            watch.progress.advance(1);
            Ok(defect)
        })
        .collect::<Result<_>>()?;
    Ok(Compared {
        documents: documents.len() as u64,
        segments: documents.iter().map(|(_, places)| places.len() as u64).sum(),
        defects: documents
            .iter()
            .zip(found)
            .filter_map(|((name, _), what)| Some(Defect { place: name.path.clone(), what: what? }))
            .collect(),
    })
}

#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    encoded: Encoded,
    raw: Vec<u8>,
    ids: Vec<u32>,
}

struct Comparer<'c> {
    reader: &'c DatasetReader,
    tree: &'c Tree,
    tokenizer: &'c Tokenizer,
    files: &'c [File],
    blobs: &'c HashMap<String, Entry>,
    /// The versions of files, where segments come from other commits.
    history: Option<Blobs>,
}

impl Comparer<'_> {
    /// The first thing that is wrong with a document.
    fn document(&self, name: &Name, places: &[Place], buffers: &mut Buffers) -> Option<String> {
        let read = match (&name.commit, &self.history) {
            (Some(commit), Some(history)) => self.read_version(name, commit, history),
            _ => self.read(&name.path),
        };
        let raw = match read {
            Ok(raw) => raw,
            Err(what) => return Some(what),
        };
        let path = RepoPath::from(name.path.as_str());
        let document = match source::classify(&path, raw, self.tree.object_hash(), &everything::SOURCES) {
            Ok(document) => document,
            Err(reason) => return Some(format!("it is no text any more: {}", reason.description())),
        };
        let source::Document { blob, text, .. } = document;
        if name.blob.as_ref().is_some_and(|claimed| *claimed != blob) {
            return Some(format!(
                "it has changed since it was packed: it was blob {}, now it is {blob}",
                name.blob.as_deref().unwrap_or_default()
            ));
        }
        let sliced = places.iter().any(|place| place.piece == Piece::Slice);
        let whole = sliced && !places.iter().any(|place| place.piece == Piece::Redacted);
        if whole && self.tokenizer.encode(&text, &mut buffers.scratch, &mut buffers.encoded).is_err() {
            return Some("the tokenizer cannot represent it".to_owned());
        }
        places
            .iter()
            .filter(|place| place.piece != Piece::Redacted)
            .find_map(|place| self.place(&text, place, whole, buffers))
    }

    fn place(&self, text: &str, place: &Place, whole: bool, buffers: &mut Buffers) -> Option<String> {
        let [first, last] = place.bytes;
        let Some(expected) = text.get(first as usize..last as usize) else {
            return Some(format!("bytes {first}-{last} are not a range of its text of {} bytes", text.len()));
        };
        if let Err(error) = self.read_tokens(place, buffers) {
            return Some(error.to_string());
        }
        let Buffers { encoded, ids, .. } = buffers;
        if self.tokenizer.is_byte_level() {
            let decoded: Option<Vec<&[u8]>> = ids.iter().map(|&id| self.tokenizer.token_bytes(id)).collect();
            if decoded.is_none_or(|parts| parts.concat() != expected.as_bytes()) {
                return Some(format!("the tokens of bytes {first}-{last} decode to something else"));
            }
        }
        if place.piece == Piece::Own {
            let mut own = Encoded::default();
            let encoded = self.tokenizer.encode(expected, &mut buffers.scratch, &mut own);
            if encoded.is_err() || own.ids != *ids {
                return Some(format!("the tokens of bytes {first}-{last} are not those of that text"));
            }
        } else if whole {
            let at = if first == 0 { 0 } else { encoded.ends.partition_point(|&end| end <= first) };
            let claimed = encoded.ids.get(at..at + ids.len());
            if claimed != Some(ids) || encoded.ends.get(at + ids.len() - 1) != Some(&last) {
                return Some(format!(
                    "the tokens of bytes {first}-{last} are not those of the whole document"
                ));
            }
        }
        None
    }

    fn read_tokens(&self, place: &Place, buffers: &mut Buffers) -> Result<()> {
        let width = self.reader.width;
        let header = crate::shard::npy::tokens_header(width, 0).len() as u64;
        buffers.raw.clear();
        buffers.raw.resize(place.count as usize * width.bytes(), 0);
        let at = header + place.token * width.bytes() as u64;
        crate::positioned::read_exact_at(&self.files[place.shard as usize], &mut buffers.raw, at)
            .map_err(|source| Error::io("read", self.reader.folder(), source))?;
        width.parse(&buffers.raw, &mut buffers.ids);
        Ok(())
    }

    /// A version of a file, if its commit has it under its path.
    fn read_version(&self, name: &Name, commit: &str, history: &Blobs) -> Result<Vec<u8>, String> {
        let id = |hex: &str| ObjectId::from_hex(hex.as_bytes()).map_err(|_| format!("{hex} is no object id"));
        let blob = id(name.blob.as_deref().ok_or("a version of another commit must name its blob")?)?;
        let mut path = self.tree.prefix().to_vec();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(RepoPath::from(name.path.as_str()).as_bytes());
        let mut found = history.at(id(commit)?, &path);
        if found.is_none() {
            path.truncate(path.len() - name.path.len());
            path.extend_from_slice(RepoPath::from_text(&name.path).as_bytes());
            found = history.at(id(commit)?, &path);
        }
        match found {
            Some(found) if found == blob => {
                history.read(blob).ok_or_else(|| format!("blob {blob} cannot be read"))
            }
            Some(found) => Err(format!("commit {commit} has it as blob {found}, not {blob}")),
            None => Err(format!("it is not in commit {commit}")),
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let describe = |reason: source::SkipReason| format!("it cannot be read: {}", reason.description());
        if self.reader.manifest.commit.is_some() {
            let entry = self.blobs.get(path).ok_or("it is not in the commit")?;
            return self.tree.read(entry, entry.size).map_err(describe);
        }
        let verbatim = RepoPath::from(path);
        let path = match std::fs::symlink_metadata(verbatim.under(self.tree.root())) {
            Ok(_) => verbatim,
            Err(_) => RepoPath::from_text(path),
        };
        let metadata = std::fs::symlink_metadata(path.under(self.tree.root())).map_err(|_| "it is gone")?;
        let entry = Entry { path, size: metadata.len(), location: Location::WorkTree };
        self.tree.read(&entry, metadata.len()).map_err(describe)
    }
}

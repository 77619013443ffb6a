//! Files of a repository, read and parsed to prove what is said of them.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use rayon::prelude::*;

use super::everything;
use crate::Result;
use crate::graph::project::{Choice, graph_of};
use crate::graph::{self, FileFacts, Graph, Lang};
use crate::history::{Blobs, ObjectId};
use crate::interrupt::Watch;
use crate::path::RepoPath;
use crate::sequence::words;
use crate::shard::{DatasetReader, SegmentRow};
use crate::source;
use crate::symbols::Definition;
use crate::symbols::calls::{self, Call};
use crate::walk::{Entry, Location, Tree};

/// Larger files take part in imports by their names only, in bytes.
const LARGEST: u64 = 8 << 20;

/// A path, and for a version of the file its blob.
type Name = (String, Option<String>);

/// A file; parsed once somebody asks what it says.
pub struct Source {
    path: String,
    text: String,
    /// The byte where each line begins.
    lines: Vec<u32>,
    parsed: OnceLock<Parsed>,
}

/// What a file says.
struct Parsed {
    facts: Option<FileFacts>,
    calls: Vec<Call>,
}

impl Source {
    fn new(path: &str, text: String) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        Self { path: path.to_owned(), text, lines, parsed: OnceLock::new() }
    }

    fn parsed(&self) -> &Parsed {
        self.parsed.get_or_init(|| {
            let (path, text) = (&*self.path, &*self.text);
            let calls = Lang::of(path).map(|lang| calls::calls(lang, text, Watch::none()));
            Parsed { facts: graph::read(path, text, Watch::none()), calls: calls.unwrap_or_default() }
        })
    }

    fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.parsed().facts.iter().flat_map(|facts| &facts.definitions)
    }

    /// Whether a definition with this name begins on the line.
    pub fn defines(&self, name: &str, line: u32) -> bool {
        self.definitions().any(|definition| *definition.name == *name && definition.line == line)
    }

    /// Whether a call of this name begins on the line.
    pub fn calls(&self, name: &str, line: u32) -> bool {
        let range = self.line(line);
        self.parsed().calls.iter().any(|call| *call.name == *name && range.contains(&call.at))
    }

    /// Whether an import stands on the line.
    pub fn imports_on(&self, line: u32) -> bool {
        self.parsed().facts.iter().flat_map(|facts| &facts.links.imports).any(|import| import.line == line)
    }

    /// The bytes of a line, from 1.
    pub fn line(&self, line: u32) -> Range<u32> {
        let at = |line: usize| self.lines.get(line).copied().unwrap_or(self.text.len() as u32);
        match line {
            0 => 0..0,
            line => at(line as usize - 1)..at(line as usize),
        }
    }

    /// The heads of the definitions with a name, in bytes.
    pub fn heads(&self, name: &str) -> Vec<Range<u32>> {
        self.definitions().filter(|found| *found.name == *name).map(|found| found.signature.clone()).collect()
    }

    /// Whether the head of a definition with this name begins in these bytes.
    pub fn has_head(&self, name: &str, bytes: [u32; 2]) -> bool {
        self.heads(name).iter().any(|head| (bytes[0]..bytes[1]).contains(&head.start))
    }

    /// Whether a call of this name stands in these bytes.
    pub fn has_call(&self, name: &str, bytes: [u32; 2]) -> bool {
        self.parsed().calls.iter().any(|call| *call.name == *name && (bytes[0]..bytes[1]).contains(&call.at))
    }

    /// Whether these bytes hold some text.
    pub fn has_text(&self, text: &str, bytes: [u32; 2]) -> bool {
        self.text.get(bytes[0] as usize..bytes[1] as usize).is_some_and(|shown| shown.contains(text))
    }

    /// The words in these bytes, each with its place in the file.
    pub fn words_in(&self, bytes: [u32; 2]) -> impl Iterator<Item = (u32, &str)> {
        let text = self.text.get(bytes[0] as usize..bytes[1] as usize).unwrap_or_default();
        words(text).map(move |(at, word)| (bytes[0] + at as u32, word))
    }
}

/// What is needed to prove questions.
pub struct Sources {
    named: HashMap<Name, Source>,
    /// The commit that was packed.
    commit: Option<String>,
    graph: Option<Graph>,
    history: Option<Blobs>,
    prefix: Vec<u8>,
}

impl Sources {
    /// Reads files, and versions that `names` gives with commit and blob; `imports` says whether to read the graph.
    ///
    /// # Errors
    /// Those of opening the repository, and [`crate::Error::Interrupted`]. What cannot be read is not there.
    pub fn read(
        reader: &DatasetReader,
        repository: &Path,
        names: BTreeSet<(&str, Option<&str>, Option<&str>)>,
        imports: bool,
        watch: Watch<'_>,
    ) -> Result<Self> {
        let commit = reader.manifest.commit.clone();
        let tree = Tree::open(repository, commit.as_deref())?;
        let history = match names.iter().any(|(_, commit, _)| commit.is_some()) {
            true => Some(Blobs::open(tree.repository_root())?),
            false => None,
        };
        let listed = match &commit {
            Some(_) => everything::entries(&tree, watch)?,
            None => HashMap::new(),
        };
        let hidden = names.iter().any(|(path, ..)| path.split('/').any(|part| part.starts_with('.')));
        let choice = Choice { include: Vec::new(), exclude: Vec::new(), hidden, max_file_size: LARGEST };
        let graph = match imports {
            true => Some(graph_of(&tree, &choice, watch)?.0),
            false => None,
        };
        let names: Vec<_> = names.into_iter().collect();
        let read: Vec<Option<(Name, Source)>> = names
            .par_iter()
            .map(|&(path, _, blob)| {
                watch.check()?;
                let bytes = match (blob, &history) {
                    (Some(blob), Some(history)) => {
                        ObjectId::from_hex(blob.as_bytes()).ok().and_then(|id| history.read(id))
                    }
                    _ => bytes_of(&tree, &listed, path),
                };
                let name = RepoPath::from(path);
                let document = bytes.and_then(|bytes| {
                    source::classify(&name, bytes, tree.object_hash(), &everything::SOURCES).ok()
                });
                let key = (path.to_owned(), blob.map(str::to_owned));
                Ok(document.map(|document| (key, Source::new(path, document.text))))
            })
            .collect::<Result<_>>()?;
        let named = read.into_iter().flatten().collect();
        Ok(Self { named, commit, graph, history, prefix: tree.prefix().to_vec() })
    }

    /// A file as it was packed, or a version by its blob.
    pub fn get(&self, path: &str, blob: Option<&str>) -> Option<&Source> {
        self.named.get(&(path.to_owned(), blob.map(str::to_owned)))
    }

    /// What a segment is from.
    pub fn of_segment(&self, segment: &SegmentRow) -> Option<&Source> {
        let version = segment.commit.is_some() && segment.commit != self.commit;
        self.get(&segment.path, segment.blob.as_deref().filter(|_| version))
    }

    /// The bytes of a line of a file at the first of two commits, if it reads `text` but for the space around it and
    /// the file has no such line at the second.
    pub fn introduced(
        &self,
        path: &str,
        line: u32,
        text: &str,
        commits: [&str; 2],
    ) -> Result<Range<u32>, String> {
        let [after, before] = commits.map(|commit| self.version(path, commit));
        let (after, before) = (after?, before?);
        let lines = after.line(line);
        let found = after.text.get(lines.start as usize..lines.end as usize).unwrap_or_default();
        if found.trim() != text {
            return Err(format!("{path}:{line} at {} is not {text:?}", commits[0]));
        }
        if before.text.lines().any(|known| known.trim() == text) {
            return Err(format!("{path} has {text:?} at {} already", commits[1]));
        }
        Ok(lines)
    }

    /// A file at some commit.
    fn version(&self, path: &str, commit: &str) -> Result<Source, String> {
        let history = self.history.as_ref().ok_or("there is no history")?;
        let mut full = self.prefix.clone();
        if !full.is_empty() {
            full.push(b'/');
        }
        full.extend_from_slice(RepoPath::from(path).as_bytes());
        let id = ObjectId::from_hex(commit.as_bytes()).map_err(|_| format!("{commit} is no object id"))?;
        let blob = history.at(id, &full).ok_or_else(|| format!("{path} is not in commit {commit}"))?;
        let bytes = history.read(blob).ok_or_else(|| format!("blob {blob} cannot be read"))?;
        let document = source::classify(&RepoPath::from(path), bytes, &blob, &everything::SOURCES);
        let document =
            document.map_err(|reason| format!("{path} at {commit} is {}", reason.description()))?;
        Ok(Source::new(path, document.text))
    }

    /// Whether a file needs another, in any way.
    pub fn edge(&self, from: &str, to: &str) -> bool {
        let Some(graph) = &self.graph else { return false };
        let (Some(from), Some(to)) = (graph.index_of(from), graph.index_of(to)) else { return false };
        graph.needs(from).any(|edge| edge.to == to)
    }
}

fn bytes_of(tree: &Tree, listed: &HashMap<String, Entry>, path: &str) -> Option<Vec<u8>> {
    if tree.is_commit() {
        let entry = listed.get(path)?;
        return tree.read(entry, entry.size).ok();
    }
    let verbatim = RepoPath::from(path);
    let size = |path: &RepoPath| std::fs::symlink_metadata(path.under(tree.root())).map(|found| found.len());
    let (path, size) = match size(&verbatim) {
        Ok(size) => (verbatim, size),
        Err(_) => {
            let path = RepoPath::from_text(path);
            let size = size(&path).ok()?;
            (path, size)
        }
    };
    tree.read(&Entry { path, size, location: Location::WorkTree }, size).ok()
}

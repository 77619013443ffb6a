//! The dependency graph of a tree of files: who needs whom, why, and in which order to read them.

mod edge;
pub mod facts;
mod import_lines;
mod imports;
mod json;
mod lang;
mod order;
pub(crate) mod parse;
pub mod project;
pub mod report;
mod resolve;
#[cfg(test)]
mod testing;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use longctx_column::Column;
use rayon::prelude::*;

pub use edge::{Edge, EdgeKind, FileIndex, Reason, Unresolved};
pub use facts::{FileFacts, FileSummary, Known, Links};
pub use lang::Lang;
pub use order::Order;
pub use parse::{MAX_BYTES, read};

use crate::buckets::{Buckets, Starts};
use crate::interrupt::Watch;
use crate::list::list_of;
use crate::strings::Strings;
use crate::symbols::{SymbolTable, SymbolTableWriter, Symbols};
use crate::{Error, Result};

/// A file of the tree.
#[derive(Debug, Clone, Copy)]
pub struct SourceFile<'a> {
    /// Relative to the repository, with `/`.
    pub path: &'a str,
    /// The whole text.
    pub text: &'a str,
}

/// What a graph is made from. Nothing outside of it is ever looked at.
#[derive(Debug, Clone, Default)]
pub struct Project<'a> {
    /// Every file that has a text, the configuration files (`Cargo.toml`, `tsconfig.json`, ...) among them.
    pub files: Vec<SourceFile<'a>>,
    /// Paths of files without a text (too large, binary): imports may still name them.
    pub listed: Vec<&'a str>,
}

/// Files and the edges between them.
#[derive(Debug)]
pub struct Graph {
    /// All paths, sorted bytewise; a [`FileIndex`] points here.
    pub files: Strings,
    /// Imports that name no file of the tree, sorted by file and line.
    pub unresolved: Vec<Unresolved>,
    /// What files say.
    summaries: Vec<FileSummary>,
    /// For each file which of these is about it, or [`NOTHING`].
    summary_of: Vec<u32>,
    /// The definitions of all files.
    tables: Vec<SymbolTable>,
    /// Sorted by `from`, `to` and kind; one for each kind between two files, with its first line.
    edges: Column<Row>,
    /// Where the edges of each file are.
    outgoing: Starts,
    /// Places of edges, by the file that they point to.
    to: Column<u32>,
    /// Where those of each file are.
    incoming: Starts,
}

/// An edge as it is stored: from, to, kind, line.
type Row = [u32; 4];

/// Stands for the summary of a file that has none.
const NOTHING: u32 = u32::MAX;

/// A file whose imports are to be resolved.
#[derive(Debug, Clone)]
pub struct Listed<'l> {
    /// Its path.
    pub path: Cow<'l, str>,
    /// Which of the summaries is about it; none for a file that is no source code or has no text: imports may still
    /// name it.
    pub summary: Option<u32>,
    /// What the caller calls it.
    pub number: u32,
}

/// Reads all files and resolves what they import. The result does not depend on the number of threads.
///
/// # Errors
/// Only [`crate::Error::Interrupted`]: what cannot be parsed or resolved is part of the graph.
pub fn build(project: &Project<'_>, watch: Watch<'_>) -> Result<Graph> {
    let mut files: Vec<SourceFile<'_>> = project.files.clone();
    files.sort_unstable_by_key(|file| file.path);
    files.dedup_by_key(|file| file.path);
    watch.progress.begin("reading imports", "files", files.len() as u64);
    let read: Vec<Option<FileFacts>> = files
        .par_iter()
        .with_max_len(8)
        .map(|file| {
            watch.check()?;
            let facts = parse::read(file.path, file.text, watch);
            watch.progress.advance(1);
            Ok(facts)
        })
        .collect::<Result<_>>()?;
    watch.check()?;
    let failed = |source| Error::io("keep", "the definitions", source);
    let mut table = SymbolTableWriter::in_memory();
    let mut listed = Vec::with_capacity(files.len() + project.listed.len());
    let mut summaries = Vec::new();
    let mut links: Vec<Arc<Links>> = Vec::with_capacity(files.len());
    for (number, (file, facts)) in (0u32..).zip(files.iter().zip(read)) {
        let mut summary = None;
        if let Some(facts) = &facts {
            summary = Some(summaries.len() as u32);
            summaries.push(FileSummary::new(facts, &mut table, 0).map_err(failed)?);
        }
        links.push(Arc::new(facts.map(|facts| facts.links).unwrap_or_default()));
        listed.push(Listed { path: file.path.into(), summary, number });
    }
    listed.extend(project.listed.iter().map(|&path| Listed { path: path.into(), summary: None, number: 0 }));
    let links = |number: u32| Ok(links[number as usize].clone());
    let facts = Facts { summaries, tables: vec![table.finish().map_err(failed)?], links: &links };
    connect(listed, facts, files, None, watch)
}

/// What is known of files that were read.
pub struct Facts<'f> {
    /// What files say, in short.
    pub summaries: Vec<FileSummary>,
    /// Their definitions, to which the summaries point.
    pub tables: Vec<SymbolTable>,
    /// What a file says that leads to others, by the number that the caller gave it. It is asked more than once, so that
    /// nobody has to keep it in memory.
    pub links: &'f LinksOf<'f>,
}

/// Says what leads from a file to others.
pub type LinksOf<'f> = dyn Fn(u32) -> Result<Arc<Links>> + Sync + 'f;

impl Facts<'_> {
    fn summary(&self, file: &Listed<'_>) -> Option<&FileSummary> {
        file.summary.map(|at| &self.summaries[at as usize])
    }

    fn lang(&self, file: &Listed<'_>) -> Option<Lang> {
        self.summary(file).map(FileSummary::lang)
    }

    fn definitions(&self, file: &Listed<'_>) -> Symbols<'_> {
        self.summary(file).map_or_else(Symbols::default, |summary| summary.with(&self.tables).definitions)
    }
}

/// Resolves what files import that were read before, by [`read`]. `configuration` needs to hold the files that tell about
/// the project, see [`project::is_configuration`]; it may hold others.
///
/// With a folder the graph lies there in files without names, and imports of what comes from elsewhere, which is most that
/// lead nowhere, are forgotten.
///
/// # Errors
/// [`Error::Io`] if the disk is full, [`Error::Interrupted`], and those of `facts`.
pub fn connect(
    mut files: Vec<Listed<'_>>,
    facts: Facts<'_>,
    mut configuration: Vec<SourceFile<'_>>,
    folder: Option<&Path>,
    watch: Watch<'_>,
) -> Result<Graph> {
    files.sort_unstable_by(|a, b| {
        a.path.cmp(&b.path).then(b.summary.is_some().cmp(&a.summary.is_some())).then(a.number.cmp(&b.number))
    });
    files.dedup_by(|later, first| later.path == first.path);
    configuration.sort_unstable_by_key(|file| file.path);
    let found = resolve::all(&files, &facts, &configuration, folder, watch)?;
    // Resolving takes more room than what was found.
    longctx_alloc::give_back();
    let Facts { summaries, tables, .. } = facts;
    Graph::new(&files, summaries, tables, found, folder)
}

fn edge(&[from, to, kind, line]: &Row) -> Edge {
    Edge { from, to, kind: EdgeKind::ALL[kind as usize], line }
}

impl Graph {
    fn new(
        listed: &[Listed<'_>],
        summaries: Vec<FileSummary>,
        tables: Vec<SymbolTable>,
        found: resolve::Resolved,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let resolve::Resolved { edges, mut unresolved } = found;
        unresolved.sort_unstable();
        unresolved.dedup();
        unresolved.shrink_to_fit();
        let files = Strings::new(folder, listed.iter().map(|file| &*file.path))?;
        let summary_of = listed.iter().map(|file| file.summary.unwrap_or(NOTHING)).collect();
        let outgoing = Starts::new(files.len(), edges.iter().map(|row| row[0]));
        let (incoming, to) = Buckets::new(files.len(), edges.iter().map(|row| row[1])).into_parts();
        let to = list_of(folder, to.into_iter())?;
        Ok(Self { files, unresolved, summaries, summary_of, tables, edges, outgoing, to, incoming })
    }

    /// Where a path is in `files`.
    pub fn index_of(&self, path: &str) -> Option<FileIndex> {
        self.files.find_sorted(path).map(|at| at as FileIndex)
    }

    /// What a file says; none for files that are not source code.
    pub fn facts(&self, file: FileIndex) -> Option<Known<'_>> {
        let summary = *self.summary_of.get(file as usize)?;
        Some(self.summaries.get(summary as usize)?.with(&self.tables))
    }

    /// All edges, sorted by `from`, `to` and kind; one for each kind between two files, with its first line.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = Edge> {
        self.edges.iter().map(edge)
    }

    /// What a file needs, sorted by path.
    pub fn needs(&self, file: FileIndex) -> impl ExactSizeIterator<Item = Edge> + Clone {
        self.edges[self.outgoing.of(file)].iter().map(edge)
    }

    /// One of [`Self::needs`], by place.
    pub fn need(&self, file: FileIndex, place: usize) -> Option<Edge> {
        self.edges[self.outgoing.of(file)].get(place).map(edge)
    }

    /// The edges from a file to another, one for each kind.
    pub fn between(&self, from: FileIndex, to: FileIndex) -> impl Iterator<Item = Edge> {
        let needs = &self.edges[self.outgoing.of(from)];
        let first = needs.partition_point(|row| row[1] < to);
        needs[first..].iter().map(edge).take_while(move |edge| edge.to == to)
    }

    /// Who needs a file, sorted by path.
    pub fn needed_by(&self, file: FileIndex) -> impl Iterator<Item = Edge> {
        self.to[self.incoming.of(file)].iter().map(|&at| edge(&self.edges[at as usize]))
    }

    /// The files that most others need, with how many need them; most first, at most `limit`.
    pub fn hubs(&self, limit: usize) -> Vec<(FileIndex, usize)> {
        let mut hubs: Vec<(FileIndex, usize)> = (0..self.files.len())
            .map(|file| {
                let mut from: Vec<FileIndex> =
                    self.needed_by(file as FileIndex).map(|edge| edge.from).collect();
                from.dedup();
                (file as FileIndex, from.len())
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        hubs.sort_by_key(|&(file, count)| (std::cmp::Reverse(count), file));
        hubs.truncate(limit);
        hubs
    }
}

#[cfg(test)]
mod tests;

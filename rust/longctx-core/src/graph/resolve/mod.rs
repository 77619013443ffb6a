//! From imports as written to files of the tree: one resolver for each way of importing.

mod c;
mod c_sharp;
mod cargo;
mod ecma;
mod ecma_files;
mod go;
mod index;
mod jvm;
mod jvm_members;
mod php;
mod python;
mod python_roots;
mod ruby;
mod rust;
mod search;
mod shell;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use longctx_column::Column;
use rayon::prelude::*;

use self::tree::Tree;
pub(in crate::graph) use self::tree::join;
use super::facts::Links;
use super::lang::Family;
use super::{Edge, EdgeKind, Facts, FileIndex, Listed, Reason, Row, SourceFile, Unresolved};
use crate::Result;
use crate::interrupt::Watch;
use crate::list::{ListWriter, list_of};
use crate::symbols::Symbols;

/// So many files are resolved at a time, for what is found waits in memory.
const BATCH: usize = 1 << 14;

/// What was resolved, and what was not.
pub(crate) struct Resolved {
    /// Sorted by file; those of each by where they lead and kind, one for each kind, with its first line.
    pub edges: Column<Row>,
    /// In no order.
    pub unresolved: Vec<Unresolved>,
}

/// What resolvers find in some files.
struct Found {
    edges: Vec<Edge>,
    unresolved: Vec<Unresolved>,
    /// Whether somebody wants to know what comes from elsewhere.
    keeps_external: bool,
}

impl Found {
    fn new(keeps_external: bool) -> Self {
        Self { edges: Vec::new(), unresolved: Vec::new(), keeps_external }
    }

    /// Sorts the edges from place `first` on, which are those of one file, and leaves one of each kind.
    fn tidy(&mut self, first: usize) {
        let mut own = self.edges.split_off(first);
        own.retain(|edge| edge.from != edge.to);
        own.sort_unstable_by_key(|edge| (edge.to, edge.kind, edge.line));
        own.dedup_by_key(|edge| (edge.to, edge.kind));
        self.edges.extend(own);
    }

    fn edge(&mut self, from: FileIndex, to: FileIndex, kind: EdgeKind, line: u32) {
        self.edges.push(Edge { from, to, kind, line });
    }

    fn unresolved(&mut self, from: FileIndex, line: u32, text: impl Into<String>, reason: Reason) {
        if self.keeps_external || reason != Reason::External {
            self.unresolved.push(Unresolved { from, line, text: text.into(), reason });
        }
    }
}

/// Resolves the imports of one family of languages.
trait Resolver: Sync {
    /// Adds what the imports of one file lead to.
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found);
}

/// Everything that a resolver may know.
struct World<'a> {
    tree: &'a Tree<'a>,
    listed: &'a [Listed<'a>],
    facts: &'a Facts<'a>,
    /// The files of the resolver's family.
    members: Vec<FileIndex>,
    files: &'a [SourceFile<'a>],
    watch: Watch<'a>,
}

impl<'a> World<'a> {
    /// The text of a file, for configuration.
    fn text(&self, path: &str) -> Option<&'a str> {
        self.files.binary_search_by(|file| file.path.cmp(path)).ok().map(|at| self.files[at].text)
    }

    /// Looks at what the files of the family say, one after the other: all of it together may be more than memory holds.
    fn each(&self, mut look: impl FnMut(FileIndex, &Links) -> Result<()>) -> Result<()> {
        for &file in &self.members {
            self.watch.check()?;
            let links = self.links(file)?;
            look(file, &links)?;
        }
        Ok(())
    }

    /// What a file says; nothing if it is no source code.
    fn links(&self, file: FileIndex) -> Result<Arc<Links>> {
        (self.facts.links)(self.listed[file as usize].number)
    }

    /// The definitions of a file.
    fn definitions(&self, file: FileIndex) -> Symbols<'a> {
        self.facts.definitions(&self.listed[file as usize])
    }
}

/// Resolves everything. `files` is sorted by path, and so are those with a text. The edges lie in `folder` if there is
/// one; without one imports of what comes from elsewhere are noted, too.
pub(crate) fn all(
    files: &[Listed<'_>],
    facts: &Facts<'_>,
    texts: &[SourceFile<'_>],
    folder: Option<&Path>,
    watch: Watch<'_>,
) -> Result<Resolved> {
    let mut members: BTreeMap<Family, Vec<FileIndex>> = BTreeMap::new();
    for (at, file) in (0..).zip(files) {
        if let Some(lang) = facts.lang(file) {
            members.entry(lang.family()).or_default().push(at);
        }
    }
    let mut unresolved = Vec::new();
    if members.is_empty() {
        return Ok(Resolved { edges: list_of(folder, std::iter::empty())?, unresolved });
    }
    let paths: Vec<&str> = files.iter().map(|file| &*file.path).collect();
    let tree = Tree::new(&paths);
    let mut edges: Vec<Column<Row>> = Vec::with_capacity(members.len());
    for (family, members) in members {
        let world = World { tree: &tree, listed: files, facts, members, files: texts, watch };
        let resolver = resolver(family, &world)?;
        let mut rows = ListWriter::in_folder_if_any(folder)?;
        for batch in world.members.chunks(BATCH) {
            let parts = batch.par_chunks(16).with_max_len(1).map(|chunk| {
                watch.check()?;
                let mut found = Found::new(folder.is_none());
                for &from in chunk {
                    let (links, first) = (world.links(from)?, found.edges.len());
                    resolver.file(from, &links, &mut found);
                    found.tidy(first);
                }
                Ok(found)
            });
            for part in parts.collect::<Result<Vec<Found>>>()? {
                for edge in part.edges {
                    rows.extend(&[[edge.from, edge.to, edge.kind as u32, edge.line]])?;
                }
                unresolved.extend(part.unresolved);
            }
        }
        edges.push(rows.finish()?);
    }
    Ok(Resolved { edges: list_of(folder, merged(&edges))?, unresolved })
}

/// The edges of all families by file; a file is of one family.
fn merged(families: &[Column<Row>]) -> impl Iterator<Item = Row> {
    let mut rest: Vec<&[Row]> = families.iter().map(|rows| &rows[..]).collect();
    std::iter::from_fn(move || {
        let next = rest.iter_mut().filter(|rows| !rows.is_empty()).min_by_key(|rows| rows[0][0])?;
        let (first, others) = next.split_first()?;
        *next = others;
        Some(*first)
    })
}

fn resolver<'w>(family: Family, world: &'w World<'w>) -> Result<Box<dyn Resolver + 'w>> {
    Ok(match family {
        Family::Python => Box::new(python::Python::new(world)?),
        Family::Rust => Box::new(rust::Rust::new(world)?),
        Family::Ecma => Box::new(ecma::Ecma::new(world)),
        Family::Go => Box::new(go::Go::new(world)?),
        Family::Jvm => Box::new(jvm::Jvm::new(world)?),
        Family::C => Box::new(c::Includes::new(world)),
        Family::CSharp => Box::new(c_sharp::CSharp::new(world)?),
        Family::Ruby => Box::new(ruby::Ruby::new(world)),
        Family::Php => Box::new(php::Php::new(world)?),
        Family::Shell => Box::new(shell::Shell::new(world)),
    })
}

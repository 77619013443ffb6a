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
use std::sync::Arc;

use rayon::prelude::*;

use self::tree::Tree;
pub(in crate::graph) use self::tree::join;
use super::facts::Links;
use super::lang::Family;
use super::{Edge, EdgeKind, Facts, FileIndex, Listed, Reason, SourceFile, Unresolved};
use crate::Result;
use crate::interrupt::Watch;
use crate::symbols::Symbols;

/// What the resolvers found, in no order.
pub(crate) struct Found {
    pub edges: Vec<Edge>,
    pub unresolved: Vec<Unresolved>,
    /// Whether somebody wants to know what comes from elsewhere.
    keeps_external: bool,
}

impl Found {
    fn new(keeps_external: bool) -> Self {
        Self { edges: Vec::new(), unresolved: Vec::new(), keeps_external }
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

/// Resolves everything. `files` is sorted by path, and so are those with a text.
pub(crate) fn all(
    files: &[Listed<'_>],
    facts: &Facts<'_>,
    texts: &[SourceFile<'_>],
    keeps_external: bool,
    watch: Watch<'_>,
) -> Result<Found> {
    let mut members: BTreeMap<Family, Vec<FileIndex>> = BTreeMap::new();
    for (at, file) in (0..).zip(files) {
        if let Some(lang) = facts.lang(file) {
            members.entry(lang.family()).or_default().push(at);
        }
    }
    let mut found = Found::new(keeps_external);
    if members.is_empty() {
        return Ok(found);
    }
    let paths: Vec<&str> = files.iter().map(|file| &*file.path).collect();
    let tree = Tree::new(&paths);
    for (family, members) in members {
        let world = World { tree: &tree, listed: files, facts, members, files: texts, watch };
        let resolver = resolver(family, &world)?;
        let parts: Vec<Found> = world
            .members
            .par_chunks(16)
            .map(|chunk| {
                watch.check()?;
                let mut found = Found::new(keeps_external);
                for &from in chunk {
                    let links = world.links(from)?;
                    resolver.file(from, &links, &mut found);
                }
                Ok(found)
            })
            .collect::<Result<_>>()?;
        for part in parts {
            found.edges.extend(part.edges);
            found.unresolved.extend(part.unresolved);
        }
    }
    Ok(found)
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

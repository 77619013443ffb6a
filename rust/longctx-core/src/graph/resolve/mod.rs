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
mod shell;
mod tree;

use rayon::prelude::*;

use self::tree::Tree;
pub(in crate::graph) use self::tree::join;
use super::facts::FileFacts;
use super::lang::Family;
use super::{Edge, EdgeKind, FileIndex, FileSummary, Listed, Reason, Source, SourceFile, Unresolved};
use crate::Result;
use crate::interrupt::Watch;

/// What the resolvers found, in no order.
#[derive(Default)]
pub(crate) struct Found {
    pub edges: Vec<Edge>,
    pub unresolved: Vec<Unresolved>,
}

impl Found {
    fn edge(&mut self, from: FileIndex, to: FileIndex, kind: EdgeKind, line: u32) {
        self.edges.push(Edge { from, to, kind, line });
    }

    fn unresolved(&mut self, from: FileIndex, line: u32, text: impl Into<String>, reason: Reason) {
        self.unresolved.push(Unresolved { from, line, text: text.into(), reason });
    }
}

/// Resolves the imports of one family of languages.
trait Resolver: Sync {
    /// Adds what the imports of one file lead to.
    fn file(&self, from: FileIndex, facts: &FileFacts, found: &mut Found);
}

/// Everything that a resolver may know.
struct World<'a> {
    tree: &'a Tree<'a>,
    facts: &'a [Option<Box<FileFacts>>],
    files: &'a [SourceFile<'a>],
}

impl<'a> World<'a> {
    /// The text of a file, for configuration.
    fn text(&self, path: &str) -> Option<&'a str> {
        self.files.binary_search_by(|file| file.path.cmp(path)).ok().map(|at| self.files[at].text)
    }

    /// The files of one family with what they say.
    fn of(&self, family: Family) -> impl Iterator<Item = (FileIndex, &'a FileFacts)> {
        let facts = self.facts.iter().enumerate();
        facts.filter_map(move |(at, facts)| {
            let facts = facts.as_deref()?;
            (facts.lang.family() == family).then_some((at as FileIndex, facts))
        })
    }
}

/// Resolves everything. `files` is sorted by path, and so are those with a text.
pub(crate) fn all(
    files: &[Listed<'_>],
    summaries: &[FileSummary],
    facts: &Source<'_>,
    texts: &[SourceFile<'_>],
    watch: Watch<'_>,
) -> Result<Found> {
    let family = |file: &Listed<'_>| file.summary.map(|at| summaries[at as usize].lang().family());
    let mut present: Vec<Family> = Vec::new();
    for family in files.iter().filter_map(family) {
        if !present.contains(&family) {
            present.push(family);
        }
    }
    let mut found = Found::default();
    if present.is_empty() {
        return Ok(found);
    }
    let paths: Vec<&str> = files.iter().map(|file| &*file.path).collect();
    let tree = Tree::new(&paths);
    for one in present {
        // Files of other families say nothing to this one: a part of all is in memory at a time.
        let read = files.par_iter().map(|file| {
            watch.check()?;
            if family(file) == Some(one) { facts(file.number) } else { Ok(None) }
        });
        let facts: Vec<Option<Box<FileFacts>>> = read.collect::<Result<_>>()?;
        let world = World { tree: &tree, facts: &facts, files: texts };
        let resolver = resolver(one, &world);
        let parts: Vec<Found> = world
            .of(one)
            .collect::<Vec<_>>()
            .par_chunks(16)
            .map(|chunk| {
                watch.check()?;
                let mut found = Found::default();
                for (from, facts) in chunk {
                    resolver.file(*from, facts, &mut found);
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

fn resolver<'w>(family: Family, world: &'w World<'w>) -> Box<dyn Resolver + 'w> {
    match family {
        Family::Python => Box::new(python::Python::new(world)),
        Family::Rust => Box::new(rust::Rust::new(world)),
        Family::Ecma => Box::new(ecma::Ecma::new(world)),
        Family::Go => Box::new(go::Go::new(world)),
        Family::Jvm => Box::new(jvm::Jvm::new(world)),
        Family::C => Box::new(c::Includes::new(world)),
        Family::CSharp => Box::new(c_sharp::CSharp::new(world)),
        Family::Ruby => Box::new(ruby::Ruby::new(world)),
        Family::Php => Box::new(php::Php::new(world)),
        Family::Shell => Box::new(shell::Shell::new(world)),
    }
}

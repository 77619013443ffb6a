//! Java and Kotlin: packages and the types, functions and properties that each file declares in them.

use std::collections::HashSet;

use super::index::Index;
use super::jvm_members::Offers;
use super::tree::Tree;
use super::{Found, Resolver, World};
use crate::Result;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::{EdgeKind, FileIndex, Reason};

pub(super) struct Jvm<'a> {
    world: &'a World<'a>,
    tree: &'a Tree<'a>,
    index: Index<'a>,
    offers: Offers,
}

/// What an import names.
enum Target {
    Files(Vec<FileIndex>),
    /// A package, for `*`.
    Package,
    Missing,
    External,
    Ambiguous,
}

impl<'a> Jvm<'a> {
    pub fn new(world: &'a World<'a>) -> Result<Self> {
        let mut index = Index::new(world.tree);
        world.each(|file, links| {
            for definition in world.definitions(file).iter().filter(|definition| definition.parent.is_none())
            {
                index.add(&links.package, definition.name(), file);
            }
            Ok(())
        })?;
        let mut jvm = Self { world, tree: world.tree, index, offers: Offers::default() };
        let mut offers = Offers::default();
        world.each(|file, links| {
            let path = world.tree.path(file);
            offers.add(file, links, |name| jvm.type_named(path, links, name));
            Ok(())
        })?;
        jvm.offers = offers;
        Ok(jvm)
    }

    /// The files of a type by the name that a file has for it.
    fn type_named(&self, path: &str, links: &Links, name: &str) -> Vec<FileIndex> {
        let by_import = links.imports.iter().filter(|import| import.form == Form::Plain);
        for import in by_import {
            let last = import.path.rsplit('.').next().unwrap_or_default();
            if import.names.first().map_or(last, |alias| alias) == name {
                return match self.target(path, import) {
                    Target::Files(files) => files,
                    _ => Vec::new(),
                };
            }
        }
        if let Some(files) = self.index.nearest(&links.package, name, path) {
            return files;
        }
        let globs = links.imports.iter().filter(|import| import.form == Form::Glob);
        globs.filter_map(|import| self.index.nearest(&import.path, name, path)).flatten().collect()
    }

    /// The longest part of a dotted path that is a package, then the name in it; what follows is inside of that.
    fn target(&self, from: &str, import: &Import) -> Target {
        let path = &*import.path;
        if import.form == Form::Glob && self.index.has_scope(path) {
            return Target::Package;
        }
        let mut known = false;
        for (dot, _) in path.rmatch_indices('.') {
            let (package, rest) = (&path[..dot], &path[dot + 1..]);
            if !self.index.has_scope(package) {
                continue;
            }
            known = true;
            let name = rest.split('.').next().unwrap_or(rest);
            if let Some(files) = self.index.nearest(package, name, from) {
                // Functions of one name may be spread over files; a type is in one.
                let several = files.len() > 1 && name.starts_with(|c: char| c.is_uppercase());
                return if several { Target::Ambiguous } else { Target::Files(files) };
            }
        }
        if known { Target::Missing } else { Target::External }
    }
}

impl Resolver for Jvm<'_> {
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found) {
        let path = self.tree.path(from);
        let first = found.edges.len();
        let definitions = self.world.definitions(from);
        let mut hidden: HashSet<&str> = definitions.iter().map(|definition| definition.name()).collect();
        let mut packages: Vec<&Import> = Vec::new();
        for import in &links.imports {
            let reason = match self.target(path, import) {
                Target::Files(files) => {
                    for to in files {
                        found.edge(from, to, import.kind, import.line);
                    }
                    None
                }
                Target::Package => {
                    packages.push(import);
                    None
                }
                Target::Missing => Some(Reason::Missing),
                Target::External => Some(Reason::External),
                Target::Ambiguous => Some(Reason::Ambiguous),
            };
            if import.form == Form::Path {
                continue;
            }
            if import.form != Form::Glob {
                let last = import.path.rsplit('.').next().unwrap_or_default();
                hidden.insert(import.names.first().map_or(last, |alias| alias));
            }
            if let Some(reason) = reason {
                found.unresolved(from, import.line, &*import.path, reason);
            }
        }
        for used in links.uses.iter().filter(|used| !hidden.contains(&*used.name)) {
            if let Some(files) = self.index.nearest(&links.package, &used.name, path) {
                for to in files {
                    found.edge(from, to, EdgeKind::SamePackage, used.line);
                }
                continue;
            }
            for import in &packages {
                for to in self.index.nearest(&import.path, &used.name, path).into_iter().flatten() {
                    found.edge(from, to, import.kind, import.line);
                }
            }
        }
        let Some(members) = &links.members else { return };
        let named: Vec<FileIndex> = found.edges[first..].iter().map(|edge| edge.to).collect();
        let is_static = |import: &&Import| import.form == Form::Static || import.form == Form::Glob;
        let statics: Vec<FileIndex> = links
            .imports
            .iter()
            .filter(is_static)
            .filter_map(|import| match self.target(path, import) {
                Target::Files(files) => Some(files),
                _ => None,
            })
            .flatten()
            .collect();
        let find = |name: &str| self.type_named(path, links, name);
        for (to, line) in self.offers.reached(from, members, (&named, &statics), find) {
            if !named.contains(&to) {
                found.edge(from, to, EdgeKind::Signature, line);
            }
        }
    }
}

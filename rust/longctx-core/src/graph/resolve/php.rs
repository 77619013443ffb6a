//! PHP: included files, and classes and functions by namespace, as an autoloader finds them.

use std::collections::{HashMap, HashSet};

use super::index::Index;
use super::tree::{Match, Tree, join, parent};
use super::{Found, Resolver, World};
use crate::Result;
use crate::graph::facts::{Form, Links};
use crate::graph::{EdgeKind, FileIndex, Reason};

pub(super) struct Php<'a> {
    world: &'a World<'a>,
    tree: &'a Tree<'a>,
    index: Index<'a>,
    /// The first parts of the namespaces of the tree.
    vendors: HashSet<String>,
}

impl<'a> Php<'a> {
    pub fn new(world: &'a World<'a>) -> Result<Self> {
        let mut index = Index::new(world.tree);
        let mut vendors = HashSet::new();
        world.each(|file, links| {
            for definition in world.definitions(file).iter().filter(|definition| definition.parent.is_none())
            {
                index.add(&links.package, definition.name(), file);
            }
            let vendor = links.package.split('\\').next().filter(|vendor| !vendor.is_empty());
            vendors.extend(vendor.map(str::to_owned));
            Ok(())
        })?;
        Ok(Self { world, tree: world.tree, index, vendors })
    }

    fn named(&self, full: &str, from: &str) -> Option<Vec<FileIndex>> {
        let full = full.trim_start_matches('\\');
        let (namespace, name) = full.rsplit_once('\\').unwrap_or(("", full));
        self.index.nearest(namespace, name, from)
    }

    fn include(&self, from: &str, path: &str) -> Match {
        let beside = join(parent(from), path).and_then(|path| self.tree.file(&path));
        match beside.or_else(|| join("", path).and_then(|path| self.tree.file(&path))) {
            Some(file) => Match::One(file),
            None if path.starts_with("./") || !path.ends_with(".php") => Match::None,
            None => self.tree.by_suffix(path.trim_start_matches("../"), from),
        }
    }
}

impl Resolver for Php<'_> {
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found) {
        let path = self.tree.path(from);
        let mut aliases: HashMap<&str, &str> = HashMap::new();
        for import in &links.imports {
            if import.form == Form::File {
                let reason = match self.include(path, &import.path) {
                    Match::One(to) => {
                        found.edge(from, to, import.kind, import.line);
                        continue;
                    }
                    Match::Several => Reason::Ambiguous,
                    Match::None => Reason::Missing,
                };
                found.unresolved(from, import.line, &*import.path, reason);
                continue;
            }
            let last = import.path.rsplit('\\').next().unwrap_or_default();
            aliases.insert(import.names.first().map_or(last, |alias| alias), &import.path);
            match self.named(&import.path, path) {
                Some(files) => {
                    for to in files {
                        found.edge(from, to, import.kind, import.line);
                    }
                }
                // The name of a namespace: what is used of it is found where it is used.
                None if self.index.has_scope(&import.path) => {}
                None => {
                    let ours = self.vendors.contains(import.path.split('\\').next().unwrap_or_default());
                    let reason = if ours { Reason::Missing } else { Reason::External };
                    found.unresolved(from, import.line, &*import.path, reason);
                }
            }
        }
        let definitions = self.world.definitions(from);
        let own: HashSet<&str> = definitions.iter().map(|definition| definition.name()).collect();
        for used in links.uses.iter().filter(|used| !own.contains(&*used.name)) {
            let (first, rest) = used.name.split_once('\\').unwrap_or((&used.name, ""));
            let files = if first.is_empty() {
                self.named(&used.name, path)
            } else if let Some(full) = aliases.get(first) {
                if rest.is_empty() { None } else { self.named(&format!("{full}\\{rest}"), path) }
            } else {
                let inside = format!("{}\\{}", links.package, used.name);
                // Functions that the namespace lacks are looked for in the global one.
                self.named(&inside, path)
                    .or_else(|| if rest.is_empty() { self.named(&used.name, path) } else { None })
            };
            for to in files.into_iter().flatten() {
                found.edge(from, to, EdgeKind::SamePackage, used.line);
            }
        }
    }
}

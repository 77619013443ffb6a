//! C#: namespaces, and the types that each file declares in them.

use std::collections::HashSet;

use super::index::Index;
use super::{Found, Resolver, World};
use crate::Result;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::{EdgeKind, FileIndex, Reason};
use crate::symbols::{SymbolKind, Symbols};

pub(super) struct CSharp<'a> {
    world: &'a World<'a>,
    index: Index<'a>,
    /// Every namespace of the tree and those above it.
    namespaces: HashSet<String>,
    /// `global using` of any file.
    global: Vec<Box<str>>,
}

impl<'a> CSharp<'a> {
    pub fn new(world: &'a World<'a>) -> Result<Self> {
        let mut index = Index::new(world.tree);
        let mut namespaces = HashSet::new();
        let mut global = Vec::new();
        world.each(|file, links| {
            let definitions = world.definitions(file);
            for (at, definition) in definitions.iter().enumerate() {
                let is_type = !matches!(
                    definition.kind,
                    SymbolKind::Module | SymbolKind::Method | SymbolKind::Function
                );
                if let Some(namespace) = is_type.then(|| namespace_of(definitions, at)).flatten() {
                    index.add(&namespace, definition.name(), file);
                    let mut above = namespace.as_str();
                    while namespaces.insert(above.to_owned()) {
                        above = above.rfind('.').map_or("", |dot| &above[..dot]);
                    }
                }
            }
            let globals = links.imports.iter().filter(|import| &*import.scope == "global");
            global
                .extend(globals.filter(|import| import.form == Form::Glob).map(|import| import.path.clone()));
            Ok(())
        })?;
        Ok(Self { world, index, namespaces, global })
    }

    /// The file of a type named in full; what follows the type is inside of it.
    fn named(&self, path: &str, from: &str) -> Option<Vec<FileIndex>> {
        path.rmatch_indices('.').find_map(|(dot, _)| {
            let name = path[dot + 1..].split('.').next()?;
            self.index.nearest(&path[..dot], name, from)
        })
    }
}

/// The namespace of a definition that stands in no type.
fn namespace_of(definitions: Symbols<'_>, at: usize) -> Option<String> {
    let mut parts = Vec::new();
    let mut parent = definitions.get(at)?.parent;
    while let Some(at) = parent {
        let around = definitions.get(at as usize)?;
        if around.kind != SymbolKind::Module {
            return None;
        }
        parts.push(around.name());
        parent = around.parent;
    }
    if parts.is_empty() {
        // `namespace A;` holds for all that follows it.
        let mut before = definitions.iter().take(at);
        let file_wide = before.find(|definition| definition.kind == SymbolKind::Module);
        return Some(file_wide.map_or_else(String::new, |namespace| namespace.name().to_owned()));
    }
    parts.reverse();
    Some(parts.join("."))
}

impl Resolver for CSharp<'_> {
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found) {
        let path = self.world.tree.path(from);
        let definitions = self.world.definitions(from);
        let own: HashSet<&str> = definitions.iter().map(|definition| definition.name()).collect();
        let mut opened: Vec<(&str, EdgeKind, u32)> = Vec::new();
        for import in &links.imports {
            if import.form == Form::Glob && self.namespaces.contains(&*import.path) {
                opened.push((&import.path, import.kind, import.line));
                continue;
            }
            match self.named(&import.path, path) {
                Some(files) => link(found, from, &files, import),
                None if import.form == Form::Path => {}
                None => {
                    // A namespace that begins like one of ours is ours.
                    let first = import.path.split('.').next().unwrap_or_default();
                    let ours = self.namespaces.contains(first) && import.form != Form::Glob;
                    let reason = if ours { Reason::Missing } else { Reason::External };
                    found.unresolved(from, import.line, &*import.path, reason);
                }
            }
        }
        // The file's own namespaces and those around them need no `using`.
        let mut visible: Vec<String> = Vec::new();
        for (at, definition) in definitions.iter().enumerate() {
            if definition.kind == SymbolKind::Module {
                let outer = namespace_of(definitions, at).filter(|_| definition.parent.is_some());
                let whole = outer.map_or_else(
                    || definition.name().to_owned(),
                    |outer| format!("{outer}.{}", definition.name()),
                );
                let ends = whole.match_indices('.').map(|(dot, _)| dot).chain([whole.len()]);
                visible.extend(ends.map(|end| whole[..end].to_owned()));
            }
        }
        visible.push(String::new());
        visible.sort_unstable_by_key(|namespace| std::cmp::Reverse(namespace.len()));
        visible.dedup();
        for used in links.uses.iter().filter(|used| !own.contains(&*used.name)) {
            let inner = visible.iter().find_map(|namespace| self.index.nearest(namespace, &used.name, path));
            if let Some(files) = inner {
                for to in files {
                    found.edge(from, to, EdgeKind::SamePackage, used.line);
                }
                continue;
            }
            let global = self.global.iter().map(|namespace| (&**namespace, EdgeKind::TopLevel, used.line));
            for (namespace, kind, line) in opened.iter().copied().chain(global) {
                for to in self.index.nearest(namespace, &used.name, path).into_iter().flatten() {
                    found.edge(from, to, kind, line);
                }
            }
        }
    }
}

fn link(found: &mut Found, from: FileIndex, files: &[FileIndex], import: &Import) {
    for &to in files {
        found.edge(from, to, import.kind, import.line);
    }
}

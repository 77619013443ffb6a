//! Ruby: `require` in the load paths, and constants that exactly one file defines.

use std::collections::HashMap;

use super::search::SearchFolders;
use super::tree::{Match, Tree, join, name, parent};
use super::{Found, Resolver, World};
use crate::graph::facts::{Form, Links};
use crate::graph::{EdgeKind, FileIndex, Reason};
use crate::symbols::{SymbolKind, Symbols};

/// Constants defined in more files than this are reopened everywhere (`module MyApp`): they name no file.
const MAX_DEFINERS: usize = 1;

pub(super) struct Ruby<'a> {
    world: &'a World<'a>,
    tree: &'a Tree<'a>,
    /// Folders on the load path.
    roots: SearchFolders<'a>,
    constants: HashMap<String, Vec<FileIndex>>,
}

impl<'a> Ruby<'a> {
    pub fn new(world: &'a World<'a>) -> Self {
        let tree = world.tree;
        let mut roots: Vec<&str> = tree
            .folders()
            .filter(|folder| folder.is_empty() || matches!(name(folder), "lib" | "test" | "spec"))
            .collect();
        roots.sort_unstable_by_key(|folder| (folder.matches('/').count(), *folder));
        let mut constants: HashMap<String, Vec<FileIndex>> = HashMap::new();
        for &file in &world.members {
            let definitions = world.definitions(file);
            for at in 0..definitions.len() {
                if let Some(full) = constant(definitions, at) {
                    let files = constants.entry(full).or_default();
                    if files.last() != Some(&file) {
                        files.push(file);
                    }
                }
            }
        }
        constants.retain(|_, files| files.len() <= MAX_DEFINERS);
        Self { world, tree, roots: SearchFolders::new(tree, roots), constants }
    }

    /// In the first folder that has it; in that the source goes first.
    fn in_roots(&self, path: &str) -> Option<FileIndex> {
        let sources = self.roots.find(path, ".rb").into_iter().map(|(place, file)| (place, 0, file));
        let others = self.roots.find(path, "").into_iter().map(|(place, file)| (place, 1, file));
        sources.chain(others).min().map(|(.., file)| file)
    }

    fn in_folder(&self, folder: &str, path: &str) -> Option<FileIndex> {
        let whole = join(folder, path)?;
        self.tree.file(&format!("{whole}.rb")).or_else(|| self.tree.file(&whole))
    }
}

/// The full name of a class, module or constant.
fn constant(definitions: Symbols<'_>, at: usize) -> Option<String> {
    let mut parts = Vec::new();
    let mut next = Some(at);
    while let Some(at) = next {
        let definition = definitions.get(at)?;
        if !matches!(definition.kind, SymbolKind::Class | SymbolKind::Module | SymbolKind::Constant) {
            return None;
        }
        parts.push(definition.name());
        next = definition.parent.map(|parent| parent as usize);
    }
    parts.reverse();
    Some(parts.join("::"))
}

impl Resolver for Ruby<'_> {
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found) {
        let path = self.tree.path(from);
        for import in &links.imports {
            let relative = import.form == Form::Plain || import.path.starts_with("./");
            let target = if relative {
                self.in_folder(parent(path), &import.path).or_else(|| self.in_folder("", &import.path))
            } else {
                self.in_roots(&import.path)
            };
            let target = match target {
                Some(file) => Match::One(file),
                None if relative || !import.path.contains('/') => Match::None,
                None => self.tree.by_suffix(&format!("{}.rb", import.path.trim_end_matches(".rb")), path),
            };
            let reason = match target {
                Match::One(to) => {
                    found.edge(from, to, import.kind, import.line);
                    continue;
                }
                Match::Several => Reason::Ambiguous,
                Match::None if relative => Reason::Missing,
                Match::None => Reason::External,
            };
            found.unresolved(from, import.line, &*import.path, reason);
        }
        // The modules around a use are searched from the inside out.
        let definitions = self.world.definitions(from);
        let mut around: Vec<String> =
            (0..definitions.len()).filter_map(|at| constant(definitions, at)).collect();
        around.sort_unstable_by_key(|scope| std::cmp::Reverse(scope.len()));
        for used in &links.uses {
            let nested = around.iter().map(|scope| format!("{scope}::{}", used.name));
            let target = nested.chain([used.name.to_string()]).find_map(|full| {
                let ends = full.rmatch_indices("::").map(|(at, _)| at);
                // `A::B::C` may be a constant inside of the file that defines `A::B`.
                let own = full.len() - used.name.len();
                std::iter::once(full.len())
                    .chain(ends.take_while(|end| *end > own))
                    .find_map(|end| self.constants.get(&full[..end]))
            });
            for &to in target.into_iter().flatten() {
                found.edge(from, to, EdgeKind::SamePackage, used.line);
            }
        }
    }
}

//! Which file declares which name in which package or namespace.

use std::collections::HashMap;

use super::tree::{Tree, shared_folders};
use crate::graph::FileIndex;

/// Names by package or namespace.
pub(super) struct Index<'a> {
    tree: &'a Tree<'a>,
    scopes: HashMap<String, HashMap<&'a str, Vec<FileIndex>>>,
}

impl<'a> Index<'a> {
    pub fn new(tree: &'a Tree<'a>) -> Self {
        Self { tree, scopes: HashMap::new() }
    }

    /// `file` declares `name` in `scope`.
    pub fn add(&mut self, scope: &str, name: &'a str, file: FileIndex) {
        if !self.scopes.contains_key(scope) {
            self.scopes.insert(scope.to_owned(), HashMap::new());
        }
        if let Some(names) = self.scopes.get_mut(scope) {
            let files = names.entry(name).or_default();
            if files.last() != Some(&file) {
                files.push(file);
            }
        }
    }

    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.contains_key(scope)
    }

    /// The files that declare the name.
    pub fn all(&self, scope: &str, name: &str) -> Option<&[FileIndex]> {
        self.scopes.get(scope)?.get(name).map(Vec::as_slice)
    }

    /// Of the files that declare the name those nearest to `from`: several modules of a tree may have a package in
    /// common, and copies of it.
    pub fn nearest(&self, scope: &str, name: &str, from: &str) -> Option<Vec<FileIndex>> {
        let files = self.all(scope, name)?;
        if let [one] = files {
            return Some(vec![*one]);
        }
        let shared = |file: &FileIndex| shared_folders(self.tree.path(*file), from);
        let best = files.iter().map(shared).max()?;
        Some(files.iter().copied().filter(|file| shared(file) == best).collect())
    }
}

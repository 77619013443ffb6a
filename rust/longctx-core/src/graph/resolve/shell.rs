//! Shell: the path after whatever variable it begins with, from the script's folder, the root, or by a unique suffix.

use super::tree::{Match, Tree, join, parent};
use super::{Found, Resolver, World};
use crate::graph::facts::{Form, Links};
use crate::graph::{FileIndex, Reason};

pub(super) struct Shell<'a> {
    tree: &'a Tree<'a>,
}

impl<'a> Shell<'a> {
    pub fn new(world: &'a World<'a>) -> Self {
        Self { tree: world.tree }
    }

    fn find(&self, from: &str, path: &str) -> Match {
        let Some(known) = known_part(path) else { return Match::None };
        let here = join(parent(from), known).and_then(|path| self.tree.file(&path));
        match here.or_else(|| join("", known).and_then(|path| self.tree.file(&path))) {
            Some(file) => Match::One(file),
            None => self.tree.by_suffix(known.trim_start_matches("./").trim_start_matches("../"), from),
        }
    }
}

/// What follows the last variable or command in a path.
fn known_part(path: &str) -> Option<&str> {
    let after = |mark: char| path.rfind(mark).map_or(0, |at| at + 1);
    let start = after('}').max(after(')')).max(after('`'));
    let rest = &path[start..];
    let rest = match rest.rfind('$') {
        Some(at) => &rest[at + rest[at..].find('/')?..],
        None => rest,
    };
    let unknown = start > 0 || rest.len() < path.len();
    let rest = if unknown { rest.trim_start_matches('/') } else { rest };
    (!rest.is_empty() && !rest.starts_with(['/', '~']) && !rest.contains(['*', '?'])).then_some(rest)
}

impl Resolver for Shell<'_> {
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found) {
        let path = self.tree.path(from);
        for import in &links.imports {
            let reason = match self.find(path, &import.path) {
                Match::One(to) => {
                    found.edge(from, to, import.kind, import.line);
                    continue;
                }
                _ if import.form == Form::Path => continue,
                Match::Several => Reason::Ambiguous,
                Match::None if import.path.starts_with(['/', '~']) || import.path.contains('$') => {
                    Reason::External
                }
                Match::None => Reason::Missing,
            };
            found.unresolved(from, import.line, &*import.path, reason);
        }
    }
}

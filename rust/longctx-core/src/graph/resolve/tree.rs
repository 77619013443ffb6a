//! The listed files as a tree to look things up in: paths, folders, suffixes.

use std::collections::HashSet;

use crate::graph::FileIndex;

/// Every path that an import may lead to.
pub(super) struct Tree<'a> {
    paths: &'a [&'a str],
    folders: HashSet<&'a str>,
    /// All files, sorted by name, those of one name by path.
    by_name: Vec<FileIndex>,
}

/// What a look-up by suffix found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// Exactly one, or one nearer than all others.
    One(FileIndex),
    /// Several, equally near.
    Several,
    /// None.
    None,
}

impl<'a> Tree<'a> {
    /// `paths` is sorted.
    pub fn new(paths: &'a [&'a str]) -> Self {
        let mut folders = HashSet::new();
        let mut by_name: Vec<FileIndex> = (0..paths.len() as FileIndex).collect();
        by_name.sort_unstable_by_key(|&file| (name(paths[file as usize]), file));
        for path in paths {
            let mut rest = *path;
            while let Some(slash) = rest.rfind('/') {
                rest = &rest[..slash];
                if !folders.insert(rest) {
                    break;
                }
            }
        }
        folders.insert("");
        Self { paths, folders, by_name }
    }

    pub fn path(&self, file: FileIndex) -> &'a str {
        self.paths[file as usize]
    }

    pub fn paths(&self) -> &'a [&'a str] {
        self.paths
    }

    /// The file at exactly this path.
    pub fn file(&self, path: &str) -> Option<FileIndex> {
        self.paths.binary_search(&path).ok().map(|at| at as FileIndex)
    }

    /// Some file lies below this folder.
    pub fn is_folder(&self, path: &str) -> bool {
        self.folders.contains(path)
    }

    /// All folders, in no order.
    pub fn folders(&self) -> impl Iterator<Item = &'a str> {
        self.folders.iter().copied()
    }

    /// Files of this name, sorted by path.
    pub fn named(&self, name: &str) -> &[FileIndex] {
        let of = |file: FileIndex| self::name(self.path(file));
        let start = self.by_name.partition_point(|&file| of(file) < name);
        let count = self.by_name[start..].partition_point(|&file| of(file) == name);
        &self.by_name[start..start + count]
    }

    /// The file whose path ends in `suffix` (whole parts); of several the one that shares most folders with `from`.
    pub fn by_suffix(&self, suffix: &str, from: &str) -> Match {
        let mut best = Match::None;
        let mut best_shared = 0;
        for &file in self.named(name(suffix)) {
            let path = self.path(file);
            let whole = path.strip_suffix(suffix).is_some_and(|head| head.is_empty() || head.ends_with('/'));
            if !whole || path == from {
                continue;
            }
            let shared = shared_folders(path, from);
            if best == Match::None || shared > best_shared {
                (best, best_shared) = (Match::One(file), shared);
            } else if shared == best_shared {
                best = Match::Several;
            }
        }
        best
    }
}

/// The last part of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Everything before the last `/`; empty for the root folder.
pub(super) fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..at])
}

/// `folder` and `rest` joined, with `.` and `..` worked out; none when that leads out of the tree.
pub(in crate::graph) fn join(folder: &str, rest: &str) -> Option<String> {
    let mut out = String::with_capacity(folder.len() + rest.len() + 1);
    for part in folder.split('/').chain(rest.split('/')) {
        match part {
            "" | "." => {}
            ".." if out.is_empty() => return None,
            ".." => out.truncate(out.rfind('/').unwrap_or(0)),
            part => {
                if !out.is_empty() {
                    out.push('/');
                }
                out.push_str(part);
            }
        }
    }
    Some(out)
}

/// How many folders two paths have in common from the root.
pub(super) fn shared_folders(a: &str, b: &str) -> usize {
    parent(a).split('/').zip(parent(b).split('/')).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_never_leaves_the_tree() {
        assert_eq!(join("a/b", "../c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(join("a", "..").as_deref(), Some(""));
        assert_eq!(join("a", "../../etc/passwd"), None);
    }

    #[test]
    fn a_suffix_prefers_the_nearest_file_and_knows_when_it_cannot_tell() {
        let paths = ["a/x/util.h", "b/x/util.h", "c/main.c"];
        let tree = Tree::new(&paths);
        assert_eq!(tree.by_suffix("x/util.h", "a/y/main.c"), Match::One(0));
        assert_eq!(tree.by_suffix("x/util.h", "c/main.c"), Match::Several);
        assert_eq!(tree.by_suffix("til.h", "c/main.c"), Match::None);
    }
}

//! C and C++ includes: beside the includer, in the include folders, by a unique suffix.

use super::search::SearchFolders;
use super::tree::{Match, Tree, join, name, parent};
use super::{Found, Resolver, World};
use crate::graph::facts::{Form, Links};
use crate::graph::{FileIndex, Reason};

/// Folders that compilers are pointed at by custom.
const INCLUDE_FOLDERS: [&str; 5] = ["include", "inc", "includes", "src", "lib"];

pub(super) struct Includes<'a> {
    tree: &'a Tree<'a>,
    folders: SearchFolders<'a>,
}

impl<'a> Includes<'a> {
    pub fn new(world: &'a World<'a>) -> Self {
        let mut folders: Vec<&str> = world
            .tree
            .folders()
            .filter(|folder| folder.is_empty() || INCLUDE_FOLDERS.contains(&name(folder)))
            .collect();
        folders.sort_unstable_by_key(|folder| (folder.matches('/').count(), *folder));
        Self { tree: world.tree, folders: SearchFolders::new(world.tree, folders) }
    }

    fn find(&self, from: &str, form: Form, path: &str) -> Match {
        if form == Form::File
            && let Some(file) = join(parent(from), path).and_then(|path| self.tree.file(&path))
        {
            return Match::One(file);
        }
        // A path that climbs is relative to somewhere; the part below the climb still names the file.
        let tail = path.trim_start_matches("../").trim_start_matches("./");
        if form == Form::Search && is_standard(path) {
            return Match::None;
        }
        match self.folders.find(path, "").as_slice() {
            [] => self.tree.by_suffix(tail, from),
            [(_, one)] => Match::One(*one),
            // The include folder of the includer's own part of the tree goes before those of others.
            _ => match self.tree.by_suffix(tail, from) {
                Match::One(file) => Match::One(file),
                _ => Match::Several,
            },
        }
    }
}

impl Resolver for Includes<'_> {
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found) {
        let path = self.tree.path(from);
        for import in &links.imports {
            let reason = match self.find(path, import.form, &import.path) {
                Match::One(to) => {
                    found.edge(from, to, import.kind, import.line);
                    continue;
                }
                Match::Several => Reason::Ambiguous,
                Match::None if import.form == Form::Search => Reason::External,
                Match::None => Reason::Missing,
            };
            found.unresolved(from, import.line, &*import.path, reason);
        }
    }
}

/// A header of the C or C++ standard library or of POSIX: in angle brackets it never means a file of the tree.
fn is_standard(path: &str) -> bool {
    match path.strip_suffix(".h") {
        Some(stem) => STANDARD_H.binary_search(&stem).is_ok() || path.starts_with("sys/"),
        None => !path.contains(['/', '.']),
    }
}

const STANDARD_H: [&str; 52] = [
    "aio",
    "arpa/inet",
    "assert",
    "complex",
    "ctype",
    "dirent",
    "dlfcn",
    "errno",
    "fcntl",
    "fenv",
    "float",
    "fnmatch",
    "getopt",
    "glob",
    "grp",
    "inttypes",
    "iso646",
    "langinfo",
    "libgen",
    "limits",
    "locale",
    "malloc",
    "math",
    "memory",
    "net/if",
    "netdb",
    "netinet/in",
    "netinet/tcp",
    "poll",
    "pthread",
    "pwd",
    "regex",
    "sched",
    "semaphore",
    "setjmp",
    "signal",
    "stdalign",
    "stdarg",
    "stdatomic",
    "stdbool",
    "stddef",
    "stdint",
    "stdio",
    "stdlib",
    "string",
    "strings",
    "syslog",
    "termios",
    "time",
    "unistd",
    "wchar",
    "wctype",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_headers_are_sorted_for_the_search() {
        assert!(STANDARD_H.is_sorted());
    }
}

//! Ignore files: which of them speaks about a path, and what it says.

use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, gitconfig_excludes_path};

/// The names of ignore files, strongest first.
pub(super) const NAMES: [&[u8]; 3] = [b".longctxignore", b".ignore", b".gitignore"];

/// The longest ignore file that is read, in bytes; git's own limit.
pub(super) const MAX_IGNORE_FILE: u64 = 100 << 20;

/// What the ignore files say about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Silent,
    /// Leave it out.
    Ignored,
    /// A negated pattern (`!name`) names it: it is kept even if hidden.
    Kept,
}

/// The ignore files of one folder, and those of the folders above it.
#[derive(Debug)]
pub(super) struct Level {
    above: Option<Arc<Level>>,
    /// Where paths relative to this folder begin in paths relative to the repository's root.
    base: usize,
    files: [Gitignore; 3],
}

impl Level {
    /// The rules of folder `path` (relative to the repository's root), given the content of its ignore files in the
    /// order of [`NAMES`].
    pub(super) fn new(path: &[u8], contents: [Option<Vec<u8>>; 3], above: Option<Arc<Self>>) -> Arc<Self> {
        let files = contents.map(|content| content.map_or_else(Gitignore::empty, |bytes| parse(&bytes)));
        Arc::new(Self { above, base: if path.is_empty() { 0 } else { path.len() + 1 }, files })
    }
}

/// Every rule that does not come from a folder of the tree.
#[derive(Debug)]
pub(super) struct Rules {
    outer: [Gitignore; 2],
}

impl Rules {
    /// No rules.
    pub(super) fn none() -> Self {
        Self { outer: [Gitignore::empty(), Gitignore::empty()] }
    }

    /// `exclude`: the content of the repository's `info/exclude`. The user's global excludes are read here.
    pub(super) fn new(exclude: Option<Vec<u8>>) -> Self {
        let global = gitconfig_excludes_path().and_then(|path| std::fs::read(path).ok());
        Self { outer: [exclude, global].map(|content| content.map_or_else(Gitignore::empty, |b| parse(&b))) }
    }

    /// What is said about `path` (relative to the repository's root), which lies in the folder of `level`. For each
    /// kind of file the nearest folder that speaks counts; among the kinds the strongest that speaks.
    pub(super) fn verdict(&self, level: Option<&Arc<Level>>, path: &[u8], folder: bool) -> Verdict {
        let mut said = [Verdict::Silent; 3];
        let mut next = level;
        while let Some(level) = next {
            for (file, said) in level.files.iter().zip(&mut said) {
                if *said == Verdict::Silent && !file.is_empty() {
                    *said = translate(file.matched(native(&path[level.base..]), folder));
                }
            }
            if said[0] != Verdict::Silent {
                return said[0];
            }
            next = level.above.as_ref();
        }
        if let Some(&verdict) = said.iter().find(|&&said| said != Verdict::Silent) {
            return verdict;
        }
        for file in &self.outer {
            if !file.is_empty() {
                let verdict = translate(file.matched(native(path), folder));
                if verdict != Verdict::Silent {
                    return verdict;
                }
            }
        }
        Verdict::Silent
    }
}

fn translate<T>(matched: Match<T>) -> Verdict {
    match matched {
        Match::None => Verdict::Silent,
        Match::Ignore(_) => Verdict::Ignored,
        Match::Whitelist(_) => Verdict::Kept,
    }
}

/// Patterns that are not UTF-8 or not a glob are passed over, as git passes over what it cannot read.
fn parse(content: &[u8]) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    for line in content.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Ok(line) = std::str::from_utf8(line) {
            let _passed_over = builder.add_line(None, line);
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// The path as the operating system writes it.
#[cfg(unix)]
pub(super) fn native(path: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(path))
}

/// The path as the operating system writes it.
#[cfg(not(unix))]
pub(super) fn native(path: &[u8]) -> std::borrow::Cow<'_, Path> {
    match String::from_utf8_lossy(path) {
        std::borrow::Cow::Borrowed(text) => std::borrow::Cow::Borrowed(Path::new(text)),
        std::borrow::Cow::Owned(text) => std::borrow::Cow::Owned(text.into()),
    }
}

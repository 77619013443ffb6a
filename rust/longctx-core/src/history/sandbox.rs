//! Repositories made for one test by the `git` command, which is the tests' oracle too.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::history::{self, Chain, History, HistoryOptions, ObjectId};
use crate::interrupt::Watch;

/// A repository in a temporary folder.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    clock: std::cell::Cell<u64>,
}

impl Sandbox {
    /// An empty repository whose ids are SHA-1.
    pub(crate) fn new() -> Self {
        Self::with_format("sha1")
    }

    /// An empty repository with the given hash function.
    pub(crate) fn with_format(format: &str) -> Self {
        let sandbox =
            Self { folder: tempfile::tempdir().unwrap(), clock: std::cell::Cell::new(1_700_000_000) };
        std::fs::create_dir(sandbox.root()).unwrap();
        sandbox.git(["init", "-q", "-b", "main", &format!("--object-format={format}")]);
        sandbox
    }

    /// The repository's folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// A folder beside the repository's.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs git in the repository; its output without the last newline.
    pub(crate) fn git<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        self.git_in(&self.root(), arguments)
    }

    /// Runs git in a folder.
    pub(crate) fn git_in<A: AsRef<OsStr>>(
        &self,
        folder: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> String {
        String::from_utf8_lossy(&self.run(folder, arguments)).trim_end_matches('\n').to_owned()
    }

    /// Runs git in the repository; its output as it is.
    pub(crate) fn git_bytes<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Vec<u8> {
        self.run(&self.root(), arguments)
    }

    fn run<A: AsRef<OsStr>>(&self, folder: &Path, arguments: impl IntoIterator<Item = A>) -> Vec<u8> {
        self.clock.set(self.clock.get() + 60);
        let date = format!("{} +0000", self.clock.get());
        let output = Command::new("git")
            .current_dir(folder)
            .args(["-c", "protocol.file.allow=always", "-c", "advice.graftFileDeprecated=false"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.org")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap();
        assert!(output.status.success(), "git: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Writes a file into the work tree.
    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits the whole work tree; the commit's id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.commit_as("Ada <ada@example.org>", message)
    }

    /// Commits the whole work tree as somebody.
    pub(crate) fn commit_as(&self, author: &str, message: &str) -> String {
        self.git(["add", "-A"]);
        self.git(["commit", "-q", "--allow-empty", "-m", message, "--author", author]);
        self.git(["rev-parse", "HEAD"])
    }

    /// Everything in the repository's history.
    pub(crate) fn history(&self) -> History {
        read(&self.root(), &HistoryOptions::everything())
    }

    /// The commits that `git log --first-parent --follow` lists for a file.
    pub(crate) fn log(&self, path: &str) -> Vec<String> {
        self.log_in(&self.root(), path)
    }

    /// The same in another folder.
    pub(crate) fn log_in(&self, folder: &Path, path: &str) -> Vec<String> {
        let arguments = ["log", "--first-parent", "--follow", "--format=%H", "--", path];
        self.git_in(folder, arguments).lines().map(str::to_owned).collect()
    }
}

/// Reads a history that must be readable.
pub(crate) fn read(repo: &Path, options: &HistoryOptions) -> History {
    history::read(repo, options, Watch::none()).unwrap()
}

/// The live chain of a path.
pub(crate) fn chain<'h>(history: &'h History, path: &str) -> &'h Chain {
    let found = history.chains.iter().find(|chain| chain.live && history.path(chain.path).text() == path);
    found.unwrap_or_else(|| panic!("no live chain of {path}"))
}

/// The commits of a chain.
pub(crate) fn commits(history: &History, chain: &Chain) -> Vec<String> {
    chain.versions.iter().map(|version| history.commit(version).id.to_string()).collect()
}

/// The paths of a chain.
pub(crate) fn paths(history: &History, chain: &Chain) -> Vec<String> {
    chain.versions.iter().map(|version| history.path(version.path).to_string()).collect()
}

/// An id from its hexadecimal form.
pub(crate) fn id(hex: &str) -> ObjectId {
    ObjectId::from_hex(hex.as_bytes()).unwrap()
}

/// Numbered lines, some of which are told apart by `mark`.
pub(crate) fn lines(marked: std::ops::Range<usize>, mark: &str) -> String {
    (0..100)
        .map(|n| {
            let mark = if marked.contains(&n) { mark } else { "" };
            format!("line {n:03} {mark}\n")
        })
        .collect()
}

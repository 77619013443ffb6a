//! A folder for a test, and git to make it a repository.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::Watch;
use crate::source::SkipReason;
use crate::walk::{Listing, Tree, WalkOptions};

pub(super) struct Scratch(TempDir);

impl Scratch {
    /// An empty folder.
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A repository without commits.
    pub(super) fn repository() -> Self {
        let scratch = Self::new();
        scratch.git(&["init", "-q", "-b", "main"]);
        scratch
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub(super) fn git(&self, arguments: &[&str]) -> String {
        git(self.path(), arguments)
    }

    pub(super) fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "change"]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    pub(super) fn list(&self) -> Listing {
        self.list_with(&WalkOptions::default())
    }

    pub(super) fn list_with(&self, options: &WalkOptions) -> Listing {
        Tree::open(self.path(), None).unwrap().list(options, Watch::none()).unwrap()
    }

    pub(super) fn list_revision(&self, revision: &str) -> Listing {
        Tree::open(self.path(), Some(revision)).unwrap().list(&WalkOptions::default(), Watch::none()).unwrap()
    }
}

pub(super) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(super) fn paths(listing: &Listing) -> Vec<String> {
    listing.entries.iter().map(|entry| entry.path.text().into_owned()).collect()
}

pub(super) fn reasons(listing: &Listing) -> BTreeMap<String, SkipReason> {
    listing.skipped.iter().map(|skipped| (skipped.path.text().into_owned(), skipped.reason)).collect()
}

//! Listing and reading a commit: the same as a clean checkout of it.

use super::scratch::{Scratch, git, paths, reasons};
use crate::source::{ObjectHash, SkipReason, SourceOptions, classify};
use crate::walk::{Location, Tree, WalkOptions};
use crate::{Error, Watch};

fn sample() -> Scratch {
    let scratch = Scratch::repository();
    scratch
        .write(".gitignore", "*.log\n/build/\n!keep.log\n")
        .write("src/.ignore", "skipped.rs\n")
        .write("src/main.rs", "fn main() {}\n")
        .write("src/skipped.rs", "x")
        .write("src/deep/.gitignore", "!*.log\n")
        .write("src/deep/a.log", "x")
        .write("keep.log", "x")
        .write("tracked.log", "tracked and ignored")
        .write("build/tracked", "x")
        .write("empty", "")
        .write(".hidden/file", "x")
        .write("name with\nline end", "x");
    #[cfg(unix)]
    std::os::unix::fs::symlink("src/main.rs", scratch.path().join("link.rs")).unwrap();
    scratch.git(&["add", "-Af"]);
    scratch.git(&["commit", "-qm", "first"]);
    scratch
}

#[test]
fn a_commit_lists_what_its_clean_checkout_lists() {
    let scratch = sample();
    let checkout = scratch.list();
    let commit = scratch.list_revision("HEAD");
    assert_eq!(
        paths(&checkout),
        ["empty", "keep.log", "name with\nline end", "src/deep/a.log", "src/main.rs"]
    );
    assert_eq!(paths(&commit), paths(&checkout));
    assert_eq!(commit.bytes(), checkout.bytes());
    assert_eq!(commit.skipped, checkout.skipped);
    assert_eq!(commit.commit, checkout.commit);
    assert_eq!(commit.commit.unwrap(), scratch.git(&["rev-parse", "HEAD"]).trim());
}

#[test]
fn a_commit_is_listed_by_its_own_ignore_files_and_not_by_the_work_tree() {
    let scratch = sample();
    scratch.write(".gitignore", "*\n").write("new.rs", "x");
    assert!(paths(&scratch.list_revision("main")).contains(&"src/main.rs".to_owned()));
    assert!(!paths(&scratch.list_revision("main")).contains(&"new.rs".to_owned()));
}

#[test]
fn blobs_read_as_git_prints_them_and_are_named_alike_from_either_side() {
    let scratch = sample();
    for revision in [None, Some("HEAD")] {
        let tree = Tree::open(scratch.path(), revision).unwrap();
        let listing = tree.list(&WalkOptions::default(), Watch::none()).unwrap();
        let entry = listing.entries.iter().find(|entry| entry.path.as_bytes() == b"src/main.rs").unwrap();
        let bytes = tree.read(entry, 1000).unwrap();
        assert_eq!(bytes, b"fn main() {}\n");
        let expected = scratch.git(&["rev-parse", "HEAD:src/main.rs"]);
        let document = match &entry.location {
            Location::WorkTree => classify(&entry.path, bytes, tree.object_hash(), &SourceOptions::default()),
            Location::Blob(id) => classify(&entry.path, bytes, id, &SourceOptions::default()),
        };
        assert_eq!(document.unwrap().blob, expected.trim());
        assert_eq!(tree.read(entry, 5), Err(SkipReason::TooLarge));
    }
}

#[test]
fn revisions_are_named_as_in_git() {
    let scratch = sample();
    let first = scratch.git(&["rev-parse", "HEAD"]).trim().to_owned();
    scratch.git(&["tag", "-a", "v1", "-m", "annotated"]);
    scratch.write("src/second.rs", "x").commit();
    for revision in [&first[..], &first[..10], "HEAD~1", "v1", "main^", "refs/tags/v1"] {
        assert_eq!(scratch.list_revision(revision).commit.as_deref(), Some(&first[..]), "{revision}");
    }
}

#[test]
fn a_subfolder_of_a_commit_obeys_the_ignore_files_above_it() {
    let scratch = sample();
    let folder = scratch.path().join("src");
    let list = |revision| {
        Tree::open(&folder, revision).unwrap().list(&WalkOptions::default(), Watch::none()).unwrap()
    };
    assert_eq!(paths(&list(Some("HEAD"))), ["deep/a.log", "main.rs"]);
    assert_eq!(paths(&list(Some("HEAD"))), paths(&list(None)));
    assert_eq!(list(Some("HEAD")).skipped, list(None).skipped);
    scratch.write("new/a", "x");
    let error = Tree::open(&scratch.path().join("new"), Some("HEAD")).err().unwrap();
    assert!(error.to_string().contains("is not a folder of commit HEAD"), "{error}");
}

#[test]
fn a_bare_repository_is_read_at_head_and_its_dot_git_folder_too() {
    let scratch = sample();
    let bare = Scratch::new();
    git(bare.path(), &["clone", "-q", "--bare", scratch.path().to_str().unwrap(), "."]);
    assert_eq!(paths(&bare.list()), paths(&scratch.list()));
    assert_eq!(bare.list().commit, scratch.list().commit);
    let tree = Tree::open(&scratch.path().join(".git"), None).unwrap();
    assert!(tree.is_commit());
}

#[test]
fn a_linked_work_tree_shares_the_excludes_of_its_repository() {
    let scratch = sample();
    scratch.write(".git/info/exclude", "main.rs\n");
    let linked = Scratch::new();
    let path = linked.path().join("linked");
    scratch.git(&["worktree", "add", "-q", path.to_str().unwrap()]);
    let list = Tree::open(&path, None).unwrap().list(&WalkOptions::default(), Watch::none()).unwrap();
    assert!(!paths(&list).contains(&"src/main.rs".to_owned()));
    assert_eq!(paths(&list), paths(&scratch.list()));
    assert_eq!(list.commit, scratch.list().commit);
}

#[test]
fn sha256_repositories_are_read() {
    let scratch = Scratch::new();
    scratch.git(&["init", "-q", "--object-format=sha256"]);
    scratch.write("a.txt", "hello\n");
    let commit = scratch.commit();
    assert_eq!(commit.len(), 64);
    let tree = Tree::open(scratch.path(), Some("HEAD")).unwrap();
    assert_eq!(tree.object_hash(), ObjectHash::Sha256);
    let listing = tree.list(&WalkOptions::default(), Watch::none()).unwrap();
    assert_eq!(listing.commit, Some(commit));
    let bytes = tree.read(&listing.entries[0], 100).unwrap();
    let id = tree.object_hash().blob_id(&bytes);
    assert_eq!(id, scratch.git(&["rev-parse", "HEAD:a.txt"]).trim());
}

#[test]
fn objects_that_a_partial_clone_lacks_are_named_and_are_no_failure() {
    let scratch = sample();
    let id = scratch.git(&["rev-parse", "HEAD:keep.log"]);
    let id = id.trim();
    std::fs::remove_file(scratch.path().join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    let listing = scratch.list_revision("HEAD");
    // Three files have the content "x" of the one whose object is gone.
    let missing = reasons(&listing);
    assert_eq!(missing["keep.log"], SkipReason::MissingObject);
    assert!(!missing["keep.log"].is_failure());
    assert_eq!(paths(&listing), ["empty", "src/main.rs"]);
}

#[test]
fn a_missing_tree_loses_its_folder_alone() {
    let scratch = sample();
    let id = scratch.git(&["rev-parse", "HEAD:src"]);
    let id = id.trim();
    std::fs::remove_file(scratch.path().join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    let listing = scratch.list_revision("HEAD");
    let src = listing.skipped.iter().find(|skipped| skipped.path.as_bytes() == b"src").unwrap();
    assert_eq!((src.reason, src.directory), (SkipReason::MissingObject, true));
    assert!(paths(&listing).contains(&"keep.log".to_owned()));
}

#[test]
fn a_corrupt_object_is_unreadable() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = sample();
    let id = scratch.git(&["rev-parse", "HEAD:src/main.rs"]);
    let file = scratch.path().join(".git/objects").join(&id[..2]).join(&id.trim()[2..]);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&file, b"not zlib at all").unwrap();
    let reason = reasons(&scratch.list_revision("HEAD"))["src/main.rs"];
    assert_eq!(reason, SkipReason::Unreadable);
}

#[test]
fn submodules_are_counted_and_not_entered() {
    let scratch = sample();
    let head = scratch.git(&["rev-parse", "HEAD"]);
    let info = format!("160000,{},sub", head.trim());
    scratch.git(&["update-index", "--add", "--cacheinfo", &info]);
    scratch.git(&["commit", "-qm", "submodule"]);
    git(scratch.path(), &["clone", "-q", ".", "sub"]);
    for listing in [scratch.list(), scratch.list_revision("HEAD")] {
        let sub = listing.skipped.iter().find(|skipped| skipped.path.as_bytes() == b"sub").unwrap();
        assert_eq!((sub.reason, sub.directory, sub.bytes), (SkipReason::Submodule, true, 0));
        assert!(!paths(&listing).iter().any(|path| path.starts_with("sub/")));
    }
}

fn refusal(scratch: &Scratch, revision: &str) -> String {
    let error = Tree::open(scratch.path(), Some(revision)).err().unwrap();
    assert!(matches!(error, Error::Usage { .. }), "{error:?}");
    assert!(error.hint().is_some());
    error.to_string()
}

#[test]
fn revisions_that_cannot_be_had_are_explained() {
    let scratch = sample();
    assert!(refusal(&scratch, "no-such-branch").contains("\"no-such-branch\" names no commit"));
    assert!(refusal(&scratch, "HEAD:src/main.rs").contains("names no commit"));
    assert!(refusal(&Scratch::new(), "HEAD").contains("not in a git repository"));
}

#[test]
fn a_repository_without_commits_has_a_work_tree_but_no_revisions() {
    let scratch = Scratch::repository();
    scratch.write("a.rs", "x");
    let listing = scratch.list();
    assert_eq!(paths(&listing), ["a.rs"]);
    assert_eq!(listing.commit, None);
    assert!(refusal(&scratch, "HEAD").contains("has no commit"));
    let bare = Scratch::new();
    bare.git(&["init", "-q", "--bare"]);
    assert!(matches!(Tree::open(bare.path(), None).err().unwrap(), Error::Usage { .. }));
}

#[test]
fn paths_longer_than_any_system_allows_are_not_followed() {
    let scratch = Scratch::repository();
    let stream = format!(
        "commit refs/heads/main\ncommitter a <a@b> 0 +0000\ndata 1\nx\nM 100644 inline {}b\ndata 1\nx\n\
         M 100644 inline a.txt\ndata 1\nx\n",
        "d/".repeat(3000)
    );
    let mut child = std::process::Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(scratch.path())
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), stream.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let listing = scratch.list_revision("main");
    assert_eq!(paths(&listing), ["a.txt"]);
    assert_eq!(listing.skipped.len(), 1);
    assert_eq!(listing.skipped[0].reason, SkipReason::Unreadable);
}

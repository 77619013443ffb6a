//! Trees that are odd, hostile, or change while they are read.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::scratch::{Scratch, git, paths, reasons};
use crate::interrupt::Silent;
use crate::source::SkipReason;
use crate::walk::{Entry, Tree, WalkOptions};
use crate::{Error, Watch};

fn listed(scratch: &Scratch) -> (Tree, Vec<Entry>) {
    let tree = Tree::open(scratch.path(), None).unwrap();
    let entries = tree.list(&WalkOptions::default(), Watch::none()).unwrap().entries;
    (tree, entries)
}

#[test]
fn what_is_not_a_folder_is_refused_by_name() {
    let scratch = Scratch::new();
    scratch.write("file", "x");
    let refusal = |path: &str| Tree::open(&scratch.path().join(path), None).err().unwrap();
    assert!(refusal("file").to_string().ends_with("file is not a folder"));
    assert!(refusal("nothing").to_string().ends_with("nothing does not exist"));
    assert!(matches!(refusal("nothing"), Error::Usage { .. }));
}

#[test]
fn an_empty_folder_lists_nothing() {
    let listing = Scratch::new().list();
    assert!(listing.entries.is_empty() && listing.skipped.is_empty());
}

#[test]
fn a_folder_that_vanished_is_an_error() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let tree = Tree::open(&folder, None).unwrap();
    fs::remove_dir(&folder).unwrap();
    assert!(tree.list(&WalkOptions::default(), Watch::none()).is_err());
}

#[test]
fn a_raised_flag_stops_the_walk() {
    let scratch = Scratch::new();
    scratch.write("a/b", "x");
    let (tree, _) = listed(&scratch);
    let raised = AtomicBool::new(true);
    let outcome = tree.list(&WalkOptions::default(), Watch::new(&raised, &Silent));
    assert!(matches!(outcome, Err(Error::Interrupted)));
}

#[test]
fn names_may_hold_any_bytes() {
    let scratch = Scratch::new();
    let names: [&[u8]; 4] = [b"\xff\xfe.rs", b"a\nb.rs", b"a\tb\"c'.rs", b"-rf"];
    for name in names {
        fs::write(scratch.path().join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
    }
    let (tree, entries) = listed(&scratch);
    let mut sorted = names;
    sorted.sort_unstable();
    let found: Vec<_> = entries.iter().map(|entry| entry.path.as_bytes()).collect();
    assert_eq!(found, sorted);
    for entry in &entries {
        assert_eq!(tree.read(entry, 10).unwrap(), b"x");
    }
}

#[test]
fn entries_are_sorted_by_the_bytes_of_the_whole_path() {
    let scratch = Scratch::new();
    for path in ["a/b", "a.txt", "a-b", "a0", "B", "é"] {
        scratch.write(path, "x");
    }
    assert_eq!(paths(&scratch.list()), ["B", "a-b", "a.txt", "a/b", "a0", "é"]);
}

#[test]
fn a_huge_file_is_counted_and_never_read() {
    let scratch = Scratch::new();
    let file = fs::File::create(scratch.path().join("huge.bin")).unwrap();
    file.set_len(3 << 30).unwrap();
    let listing = scratch.list();
    assert_eq!(listing.skipped.len(), 1);
    assert_eq!((listing.skipped[0].reason, listing.skipped[0].bytes), (SkipReason::TooLarge, 3 << 30));
    let entry = Entry { path: "huge.bin".into(), size: 3 << 30, location: crate::walk::Location::WorkTree };
    let tree = Tree::open(scratch.path(), None).unwrap();
    assert_eq!(tree.read(&entry, 1 << 20), Err(SkipReason::TooLarge));
}

#[test]
fn a_file_that_vanished_shrank_or_grew_has_changed() {
    let scratch = Scratch::new();
    for name in ["folder", "grown", "linked", "shrunk", "vanished"] {
        scratch.write(name, "content");
    }
    scratch.write("gone/file", "content");
    let (tree, entries) = listed(&scratch);
    fs::remove_file(scratch.path().join("vanished")).unwrap();
    fs::remove_dir_all(scratch.path().join("gone")).unwrap();
    scratch.write("shrunk", "c");
    fs::File::options().write(true).open(scratch.path().join("grown")).unwrap().set_len(3 << 30).unwrap();
    fs::remove_file(scratch.path().join("linked")).unwrap();
    symlink("/etc/passwd", scratch.path().join("linked")).unwrap();
    fs::remove_file(scratch.path().join("folder")).unwrap();
    fs::create_dir(scratch.path().join("folder")).unwrap();
    assert_eq!(entries.len(), 6);
    for entry in &entries {
        assert_eq!(tree.read(entry, 1 << 20), Err(SkipReason::Changed), "{}", entry.path);
    }
    assert!(SkipReason::Changed.is_failure());
}

#[test]
fn links_are_counted_and_never_followed() {
    let outside = Scratch::new();
    outside.write("secret.txt", "x");
    let scratch = Scratch::repository();
    scratch.write("real/file.rs", "x");
    for (target, link) in [
        ("..", "real/up"),
        ("loop", "loop"),
        ("real/file.rs", "inside.rs"),
        ("real", "folder"),
        (outside.path().to_str().unwrap(), "outside"),
        ("nowhere", "dangling"),
        ("real/file.rs", ".gitignore"),
    ] {
        symlink(target, scratch.path().join(link)).unwrap();
    }
    let listing = scratch.list();
    assert_eq!(paths(&listing), ["real/file.rs"]);
    let skipped = reasons(&listing);
    for link in ["real/up", "loop", "inside.rs", "folder", "outside", "dangling"] {
        assert_eq!(skipped[link], SkipReason::Symlink, "{link}");
    }
}

#[test]
fn an_ignore_file_that_is_a_link_is_not_read() {
    let outside = Scratch::new();
    outside.write("rules", "*\n");
    let scratch = Scratch::new();
    scratch.write("a.rs", "x");
    symlink(outside.path().join("rules"), scratch.path().join(".ignore")).unwrap();
    assert_eq!(paths(&scratch.list()), ["a.rs"]);
}

#[test]
fn a_fifo_does_not_block() {
    let scratch = Scratch::new();
    scratch.write("a", "x").write("b", "");
    for name in ["pipe", ".gitignore", "sub/manifest.json"] {
        let path = scratch.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        make_fifo(&path);
    }
    let (tree, entries) = listed(&scratch);
    let listing = scratch.list();
    assert_eq!(paths(&listing), ["a", "b"]);
    assert_eq!(reasons(&listing)["pipe"], SkipReason::SpecialFile);
    fs::remove_file(scratch.path().join("b")).unwrap();
    make_fifo(&scratch.path().join("b"));
    assert_eq!(tree.read(&entries[1], 10), Err(SkipReason::Changed));
}

fn make_fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn datasets_and_embedded_repositories_are_not_entered() {
    let scratch = Scratch::repository();
    scratch
        .write("data/manifest.json", "{\"schema\": \"longctx/1\"}")
        .write("data/train/00000.meta.jsonl", "{}")
        .write("web/manifest.json", "{\"name\": \"app\"}")
        .write("embedded/file.rs", "x")
        .write("linked/.git", "gitdir: /elsewhere");
    git(&scratch.path().join("embedded"), &["init", "-q"]);
    let listing = scratch.list();
    assert_eq!(paths(&listing), ["web/manifest.json"]);
    let skipped = reasons(&listing);
    assert_eq!(skipped["data"], SkipReason::Dataset);
    assert_eq!(skipped["embedded"], SkipReason::Submodule);
    assert_eq!(skipped["linked"], SkipReason::Submodule);
}

#[test]
fn a_damaged_repository_is_still_a_folder() {
    let scratch = Scratch::new();
    scratch.write(".git", "gitdir: nowhere").write("a.rs", "x");
    assert_eq!(paths(&scratch.list()), ["a.rs"]);
    assert!(matches!(Tree::open(scratch.path(), Some("HEAD")).err().unwrap(), Error::Repository { .. }));
}

#[test]
fn the_listing_is_the_same_for_any_number_of_threads() {
    let scratch = Scratch::repository();
    for at in 0..300 {
        scratch.write(&format!("d{}/e{}/f{at}.rs", at % 7, at % 11), "x");
    }
    scratch.write(".gitignore", "e3\n");
    let expected = scratch.list();
    for threads in [1, 2, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| scratch.list()), expected);
    }
}

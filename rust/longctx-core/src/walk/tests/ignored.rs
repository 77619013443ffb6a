//! Which ignore file says what: compared with git and with the walker of ripgrep.

use std::collections::BTreeSet;
use std::path::Path;

use ignore::WalkBuilder;
use proptest::prelude::*;

use super::scratch::{Scratch, paths, reasons};
use crate::Watch;
use crate::source::SkipReason;
use crate::walk::{Tree, WalkOptions};

/// What the walker of the `ignore` crate lists: regular files, sorted.
pub(super) fn oracle(root: &Path) -> Vec<String> {
    let mut files: Vec<String> = WalkBuilder::new(root)
        .add_custom_ignore_filename(".longctxignore")
        .require_git(false)
        .build()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .map(|entry| entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned())
        .filter(|path: &String| !path.starts_with(".git/"))
        .collect();
    files.sort_unstable();
    files
}

#[test]
fn a_plain_folder_obeys_its_gitignore_too() {
    let scratch = Scratch::new();
    scratch
        .write(".gitignore", "*.log\nbuild/\n")
        .write("a.log", "x")
        .write("a.py", "x")
        .write("build/b.py", "x");
    let listing = scratch.list();
    assert_eq!(paths(&listing), ["a.py"]);
    let skipped = reasons(&listing);
    assert_eq!(skipped["a.log"], SkipReason::Ignored);
    assert_eq!(skipped["build"], SkipReason::Ignored);
    assert_eq!(skipped[".gitignore"], SkipReason::Hidden);
    assert_eq!(skipped.len(), 3, "nothing below an ignored folder is counted");
    assert_eq!(listing.commit, None);
}

#[test]
fn longctxignore_beats_ignore_beats_gitignore_beats_exclude() {
    let scratch = Scratch::repository();
    scratch
        .write(".git/info/exclude", "a\nb\nc\nd\n")
        .write(".gitignore", "!a\n!b\n!c\n")
        .write(".ignore", "a\nb\n")
        .write(".longctxignore", "!a\n");
    for name in ["a", "b", "c", "d", "e"] {
        scratch.write(name, "x");
    }
    assert_eq!(paths(&scratch.list()), ["a", "c", "e"]);
    assert_eq!(paths(&scratch.list()), oracle(scratch.path()));
}

#[test]
fn negations_in_nested_folders_bring_files_back_but_not_out_of_ignored_folders() {
    let scratch = Scratch::repository();
    scratch
        .write(".gitignore", "*.txt\nout/\n!out/keep.txt\n/only-root\n")
        .write("docs/.gitignore", "!*.txt\nsecret.txt\n")
        .write("docs/deep/.gitignore", "!secret.txt\n")
        .write("a.txt", "")
        .write("out/keep.txt", "")
        .write("docs/a.txt", "x")
        .write("docs/secret.txt", "x")
        .write("docs/deep/secret.txt", "x")
        .write("only-root", "x")
        .write("docs/only-root", "x");
    let listed = paths(&scratch.list());
    assert_eq!(listed, ["docs/a.txt", "docs/deep/secret.txt", "docs/only-root"]);
    let git = scratch.git(&["ls-files", "-o", "--exclude-standard"]);
    let visible: Vec<_> = git.lines().filter(|path| !path.contains(".gitignore")).collect();
    assert_eq!(listed, visible);
}

#[test]
fn a_subfolder_obeys_the_ignore_files_above_it_up_to_the_repository() {
    let scratch = Scratch::new();
    scratch
        .write(".ignore", "*")
        .write("repo/.gitignore", "*.log\n/src/gen\n")
        .write("repo/src/a.log", "x")
        .write("repo/src/a.rs", "x")
        .write("repo/src/gen/b.rs", "x");
    super::scratch::git(&scratch.path().join("repo"), &["init", "-q"]);
    let tree = Tree::open(&scratch.path().join("repo/src"), None).unwrap();
    let listing = tree.list(&WalkOptions::default(), Watch::none()).unwrap();
    assert_eq!(paths(&listing), ["a.rs"]);
    assert_eq!(reasons(&listing).into_keys().collect::<Vec<_>>(), ["a.log", "gen"]);
}

#[test]
fn a_negation_shows_a_hidden_file_as_in_ripgrep() {
    let scratch = Scratch::repository();
    scratch.write(".gitignore", "!.config\n").write(".config", "x").write(".other", "x");
    assert_eq!(paths(&scratch.list()), [".config"]);
    assert_eq!(oracle(scratch.path()), [".config"]);
}

#[test]
fn hidden_files_and_ignored_files_are_listed_on_request_but_never_dot_git() {
    let scratch = Scratch::repository();
    scratch.write(".gitignore", "b").write(".hidden/a", "x").write("b", "x");
    let all = WalkOptions { hidden: true, respect_ignore: false, ..WalkOptions::default() };
    assert_eq!(paths(&scratch.list_with(&all)), [".gitignore", ".hidden/a", "b"]);
}

#[test]
fn include_globs_restrict_and_exclude_globs_remove_without_reviving_ignored_files() {
    let scratch = Scratch::repository();
    scratch.write(".gitignore", "gen.py\n");
    for name in ["a.py", "gen.py", "src/b.py", "src/c.rs", "docs/d.md", "docs/sub/e.txt"] {
        scratch.write(name, "x");
    }
    let globs = |include: &[&str], exclude: &[&str]| WalkOptions {
        include: include.iter().map(ToString::to_string).collect(),
        exclude: exclude.iter().map(ToString::to_string).collect(),
        ..WalkOptions::default()
    };
    let listed = |include: &[&str], exclude: &[&str]| paths(&scratch.list_with(&globs(include, exclude)));
    assert_eq!(listed(&["*.py"], &[]), ["a.py", "src/b.py"]);
    assert_eq!(listed(&["docs/"], &[]), ["docs/d.md", "docs/sub/e.txt"]);
    assert_eq!(listed(&["docs", "!*.txt"], &[]), ["docs/d.md"]);
    assert_eq!(listed(&[], &["src", "*.md"]), ["a.py", "docs/sub/e.txt"]);
    assert_eq!(listed(&["src/**"], &["*.rs"]), ["src/b.py"]);
    let skipped = reasons(&scratch.list_with(&globs(&["*.py"], &["docs"])));
    assert_eq!(skipped["docs"], SkipReason::Excluded);
    assert_eq!(skipped["src/c.rs"], SkipReason::Excluded);
    assert_eq!(skipped["gen.py"], SkipReason::Ignored);
}

#[test]
fn a_malformed_glob_is_named() {
    let scratch = Scratch::new();
    let tree = Tree::open(scratch.path(), None).unwrap();
    let options = WalkOptions { include: vec!["a[".to_owned()], ..WalkOptions::default() };
    let error = tree.list(&options, Watch::none()).unwrap_err();
    assert!(error.to_string().contains("--include \"a[\""), "{error}");
}

#[test]
fn folders_that_are_never_entered_are_not_counted() {
    let scratch = Scratch::new();
    scratch.write("a", "x").write("out/b", "x").write("deep/out/c", "x");
    let never = vec![scratch.path().join("out"), scratch.path().join("deep/out")];
    let listing = scratch.list_with(&WalkOptions { never, ..WalkOptions::default() });
    assert_eq!(paths(&listing), ["a"]);
    assert!(listing.skipped.is_empty());
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        "!?/?[ab*]{1,3}/?",
        "!?[ab]/[ab*]{1,2}/?",
        "!?(\\*\\*/)?[abc](/\\*\\*)?",
        "[ab]?\\?[ab]?",
        "#[a-c]",
        "!?\\[[ab]-?c?\\]"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lists_what_ripgreps_walker_lists(
        files in prop::collection::vec("[abc]{1,2}(/[abc]{1,2}){0,3}\\.x", 1..25),
        rules in prop::collection::vec(
            (prop::option::of("[abc]{1,2}(/[abc]{1,2}){0,1}"), 0..3usize, prop::collection::vec(pattern(), 1..4)),
            0..6,
        ),
    ) {
        let scratch = Scratch::repository();
        for file in &files {
            scratch.write(file, "x");
        }
        for (folder, kind, patterns) in &rules {
            let name = [".longctxignore", ".ignore", ".gitignore"][*kind];
            let folder = folder.as_deref().map_or(String::new(), |folder| format!("{folder}/"));
            scratch.write(&format!("{folder}{name}"), patterns.join("\n"));
        }
        let listing = scratch.list();
        prop_assert_eq!(paths(&listing), oracle(scratch.path()));
        let seen: BTreeSet<_> = paths(&listing).into_iter().chain(reasons(&listing).into_keys()).collect();
        prop_assert_eq!(seen.len(), listing.entries.len() + listing.skipped.len());
        for file in &files {
            let counted = Path::new(file).ancestors().any(|path| seen.contains(path.to_str().unwrap()));
            prop_assert!(counted, "{} is neither listed nor counted", file);
        }
    }
}

//! Chains are what `git log --first-parent --follow` lists.

use super::sandbox::{Sandbox, chain, commits, lines, paths, read};
use crate::history::{Change, HistoryOptions, Mode};

#[track_caller]
fn assert_chain_is_gits(sandbox: &Sandbox, path: &str) {
    let history = sandbox.history();
    assert_eq!(commits(&history, chain(&history, path)), sandbox.log(path), "{path}");
}

#[test]
fn renames_with_edits_are_followed_through_several_names() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", &lines(0..0, ""));
    sandbox.commit("one");
    sandbox.write("a.txt", &lines(0..5, "x"));
    sandbox.commit("two");
    sandbox.git(["mv", "a.txt", "b.txt"]);
    sandbox.write("b.txt", &lines(0..20, "y"));
    sandbox.commit("three");
    sandbox.write("dir/c.txt", &lines(0..30, "z"));
    sandbox.git(["rm", "-q", "-f", "b.txt"]);
    sandbox.commit("four");
    assert_chain_is_gits(&sandbox, "dir/c.txt");
    let history = sandbox.history();
    let chain = chain(&history, "dir/c.txt");
    assert_eq!(paths(&history, chain), ["dir/c.txt", "b.txt", "a.txt", "a.txt"]);
    let changes: Vec<_> = chain.versions.iter().map(|version| version.change).collect();
    assert_eq!(changes, [Change::Renamed, Change::Renamed, Change::Modified, Change::Added]);
}

#[test]
fn half_similar_is_the_border_as_git_draws_it() {
    for changed in 40..60 {
        let sandbox = Sandbox::new();
        sandbox.write("old.txt", &lines(0..0, ""));
        sandbox.commit("one");
        sandbox.git(["rm", "-q", "old.txt"]);
        sandbox.write("new.txt", &lines(0..changed, "!"));
        sandbox.commit("two");
        let history = sandbox.history();
        let found = chain(&history, "new.txt").versions[0].change == Change::Renamed;
        let said = sandbox.git(["diff", "-M", "--name-status", "HEAD~", "HEAD"]);
        assert_eq!(found, said.starts_with('R'), "{changed} of 100 lines: {said}");
        assert_chain_is_gits(&sandbox, "new.txt");
    }
}

#[test]
fn pairs_among_many_candidates_are_gits() {
    let sandbox = Sandbox::new();
    for n in 0..12 {
        sandbox.write(format!("old/{n}/mod.rs"), &lines(n..n + 12, "common"));
        sandbox.write(format!("old/{n}.txt"), &lines(4 * n..4 * n + 40, "text"));
        sandbox.write(format!("old/same{n}.txt"), "the same\n");
    }
    sandbox.write("old/unique.c", &lines(0..10, "unique"));
    sandbox.commit("one");
    sandbox.git(["rm", "-q", "-r", "old"]);
    for n in 0..12 {
        sandbox.write(format!("new/{n}/mod.rs"), &lines(n + 1..n + 12, "common"));
        sandbox.write(format!("new/x{n}.txt"), &lines(4 * n + 2..4 * n + 37, "text"));
        sandbox.write(format!("new/same{}.txt", n + 6), "the same\n");
    }
    sandbox.write("new/unique.c", &lines(0..25, "unique"));
    sandbox.commit("two");
    let history = sandbox.history();
    let mut found: Vec<String> = history
        .changes(0)
        .iter()
        .filter(|version| version.change == Change::Renamed)
        .map(|version| format!("{}\t{}", history.path(version.path_before), history.path(version.path)))
        .collect();
    found.sort();
    let said = sandbox.git(["diff", "-M", "--name-status", "--diff-filter=R", "HEAD~", "HEAD"]);
    let mut said: Vec<_> =
        said.lines().filter_map(|line| line.split_once('\t')).map(|(_, pair)| pair.to_owned()).collect();
    said.sort();
    assert!(said.len() > 20);
    assert_eq!(found, said);
}

#[test]
fn empty_files_are_not_renamed_and_copies_not_followed() {
    let sandbox = Sandbox::new();
    sandbox.write("empty1", "");
    sandbox.write("stays.txt", &lines(0..0, ""));
    sandbox.commit("one");
    sandbox.git(["mv", "empty1", "empty2"]);
    sandbox.write("copy.txt", &lines(0..0, ""));
    let second = sandbox.commit("two");
    let history = sandbox.history();
    assert_eq!(commits(&history, chain(&history, "empty2")), [second.as_str()]);
    assert_eq!(commits(&history, chain(&history, "copy.txt")), [second.as_str()]);
}

#[test]
fn a_deleted_and_recreated_file_keeps_its_former_life() {
    let sandbox = Sandbox::new();
    sandbox.write("f", "one\n");
    sandbox.commit("one");
    sandbox.git(["rm", "-q", "f"]);
    sandbox.commit("two");
    sandbox.write("f", "something else entirely\n");
    sandbox.commit("three");
    sandbox.write("f", "something else entirely, again\n");
    sandbox.commit("four");
    assert_chain_is_gits(&sandbox, "f");
    let history = sandbox.history();
    let chain = chain(&history, "f");
    assert_eq!(chain.versions[2].change, Change::Deleted);
    assert_eq!(chain.contents().count(), 2);
}

#[test]
fn a_name_given_up_and_taken_again_belongs_to_both_chains() {
    let sandbox = Sandbox::new();
    sandbox.write("name", &lines(0..0, ""));
    sandbox.commit("one");
    sandbox.write("name", &lines(0..3, "edit"));
    sandbox.commit("two");
    sandbox.git(["mv", "name", "other"]);
    sandbox.commit("three");
    sandbox.write("name", "a new file\n");
    sandbox.commit("four");
    sandbox.write("other", &lines(0..6, "edit"));
    sandbox.commit("five");
    assert_chain_is_gits(&sandbox, "other");
    assert_chain_is_gits(&sandbox, "name");
}

#[test]
fn deleted_files_have_chains_that_are_not_live() {
    let sandbox = Sandbox::new();
    sandbox.write("gone", "x\n");
    sandbox.write("here", "y\n");
    sandbox.commit("one");
    sandbox.git(["rm", "-q", "gone"]);
    let second = sandbox.commit("two");
    let history = sandbox.history();
    let gone = history.chains.iter().find(|chain| history.path(chain.path).text() == "gone").unwrap();
    assert!(!gone.live && chain(&history, "here").live);
    assert_eq!(commits(&history, gone)[0], second);
    assert_eq!(gone.versions[0].blob, None);
}

#[test]
fn a_merge_is_a_version_and_its_body_speaks_where_its_subject_is_empty_talk() {
    let sandbox = Sandbox::new();
    sandbox.write("f", "one\n");
    sandbox.commit("one");
    sandbox.git(["checkout", "-q", "-b", "topic"]);
    sandbox.write("f", "one\ntwo\n");
    sandbox.commit("on the branch");
    sandbox.git(["checkout", "-q", "main"]);
    sandbox.git([
        "merge",
        "-q",
        "--no-ff",
        "topic",
        "-m",
        "Merge pull request #1 from a/topic",
        "-m",
        "Count to two",
    ]);
    assert_chain_is_gits(&sandbox, "f");
    let history = sandbox.history();
    let newest = history.commit(&chain(&history, "f").versions[0]);
    assert!(newest.merge);
    assert_eq!(newest.subject, "Count to two");
    let full = read(&sandbox.root(), &HistoryOptions { mode: Mode::Full, ..HistoryOptions::everything() });
    let subjects: Vec<_> =
        chain(&full, "f").versions.iter().map(|version| full.commit(version).subject.as_str()).collect();
    assert_eq!(subjects, ["on the branch", "one"]);
}

#[test]
fn an_octopus_merge_is_compared_with_its_first_parent() {
    let sandbox = Sandbox::new();
    sandbox.write("f", "one\n");
    sandbox.commit("one");
    for topic in ["a", "b"] {
        sandbox.git(["checkout", "-q", "-b", topic, "main"]);
        sandbox.write(topic, topic);
        sandbox.commit(topic);
    }
    sandbox.git(["checkout", "-q", "main"]);
    sandbox.write("f", "two\n");
    sandbox.commit("two");
    sandbox.git(["merge", "-q", "a", "b", "-m", "both"]);
    for path in ["a", "b", "f"] {
        assert_chain_is_gits(&sandbox, path);
    }
    assert_eq!(sandbox.history().changes(0).len(), 2);
}

#[test]
fn links_submodules_and_modes_are_no_contents() {
    let sandbox = Sandbox::new();
    sandbox.write("script", "#!/bin/sh\n");
    sandbox.write("becomes-link", "text\n");
    std::os::unix::fs::symlink("script", sandbox.root().join("link")).unwrap();
    sandbox.commit("one");
    sandbox.git(["update-index", "--chmod=+x", "script"]);
    sandbox.git(["commit", "-q", "-m", "mode"]);
    sandbox.git(["checkout", "-q", "--", "."]);
    std::fs::remove_file(sandbox.root().join("becomes-link")).unwrap();
    std::os::unix::fs::symlink("script", sandbox.root().join("becomes-link")).unwrap();
    let head = sandbox.git(["rev-parse", "HEAD"]);
    sandbox.git(["add", "-A"]);
    sandbox.git(["update-index", "--add", "--cacheinfo", &format!("160000,{head},module")]);
    sandbox.git(["commit", "-q", "-m", "links"]);
    let history = sandbox.history();
    let names: Vec<_> = history.chains.iter().map(|chain| history.path(chain.path).to_string()).collect();
    assert_eq!(names, ["becomes-link", "script"]);
    assert_eq!(history.chains[0].versions[0].change, Change::Deleted);
    assert!(!history.chains[0].live);
    assert_chain_is_gits(&sandbox, "script");
    assert_eq!(chain(&history, "script").versions[0].change, Change::Mode);
    assert_eq!(chain(&history, "script").contents().count(), 1);
}

#[test]
fn a_file_may_become_a_folder_and_back() {
    let sandbox = Sandbox::new();
    sandbox.write("thing", "file\n");
    sandbox.commit("one");
    sandbox.git(["rm", "-q", "thing"]);
    sandbox.write("thing/inside", "folder\n");
    let second = sandbox.commit("two");
    let history = sandbox.history();
    assert_eq!(commits(&history, chain(&history, "thing/inside")), [second.as_str()]);
    sandbox.git(["rm", "-q", "-r", "thing"]);
    sandbox.write("thing", "file again\n");
    sandbox.commit("three");
    assert_chain_is_gits(&sandbox, "thing");
}

#[test]
fn paths_that_are_not_utf8_are_kept_byte_by_byte() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    sandbox.write(std::ffi::OsStr::from_bytes(b"caf\xe9.txt"), "x\n");
    sandbox.commit("one");
    let history = sandbox.history();
    assert_eq!(history.path(history.chains[0].path).as_bytes(), b"caf\xe9.txt");
    assert_eq!(history.path(history.chains[0].path).text(), "caf%E9.txt");
}

#[test]
fn empty_commits_are_walked_and_change_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("f", "x\n");
    sandbox.commit("one");
    sandbox.commit("nothing");
    let history = sandbox.history();
    assert_eq!(history.commits.len(), 2);
    assert!(history.changes(0).is_empty());
    assert_chain_is_gits(&sandbox, "f");
}

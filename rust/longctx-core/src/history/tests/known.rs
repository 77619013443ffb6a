//! What an earlier run read is not read again, and makes no difference.

use std::path::Path;

use super::sandbox::{Sandbox, id};
use crate::cache::{Cache, CacheReport};
use crate::history::{History, HistoryOptions, read, read_with};
use crate::interrupt::Watch;

fn with_cache(repository: &Path, options: &HistoryOptions, folder: &Path) -> (History, CacheReport) {
    let cache = Cache::open(folder, Path::new("/repository"));
    let history = read_with(repository, options, &cache, Watch::none()).unwrap();
    (history, cache.finish().unwrap())
}

#[track_caller]
fn assert_same(repository: &Path, options: &HistoryOptions, folder: &Path) -> CacheReport {
    let (history, report) = with_cache(repository, options, folder);
    let expected = read(repository, options, Watch::none()).unwrap();
    assert_eq!(format!("{history:?}"), format!("{expected:?}"));
    report
}

fn commit(sandbox: &Sandbox, numbers: std::ops::Range<usize>) {
    for number in numbers {
        sandbox.git(["commit", "-q", "--allow-empty", "-m", &format!("number {number}")]);
    }
}

#[test]
fn commits_that_an_earlier_run_read_are_the_same_after_new_ones() {
    let (sandbox, folder) = (Sandbox::new(), tempfile::tempdir().unwrap());
    let options = HistoryOptions::everything();
    commit(&sandbox, 0..200);
    let first = assert_same(&sandbox.root(), &options, folder.path());
    assert_eq!(first.hits, 0);
    let again = assert_same(&sandbox.root(), &options, folder.path());
    assert_eq!((again.hits, again.misses), (first.misses, 0));
    commit(&sandbox, 200..203);
    let after = assert_same(&sandbox.root(), &options, folder.path());
    // The stretch that begins with the new commits, its parents and its changes, is another one.
    assert_eq!((after.hits, after.misses), (first.misses - 2, 2));
    let newest = HistoryOptions { max_commits: Some(70), ..options };
    assert_same(&sandbox.root(), &newest, folder.path());
}

#[test]
fn nothing_is_known_of_commits_where_a_clone_is_shallow() {
    let (sandbox, folder) = (Sandbox::new(), tempfile::tempdir().unwrap());
    commit(&sandbox, 0..20);
    let options = HistoryOptions::everything();
    let whole = assert_same(&sandbox.root(), &options, folder.path());
    let url = format!("file://{}", sandbox.root().display());
    let shallow = tempfile::tempdir().unwrap();
    sandbox.git(["clone", "-q", "--depth", "5", &url, &shallow.path().join("clone").display().to_string()]);
    let (history, _) = with_cache(&shallow.path().join("clone"), &options, folder.path());
    assert_eq!(history.commits.len(), 5);
    assert!(whole.misses > 0);
    assert_same(&shallow.path().join("clone"), &options, folder.path());
}

#[test]
fn a_commit_that_is_missing_is_named_in_every_run() {
    let (sandbox, folder) = (Sandbox::new(), tempfile::tempdir().unwrap());
    commit(&sandbox, 0..9);
    let lost = sandbox.git(["rev-parse", "HEAD~5"]);
    let object = sandbox.root().join(format!(".git/objects/{}/{}", &lost[..2], &lost[2..]));
    std::fs::remove_file(object).unwrap();
    for _ in 0..2 {
        assert_same(&sandbox.root(), &HistoryOptions::everything(), folder.path());
        let (history, _) = with_cache(&sandbox.root(), &HistoryOptions::everything(), folder.path());
        assert!(history.missing.iter().any(|object| object.id == id(&lost)));
    }
}

//! Kinds of repositories: shallow, partial, grafted, SHA-256, bare, linked, borrowing, broken.

use std::sync::Mutex;

use super::sandbox::{Sandbox, chain, commits, id, lines, read};
use crate::history::{self, Blob, Blobs, HistoryOptions, Note, ObjectKind, Reason};
use crate::interrupt::Watch;

fn three_commits() -> Sandbox {
    fill(Sandbox::new())
}

fn fill(sandbox: Sandbox) -> Sandbox {
    for n in 0..3 {
        sandbox.write("src/f.txt", &lines(0..n, "x"));
        sandbox.write(format!("{n}"), &format!("{n}\n"));
        sandbox.commit(&format!("commit {n}"));
    }
    sandbox
}

fn object_file(sandbox: &Sandbox, hex: &str) -> std::path::PathBuf {
    sandbox.root().join(".git/objects").join(&hex[..2]).join(&hex[2..])
}

#[test]
fn bare_linked_and_borrowing_repositories_read_alike() {
    let sandbox = three_commits();
    let root = sandbox.root();
    let root = root.to_str().unwrap();
    sandbox.git(["worktree", "add", "-q", sandbox.beside("linked").to_str().unwrap(), "-b", "other"]);
    sandbox.git(["clone", "-q", "--bare", root, sandbox.beside("bare").to_str().unwrap()]);
    sandbox.git(["clone", "-q", "--shared", root, sandbox.beside("shared").to_str().unwrap()]);
    sandbox.git_in(&sandbox.beside("bare"), ["repack", "-q", "-a", "-d"]);
    let expected = sandbox.log("src/f.txt");
    assert_eq!(expected.len(), 3);
    for name in ["linked", "bare", "shared"] {
        let history = read(&sandbox.beside(name), &HistoryOptions::everything());
        assert_eq!(commits(&history, chain(&history, "src/f.txt")), expected, "{name}");
        assert!(history.missing.is_empty() && history.notes.is_empty(), "{name}");
    }
}

#[test]
fn sha256_repositories_read_alike() {
    let sandbox = fill(Sandbox::with_format("sha256"));
    let history = sandbox.history();
    assert_eq!(commits(&history, chain(&history, "src/f.txt")), sandbox.log("src/f.txt"));
    assert_eq!(history.tip.to_string().len(), 64);
    sandbox.git(["repack", "-q", "-a", "-d"]);
    sandbox.git(["mv", "src/f.txt", "g.txt"]);
    sandbox.write("g.txt", &lines(0..9, "y"));
    sandbox.commit("rename");
    let history = sandbox.history();
    assert_eq!(commits(&history, chain(&history, "g.txt")), sandbox.log("g.txt"));
}

#[test]
fn a_shallow_clone_ends_at_its_boundary_and_says_so() {
    let sandbox = three_commits();
    let url = format!("file://{}", sandbox.root().display());
    let clone = sandbox.beside("shallow");
    sandbox.git(["clone", "-q", "--depth", "2", &url, clone.to_str().unwrap()]);
    let history = read(&clone, &HistoryOptions::everything());
    assert_eq!(commits(&history, chain(&history, "src/f.txt")), sandbox.log_in(&clone, "src/f.txt"));
    assert_eq!(history.notes, [Note::Shallow { boundary: 1 }]);
    assert!(history.missing.is_empty());
}

#[test]
fn a_partial_clone_names_the_contents_that_it_lacks() {
    let sandbox = three_commits();
    sandbox.git(["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", sandbox.root().display());
    let clone = sandbox.beside("partial");
    sandbox.git(["clone", "-q", "--filter=blob:none", &url, clone.to_str().unwrap()]);
    let history = read(&clone, &HistoryOptions::everything());
    assert!(history.notes.contains(&Note::Partial));
    assert_eq!(chain(&history, "src/f.txt").versions.len(), 1, "only the checked-out content is here");
    assert_eq!(history.missing.len(), 2);
    assert!(history.missing.iter().all(|object| object.kind == ObjectKind::Blob));
}

#[test]
fn missing_objects_are_named_and_skipped() {
    let sandbox = three_commits();
    let blob = sandbox.git(["rev-parse", "HEAD~:src/f.txt"]);
    std::fs::remove_file(object_file(&sandbox, &blob)).unwrap();
    let history = sandbox.history();
    assert_eq!(history.missing.len(), 1);
    assert_eq!((history.missing[0].id, history.missing[0].path.text()), (id(&blob), "src/f.txt".into()));
    assert_eq!(chain(&history, "src/f.txt").versions.len(), 2);
    assert_eq!((history.left_out[0].reason, history.left_out[0].versions), (Reason::MissingBlob, 1));

    let tree = sandbox.git(["rev-parse", "HEAD~^{tree}"]);
    std::fs::remove_file(object_file(&sandbox, &tree)).unwrap();
    let history = sandbox.history();
    assert!(history.missing.iter().any(|object| object.id == id(&tree) && object.kind == ObjectKind::Tree));
    let left_out: Vec<_> = history.left_out.iter().map(|left| (left.reason, left.commits)).collect();
    assert_eq!(left_out, [(Reason::MissingTree, 2)], "neither the commit nor its child can be compared");

    let parent = sandbox.git(["rev-parse", "HEAD~"]);
    std::fs::remove_file(object_file(&sandbox, &parent)).unwrap();
    let history = sandbox.history();
    assert_eq!(history.commits.len(), 1);
    assert!(history.missing.iter().any(|object| object.id == id(&parent)));
}

#[test]
fn damaged_objects_are_named_and_skipped() {
    let sandbox = three_commits();
    let blob = sandbox.git(["rev-parse", "HEAD~:src/f.txt"]);
    let file = object_file(&sandbox, &blob);
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, b"rubbish").unwrap();
    let blobs = Blobs::open(&sandbox.root()).unwrap();
    assert_eq!(blobs.read(id(&blob)), None);
    assert!(blobs.missing()[0].reason.is_some());
}

#[test]
fn grafts_and_replacements_give_other_parents() {
    let sandbox = three_commits();
    let (head, first) = (sandbox.git(["rev-parse", "HEAD"]), sandbox.git(["rev-parse", "HEAD~2"]));
    std::fs::create_dir_all(sandbox.root().join(".git/info")).unwrap();
    std::fs::write(sandbox.root().join(".git/info/grafts"), format!("{head} {first}\n")).unwrap();
    let history = sandbox.history();
    assert_eq!(commits(&history, chain(&history, "src/f.txt")), [head.clone(), first.clone()]);
    assert_eq!(history.notes, [Note::Grafts { commits: 1 }]);
    std::fs::remove_file(sandbox.root().join(".git/info/grafts")).unwrap();

    sandbox.git(["replace", "--graft", &head, &first]);
    let history = sandbox.history();
    assert_eq!(commits(&history, chain(&history, "src/f.txt")), sandbox.log("src/f.txt"));
    assert_eq!(commits(&history, chain(&history, "src/f.txt")).len(), 2);
    assert_eq!(history.notes, [Note::Replaced]);
}

#[test]
fn what_cannot_be_read_at_all_is_an_error_that_says_why() {
    let sandbox = Sandbox::new();
    let error = |path: &std::path::Path| {
        history::read(path, &HistoryOptions::everything(), Watch::none()).unwrap_err().to_string()
    };
    assert!(error(&sandbox.root()).ends_with("has no commits yet"));
    assert!(error(&sandbox.beside("nothing")).contains("no such file"));
    std::fs::create_dir(sandbox.beside("folder")).unwrap();
    assert!(error(&sandbox.beside("folder")).contains("git repository"));
}

#[test]
fn contents_are_those_of_git_and_come_once_each() {
    let sandbox = three_commits();
    for packed in [false, true] {
        if packed {
            sandbox.git(["repack", "-q", "-a", "-d"]);
        }
        let history = sandbox.history();
        let blobs = Blobs::open(&sandbox.root()).unwrap();
        let seen = Mutex::new(vec![None; history.blobs.len()]);
        blobs
            .visit(&history.blobs, 1 << 20, Watch::none(), |place, blob| {
                let Blob::Bytes(bytes) = blob else { panic!("{blob:?}") };
                assert_eq!(seen.lock().unwrap()[place].replace(bytes.to_vec()), None);
                Ok(())
            })
            .unwrap();
        for (id, bytes) in history.blobs.iter().zip(seen.into_inner().unwrap()) {
            let text = String::from_utf8(bytes.unwrap()).unwrap();
            assert_eq!(text.trim_end_matches('\n'), sandbox.git(["cat-file", "blob", &id.to_string()]));
        }
        let small = Mutex::new(0);
        blobs
            .visit(&history.blobs, 100, Watch::none(), |_, blob| {
                *small.lock().unwrap() += usize::from(matches!(blob, Blob::Bytes(_)));
                Ok(())
            })
            .unwrap();
        assert_eq!(small.into_inner().unwrap(), 3);
    }
}

#[test]
fn messages_in_other_encodings_are_decoded() {
    let sandbox = Sandbox::new();
    sandbox.write("f", "x\n");
    std::fs::write(sandbox.beside("message"), b"gr\xfc\xdfe\n").unwrap();
    sandbox.git(["add", "-A"]);
    let file = sandbox.beside("message");
    sandbox.git(["-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "-F", file.to_str().unwrap()]);
    assert_eq!(sandbox.history().commits[0].subject, "gr\u{fc}\u{df}e");
}

//! What is not told, and that it is counted.

use super::*;

fn edited(times: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    for n in 0..times {
        sandbox.write("sub/f.py", &function(100 + n));
        sandbox.write("g.py", &function(200 + n));
        sandbox.commit(&format!("Change {n}"));
    }
    sandbox
}

#[test]
fn a_change_that_fits_no_sequence_is_counted() {
    let sandbox = Sandbox::new();
    for n in 0..2 {
        let text: String = (0..400).map(|line| format!("name_{line} = {}\n", line * 1000 + n)).collect();
        sandbox.write("f.py", &text);
        sandbox.commit("All lines");
    }
    let packed = packed(&sandbox, |_| {});
    assert_eq!(packed.commits().count(), 0);
    let rows = packed.history()["too_large"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["steps"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn the_ratio_keeps_the_newest() {
    let sandbox = edited(30);
    let all = packed(&sandbox, |_| {});
    let some = packed(&sandbox, |value| value["commits_ratio"] = 5.0.into());
    let tokens = |packed: &Packed, kind: &str| -> u64 {
        let rows = packed.summary["kinds"].as_array().unwrap().iter();
        let rows = rows.filter(|row| row["kind"] == kind && row["band"] == 1 && row["split"] == "train");
        rows.map(|row| row["tokens"].as_u64().unwrap()).sum()
    };
    assert!(tokens(&some, "commits") <= 5 * tokens(&some, "hierarchical"));
    assert!(tokens(&some, "commits") > tokens(&some, "hierarchical"));
    assert!(some.history()["beyond_ratio"].as_u64().unwrap() > 0);
    // Sequences are sorted newest first, so that those kept are the first of all.
    let ids = |packed: &Packed| -> Vec<String> {
        let first = packed.commits().filter(|told| told.meta["band"] == 1);
        first.map(|told| text(&told.meta["id"]).to_owned()).collect()
    };
    assert_eq!(ids(&all)[..ids(&some).len()], ids(&some));
    let none = packed(&sandbox, |value| value["commits_ratio"] = 0.0.into());
    assert_eq!((none.commits().count(), none.history()["versions"].as_u64()), (0, Some(0)));
    assert!(none.history()["not_told"].as_u64().unwrap() > 0);
}

#[test]
fn short_tellings_of_one_folder_share_a_sequence() {
    let sandbox = Sandbox::new();
    for value in 0..2 {
        for n in 0..12 {
            sandbox.write(format!("d/f{n}.py"), &function(value * 100 + n));
            sandbox.commit(&format!("Change {n} {value}"));
        }
    }
    let packed = packed(&sandbox, |_| {});
    packed.check_segments(&sandbox, true);
    let told = packed.of_form("versions");
    assert!(told.len() < 12 && told[0].ids().len() > 1);
    let row =
        packed.summary["kinds"].as_array().unwrap().iter().find(|row| row["kind"] == "commits").unwrap();
    assert!(row["below_min"].as_u64().unwrap() <= 1);
}

#[test]
fn old_versions_and_files_that_are_gone_or_not_packed_are_counted() {
    let sandbox = edited(8);
    sandbox.write("gone.py", "x = 1\n");
    sandbox.write("picture.png", "\0");
    sandbox.commit("More");
    sandbox.git(["rm", "-q", "gone.py"]);
    sandbox.commit("Less");
    let packed = packed(&sandbox, |value| value["history"]["max_versions"] = 3.into());
    let history = packed.history();
    let number = |key: &str| history[key].as_u64().unwrap();
    assert_eq!([number("gone"), number("not_packed"), number("chains")], [1, 1, 2]);
    assert_eq!(number("older_versions"), 2 * 5);
    // The oldest one told is what its commit made of the version before it.
    assert_eq!(number("versions"), 2 * 4);
}

#[test]
fn a_packed_folder_tells_its_own_files_by_their_paths_in_it() {
    let sandbox = edited(4);
    sandbox.git(["mv", "g.py", "sub/h.py"]);
    sandbox.write("sub/h.py", &function(999));
    sandbox.commit("Move");
    let packed = packed_at(&sandbox.root().join("sub"), |_| {});
    let paths: std::collections::BTreeSet<&str> =
        packed.commits().flat_map(|told| told.segments()).map(|segment| text(&segment["path"])).collect();
    assert_eq!(paths.into_iter().collect::<Vec<_>>(), ["../g.py", "f.py", "h.py"]);
}

#[test]
fn a_revision_knows_nothing_of_later_commits() {
    let sandbox = edited(6);
    let old = sandbox.git(["rev-parse", "HEAD~2"]);
    for mode in ["first-parent", "full"] {
        let packed = packed(&sandbox, |value| {
            value["revision"] = old.clone().into();
            value["history"]["mode"] = mode.into();
        });
        packed.check_segments(&sandbox, true);
        assert_eq!(packed.history()["commits"], 4);
        let subjects: Vec<String> = packed.commits().map(|told| told.meta["commits"].to_string()).collect();
        assert!(!subjects.is_empty() && !subjects.concat().contains("Change 4"));
    }
}

#[test]
fn branches_are_told_from_what_each_commit_began_with() {
    let sandbox = edited(2);
    sandbox.git(["checkout", "-q", "-b", "side"]);
    sandbox.write("g.py", &function(700));
    sandbox.commit("Side");
    sandbox.git(["checkout", "-q", "main"]);
    sandbox.write("g.py", &function(800));
    sandbox.commit("Main");
    let packed = packed(&sandbox, |value| value["history"]["mode"] = "full".into());
    packed.check_segments(&sandbox, true);
    for told in packed.of_form("versions") {
        for two in
            told.segments().windows(2).filter(|two| two[1]["why"] == "changed" && two[1]["path"] == "g.py")
        {
            let parent = sandbox.git(["rev-parse", &format!("{}^:g.py", text(&two[1]["commit"]))]);
            assert_eq!(two[0]["blob"], *parent);
        }
    }
}

#[test]
fn without_a_history_a_note_says_why() {
    let note = |packed: &Packed| text(&packed.history()["notes"][0]).to_owned();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.py"), "x = 1\n").unwrap();
    assert_eq!(note(&packed_at(folder.path(), |_| {})), "no git history");
    let unborn = Sandbox::new();
    unborn.write("a.py", "x = 1\n");
    assert_eq!(note(&packed(&unborn, |_| {})), "has no commits yet");
    let damaged = edited(2);
    let head = damaged.git(["rev-parse", "HEAD"]);
    std::fs::remove_file(damaged.root().join(".git/objects").join(&head[..2]).join(&head[2..])).unwrap();
    let said = note(&packed(&damaged, |_| {}));
    assert!(said.contains("HEAD"), "{said}");
    let without = packed(&damaged, |value| value["kinds"] = serde_json::json!(["hierarchical"]));
    assert!(without.history().is_null());
}

//! One file, commit after commit.

use super::*;

/// `f.py`, changed by nine commits.
fn edited(text: impl Fn(usize) -> String) -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new();
    let commits = (0..10).map(|n| {
        sandbox.write("f.py", &text(n));
        sandbox.commit(&format!("Change {n}"))
    });
    let commits = commits.collect();
    (sandbox, commits)
}

#[test]
fn small_files_are_told_in_whole_versions_and_each_sequence_begins_where_the_one_before_ended() {
    let (sandbox, commits) = edited(function);
    let packed = packed(&sandbox, |_| {});
    packed.check_segments(&sandbox, true);
    let mut told = packed.of_form("versions");
    assert!(told.len() > 1);
    told.reverse();
    let mut state = commits[0].clone();
    for one in told {
        let shown: Vec<(&str, &str)> =
            one.segments().iter().map(|segment| (text(&segment["why"]), text(&segment["commit"]))).collect();
        assert_eq!(shown[0], ("state", state.as_str()));
        assert!(shown[1..].iter().all(|(why, _)| *why == "changed"));
        let ids: Vec<&str> = shown[1..].iter().map(|(_, commit)| *commit).collect();
        assert_eq!(ids, one.ids());
        assert_eq!(ids[0], commits[1 + commits.iter().position(|id| *id == state).unwrap()]);
        state = ids.last().unwrap().to_string();
        let learnt = packed.learnt(one);
        assert!(learnt.starts_with("<|FILE_START|>f.py\n"), "{learnt}");
        let message = format!("<|COMMIT_START|>{} Change", &ids[0][..7]);
        assert!(packed.text(one)[..packed.text(one).len() - learnt.len()].contains(&message));
    }
    assert_eq!(state, commits[9]);
}

#[test]
fn large_files_are_told_by_what_changed() {
    let (sandbox, commits) = edited(|n| module(60, n * 6, 100 + n));
    let packed = packed(&sandbox, |_| {});
    packed.check_segments(&sandbox, true);
    assert_eq!(packed.of_form("versions").len(), 0);
    let mut told: Vec<String> = packed.of_form("changes").iter().flat_map(|one| one.ids()).collect();
    told.sort();
    let mut expected = commits[1..].to_vec();
    expected.sort();
    assert_eq!(told, expected);
    for one in packed.of_form("changes") {
        let text = packed.text(one);
        assert!(text.starts_with("<|FILE_START|>f.py\n"));
        assert!(text.ends_with("<|FILE_END|><|COMMIT_END|>"));
        assert!(one.segments().iter().any(|segment| segment["role"] == "signature"));
        assert!(one.meta["features"]["distance_p90"].as_u64().unwrap() > 0);
    }
}

#[test]
fn what_is_visible_already_is_not_shown_again() {
    let sandbox = Sandbox::new();
    for n in 0..4 {
        sandbox.write("f.py", &module(60, 30, 100 + n));
        sandbox.commit("Again");
    }
    let packed = packed(&sandbox, |_| {});
    let told = packed.of_form("changes");
    assert_eq!(told.len(), 1);
    let whys =
        told[0].segments().iter().filter(|segment| segment["role"] == "change").map(|s| text(&s["why"]));
    assert_eq!(whys.collect::<Vec<_>>(), ["state", "changed", "changed", "changed"]);
}

#[test]
fn renames_are_followed_and_paths_are_those_of_their_commit() {
    let sandbox = Sandbox::new();
    sandbox.write("old.py", &function(1));
    let first = sandbox.commit("First");
    sandbox.git(["mv", "old.py", "new.py"]);
    sandbox.write("new.py", &function(2));
    sandbox.commit("Move");
    let packed = packed(&sandbox, |_| {});
    packed.check_segments(&sandbox, true);
    let told = packed.of_form("versions");
    let paths: Vec<&str> = told[0].segments().iter().map(|segment| text(&segment["path"])).collect();
    assert_eq!(paths, ["old.py", "new.py"]);
    assert_eq!(told[0].segments()[0]["commit"], *first);
}

#[test]
fn the_state_before_a_commit_is_its_parent_even_if_that_is_left_out() {
    let sandbox = Sandbox::new();
    sandbox.write("f.py", &function(1));
    sandbox.commit("First");
    sandbox.write("f.py", &function(77));
    let bot = sandbox.commit_as("dependabot[bot] <bot@example.org>", "Bump");
    sandbox.write("f.py", &function(78));
    let last = sandbox.commit("Last");
    let packed = packed(&sandbox, |_| {});
    packed.check_segments(&sandbox, true);
    assert_eq!(packed.history()["left_out"][0]["reason"], "bot");
    let told = packed.of_form("versions");
    let commits: Vec<&str> = told[0].segments().iter().map(|segment| text(&segment["commit"])).collect();
    assert_eq!(commits, [&bot, &last]);
}

#[test]
fn a_merge_that_says_nothing_speaks_by_its_body() {
    let sandbox = Sandbox::new();
    sandbox.write("f.py", &function(1));
    sandbox.commit("First");
    sandbox.git(["checkout", "-q", "-b", "side"]);
    sandbox.write("f.py", &function(2));
    sandbox.commit("Inside");
    sandbox.git(["checkout", "-q", "main"]);
    sandbox.git(["merge", "-q", "--no-ff", "side", "-m", "Merge pull request #1 from x/side\n\nAdd two"]);
    let packed = packed(&sandbox, |_| {});
    let told = packed.of_form("versions");
    assert_eq!(told[0].meta["commits"][0]["subject"], "Add two");
    assert!(packed.text(told[0]).contains(" Add two\n<|FILE_START|>"));
    assert_eq!(packed.history()["merges"], 1);
}

#[test]
fn secrets_are_replaced_in_versions_and_subjects() {
    let secret = format!("AKIA{}", "Q3EGRTZ7W2MNB5XC");
    let sandbox = Sandbox::new();
    for n in 0..3 {
        sandbox.write("f.py", &format!("KEY = \"{secret}\"\n{}", function(100 + n)));
        sandbox.commit(&format!("Use {secret} {n}"));
    }
    let packed = packed(&sandbox, |_| {});
    packed.check_segments(&sandbox, true);
    let told = packed.of_form("versions");
    assert!(!told.is_empty());
    for one in &packed.sequences {
        assert!(!packed.text(one).contains(&secret) && !one.meta.to_string().contains(&secret));
    }
    assert!(told[0].segments().iter().any(|segment| segment["role"] == "redacted"));
}

#[test]
fn versions_that_cannot_be_shown_are_counted_and_passed_over() {
    let sandbox = Sandbox::new();
    for n in 0..6 {
        sandbox.write("f.py", &if n == 2 { "\0\0\0".to_owned() } else { function(100 + n) });
        sandbox.commit(&format!("Change {n}"));
    }
    let packed = packed(&sandbox, |_| {});
    packed.check_segments(&sandbox, true);
    assert_eq!(packed.history()["unreadable"], serde_json::json!({"binary": 1}));
    assert_eq!(packed.history()["versions"], 5);
    let subjects: Vec<&str> = packed
        .of_form("versions")
        .iter()
        .rev()
        .flat_map(|one| one.meta["commits"].as_array().unwrap())
        .map(|commit| text(&commit["subject"]))
        .collect();
    assert_eq!(subjects, ["Change 1", "Change 4", "Change 5"]);
}

#[test]
fn a_small_change_of_a_file_that_would_fit_whole_is_told_by_its_parts() {
    let (sandbox, _) = edited(|n| module(6, n % 6, 100 + n));
    let packed = packed(&sandbox, |_| {});
    packed.check_segments(&sandbox, true);
    assert!(packed.of_form("versions").is_empty() && !packed.of_form("changes").is_empty());
}

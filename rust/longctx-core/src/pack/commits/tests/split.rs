//! What training must not see.

use std::collections::HashSet;

use super::*;
use crate::pack::tests::bytes_of;

/// A module in words of its own: no near-duplicate of another one.
fn own_words(file: usize, changed: usize, value: usize) -> String {
    let text = module(4 + file, changed, value);
    let text =
        text.replace("argument", &format!("argument{file}")).replace("result", &format!("result{file}"));
    format!("# {file}\n{text}")
}

/// Many files and commits, some of which touch several files.
fn busy() -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new();
    for n in 0..20 {
        sandbox.write(format!("d{}/f{n}.py", n % 3), &own_words(n, 0, n));
    }
    let mut commits = vec![sandbox.commit("First")];
    for step in 1..30 {
        for file in [step % 20, step * 7 % 20] {
            sandbox.write(format!("d{}/f{file}.py", file % 3), &own_words(file, step % 4, step * 100 + file));
        }
        commits.push(sandbox.commit(&format!("Step {step}")));
    }
    (sandbox, commits)
}

#[test]
fn the_newest_commits_and_the_files_of_validation_stay_out_of_training() {
    let (sandbox, commits) = busy();
    let packed = packed(&sandbox, |value| value["validation_split"] = 0.3.into());
    packed.check_segments(&sandbox, true);
    // A tenth of 30.
    assert_eq!(packed.history()["held_out"], 3);
    let held_out: HashSet<&String> = commits[27..].iter().collect();
    let kept: HashSet<String> = packed
        .sequences
        .iter()
        .filter(|told| told.meta["kind"] == "hierarchical" && told.split == "val")
        .flat_map(|told| told.segments())
        .filter(|segment| segment["why"] == "target")
        .map(|segment| text(&segment["path"]).to_owned())
        .collect();
    assert!(!kept.is_empty());
    let mut seen = [0; 3];
    for told in packed.commits() {
        let paths = told.segments().iter().map(|segment| text(&segment["path"]));
        let ids = told.ids();
        let of_kept: HashSet<bool> = paths.map(|path| kept.contains(path)).collect();
        assert_eq!(of_kept.len(), 1, "one side in a sequence");
        if told.split == "train" {
            assert!(of_kept.contains(&false) && !ids.iter().any(|id| held_out.contains(id)));
            seen[0] += 1;
        } else if of_kept.contains(&false) {
            assert!(ids.iter().all(|id| held_out.contains(id)));
            seen[1] += 1;
        } else {
            seen[2] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    assert!(packed.history()["mixed_sides"].as_u64().unwrap() > 0);
    let rows = packed.summary["kinds"].as_array().unwrap();
    let val: HashSet<(bool, u64)> = rows
        .iter()
        .filter(|row| row["kind"] == "commits" && row["split"] == "val")
        .map(|row| (row["seen"].as_bool().unwrap(), row["band"].as_u64().unwrap()))
        .collect();
    assert_eq!(val.len(), 4);
}

#[test]
fn files_that_were_what_others_are_stay_on_one_side() {
    let sandbox = Sandbox::new();
    for n in 0..6 {
        sandbox.write(format!("f{n}.py"), &module(8, 0, n));
    }
    sandbox.write("other.py", "print('nothing that the others say, in words of its own')\n");
    sandbox.commit("First");
    let texts: Vec<String> = (0..6).map(|n| module(8, 0, n)).collect();
    for n in 0..6 {
        // Each becomes what another one is.
        sandbox.write(format!("f{n}.py"), &texts[(n + 1) % 6]);
    }
    sandbox.commit("Turn");
    let packed = packed(&sandbox, |value| value["validation_split"] = 0.5.into());
    let taught = |told: &&Told| {
        told.segments().iter().any(|one| one["why"] == "target" && text(&one["path"]).starts_with('f'))
    };
    let sides: HashSet<&str> = packed
        .sequences
        .iter()
        .filter(|told| told.meta["kind"] == "hierarchical")
        .filter(taught)
        .map(|told| told.split)
        .collect();
    assert_eq!(sides.len(), 1);
    assert_eq!(packed.summary["split"]["largest_cluster"], 6);
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let (sandbox, _) = busy();
    let out = tempfile::tempdir().unwrap();
    let datasets = [1, 4].map(|threads: usize| {
        let target = out.path().join(threads.to_string());
        let options = options(&sandbox.root(), &target, |value| value["threads"] = threads.into());
        let summary = pack(&options, Watch::none()).unwrap();
        assert!(serde_json::to_value(&summary).unwrap()["history"]["beyond_ratio"].as_u64() > Some(0));
        bytes_of(&target)
    });
    assert_eq!(datasets[0], datasets[1]);
}

//! The report that the command shows.

use serde_json::{Value, json};

use super::sandbox::Sandbox;
use crate::Watch;
use crate::history::report::{ReportOptions, report};

fn options(chains: &Value) -> ReportOptions {
    let options = json!({
        "mode": "first-parent", "since": null, "max_commits": null, "max_files_per_commit": null,
        "skip_bots": true, "skip_formatting": true, "chains": chains,
    });
    ReportOptions::from_json(&options.to_string()).unwrap()
}

fn told(sandbox: &Sandbox, folder: &str, chains: &Value) -> Value {
    let report = report(&sandbox.root().join(folder), &options(chains), Watch::none()).unwrap();
    serde_json::to_value(&report).unwrap()
}

fn sample() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("src/a.py", "a = 1\nb = 2\nc = 3\n");
    sandbox.write("gone.py", "1\n");
    sandbox.commit("first");
    sandbox.git(["mv", "src/a.py", "src/b.py"]);
    sandbox.git(["rm", "-q", "gone.py"]);
    sandbox.commit("move");
    sandbox.write("src/b.py", "a = 1\nb = 2\nc = 4\n");
    sandbox.commit_as("dependabot[bot] <bot@example.org>", "bump");
    sandbox
}

#[test]
fn the_chain_of_one_file_has_what_git_follows() {
    let sandbox = sample();
    let told = told(&sandbox, "", &json!({"path": "src/b.py"}));
    let chain = told["chains"]["src/b.py"].as_array().unwrap();
    let commits: Vec<_> = chain.iter().map(|line| line["commit"].as_str().unwrap().to_owned()).collect();
    assert_eq!(commits, sandbox.log("src/b.py")[1..], "without the bot's");
    assert_eq!(chain[1]["path"], "src/a.py");
    assert_eq!(chain[0]["subject"], "move");
    assert_eq!(told["chains"].as_object().unwrap().len(), 1);
    assert_eq!((&told["left_out"][0]["reason"], &told["left_out"][0]["commits"]), (&json!("bot"), &json!(1)));
}

#[test]
fn a_file_may_be_named_from_a_folder_of_the_repository_or_by_its_full_path() {
    let sandbox = sample();
    let full = sandbox.root().canonicalize().unwrap().join("src/b.py");
    for (folder, file) in [("src", "b.py"), ("src", "./b.py"), ("", full.to_str().unwrap())] {
        let told = told(&sandbox, folder, &json!({"path": file}));
        assert!(told["chains"]["src/b.py"].is_array(), "{file}");
    }
}

#[test]
fn all_chains_are_told_with_and_without_files_that_are_gone() {
    let sandbox = sample();
    let paths = |select: &str| {
        let told = told(&sandbox, "", &json!(select));
        told["chains"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(paths("live"), ["src/b.py"]);
    assert_eq!(paths("all"), ["gone.py", "src/b.py"]);
    assert!(paths("none").is_empty());
}

#[test]
fn a_file_without_history_is_refused_and_one_of_its_name_proposed() {
    let sandbox = sample();
    let error = report(&sandbox.root(), &options(&json!({"path": "lib/b.py"})), Watch::none()).unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Usage);
    assert_eq!(error.hint(), Some("there is src/b.py"));
}

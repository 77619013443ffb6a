//! What is left out is counted, and the next version shows its change too.

use super::sandbox::{Sandbox, chain, commits, lines, read};
use crate::history::{Change, HistoryOptions, Reason};

fn counted(sandbox: &Sandbox, options: &HistoryOptions) -> Vec<(Reason, usize, usize)> {
    let history = read(&sandbox.root(), options);
    history.left_out.iter().map(|left| (left.reason, left.commits, left.versions)).collect()
}

#[test]
fn bots_formatting_and_mass_commits_are_left_out_and_counted() {
    let sandbox = Sandbox::new();
    sandbox.write("a.c", "int f(){return 1;}\n");
    let first = sandbox.commit("one");
    sandbox.write("a.c", "int f()\n{\n    return 1;\n}\n");
    sandbox.commit("Run clang-format");
    sandbox.write("a.c", "int f()\n{\n    return 2;\n}\n");
    let changed = sandbox.commit("Format the answer");
    sandbox.write("a.c", "int f()\n{\n    return 3;\n}\n");
    sandbox.commit_as("dependabot[bot] <support@github.com>", "bump");
    for n in 0..5 {
        sandbox.write(format!("many/{n}"), "x\n");
    }
    sandbox.git(["mv", "a.c", "b.c"]);
    sandbox.commit("Move everything");
    sandbox.write("b.c", "int f()\n{\n    return 4;\n}\n");
    let last = sandbox.commit("six");
    let options = HistoryOptions { max_files_per_commit: Some(4), ..HistoryOptions::default() };
    assert_eq!(
        counted(&sandbox, &options),
        [(Reason::Bot, 1, 1), (Reason::Formatting, 1, 1), (Reason::Mass, 1, 6)]
    );
    let history = read(&sandbox.root(), &options);
    let chain = chain(&history, "b.c");
    assert_eq!(commits(&history, chain), [last, changed, first]);
    assert_eq!(history.path(chain.versions[1].path).text(), "a.c");
    assert_ne!(chain.versions[0].before, chain.versions[1].blob, "the bot's change is between them");
    assert_eq!(history.commits.iter().filter(|commit| commit.left_out.is_some()).count(), 3);
}

#[test]
fn listed_revisions_are_examined_and_not_believed() {
    let sandbox = Sandbox::new();
    sandbox.write("a.c", "int a;\n");
    sandbox.commit("one");
    sandbox.write("a.c", "int  a;\n");
    let layout = sandbox.commit("Tidy");
    sandbox.write("a.c", "int  b;\n");
    let rename = sandbox.commit("Tidy more");
    sandbox.write(".git-blame-ignore-revs", &format!("# tidying\n{layout}\n{rename}\n"));
    sandbox.commit("Ignore");
    assert_eq!(counted(&sandbox, &HistoryOptions::default()), [(Reason::Formatting, 1, 1)]);
}

#[test]
fn since_and_max_commits_end_the_walk() {
    let sandbox = Sandbox::new();
    let mut times = Vec::new();
    for n in 0..6 {
        sandbox.write("f", &lines(0..n, "x"));
        sandbox.commit("a commit");
        times.push(sandbox.git(["log", "-1", "--format=%ct"]).parse::<i64>().unwrap());
    }
    let since = HistoryOptions { since: Some(times[2]), ..HistoryOptions::everything() };
    assert_eq!(counted(&sandbox, &since), [(Reason::Since, 2, 0)]);
    let most = HistoryOptions { max_commits: Some(5), ..HistoryOptions::everything() };
    assert_eq!(counted(&sandbox, &most), [(Reason::MaxCommits, 1, 0)]);
    let history = read(&sandbox.root(), &since);
    let oldest = chain(&history, "f").versions.last().copied().unwrap();
    assert_eq!(oldest.change, Change::Modified);
    assert!(oldest.before.is_some(), "the state before the oldest version is known");
    assert_eq!(chain(&history, "f").versions.len(), 4);
}

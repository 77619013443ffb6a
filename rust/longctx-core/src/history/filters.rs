//! Commits that are no versions of their own: work of bots, and changes of the layout alone.
//!
//! A commit is a bot's if the author's name, or the part of the address before `@`, ends in `[bot]`, `-bot` or
//! ` bot`, or is one of [`BOTS`]. A merge is a bot's if its subject names a branch of a dependency updater
//! (`dependabot/...`, `renovate/...`, `pre-commit-ci-...`, `pyup-...`, `snyk-...`), whoever pressed the button; a
//! merge that a bot made of somebody's work is not.

use std::collections::HashSet;

use gix::ObjectId;

use super::walk::Step;

/// Names of bots that do not end in "bot".
const BOTS: [&str; 18] = [
    "dependabot",
    "dependabot-preview",
    "renovate",
    "renovatebot",
    "greenkeeper",
    "greenkeeperio",
    "github-actions",
    "github-action",
    "pre-commit-ci",
    "mergify",
    "imgbot",
    "pyup-bot",
    "allcontributors",
    "weblate",
    "codecov",
    "crowdin",
    "transifex",
    "semantic-release",
];

/// Starts of the branch names of dependency updaters.
const UPDATERS: [&str; 6] = ["dependabot/", "renovate/", "greenkeeper/", "pre-commit-ci-", "pyup-", "snyk-"];

/// Words in a subject that promise a change of layout only. They decide what is examined, not what is left out.
const LAYOUT_WORDS: [&str; 36] = [
    "fmt",
    "format",
    "formats",
    "formatted",
    "formatting",
    "formatter",
    "autoformat",
    "reformat",
    "reformatted",
    "reformatting",
    "lint",
    "linting",
    "linter",
    "black",
    "blacken",
    "blackened",
    "yapf",
    "autopep8",
    "pep8",
    "flake8",
    "ruff",
    "prettier",
    "eslint",
    "rustfmt",
    "gofmt",
    "goimports",
    "ktlint",
    "spotless",
    "whitespace",
    "whitespaces",
    "indent",
    "indentation",
    "tabs",
    "crlf",
    "eol",
    "newline",
];

/// Whether the step is a bot's work.
pub(super) fn is_bot(step: &Step) -> bool {
    if step.commit.merge {
        return step.subject.split_whitespace().any(|word| {
            let word = word.trim_matches(['\'', '"']);
            UPDATERS.iter().any(|start| word.starts_with(start) || word.contains(&format!("/{start}")))
        });
    }
    let author = step.commit.author.to_lowercase();
    let (name, address) = author.split_once('<').unwrap_or((&author, ""));
    let local = address.split('@').next().unwrap_or_default();
    // GitHub writes "49699333+dependabot[bot]@users.noreply.github.com".
    let local = local.split_once('+').map_or(local, |(_, after)| after);
    [name.trim(), local].into_iter().any(|who| {
        who.ends_with("[bot]") || who.ends_with("-bot") || who.ends_with(" bot") || BOTS.contains(&who)
    })
}

/// Whether the step promises to change the layout only, and is worth examining.
pub(super) fn may_be_formatting(step: &Step, ignored: &HashSet<ObjectId>) -> bool {
    let promised = |text: &str| {
        text.split(|c: char| !c.is_alphanumeric())
            .any(|word| LAYOUT_WORDS.contains(&word.to_lowercase().as_str()))
    };
    let phrases = ["clang-format", "line ending", "code style", "coding style", "style:", "trailing space"];
    ignored.contains(&step.commit.id)
        || promised(&step.commit.subject)
        || promised(&step.subject)
        || phrases.iter().any(|phrase| step.subject.to_lowercase().contains(phrase))
}

/// The commits listed in a `.git-blame-ignore-revs` file.
pub(super) fn parse_ignored_revisions(text: &[u8]) -> HashSet<ObjectId> {
    text.split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let id = line.split(|&byte| byte == b'#').next()?.trim_ascii();
            ObjectId::from_hex(id).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Commit;
    use crate::history::walk::Base;

    fn step(author: &str, subject: &str, merge: bool) -> Step {
        let id = ObjectId::null(gix::hash::Kind::Sha1);
        Step {
            commit: Commit {
                parent: None,
                id,
                subject: subject.to_owned(),
                time: 0,
                author: author.to_owned(),
                merge,
                left_out: None,
            },
            tree: id,
            base: Base::Nothing,
            subject: subject.to_owned(),
        }
    }

    #[test]
    fn bots_are_known_by_name_or_address() {
        for author in [
            "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
            "Renovate Bot <x@y>",
            "Someone <29139614+renovate[bot]@users.noreply.github.com>",
            "github-actions <a@b>",
        ] {
            assert!(is_bot(&step(author, "x", false)), "{author}");
        }
        for author in ["Abbot <abbot@b>", "Robert <bob@bots.example>", "Talbot <t@b>"] {
            assert!(!is_bot(&step(author, "x", false)), "{author}");
        }
    }

    #[test]
    fn a_merge_of_an_updaters_branch_is_a_bots_and_a_bots_merge_is_not() {
        let subject = "Merge pull request #3 from org/dependabot/pip/x-1.2";
        assert!(is_bot(&step("A <a@b>", subject, true)));
        assert!(is_bot(&step("A <a@b>", "Merge branch 'renovate/all' into main", true)));
        assert!(!is_bot(&step("mergify[bot] <a@b>", "Merge pull request #4 from a/fix", true)));
    }

    #[test]
    fn promises_of_layout_are_words_of_the_subject() {
        let none = HashSet::new();
        assert!(may_be_formatting(&step("A", "Run rustfmt.", false), &none));
        assert!(may_be_formatting(&step("A", "Apply clang-format", false), &none));
        assert!(!may_be_formatting(&step("A", "Add information", false), &none));
    }

    #[test]
    fn ignored_revisions_may_have_comments() {
        let text = b"# black\n0123456789012345678901234567890123456789 # why\n\nnonsense\n";
        assert_eq!(parse_ignored_revisions(text).len(), 1);
    }
}

"""`longctx history` on repositories made by git, with `git log` as the oracle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.end_to_end.outcome import refused
from tests.repositories import git, make_repository, python_source, write_files


def commit(folder: Path, message: str, *options: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}", *options)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Edits, renames, a merge, a bot, a mass commit and a deletion. Read only."""
    base = {"src/a.py": python_source(1, 20), "src/b.py": python_source(2, 20), "gone.txt": "gone\n"}
    folder = make_repository(tmp_path_factory.mktemp("history") / "demo", base)
    for number in range(4):
        with (folder / "src/a.py").open("a") as file:
            file.write(f"A{number} = {number}\n")
        commit(folder, f"edit {number}")
    git(folder, "mv", "src/a.py", "src/größe.py")
    commit(folder, "rename \x1b[31m it")
    git(folder, "switch", "--quiet", "--create", "side")
    write_files(folder, {"src/b.py": python_source(2, 20) + "B = 1\n"})
    commit(folder, "side edit")
    git(folder, "switch", "--quiet", "main")
    git(folder, "merge", "--quiet", "--no-ff", "--message=Merge side", "side")
    write_files(folder, {"src/b.py": python_source(2, 20) + "B = 2\n"})
    commit(folder, "bump", "--author=dependabot[bot] <bot@example.org>")
    write_files(folder, {f"many/{number}.txt": f"{number}\n" for number in range(101)})
    commit(folder, "many")
    (folder / "gone.txt").unlink()
    commit(folder, "remove")
    return folder


def log(folder: Path, path: str) -> list[str]:
    """What git lists for a file."""
    return git(folder, "log", "--first-parent", "-m", "--follow", "--format=%H", "--", path).splitlines()


def test_every_chain_is_what_git_log_follows(repository: Path, cli: Cli) -> None:
    done = cli("history", repository, "--all", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    chains = json.loads(done.stdout)
    assert sorted(chains) == sorted(git(repository, "-c", "core.quotePath=off", "ls-files").splitlines())
    for path, versions in chains.items():
        assert [version["commit"] for version in versions] == log(repository, path), path
        for version in versions:
            assert set(version) == {"commit", "path", "blob", "subject", "time"}
            assert version["blob"] == git(repository, "rev-parse", f"{version['commit']}:{version['path']}")
            assert version["time"] == int(git(repository, "log", "-1", "--format=%ct", version["commit"]))


def test_one_file_is_told_newest_first_under_each_of_its_paths(repository: Path, cli: Cli) -> None:
    done = cli("history", repository, "src/größe.py")
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.split("\n\n")[0].splitlines()
    assert first == "src/größe.py: 6 versions"
    assert [line.split()[0] for line in lines] == [commit[:7] for commit in log(repository, "src/größe.py")]
    assert lines[0].endswith("rename \\u{1b}[31m it")
    assert lines[1].endswith("edit 3  (as src/a.py)")
    assert "\x1b" not in done.stdout


def test_a_file_is_named_as_seen_from_the_folder_given(repository: Path, cli: Cli) -> None:
    whole = cli("history", repository, "src/b.py", "--json").stdout
    assert list(json.loads(whole)) == ["src/b.py"]
    assert cli("history", repository / "src", "b.py", "--json").stdout == whole
    assert cli("history", ".", "src/b.py", "--json", cwd=repository).stdout == whole
    assert cli("history", repository / ".git", "src/b.py", "--json").stdout == whole


def test_what_is_left_out_is_told_and_left_out(repository: Path, cli: Cli) -> None:
    done = cli("history", repository)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("demo at ")
    commits = len(git(repository, "log", "--first-parent", "--format=%H").splitlines())
    assert f"  {commits} commits walked from 2024-01-01 to 2024-01-01, 1 merge among them\n" in done.stdout
    assert "written by bots" in done.stdout
    assert "touched more files than --max-files-per-commit" in done.stdout
    done = cli("history", repository, "--json")
    assert "written by bots" in done.stderr
    chains = json.loads(done.stdout)
    assert not any(path.startswith("many/") for path in chains)
    assert "bump" not in {version["subject"] for version in chains["src/b.py"]}


def test_a_file_that_is_gone_is_told_when_asked_for(repository: Path, cli: Cli) -> None:
    assert "gone.txt" not in json.loads(cli("history", repository, "--json").stdout)
    gone = json.loads(cli("history", repository, "--json", "--deleted").stdout)["gone.txt"]
    assert [version["blob"] is None for version in gone] == [True, False]
    assert "(deleted)" in cli("history", repository, "gone.txt").stdout


def test_full_history_has_the_commits_of_branches_and_no_merges(repository: Path, cli: Cli) -> None:
    done = cli("history", repository, "src/b.py", "--history", "full", "--all", "--json")
    ours = {version["commit"] for version in json.loads(done.stdout)["src/b.py"]}
    assert ours == set(git(repository, "log", "--all", "--no-merges", "--format=%H", "--", "src/b.py").splitlines())


def test_bounds_end_the_walk(repository: Path, cli: Cli) -> None:
    two = cli("history", repository, "--max-commits", "2", "--json")
    subjects = {v["subject"] for versions in json.loads(two.stdout).values() for v in versions}
    assert subjects <= {"remove", "many"}
    assert "beyond --max-commits" in two.stderr
    later = cli("history", repository, "--since", "2030-01-01", "--json")
    assert json.loads(later.stdout) == {}
    assert "older than --since" in later.stderr


def test_a_shallow_clone_says_so(repository: Path, tmp_path: Path, cli: Cli) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=3", repository.as_uri(), "shallow")
    assert "note: shallow clone" in cli("history", tmp_path / "shallow").stdout


def test_colours_are_for_terminals_only(repository: Path, cli: Cli) -> None:
    assert "\x1b" not in cli("history", repository).stdout


def test_what_cannot_be_answered_is_refused(repository: Path, tmp_path: Path, cli: Cli) -> None:
    refused(cli("history", tmp_path / "none"), 2, "does not exist")
    refused(cli("history", repository, "lib/b.py"), 2, "lib/b.py is not in the history", "hint: there is src/b.py")
    refused(cli("history", tmp_path), 1, "cannot be opened as a git repository")
    refused(cli("history", make_repository(tmp_path / "new", {}, commit=False)), 1, "has no commits yet")


def test_a_revision_has_its_own_history(repository: Path, cli: Cli) -> None:
    done = cli("history", repository, "--rev", "HEAD~3", "--all", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    chains = json.loads(done.stdout)
    newest = git(repository, "rev-parse", "HEAD~3")
    ours = [version["commit"] for versions in chains.values() for version in versions]
    theirs = git(repository, "log", "--first-parent", "--format=%H", newest).splitlines()
    assert set(ours) <= set(theirs)
    assert newest in ours
    assert sorted(chains) == sorted(
        git(repository, "-c", "core.quotePath=off", "ls-tree", "-r", "--name-only", newest).splitlines()
    )
    refused(cli("history", repository, "--rev", "nowhere"), 2, "nowhere")

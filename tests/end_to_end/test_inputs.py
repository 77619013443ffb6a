"""Repositories, configurations and tokenizers that are odd or wrong."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from longctx import open_dataset
from tests.conftest import Cli
from tests.end_to_end.outcome import ROOT_USER, refused
from tests.repositories import git, make_repository, python_source, write_files


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "file").write_text("x")
    refused(cli("pack", tmp_path / "file", "-o", tmp_path / "d"), 2, str(tmp_path / "file"))
    refused(cli("pack", tmp_path / "none", "-o", tmp_path / "d"), 2, str(tmp_path / "none"))


@pytest.mark.parametrize("files", [{}, {"blob.bin": bytes(range(256)) * 4}, {"empty.py": ""}])
def test_a_folder_with_nothing_to_pack_is_a_request_that_makes_no_sense(
    files: dict[str, str | bytes], tmp_path: Path, cli: Cli
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    write_files(folder, files)
    refused(cli("pack", folder, "-o", tmp_path / "d.longctx"), 2, "nothing to pack", str(folder))
    assert not (tmp_path / "d.longctx").exists()


def test_folders_without_commits_or_without_git_are_packed(tmp_path: Path, cli: Cli) -> None:
    unborn = make_repository(tmp_path / "unborn", {"a.py": python_source(1, 4)}, commit=False)
    plain = tmp_path / "plain"
    write_files(plain, {"a.py": python_source(1, 4)})
    for folder in (unborn, plain):
        done = cli("pack", folder, "-o", tmp_path / f"{folder.name}.longctx", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["commit"] is None


def test_a_revision_that_does_not_exist_is_named(repository: Path, tmp_path: Path, cli: Cli) -> None:
    refused(cli("pack", repository, "--rev", "no-such", "-o", tmp_path / "d"), 2, "no-such")


def test_a_revision_is_packed_from_its_objects(tmp_path: Path, cli: Cli) -> None:
    repository = make_repository(tmp_path / "demo", {"a.py": python_source(1, 4)})
    git(repository, "tag", "old")
    (repository / "a.py").write_text("changed = 1\n")
    target = tmp_path / "d.longctx"
    assert cli("pack", repository, "--rev", "old", "-o", target, "--validation-split", "0", "-q").returncode == 0
    assert python_source(1, 4) in open_dataset(target).text(0)


@pytest.mark.skipif(sys.platform == "darwin", reason="needs file names that are not UTF-8, which macOS refuses")
def test_names_that_are_not_utf8_or_have_newlines_are_packed(tmp_path: Path, cli: Cli) -> None:
    repository = make_repository(tmp_path / "names", {"two\nlines.py": python_source(2, 3)})
    (Path(os.fsdecode(os.fsencode(repository) + b"/caf\xe9.py"))).write_text(python_source(1, 3))
    target = tmp_path / "names.longctx"
    done = cli("pack", repository, "-o", target, "--validation-split", "0")
    assert done.returncode == 0, done.stderr
    paths = {segment.path for sequence in open_dataset(target) for segment in sequence.segments}
    assert paths == {"two\nlines.py", "caf%E9.py"}
    assert cli("verify", target, "--repo", repository).returncode == 0


def test_a_folder_of_a_repository_tells_of_files_that_came_from_outside(tmp_path: Path, cli: Cli) -> None:
    first = python_source(1, 6)
    repository = make_repository(tmp_path / "moved", {"old.py": first, "pkg/a.py": python_source(2, 6)})
    for number in range(3):
        write_files(repository, {"old.py": first + f"X{number} = {number}\n"})
        git(repository, "commit", "--quiet", "--all", f"--message=edit {number}")
    git(repository, "mv", "old.py", "pkg/new.py")
    git(repository, "commit", "--quiet", "--message=move")
    write_files(repository, {"pkg/new.py": first + "Y = 1\n"})
    git(repository, "commit", "--quiet", "--all", "--message=more")
    target = tmp_path / "pkg.longctx"
    done = cli("pack", repository / "pkg", "-o", target, "--validation-split", "0", "--commits-ratio", "100", "-q")
    assert done.returncode == 0, done.stderr
    told = open_dataset(target).filter(kind="commits")
    assert "../old.py" in {segment.path for sequence in told for segment in sequence.segments}
    done = cli("verify", target, "--repo", repository / "pkg")
    assert done.returncode == 0, done.stderr


def test_symbolic_links_that_loop_or_leave_are_not_followed(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "secret.py").write_text("password = 1\n")
    repository = make_repository(tmp_path / "links", {"a.py": python_source(1, 3)}, commit=False)
    (repository / "loop").symlink_to(".")
    (repository / "one").symlink_to("two")
    (repository / "two").symlink_to("one")
    (repository / "outside.py").symlink_to(tmp_path / "secret.py")
    target = tmp_path / "links.longctx"
    done = cli("pack", repository, "-o", target, "--validation-split", "0", "-q")
    assert done.returncode == 0, done.stderr
    paths = {segment.path for sequence in open_dataset(target) for segment in sequence.segments}
    assert paths == {"a.py"}


def test_a_sparse_file_of_3_gigabytes_costs_nothing(tmp_path: Path, cli: Cli) -> None:
    repository = make_repository(tmp_path / "sparse", {"a.py": python_source(1, 3)}, commit=False)
    with (repository / "huge.py").open("wb") as file:
        file.truncate(3 << 30)
    begun = time.monotonic()
    done = cli("pack", repository, "-o", tmp_path / "d.longctx", "--json")
    assert done.returncode == 0, done.stderr
    assert ["huge.py"] in [entry["examples"] for entry in json.loads(done.stdout)["skipped"]]
    assert time.monotonic() - begun < 30


@pytest.mark.skipif(ROOT_USER, reason="needs a user who may be refused a file, which root is not")
def test_an_unreadable_file_is_named_and_the_rest_is_packed(tmp_path: Path, cli: Cli) -> None:
    repository = make_repository(tmp_path / "locked", {"a.py": python_source(1, 3), "b.py": "b = 1\n"}, commit=False)
    (repository / "b.py").chmod(0)
    target = tmp_path / "d.longctx"
    refused(cli("pack", repository, "-o", target), 1, "b.py", "permission denied")
    assert len(open_dataset(target)) > 0


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("pack:\n  overlap: 2048\n", [], "pack.overlap: 2048 is not below"),
        ("packing: {}\n", [], "did you mean pack?"),
        ("training:\n  base_learning_rate: abc\n", [], "expected a number (above 0)"),
        ("", ["--overlap", "4000"], "--overlap: pack.overlap"),
        ("", ["--validation-split", "1"], "--validation-split: training.validation_split"),
        ("", ["--sequence-length", "10"], "at least 64"),
    ],
)
def test_a_wrong_configuration_is_refused_before_anything_is_read(
    content: str, options: list[str], said: str, tmp_path: Path, cli: Cli
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(content)
    refused(cli("pack", "no-such-folder", "--config", config, *options), 2, said)


def test_a_learning_rate_of_5e_5_is_accepted(tmp_path: Path, repository: Path, cli: Cli) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("training:\n  base_learning_rate: 5e-5\n")
    assert cli("pack", repository, "--config", config, "--dry-run", "-q").returncode == 0


@pytest.mark.parametrize(
    "content", ["", "{}", "[1, 2]", '{"model": {"type": "BPE"', '{"model": {"type": "Magic"}}', "\0"]
)
def test_a_broken_tokenizer_is_refused(content: str, tmp_path: Path, repository: Path, cli: Cli) -> None:
    broken = tmp_path / "tokenizer.json"
    broken.write_text(content)
    done = cli("pack", repository, "--tokenizer", broken, "-o", tmp_path / "d.longctx")
    refused(done, 2, str(broken))
    assert not (tmp_path / "d.longctx").exists()

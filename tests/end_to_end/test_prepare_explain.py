"""`longctx prepare` and `longctx explain` on real repositories and datasets."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from longctx import open_dataset, prepare
from longctx.difficulty import level, score
from longctx.explaining import CLUSTERS, EDGES, FORMS, REASONS, ROLES, explain
from tests.conftest import Cli
from tests.end_to_end.outcome import ROOT_USER, hashes, refused
from tests.repositories import git, make_repository, python_source, sample_files, write_files


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose files need each other and have a history. Read only."""
    files: dict[str, str] = {
        f"pkg/part_{n}.py": f"from pkg.base import Base{n}, helper\n\n\n{python_source(n, 6 + n)}\n\nhelper(Base{n})\n"
        for n in range(9)
    }
    files["pkg/__init__.py"] = ""
    classes = (f"class Base{n}:\n    def run(self) -> int:\n        return {n}\n\n\n" for n in range(9))
    files["pkg/base.py"] = "".join(classes) + "def helper(kind: type) -> None:\n    print(kind)\n"
    files["pkg/copy_of_3.py"] = files["pkg/part_3.py"]
    folder = make_repository(tmp_path_factory.mktemp("projects") / "project", files)
    for number in range(4):
        for name in ("pkg/part_1.py", "pkg/part_2.py", f"pkg/part_{number + 4}.py"):
            path = folder / name
            path.write_text(path.read_text(encoding="utf-8").replace("right - ", f"right - {number} - ", 2), "utf-8")
        git(folder, "commit", "--quiet", "--all", f"--message=Subtract {number} more")
    return folder


@pytest.fixture(scope="module")
def dataset(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project packed with all kinds. Read only."""
    target = tmp_path_factory.mktemp("datasets") / "project.longctx"
    command = [sys.executable, "-m", "longctx", "pack", str(project), "-o", str(target), "-q"]
    subprocess.run([*command, "--commits-ratio", "5", "--qa-ratio", "5"], check=True)
    return target


def test_prepare_writes_its_summary_and_nothing_else(project: Path, tmp_path: Path, cli: Cli) -> None:
    before = hashes(project)
    folder = tmp_path / "prep"
    done = cli("prepare", project, "-o", folder, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert json.loads((folder / "preparation_summary.json").read_text(encoding="utf-8")) == report
    assert [path.name for path in tmp_path.rglob("*")] == ["prep", "preparation_summary.json"]
    assert hashes(project) == before
    assert report["commit"] == git(project, "rev-parse", "HEAD")
    assert (report["history"]["commits"], report["history"]["merges"]) == (5, 0)
    assert report["history"]["most_edited"][0] == {"path": "pkg/part_1.py", "versions": 5}
    assert {"path": "pkg/base.py", "dependents": 10} in report["dependencies"]["hubs"]
    assert report["largest"][0]["path"].startswith("pkg/")
    assert report["notes"] == []


def test_what_prepare_promises_is_what_pack_makes(project: Path, tmp_path: Path, cli: Cli) -> None:
    promised = prepare(project, phases=2)["sequences"]
    done = cli("pack", project, "-o", tmp_path / "d.longctx", "--json")
    assert done.returncode == 0, done.stderr
    packed = json.loads(done.stdout)
    assert promised == {key: packed.get(key) for key in promised}
    counted = {(row["band"], row["split"]): 0 for row in promised["kinds"]}
    for row in promised["kinds"]:
        counted[row["band"], row["split"]] += row["sequences"]
    dataset = open_dataset(tmp_path / "d.longctx")
    assert counted == {(band, split): len(dataset.filter(band=band, split=split)) for band, split in counted}


def test_the_terminal_shows_phases_last_and_starving_is_no_failure(project: Path, cli: Cli) -> None:
    done = cli("prepare", project, "--max-sequence-length", "4096", "--verbose")
    assert (done.returncode, done.stderr) == (0, "")
    assert "phase 1, 512 to 1,024 tokens: " in done.stdout
    assert "phase 3, 3,072 to 4,096 tokens: starves" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("note: phase 3 is looked at as if")


def test_folders_without_git_or_commits_have_no_history_and_that_is_said(tmp_path: Path, cli: Cli) -> None:
    plain, unborn = tmp_path / "plain", tmp_path / "unborn"
    write_files(plain, {"a.py": python_source(1, 4)})
    make_repository(unborn, {"a.py": python_source(1, 4)}, commit=False)
    for folder in (plain, unborn):
        done = cli("prepare", folder, "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert (report["commit"], report["history"]) == (None, None)
        assert "there is no history: this is no git repository, or it has no commits" in report["notes"]


def test_a_bare_repository_and_a_revision_are_prepared(project: Path, tmp_path: Path, cli: Cli) -> None:
    bare = tmp_path / "project.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(project), str(bare))
    first = git(project, "rev-list", "--max-parents=0", "HEAD")
    report = json.loads(cli("prepare", bare, "--rev", first, "--json").stdout)
    assert report["commit"] == first
    assert report["history"]["commit"] == first
    assert report["history"]["commits"] == 1


def test_prepare_refuses_what_it_cannot_read_or_write(project: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    refused(cli("prepare", tmp_path / "none"), 2, str(tmp_path / "none"))
    refused(cli("prepare", tmp_path / "empty", "-o", tmp_path / "prep"), 2, "nothing to pack")
    refused(cli("prepare", project, "-o", tmp_path / "file"), 2, "is no folder")
    refused(cli("prepare", project, "--rev", "no-such"), 2, "no-such")
    refused(cli("prepare", project, "--tokenizer", tmp_path / "file"), 2, str(tmp_path / "file"))
    assert not (tmp_path / "prep").exists()
    if not ROOT_USER:
        (tmp_path / "empty").chmod(0o500)
        refused(cli("prepare", project, "-o", tmp_path / "empty"), 2, "nothing may be written")


def test_every_sequence_is_explained_and_its_score_adds_up(packed: Path, dataset: Path) -> None:
    for path in (packed, dataset):
        opened = open_dataset(path)
        for number in range(len(opened)):
            meta, told = opened.meta(number), explain(opened, number)
            assert score(meta["features"]) == pytest.approx(meta["score"], abs=1e-6)
            assert sum(term["adds"] for term in told["difficulty"]["terms"]) == pytest.approx(meta["score"], abs=1e-6)
            assert level(meta["score"]) == meta["difficulty"] == told["difficulty"]["level"]
            check_words(told)


def check_words(told: dict[str, Any]) -> None:
    """Nothing is shown as it is spelled in the file where a sentence was to be."""
    for segment in told["segments"]:
        assert segment["role"] in ROLES
        assert segment["because"] == REASONS[segment["why"]]
        if "needed_by" in segment:
            assert EDGES[segment["needed_by"]["kind"]] in segment["needed"]
    assert told.get("form") in {None, *FORMS}
    for cluster in told["side"]["clusters"]:
        assert set(cluster["reasons"]) <= set(CLUSTERS)


def test_definitions_are_explained_by_the_import_that_needs_them(dataset: Path, cli: Cli) -> None:
    opened = open_dataset(dataset)
    needed = [
        meta["id"]
        for meta in map(opened.meta, range(len(opened.filter(split="train"))))
        if any(segment.get("name") == "Base2" and segment["why"] == "named" for segment in meta["segments"])
    ]
    done = cli("explain", dataset, needed[0])
    assert (done.returncode, done.stderr) == (0, "")
    assert ".py:1 imports it (top-level)" in done.stdout
    assert " of Base2: the import lines of what is taught" in done.stdout


def test_commits_and_clusters_are_explained(dataset: Path, cli: Cli) -> None:
    opened = open_dataset(dataset)
    commits = next(sequence.id for sequence in opened.filter(kind="commits"))
    text = cli("explain", dataset, str(commits)[:10]).stdout
    assert "Subtract " in text
    assert "told as " in text
    metas = [opened.meta(number) for number in range(len(opened))]
    of_copies = next(meta["id"] for meta in metas if meta.get("clusters"))
    assert "files that are drawn as one, " in cli("explain", dataset, of_copies).stdout


def test_explain_needs_no_repository_and_refuses_other_ids(packed: Path, tmp_path: Path, cli: Cli) -> None:
    moved = tmp_path / "moved.longctx"
    shutil.copytree(packed, moved)
    sequence = open_dataset(moved)[0]
    told = json.loads(cli("explain", moved, str(sequence.id), "--json").stdout)
    assert (told["id"], told["tokens"]) == (sequence.id, len(sequence))
    assert {segment["path"] for segment in told["segments"]} <= set(sample_files())
    refused(cli("explain", moved, "h-"), 2, "have ids that begin with h-")
    refused(cli("explain", moved, f"{sequence.id}0"), 2, "has no sequence", str(sequence.id))
    refused(cli("explain", tmp_path, "h-"), 1, str(tmp_path))

"""What validation measures is never learnt: no content, no version and no near-duplicate of it is in training."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longctx import open_dataset
from tests.conftest import GPT2
from tests.repositories import git, make_repository, python_source, write_files

CONTEXT = {"named", "member-of-named", "drawn", "sibling", "counterpart", "distractor"}
"""Why a segment may be in a validation sequence although training has it too: it is not what is measured."""


def edited(text: str, seed: int, share: float) -> str:
    """`text` with a share of its lines replaced."""
    rng = random.Random(seed)
    lines = text.splitlines(keepends=True)
    for place in rng.sample(range(len(lines)), round(len(lines) * share)):
        lines[place] = f"changed_{seed}_{place} = {rng.random()}\n"
    return "".join(lines)


def save(folder: Path, files: dict[str, str], message: str) -> None:
    write_files(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files with copies, edited copies, renames, cycles of imports and ten versions each. Read only."""
    sources = {f"pkg{n % 4}/mod{n}.py": python_source(n, 12 + n) for n in range(24)}
    folder = make_repository(tmp_path_factory.mktemp("split") / "demo", sources)
    for n in range(0, 24, 3):
        # A copy that is edited away from its original by and by: its older versions are near-duplicates.
        sources[f"copies/of{n}.py"] = edited(sources[f"pkg{n % 4}/mod{n}.py"], n, 0.02)
    save(folder, sources, "copies")
    for n in range(1, 24, 3):
        sources[f"twins/of{n}.py"] = sources[f"pkg{n % 4}/mod{n}.py"]
    save(folder, sources, "twins")
    ring = {f"ring/r{n}.py": f"import ring.r{(n + 1) % 3}\n" + python_source(90 + n, 5) for n in range(3)}
    save(folder, ring, "ring")
    for number in range(8):
        for path in list(sources):
            if random.Random(path + str(number)).random() < 0.4:
                share = 0.1 if path.startswith("copies/") else 0.02
                sources[path] = edited(sources[path], number, share)
        save(folder, sources, f"edit {number}")
    for n in (2, 5, 8):
        git(folder, "mv", f"pkg{n % 4}/mod{n}.py", f"pkg{n % 4}/renamed{n}.py")
    save(folder, {}, "renames")
    return folder


@pytest.fixture(scope="module")
def dataset(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("split") / "d.longctx"
    command = ["longctx", "pack", str(repository), "-o", str(target), "--tokenizer", str(GPT2), "-q"]
    subprocess.run([sys.executable, "-m", *command], check=True)
    return target


def metas(dataset: Path, split: str) -> Iterator[tuple[bool, dict[str, Any]]]:
    view = open_dataset(dataset).filter(split=split)
    seen = view.column("seen")
    return ((bool(seen[row]), view.meta(row)) for row in range(len(view)))


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+|[^\w\s]", text)
    return {tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4))}


def test_no_content_and_no_near_duplicate_of_validation_is_in_training(repository: Path, dataset: Path) -> None:
    taught = {segment["blob"] for _, meta in metas(dataset, "train") for segment in meta["segments"]}
    kept = {
        segment["blob"]
        for seen, meta in metas(dataset, "val")
        if not seen and meta["kind"] != "qa"
        for segment in meta["segments"]
        if segment["why"] not in CONTEXT
    }
    assert len(taught) > 50
    assert len(kept) > 5
    assert taught.isdisjoint(kept)

    def text(blob: str) -> str:
        return git(repository, "cat-file", "blob", blob)

    train = {blob: shingles(text(blob)) for blob in taught}
    for blob in kept:
        mine = shingles(text(blob))
        for other, theirs in train.items():
            overlap = len(mine & theirs) / len(mine | theirs)
            assert overlap <= 0.8, (blob, other, overlap)


def test_training_shows_no_file_that_is_kept(dataset: Path) -> None:
    kept = {
        segment["path"]
        for seen, meta in metas(dataset, "val")
        if not seen
        for segment in meta["segments"]
        if segment["why"] == "target"
    }
    shown = {segment["path"] for _, meta in metas(dataset, "train") for segment in meta["segments"]}
    assert kept
    assert shown.isdisjoint(kept)


def test_the_newest_commits_are_kept_from_training(repository: Path, dataset: Path) -> None:
    order = git(repository, "log", "--first-parent", "--format=%H").splitlines()

    def told(split: str, seen: bool) -> list[int]:
        return [
            order.index(commit["commit"])
            for is_seen, meta in metas(dataset, split)
            if meta["kind"] == "commits" and is_seen == seen
            for commit in meta["commits"]
        ]

    learnt, held_out = told("train", True), told("val", True)
    assert learnt
    assert held_out
    assert max(held_out) < min(learnt)


def test_files_that_belong_together_say_so(dataset: Path) -> None:
    reasons = {
        reason
        for split in ("train", "val")
        for _, meta in metas(dataset, split)
        for cluster in meta.get("clusters", ())
        for reason in cluster["reasons"]
    }
    assert {"near-duplicate", "same-content", "cycle"} <= reasons or {"near-duplicate", "renamed", "cycle"} <= reasons

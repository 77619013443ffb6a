"""Datasets against the independent checker, with the tokenizers that are kept beside the clone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, SHARED, Cli


@pytest.mark.shared
@pytest.mark.parametrize("name", ["gpt2", "starcoder2"])
@pytest.mark.parametrize("options", [[], ["--no-long-context", "--sequence-length", "512", "--overlap", "64"]])
def test_the_independent_checker_finds_no_defect(
    name: str, options: list[str], repository: Path, tmp_path: Path, cli: Cli
) -> None:
    tokenizer = SHARED / "tokenizers" / name
    target = tmp_path / "d.longctx"
    done = cli("pack", repository, "-o", target, "--tokenizer", tokenizer, "-q", *options)
    assert done.returncode == 0, done.stderr
    check(target, repository, tokenizer)


@pytest.mark.shared
def test_the_independent_checker_finds_no_defect_in_this_project(tmp_path: Path, cli: Cli) -> None:
    tokenizer = SHARED / "tokenizers" / "starcoder2"
    target = tmp_path / "d.longctx"
    done = cli("pack", ROOT, "-o", target, "--tokenizer", tokenizer, "-q")
    assert done.returncode == 0, done.stderr
    check(target, ROOT, tokenizer)


def check(dataset: Path, repository: Path, tokenizer: Path) -> None:
    command: list[Any] = [sys.executable, SHARED / "check_dataset.py", dataset]
    done = subprocess.run(
        [*command, "--repo", repository, "--tokenizer", tokenizer], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

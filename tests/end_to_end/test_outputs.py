"""Outputs that exist, cannot be written, or were being written when the run was stopped."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from longctx import open_dataset
from tests.conftest import GPT2, Cli
from tests.end_to_end.outcome import ROOT_USER, hashes, refused
from tests.repositories import make_repository, python_source, write_files


def test_a_dataset_that_exists_is_only_replaced_when_told_to(repository: Path, tmp_path: Path, cli: Cli) -> None:
    target = tmp_path / "d.longctx"
    assert cli("pack", repository, "-o", target, "-q").returncode == 0
    before = hashes(target)
    refused(cli("pack", repository, "-o", target), 2, str(target), "--overwrite")
    assert hashes(target) == before
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(cli("pack", empty, "-o", target, "--overwrite"), 2, "nothing to pack")
    assert hashes(target) == before
    assert cli("pack", repository, "-o", target, "--overwrite", "--seed", "7", "-q").returncode == 0
    assert open_dataset(target).manifest["seed"] == 7
    assert [path.name for path in tmp_path.iterdir() if path != empty] == ["d.longctx"]


def test_a_folder_that_is_no_dataset_is_never_replaced(repository: Path, tmp_path: Path, cli: Cli) -> None:
    target = tmp_path / "thesis"
    write_files(target, {"chapter.txt": "years of work"})
    refused(cli("pack", repository, "-o", target, "--overwrite"), 2, str(target))
    assert (target / "chapter.txt").read_text() == "years of work"


def test_an_output_whose_parent_does_not_exist_is_named(repository: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("pack", repository, "-o", tmp_path / "none" / "d.longctx")
    assert done.returncode == 0 or "none" in done.stderr
    assert "Traceback" not in done.stderr


def _big_repository(folder: Path) -> Path:
    """Large enough that a signal arrives before the packing ends."""
    return make_repository(folder, {f"m{n}.py": python_source(n, 150) for n in range(400)}, commit=False)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_stopped_run_leaves_no_dataset(number: signal.Signals, status: int, tmp_path: Path) -> None:
    repository = _big_repository(tmp_path / "big")
    target = tmp_path / "out" / "big.longctx"
    target.parent.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "longctx", "pack", str(repository), "-o", str(target), "-q", "--threads", "1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    begun = time.monotonic()
    # Once the hidden folder is there, the engine is at work.
    while process.poll() is None and not any(target.parent.iterdir()) and time.monotonic() - begun < 60:
        time.sleep(0.001)
    if process.poll() is None:
        process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("this machine packed everything before the signal")
    assert process.returncode == status, errors
    assert not target.exists()
    if number == signal.SIGINT:
        assert errors == "error: interrupted\n"
        assert list(target.parent.iterdir()) == []


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path: Path, cli: Cli) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ROOT_USER and shutil.which("mount")
    done = mounted and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=False)
    if not done or done.returncode != 0:
        pytest.skip("needs a small file system, which only root may mount")
    try:
        repository = make_repository(tmp_path / "big", {f"m{n}.py": python_source(n, 100) for n in range(60)})
        result = cli("pack", repository, "-o", disk / "d.longctx", "--tokenizer", GPT2)
        refused(result, 1, "no space left", "hint: ")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)

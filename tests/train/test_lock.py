from __future__ import annotations

import errno
import fcntl
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from longctx import OutputError, UsageError
from longctx.train.lock import RunLock

HOLDER = """
import os, sys, time
from pathlib import Path
from longctx.train.lock import RunLock

with RunLock(Path(sys.argv[1])):
    if "fork" in sys.argv and not os.fork():
        print(os.getpid(), flush=True)
        time.sleep(300)
    if "fork" not in sys.argv:
        print(0, flush=True)
    sys.stdin.readline()
"""


def hold(folder: Path, *more: str) -> tuple[subprocess.Popen[str], int]:
    """A process that has the lock of `folder`, and the number of its child."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_a_second_run_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    process, _ = hold(folder)
    with process:
        with pytest.raises(
            UsageError, match=f"another run is writing to {folder} \\(process {process.pid}\\)"
        ) as caught:
            RunLock(folder).__enter__()
        assert caught.value.exit_code == 2
        with RunLock(tmp_path / "other"):
            pass
        process.communicate("end\n")
    with RunLock(folder):
        assert (folder / ".lock").read_text() == f"{os.getpid()}\n"
    assert (folder / ".lock").read_text() == ""


def test_a_killed_run_frees_its_folder_though_its_workers_live(tmp_path: Path) -> None:
    process, worker = hold(tmp_path, "fork")
    try:
        with pytest.raises(UsageError):
            RunLock(tmp_path).__enter__()
        process.kill()
        process.wait()
        os.kill(worker, 0)  # it is there still
        with RunLock(tmp_path):
            pass
    finally:
        os.kill(worker, signal.SIGKILL)
        process.communicate()


def test_one_process_holds_a_folder_once_and_an_error_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RunLock(tmp_path):
        print(1 / 0)
    with RunLock(tmp_path), pytest.raises(UsageError):
        RunLock(tmp_path).__enter__()
    with RunLock(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"cannot write .*/file/\.lock: not a directory|file exists"):
        RunLock(tmp_path / "file").__enter__()


def test_a_file_system_without_locks_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = errno.ENOLCK

    def refuse(*_: object) -> None:
        raise OSError(answer, os.strerror(answer))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with caplog.at_level(logging.WARNING, logger="longctx"), RunLock(tmp_path):
        assert "has no locks" in caplog.text
    answer = errno.EIO
    with pytest.raises(OutputError, match=r"cannot lock .*\.lock: "):
        RunLock(tmp_path).__enter__()

from __future__ import annotations

import subprocess
import sys

import pytest

from longctx.cli import progress
from longctx.cli.progress import Progress, describe, reporting


def test_progress_says_how_much_how_fast_and_how_long() -> None:
    assert describe("files", 50, 200, 10.0) == "50 of 200 files, 5 files/s, 30.0 s left"
    assert describe("bytes", 1 << 20, 0, 2.0) == "1.0 MiB, 512.0 KiB/s"
    assert describe("files", 0, 0, 0.0) == "0 files"
    assert describe("files", 9, 9, 3.0) == "9 of 9 files, 3 files/s"


def test_nothing_is_reported_where_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with reporting(quiet=False) as reporter:
        assert reporter is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with reporting(quiet=True) as reporter:
        assert reporter is None
    with reporting(quiet=False) as reporter:
        assert isinstance(reporter, Progress)


def test_short_work_shows_nothing_and_never_imports_rich() -> None:
    code = (
        "import sys; from longctx.cli.progress import Progress; p = Progress(); p('read', 'files', 1, 2); p.close();"
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_long_work_shows_each_stage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    reporter = Progress()
    reporter("read", "files", 1, 10)
    reporter("write", "bytes", 2048, 0)
    reporter.close()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "1 of 10 files" in captured.err
    assert "2.0 KiB" in captured.err

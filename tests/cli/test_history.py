from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from longctx import _core, cli
from longctx.cli.history import chain, overview, remarks
from longctx.cli.text import Paint

PLAIN = Paint(io.StringIO())


def version(commit: str, path: str, blob: str | None = "b" * 40, subject: str = "change") -> dict[str, Any]:
    return {"commit": commit * 40, "path": path, "blob": blob, "subject": subject, "time": 1_700_000_000}


def report(**changes: Any) -> dict[str, Any]:
    """A report as the engine returns it."""
    return {
        "repository": "demo",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "commits": 1200,
        "merges": 1,
        "oldest": 1_600_000_000,
        "newest": 1_700_000_000,
        "files": 12,
        "files_with_versions": 9,
        "files_gone": 3,
        "versions": 3400,
        "contents": 3300,
        "most_edited": [{"path": "a\x1b.py", "versions": 1100}, {"path": "b.py", "versions": 20}],
        "left_out": [
            {"reason": "bot", "description": "written by bots", "commits": 2, "versions": 3, "examples": ["ab" * 20]}
        ],
        "missing": {"objects": 12, "examples": ["blob 0 (x\n.py) is missing"]},
        "notes": ["shallow clone"],
        "chains": {},
        **changes,
    }


def stub(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> list[dict[str, Any]]:
    """Replaces the engine; the options it is given are added to the list."""
    given: list[dict[str, Any]] = []

    def history(repository: str, options: str, progress: object = None) -> str:
        given.append(json.loads(options))
        return json.dumps(report(**changes))

    monkeypatch.setattr(_core, "history", history)
    return given


def test_a_chain_is_told_newest_first_with_its_path_where_it_changes() -> None:
    versions = [
        version("a", "new.py"),
        version("b", "new.py", subject="\x1b[2Jmove"),
        version("c", "old.py", blob=None),
        version("d", "old.py"),
    ]
    assert list(chain({"chains": {"new.py": versions}}, PLAIN)) == [
        "new.py: 4 versions",
        "  aaaaaaa  2023-11-14  change",
        "  bbbbbbb  2023-11-14  \\u{1b}[2Jmove",
        "  ccccccc  2023-11-14  change  (deleted, as old.py)",
        "  ddddddd  2023-11-14  change",
    ]


def test_the_overview_counts_and_names_the_most_edited_files() -> None:
    assert list(overview(report(), "full", PLAIN)) == [
        "demo at 0123456789ab, full history",
        "  1,200 commits walked from 2020-09-13 to 2023-11-14, 1 merge among them",
        "  12 files, 9 with more than one version; 3 more are gone",
        "  3,400 versions, 3,300 different contents",
        "",
        "files with most versions",
        "  1,100  a\\u{1b}.py",
        "     20  b.py",
    ]


def test_what_was_left_out_is_told_by_reason_and_missing_objects_by_name() -> None:
    assert list(remarks(report(), PLAIN)) == [
        "left out",
        "  2 commits  3 versions  written by bots  (abababa)",
        "12 objects of the repository cannot be read",
        "  blob 0 (x\\n.py) is missing",
        "  and 11 more",
        "note: shallow clone",
    ]
    assert list(remarks(report(left_out=[], missing={"objects": 0, "examples": []}, notes=[]), PLAIN)) == []


def test_a_time_beyond_the_calendar_is_shown_as_a_number() -> None:
    line = {**version("a", "f"), "time": 2**62}
    assert str(2**62) in list(chain({"chains": {"f": [line]}}, PLAIN))[1]


def test_options_reach_the_engine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    given = stub(monkeypatch, chains={"f": [version("a", "f")]})
    options = ["--history", "full", "--since", "2024-01-31", "--max-commits", "5", "--rev", "v1"]
    assert cli.main(["history", ".", "f", *options]) == 0
    assert given[-1] == {
        "revision": "v1",
        "mode": "full",
        "since": 1_706_659_200,
        "max_commits": 5,
        "max_files_per_commit": 100,
        "skip_bots": True,
        "skip_formatting": True,
        "chains": {"path": "f"},
    }
    assert cli.main(["history", ".", "--all", "--since", "2024-01-31T02:00:00+02:00", "--json"]) == 0
    assert (given[-1]["since"], given[-1]["max_files_per_commit"]) == (1_706_659_200, None)
    assert (given[-1]["skip_bots"], given[-1]["skip_formatting"], given[-1]["chains"]) == (False, False, "live")
    assert cli.main(["history", ".", "--since", "2024-01-31T00:00:00Z", "--json", "--deleted"]) == 0
    assert (given[-1]["since"], given[-1]["chains"]) == (1_706_659_200, "all")
    assert cli.main(["history", "."]) == 0
    assert given[-1]["chains"] == "none"
    capsys.readouterr()


def test_json_is_the_chains_and_remarks_go_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chains = {"f\x1b": [version("a", "f\x1b")]}
    stub(monkeypatch, chains=chains)
    assert cli.main(["history", ".", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == chains
    assert "\x1b" not in captured.out
    assert captured.err.startswith("left out\n")
    assert cli.main(["history", ".", "--json", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([".", "--since", "yesterday"], "'yesterday' is no date"),
        ([".", "--history", "all"], "'all' is not one of"),
        ([".", "--max-commits", "0"], "Invalid value for '--max-commits'"),
        (["./nowhere"], "./nowhere does not exist"),
    ],
)
def test_requests_that_make_no_sense_end_with_2(
    arguments: list[str],
    error: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["history", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert error in captured.err

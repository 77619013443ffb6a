from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from longctx import _core, cli
from longctx.cli.graph import neighbours, overview
from longctx.cli.text import Paint

PLAIN = Paint(io.StringIO())
NO_CYCLES = {"groups": 0, "largest": 0, "examples": []}


def report(**changes: Any) -> dict[str, Any]:
    """A report as the engine returns it."""
    return {
        "repository": "demo",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "files": 1200,
        "sources": 900,
        "broken": 1,
        "edges": 3000,
        "kinds": [{"kind": "top-level", "edges": 2990, "firm": True}, {"kind": "package", "edges": 10, "firm": False}],
        "hubs": [{"path": "a\x1b.py", "dependents": 100}],
        "cycles": {"groups": 2, "largest": 6, "examples": ["a.py", "b.py"]},
        "firm_cycles": NO_CYCLES,
        "unresolved": [
            {
                "reason": "missing",
                "imports": 2,
                "examples": [{"from": "c\n.py", "line": 3, "text": "demo.\x1b[2J", "reason": "missing"}],
            }
        ],
        "skipped": [{"reason": "vendored", "description": "vendored code", "paths": 2}],
        "graph": None,
        "dot": None,
        "file": None,
        **changes,
    }


def stub(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> list[dict[str, Any]]:
    """Replaces the engine; the options it is given are added to the list."""
    given: list[dict[str, Any]] = []

    def graph(repository: str, options: str, progress: object = None) -> str:
        given.append(json.loads(options))
        return json.dumps(report(**changes))

    monkeypatch.setattr(_core, "graph", graph)
    return given


def test_the_overview_tells_edges_hubs_cycles_and_what_was_not_found() -> None:
    assert list(overview(report(), PLAIN)) == [
        "demo at 0123456789ab",
        "  1,200 files, 900 of source code, 1 file with syntax errors; 3,000 edges",
        "",
        "edges, strongest first",
        "  2,990  top-level",
        "     10  package",
        "",
        "files that most others need",
        "  100  a\\u{1b}.py",
        "",
        "cycles",
        "  over all edges: 2, the largest of 6 files (a.py, b.py, ...)",
        "  over edges that always hold (re-export and stronger): none",
        "",
        "2 imports of no file of the graph: missing",
        "  demo.\\u{1b}[2J  c\\n.py:3",
        "",
        "left out",
        "  2  vendored code",
    ]


def test_a_graph_of_nothing_is_told_in_two_lines() -> None:
    empty = report(commit=None, files=0, sources=0, broken=0, edges=0, kinds=[], hubs=[])
    empty |= {"cycles": NO_CYCLES, "unresolved": [], "skipped": []}
    assert list(overview(empty, PLAIN)) == ["demo", "  0 files, 0 of source code; 0 edges"]


def test_neighbours_are_told_with_the_line_that_says_so() -> None:
    file = {
        "path": "a.py",
        "needs": [{"path": "b.py", "kind": "top-level", "line": 2}, {"path": "b.py", "kind": "package", "line": 1}],
        "needed_by": [{"path": "c\x1b.py", "kind": "function-local", "line": 9}],
        "unresolved": [{"from": "a.py", "line": 1, "text": "os", "reason": "external"}],
    }
    assert list(neighbours(file, PLAIN)) == [
        "a.py",
        "  needs 1 file",
        "    b.py  top-level  a.py:2",
        "    b.py  package    a.py:1",
        "  is needed by 1 file",
        "    c\\u{1b}.py  function-local  c\\u{1b}.py:9",
        "  1 import of no file of the graph",
        "    os  external  a.py:1",
    ]


def test_options_reach_the_engine(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    whole = {"imports": {"a\x1b.py": []}, "edges": [], "unresolved": []}
    given = stub(monkeypatch, graph=whole, dot="digraph {}\n")
    assert cli.main(["graph", ".", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == whole
    assert given[-1] == {
        "revision": None,
        "include": [],
        "exclude": [],
        "hidden": False,
        "max_file_size": 1 << 20,
        "tell": "graph",
    }
    assert cli.main(["graph", ".", "--dot", "--hidden", "--max-file-size", "2KiB", "--rev", "v1"]) == 0
    assert capsys.readouterr().out == "digraph {}\n"
    assert (given[-1]["tell"], given[-1]["hidden"], given[-1]["max_file_size"]) == ("dot", True, 2048)
    assert given[-1]["revision"] == "v1"
    assert cli.main(["graph", ".", "--include", "*.py", "--exclude", "x"]) == 0
    assert (given[-1]["tell"], given[-1]["include"], given[-1]["exclude"]) == ("nothing", ["*.py"], ["x"])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["./nowhere"], "./nowhere does not exist"),
        ([".", "--max-file-size", "big"], "'big' is no size"),
        ([".", "--dot", "--json"], "--dot prints the whole graph"),
        ([".", "a.py", "--dot"], "--dot prints the whole graph"),
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
    assert cli.main(["graph", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert error in captured.err

"""`longctx graph` on repositories made by git, with Python's own parser as the oracle for Python."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.end_to_end.outcome import refused
from tests.repositories import git, make_repository, write_files

FILES: dict[str, str | bytes] = {
    "pkg/__init__.py": "",
    "pkg/base.py": "import os\n\n\ndef base():\n    return os.sep\n",
    "pkg/low.py": "import pkg.base\n\n\ndef late():\n    import pkg.high\n\n    return pkg.high\n",
    "pkg/high.py": "import pkg.low\nimport pkg.base\nimport pkg.none\n",
    "app/größe.py": "import pkg.high\n",
    "web/main.ts": 'import { part } from "./part";\n\nexport const main = part;\n',
    "web/part.ts": "export const part = 1;\n",
    "src/lib.rs": "mod inner;\n",
    "src/inner.rs": "pub fn f() {}\n",
    "Cargo.toml": '[package]\nname = "demo"\n',
    "vendor/theirs.py": "import pkg.base\n",
    "logo.png": bytes(range(256)),
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only."""
    return make_repository(tmp_path_factory.mktemp("graph") / "demo", FILES)


def imported(source: str) -> set[str]:
    """The files of FILES that Python's parser says a source imports."""
    names = [alias.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for alias in node.names]
    return {path for path in (f"{name.replace('.', '/')}.py" for name in names) if path in FILES}


def test_json_has_the_imports_that_pythons_parser_finds(repository: Path, cli: Cli) -> None:
    done = cli("graph", repository, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    graph = json.loads(done.stdout)
    assert set(graph) == {"imports", "edges", "unresolved"}
    ours = {path: set(targets) for path, targets in graph["imports"].items() if path.endswith(".py")}
    sources = {p: s for p, s in FILES.items() if p.endswith(".py") and isinstance(s, str) and p != "vendor/theirs.py"}
    assert ours == {path: imported(source) for path, source in sources.items()}
    for edge in graph["edges"]:
        assert set(edge) == {"from", "to", "kind", "line"}
    kinds = {(edge["from"], edge["to"]): (edge["kind"], edge["line"]) for edge in graph["edges"]}
    assert kinds["pkg/low.py", "pkg/high.py"] == ("function-local", 5)
    assert kinds["pkg/high.py", "pkg/base.py"] == ("top-level", 2)
    assert kinds["web/main.ts", "web/part.ts"][0] == "top-level"
    assert kinds["src/lib.rs", "src/inner.rs"][0] == "module"
    reasons = {(entry["from"], entry["line"]): entry["reason"] for entry in graph["unresolved"]}
    assert reasons["pkg/base.py", 1] == "external"
    assert reasons["pkg/high.py", 3] == "missing"


def test_the_summary_tells_hubs_cycles_and_what_was_not_found(repository: Path, cli: Cli) -> None:
    done = cli("graph", repository)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"demo at {git(repository, 'rev-parse', 'HEAD')[:12]}\n")
    # low needs high, but only when it is called.
    assert "over all edges: 1, the largest of 2 files (pkg/high.py, pkg/low.py)" in done.stdout
    assert "over edges that always hold (re-export and stronger): none" in done.stdout
    assert "pkg.none" in done.stdout
    assert "pkg/high.py:3" in done.stdout
    assert "\x1b" not in done.stdout


def test_one_file_is_told_with_what_it_needs_and_who_needs_it(repository: Path, cli: Cli) -> None:
    done = cli("graph", repository, "pkg/high.py")
    assert done.returncode == 0, done.stderr
    needs, needed_by = done.stdout.split("  is needed by ")
    assert "pkg/low.py" in needs
    assert "pkg/base.py" in needs
    assert "app/größe.py" in needed_by
    assert "pkg.none  missing  pkg/high.py:3" in needed_by
    file = json.loads(cli("graph", repository, "pkg/high.py", "--json").stdout)
    assert {link["path"] for link in file["needed_by"]} == {"app/größe.py", "pkg/low.py"}
    full = repository / "pkg" / "high.py"
    assert json.loads(cli("graph", repository, full, "--json").stdout) == file


def test_dot_names_every_edge_once(repository: Path, cli: Cli) -> None:
    done = cli("graph", repository, "--dot")
    assert done.stdout.startswith("digraph ")
    assert done.stdout.count('"pkg/high.py" -> "pkg/base.py" [') == 1
    assert '"pkg/low.py" -> "pkg/high.py" [style=dashed' in done.stdout


def test_a_commit_and_its_clean_work_tree_have_one_graph(repository: Path, tmp_path: Path, cli: Cli) -> None:
    tree = cli("graph", repository, "--json").stdout
    assert cli("graph", repository, "--rev", "HEAD", "--json").stdout == tree
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
    assert cli("graph", tmp_path / "bare.git", "--json").stdout == tree
    plain = tmp_path / "plain"
    write_files(plain, FILES)
    assert cli("graph", plain, "--json").stdout == tree


def test_a_file_name_cannot_act_when_shown(tmp_path: Path, cli: Cli) -> None:
    folder = make_repository(tmp_path / "evil", {"\x1b[2J.py": "import b\n", "b.py": "b = 1\n"})
    for arguments in ([], ["b.py"], ["--json"]):
        done = cli("graph", folder, *arguments)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        assert "[2J.py" in done.stdout or not arguments


def test_what_cannot_be_answered_is_refused(repository: Path, tmp_path: Path, cli: Cli) -> None:
    refused(cli("graph", tmp_path / "none"), 2, "does not exist")
    refused(cli("graph", repository, "lib/high.py"), 2, "lib/high.py is not in the graph", "hint: there is pkg/high.py")
    refused(cli("graph", repository, "vendor/theirs.py"), 2, "is not in the graph", "hint: ignored, hidden")
    refused(cli("graph", repository, "--rev", "nope"), 2, "nope")
    refused(cli("graph", repository, "--exclude", "["), 2)

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from longctx import LongctxError, UsageError, _core, cli, load_config, prepare
from longctx.cli.prepare import overview
from longctx.cli.text import Paint
from tests.cli.test_graph import report as graph_report
from tests.cli.test_history import report as history_report
from tests.cli.test_main import kind_row, summary

PLAIN = Paint(io.StringIO())
ENOUGH = [
    kind_row("hierarchical", "train", easy=10, medium=20, hard=1),
    kind_row("hierarchical", "val", easy=5, very_hard=1),
    kind_row("hierarchical", "train", band=2, medium=9, hard=8),
]


class Engine:
    """Stands in for the engine; keeps what it is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
        self.asked: dict[str, dict[str, Any]] = {}
        self.summary = summary(kinds=ENOUGH, dry_run=True, **changes)
        self.no_history: LongctxError | None = None
        for name in ("pack", "graph", "history"):
            monkeypatch.setattr(_core, name, getattr(self, name))

    def pack(self, options: str, progress: object = None) -> str:
        self.asked["pack"] = json.loads(options)
        return json.dumps(self.summary)

    def graph(self, repository: str, options: str, progress: object = None) -> str:
        self.asked["graph"] = json.loads(options)
        return json.dumps(graph_report())

    def history(self, repository: str, options: str, progress: object = None) -> str:
        self.asked["history"] = json.loads(options)
        if self.no_history is not None:
            raise self.no_history
        return json.dumps(history_report())


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(monkeypatch)


def phases(engine: Engine, *rows: dict[str, Any], **overrides: Any) -> list[dict[str, Any]]:
    """The phases of a repository that has these sequences."""
    engine.summary["kinds"] = list(rows)
    config = load_config(None, {key.replace("__", "."): value for key, value in overrides.items()})
    found: list[dict[str, Any]] = prepare("r", config=config)["phases"]
    return found


def test_it_asks_for_a_dry_run_and_for_the_same_files_in_the_graph(engine: Engine) -> None:
    assert cli.main(["prepare", "r", "-q", "--rev", "v1", "--exclude", "b", "--hidden", "--since", "2024-01-31"]) == 0
    pack = engine.asked["pack"]
    assert (pack["dry_run"], pack["output"], pack["revision"]) == (True, None, "v1")
    shared = {key: pack[key] for key in ("revision", "include", "exclude", "hidden", "max_file_size")}
    assert engine.asked["graph"] == {**shared, "tell": "nothing"}
    assert (shared["exclude"], shared["hidden"]) == (["b"], True)
    assert engine.asked["history"]["since"] == 1706659200
    assert engine.asked["history"]["chains"] == "none"


def test_it_writes_one_file_and_replaces_it(engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "prep"
    assert cli.main(["prepare", "r", "-o", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    path = folder / "preparation_summary.json"
    assert json.loads(path.read_text(encoding="utf-8")) == told
    engine.summary["repository"] = "größer"
    assert cli.main(["prepare", "r", "-o", str(folder), "-q"]) == 0
    assert json.loads(path.read_text(encoding="utf-8"))["repository"] == "größer"
    assert list(folder.iterdir()) == [path]


def test_without_a_folder_nothing_is_written(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["prepare", "r"]) == 0
    assert list(tmp_path.iterdir()) == []


def test_phases_with_enough_do_not_starve(engine: Engine) -> None:
    first, second, _ = prepare("r")["phases"]
    assert (first["usable"], first["validation"], first["steps_per_epoch"]) == (30, 5, 2)
    assert first["sequences"] == {"easy": 10, "medium": 20, "hard": 1, "very_hard": 0}
    assert (second["usable"], second["steps_per_epoch"], second["difficulties"]) == (17, 2, ["medium", "hard"])
    assert [first["starves"], second["starves"], first["advice"], second["reason"]] == [False, False, None, None]


def test_a_phase_starves_without_sequences_of_its_difficulty_or_with_less_than_a_step_of_them(engine: Engine) -> None:
    row = kind_row("hierarchical", "train", easy=1, hard=30)
    easy = kind_row("hierarchical", "train", band=2, easy=30)
    first, second, _ = phases(engine, row, easy)
    assert first["starves"]
    assert first["reason"] == "1 usable sequence, an optimiser step takes 16"
    assert "training.gradient_accumulation_steps to 1 or less" in first["advice"]
    assert second["starves"]
    assert second["reason"] == "30 of the 30 sequences of its lengths are too easy, none is hard enough"
    assert "pack.context" in second["advice"]

    hard = kind_row("hierarchical", "train", very_hard=20)
    first, second, _ = phases(engine, hard)
    assert first["reason"] == "20 of the 20 sequences of its lengths are too hard, none is easy enough"
    assert second["reason"] == "no sequence has 1,536 to 2,048 tokens"
    assert "long_context.phase2_min_length" in second["advice"]

    first, _, _ = phases(engine, kind_row("hierarchical", "train", hard=3))
    assert first["reason"] == "3 sequences of its lengths in all, an optimiser step takes 16"


def test_a_step_is_what_the_configuration_says(engine: Engine) -> None:
    sizes = {"training__gradient_accumulation_steps": 4, "training__batch_size_reference": 2}
    rows = [kind_row("hierarchical", "train", easy=7, very_hard=9)]
    assert (phases(engine, *rows, **sizes)[0]["needed"], phases(engine, *rows, **sizes)[0]["starves"]) == (8, True)
    sizes["training__batch_size_reference"] = 1
    assert not phases(engine, *rows, **sizes)[0]["starves"]


def test_the_third_phase_needs_room_and_is_enabled_where_it_has(engine: Engine) -> None:
    report = prepare("r")
    third = report["phases"][2]
    assert third["left_out"] == "its sequences have up to 4,096 tokens, the longest allowed has 2,048"
    assert (third["starves"], third["advice"]) == (
        False,
        "allow 4096 tokens (pack.sequence_length) to train it",
    )
    assert [band["id"] for band in engine.asked["pack"]["bands"]] == [1, 2]
    assert cli.main(["prepare", "r", "-q", "--max-sequence-length", "4096"]) == 0
    assert [band["id"] for band in engine.asked["pack"]["bands"]] == [1, 2, 3]
    report = prepare("r", config=load_config(None, {"pack.sequence_length": 4096}))
    assert (report["phases"][2]["left_out"], report["phases"][2]["starves"]) == (None, True)
    assert report["notes"] == [
        "phase 3 is looked at as if long_context.phase3_enabled were true: set it to pack and train it"
    ]


def test_only_the_phases_asked_for_are_looked_at(engine: Engine) -> None:
    assert [phase["phase"] for phase in prepare("r", phases=1)["phases"]] == [1]
    assert [band["id"] for band in engine.asked["pack"]["bands"]] == [1]
    with pytest.raises(UsageError, match="phases 1 to 3, not 0"):
        prepare("r", phases=0)


def test_without_phases_the_one_band_takes_all_difficulties(engine: Engine) -> None:
    rows = [kind_row("hierarchical", "train", easy=8, very_hard=8)]
    (only,) = phases(engine, *rows, pack__long_context_mode=False)
    assert (only["min"], only["max"], only["usable"], only["starves"]) == (1024, 2048, 16, False)


def test_a_folder_without_git_has_no_history_and_that_is_said(engine: Engine) -> None:
    engine.no_history = UsageError("r: no repository")
    engine.summary["commit"] = None
    report = prepare("r")
    assert report["history"] is None
    assert report["notes"] == ["there is no history: this is no git repository, or it has no commits"]
    engine.summary["commit"] = "0" * 40
    assert prepare("r")["notes"] == ["the history cannot be read: r: no repository"]


def test_the_overview_ends_with_the_phases(engine: Engine) -> None:
    engine.summary["largest"] = [{"path": "big\x1b.py", "bytes": 2048, "tokens": 512}]
    report = prepare("r")
    third = report["phases"][2]
    lines = list(overview(report, False, PLAIN))
    text = "\n".join(lines)
    assert lines[0] == "demo at 0123456789ab"
    assert "512  2.0 KiB  big\\u{1b}.py" in text
    assert "3,000 edges between 900 files of source code, 1 file with syntax errors" in text
    assert "100  need a\\u{1b}.py" in text
    assert "2 cycles, the largest of 6 files (a.py, b.py, ...)" in text
    assert "2 imports of no file of the repository: missing" in text
    assert "demo.\\u{1b}[2J" not in text
    assert lines[lines.index("phases") + 1 :] == [
        "  phase 1, 512 to 1,024 tokens: has enough",
        "    30 sequences of the difficulty it asks for (easy to medium), 2 steps an epoch; 5 for validation",
        "  phase 2, 1,536 to 2,048 tokens: has enough",
        "    17 sequences of the difficulty it asks for (medium to hard), 2 steps an epoch; 0 for validation",
        "  phase 3, 3,072 to 4,096 tokens: left out",
        f"    {third['left_out']}: {third['advice']}",
    ]
    assert not set(text) & {"\x1b"}


def test_verbose_shows_what_else_is_only_counted(engine: Engine) -> None:
    languages = [{"name": f"L{n}", "files": 1, "bytes": 9, "tokens": 9} for n in range(9)]
    engine.summary["languages"] = languages
    short, long = ("\n".join(overview(prepare("r"), verbose, PLAIN)) for verbose in (False, True))
    assert "L8" not in short
    assert "  and 4 more (--verbose shows them)" in short
    assert "L8" in long
    assert "demo.\\u{1b}[2J  c\\n.py:3" in long


def test_a_starving_phase_is_no_failure(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.summary["kinds"] = []
    assert cli.main(["prepare", "r"]) == 0
    captured = capsys.readouterr()
    assert "  phase 1, 512 to 1,024 tokens: starves\n" in captured.out
    assert captured.err == ""


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "Missing argument 'REPO'"),
        (["r", "--phases", "4"], "'--phases'"),
        (["r", "--phases", "0"], "'--phases'"),
        (["r", "--max-sequence-length", "800"], "--sequence-length: pack.sequence_length: 800 is shorter than"),
        (["r", "--max-sequence-length", "x"], "--max-sequence-length"),
        (["r", "--kinds", "poems"], '"poems" is not allowed'),
        (["r", "-o", __file__], "is no folder, so nothing can be written"),
        (["r", "--config", "missing.yaml"], "missing.yaml: cannot be read"),
    ],
)
def test_requests_that_make_no_sense_end_with_2(
    engine: Engine, arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["prepare", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert error in captured.err
    assert engine.asked == {}

"""`longctx train`: its options, its tables, and what it says when something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from longctx.cli import main
from longctx.cli.text import Paint
from longctx.cli.train import duration
from longctx.cli.training_tables import overview_lines, summary_lines
from longctx.cli.training_view import TrainingView
from tests.train import tiny


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs `longctx train` and gives the one sentence with which it refuses."""

    def run(*arguments: str | Path, status: int = 2) -> str:
        assert main(["train", *map(str, arguments)]) == status
        said = capsys.readouterr()
        assert said.out == ""
        lines = [line for line in said.err.splitlines() if line and not line.startswith(("hint:", "loading"))]
        assert len(lines) == 1
        assert lines[0].startswith("error: ")
        return lines[0]

    return run


@pytest.mark.parametrize(
    ("text", "seconds"), [("10h", 36000), ("90m", 5400), ("1h30m", 5400), ("600", 600), ("45s", 45), ("1.5 h", 5400)]
)
def test_time_spans_are_read(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "soon", "10d", "-5m", "5m3h"])
def test_what_is_no_time_span_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no time span"):
        duration(text)


def test_bad_requests_are_refused_in_one_sentence(
    refused: Callable[..., str], tiny_dataset: Path, tiny_model: Path, tmp_path: Path
) -> None:
    run = ("--output", tmp_path / "run")
    assert "no dataset is given" in refused()
    assert "no run to continue" in refused("--resume", *run)
    assert "manifest.json" in refused("--data", tmp_path, *run, status=1)
    assert "there is no model at" in refused("--data", tiny_dataset, "--model", "./nowhere", *run)
    model = ("--data", tiny_dataset, "--model", tiny_model, *run)
    assert "no GPU" in refused(*model, "--device", "mps")
    assert "there is no adapter in" in refused(*model, "--checkpoint", tmp_path)
    assert "number of epochs, 1, is smaller" in refused(*model, "--epochs", "1")
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_wrong_configuration_is_told_whole(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("training:\n  patiens: 3\n  seed: 1.5\nmodel:\n  lora:\n    target_modules: 3\n", encoding="utf-8")
    assert main(["train", "--data", str(tiny_dataset), "--config", str(file)]) == 2
    said = capsys.readouterr().err
    assert "3 problems" in said
    assert "training.patiens: unknown key; did you mean training.patience?" in said
    assert "model.lora.target_modules: 3 is not allowed; expected auto or a list of text" in said


def test_a_run_shows_what_it_will_do_and_what_it_did(
    tiny_dataset: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps(tiny.settings(model__name=str(tiny_model))), encoding="utf-8")
    run = tmp_path / "run"
    assert (
        main(["train", "--data", str(tiny_dataset), "--config", str(file), "--output", str(run), "--epochs", "2"]) == 0
    )
    said = capsys.readouterr()
    assert f"{tiny_dataset} -> {tiny_model}" in said.out
    assert f"best:  {run}/best" in said.out
    assert "epoch 2 done: loss" in said.err
    assert main(["train", "--data", str(tiny_dataset), "--config", str(file), "--output", str(run)]) == 2
    assert "there is a run in" in capsys.readouterr().err


def test_only_json_is_printed_where_json_is_asked_for(
    tiny_dataset: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps(tiny.settings(model__name=str(tiny_model))), encoding="utf-8")
    arguments = ["train", "--data", str(tiny_dataset), "--config", str(file), "--output", str(tmp_path / "run")]
    assert main([*arguments, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["overview"]["steps"] > 0


def _overview(**changes: Any) -> dict[str, Any]:
    phase = {
        "phase": 1,
        "epochs": [1, 5],
        "lengths": [512, 1024],
        "ceilings": ["easy", "medium"],
        "sequences": [10, 20],
        "steps": 7,
        "learning_rate": 5e-5,
        "tokens": 90_000,
        "seconds": 7200.0,
        "memory": 3 << 30,
    }
    return {
        "model": {
            "name": "m",
            "device": "cpu",
            "dtype": "float32",
            "four_bit": True,
            "parameters": 3_000_000_000,
            "trained": 47_700_000,
        },
        "processes": 1,
        "batch": 16,
        "dataset": {"path": "d", "never_taught": [{"band": 1, "too_hard": 3, "no_phase": 0, "not_chosen": 0}]},
        "phases": [phase],
        "tokens": 90_000,
        "steps": 7,
        "seconds": 7200.0,
        "time_budget": None,
        "notes": [],
        "continued": None,
        **changes,
    }


def test_the_first_table_says_when_the_run_will_end_and_what_it_leaves_out() -> None:
    text = "\n".join(overview_lines(_overview(), Paint()))
    assert "7 steps of 16 sequences, 90,000 tokens: about 2 h 00 min" in text
    assert "--time-budget" in text
    assert "3 sequences of band 1 are harder than any phase teaches" in text
    assert "47.7 M of 3.00 G parameters are trained (1.6 %)" in text


def test_the_first_table_says_which_part_a_time_budget_leaves() -> None:
    text = "\n".join(overview_lines(_overview(time_budget=3600.0), Paint()))
    assert "the 1 h 00 min given are 50.0 % of what all of it would take" in text


def test_the_last_table_has_a_line_for_each_epoch() -> None:
    epoch = {
        "epoch": 1,
        "phase": 1,
        "sequences": 12,
        "by_difficulty": {"easy": 12},
        "train_loss": 1.25,
        "validation": {"losses": {"unseen": 1.5, "seen": 1.125}},
        "norm": {"min": 0.1, "mean": 0.2, "max": 0.3},
        "tokens_per_second": 99.6,
        "peak_memory": 1 << 30,
        "improved": True,
    }
    summary = {
        "epochs": [epoch, {**epoch, "epoch": 2, "validation": None, "norm": None, "tokens_per_second": None}],
        "time_budget": None,
        "steps": 3,
        "tokens": 900,
        "seconds": 9.0,
        "sequences_taught": 12,
        "sequences_never_taught": 30,
        "steps_left_out": 1,
        "best": "r/best",
        "final": "r/final",
    }
    lines = summary_lines(summary, Paint())
    assert lines[2].split() == [
        "1",
        "1",
        "12",
        "12",
        "1.2500",
        "1.5000",
        "1.1250",
        "0.20",
        "100",
        "1.0",
        "GiB",
        "better",
    ]
    assert lines[3].split()[:8] == ["2", "1", "12", "12", "1.2500", "-", "-", "-"]
    assert "1 step left out: a loss or gradient was no finite number" in lines
    assert lines[-1].endswith("--checkpoint r/best")


def test_nothing_is_shown_where_quiet_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingView(quiet=True, results=False, verbose=False) as view:
        view("loading", {"model": "m", "device": "cpu"})
        view("overview", _overview())
        view("note", {"text": "something"})
    said = capsys.readouterr()
    assert said.out == said.err == ""

"""Whole runs of a tiny model: what they teach, write, survive and refuse."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from longctx.errors import TrainingError, UsageError
from longctx.train.memory import Reading
from longctx.training import train
from tests.train import tiny

Train = Callable[..., dict[str, Any]]


class CrashError(Exception):
    """Stands for the end of the process: nothing is saved after it."""


class Events(list[tuple[str, dict[str, Any]]]):
    """What a run told."""

    def __init__(self, at: str = "", number: int = 0, then: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._at, self._number, self._then = at, number, then

    def __call__(self, event: str, values: Mapping[str, Any]) -> None:
        self.append((event, dict(values)))
        if event == self._at and len(self.of(event)) == self._number and self._then is not None:
            self._then()

    def of(self, name: str) -> list[dict[str, Any]]:
        return [values for event, values in self if event == name]


def crash() -> None:
    raise CrashError


def adapter(folder: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = load_file(folder / "adapter_model.safetensors")
    return weights


def equal(left: Path, right: Path) -> bool:
    ours, theirs = adapter(left), adapter(right)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def metrics(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def tiny_config(tiny_model: Path) -> Callable[..., Any]:
    return lambda **changes: tiny.config(model__name=str(tiny_model), **changes)


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, tiny_dataset: Path, tiny_config: Any
) -> tuple[Path, dict[str, Any]]:
    """A run that nothing interrupted."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    return run, train(tiny_dataset, run, config=tiny_config())


def test_loss_on_unseen_files_falls_in_both_phases(whole: tuple[Path, dict[str, Any]]) -> None:
    run, summary = whole
    losses = [event for event in metrics(run) if event["event"] == "validation"]
    for phase in (1, 2):
        first, *_, last = [event["losses"]["unseen"] for event in losses if event["phase"] == phase]
        assert last < first
    assert [epoch["phase"] for epoch in summary["epochs"]] == [1, 1, 2, 2]


def test_every_epoch_is_recorded_with_what_it_taught(whole: tuple[Path, dict[str, Any]]) -> None:
    run, summary = whole
    steps = [event for event in metrics(run) if event["event"] == "step"]
    for epoch in summary["epochs"]:
        ours = [step for step in steps if step["epoch"] == epoch["epoch"]]
        assert sum(step["tokens"] for step in ours) == epoch["tokens"]
        mean = sum(step["loss"] * step["learnt"] for step in ours) / sum(step["learnt"] for step in ours)
        assert epoch["train_loss"] == pytest.approx(mean)
        assert epoch["norm"]["min"] <= epoch["norm"]["mean"] <= epoch["norm"]["max"]
        assert sum(epoch["by_difficulty"].values()) == sum(epoch["by_kind"].values()) == epoch["sequences"]


def test_the_learning_rate_rises_at_the_beginning_of_each_phase(whole: tuple[Path, dict[str, Any]]) -> None:
    run, _ = whole
    rates = {phase: [] for phase in (1, 2)}  # type: dict[int, list[float]]
    for event in metrics(run):
        if event["event"] == "step":
            rates[event["phase"]].append(event["learning_rate"])
    assert rates[1][:2] == [2.5e-3, 5e-3]
    assert set(rates[1][2:]) == {5e-3}
    assert rates[2][:2] == [1.25e-3, 2.5e-3]
    assert set(rates[2][2:]) == {2.5e-3}


def test_adapters_lie_beside_the_datasets_tokenizer(whole: tuple[Path, dict[str, Any]], tiny_dataset: Path) -> None:
    run, summary = whole
    for name in ("best", "final"):
        assert Path(summary[name]) == run / name
        for file in (tiny_dataset / "tokenizer").iterdir():
            assert (run / name / file.name).read_bytes() == file.read_bytes()
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["finished"] is True


@pytest.mark.parametrize("steps", [1, 4, 7, 12])
def test_a_crashed_run_goes_on_to_the_very_same_weights(
    steps: int, whole: tuple[Path, dict[str, Any]], tiny_dataset: Path, tiny_config: Any, tmp_path: Path
) -> None:
    run, before = whole
    with pytest.raises(CrashError):
        train(tiny_dataset, tmp_path / "run", config=tiny_config(), notify=Events("step", steps, crash))
    summary = train(output=tmp_path / "run", resume=True)
    assert equal(tmp_path / "run" / "final", run / "final")
    assert equal(tmp_path / "run" / "best", run / "best")
    for ours, theirs in zip(summary["epochs"], before["epochs"], strict=True):
        assert ours["train_loss"] == theirs["train_loss"]
        assert ours["validation"]["losses"] == theirs["validation"]["losses"]
    numbers = [event["step"] for event in metrics(tmp_path / "run") if event["event"] == "step"]
    assert numbers == list(range(1, before["steps"] + 1))


def test_a_run_goes_on_with_its_progress_shown(
    tiny_dataset: Path, tiny_config: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from longctx.cli import main

    with pytest.raises(CrashError):
        train(tiny_dataset, tmp_path / "run", config=tiny_config(), notify=Events("step", 3, crash))
    assert main(["train", "--output", str(tmp_path / "run"), "--resume", "--verbose"]) == 0
    said = capsys.readouterr().err
    assert "continued in epoch 1, phase 1, at 8 of 26" in said
    assert "epoch 1, step 3, loss" in said


def test_a_signal_saves_the_last_whole_step_and_ends_the_run(
    whole: tuple[Path, dict[str, Any]], tiny_dataset: Path, tiny_config: Any, tmp_path: Path
) -> None:
    run, _ = whole
    events = Events("step", 3, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        train(tiny_dataset, tmp_path / "run", config=tiny_config(training__save_interval=100), notify=events)
    assert (tmp_path / "run" / "checkpoints" / "step-000003").is_dir()
    assert events[-1][0] == "interrupted"
    train(output=tmp_path / "run", resume=True)
    assert equal(tmp_path / "run" / "final", run / "final")


def test_a_run_may_go_on_from_an_earlier_checkpoint(
    whole: tuple[Path, dict[str, Any]], tiny_dataset: Path, tiny_config: Any, tmp_path: Path
) -> None:
    run, _ = whole
    with pytest.raises(CrashError):
        train(tiny_dataset, tmp_path / "run", config=tiny_config(), notify=Events("step", 5, crash))
    train(output=tmp_path / "run", resume=True, checkpoint=tmp_path / "run" / "checkpoints" / "step-000002")
    assert equal(tmp_path / "run" / "final", run / "final")


def test_a_run_does_not_go_on_with_other_settings(tiny_dataset: Path, tiny_config: Any, tmp_path: Path) -> None:
    with pytest.raises(CrashError):
        train(tiny_dataset, tmp_path / "run", config=tiny_config(), notify=Events("step", 1, crash))
    with pytest.raises(UsageError, match=r"training\.weight_decay was 0\.01 and is 0\.5"):
        train(output=tmp_path / "run", resume=True, overrides={"training.weight_decay": 0.5})


def test_a_run_does_not_go_on_with_another_dataset(tiny_dataset: Path, tiny_config: Any, tmp_path: Path) -> None:
    with pytest.raises(CrashError):
        train(tiny_dataset, tmp_path / "run", config=tiny_config(), notify=Events("step", 1, crash))
    other = tiny.dataset(tmp_path, training__seed=7)
    with pytest.raises(UsageError, match="the dataset was packed anew"):
        train(other, tmp_path / "run", resume=True)


def test_a_damaged_checkpoint_is_refused_by_name(tiny_dataset: Path, tiny_config: Any, tmp_path: Path) -> None:
    with pytest.raises(CrashError):
        train(tiny_dataset, tmp_path / "run", config=tiny_config(), notify=Events("step", 3, crash))
    weights = tmp_path / "run" / "checkpoints" / "step-000002" / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(Exception, match=r"adapter_model\.safetensors: is cut short"):
        train(output=tmp_path / "run", resume=True)


def test_a_folder_with_a_run_is_not_written_over(
    whole: tuple[Path, dict[str, Any]], tiny_dataset: Path, tiny_config: Any
) -> None:
    run, _ = whole
    with pytest.raises(UsageError, match="there is a run in"):
        train(tiny_dataset, run, config=tiny_config())
    with pytest.raises(UsageError, match="is finished"):
        train(output=run, resume=True)


def test_an_adapter_can_be_trained_further(
    whole: tuple[Path, dict[str, Any]], tiny_dataset: Path, tiny_config: Any, tmp_path: Path
) -> None:
    run, _ = whole
    events = Events("validation", 1, crash)
    with pytest.raises(CrashError):
        train(tiny_dataset, tmp_path / "run", config=tiny_config(), checkpoint=run, notify=events)
    first = next(event for event in metrics(run) if event["event"] == "validation")
    assert events.of("validation")[0]["losses"]["unseen"] < first["losses"]["unseen"]


def test_three_steps_without_a_finite_loss_end_the_run_with_the_sequence_named(
    tiny_dataset: Path, tiny_config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from longctx.model.computation import summed_loss

    def broken(model: Any, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = summed_loss(model, ids, labels)
        learnt = int((labels != -100).sum())
        return loss * float("nan") if torch.is_grad_enabled() and learnt == odd else loss

    index = np.load(tiny_dataset / "train" / "00000.index.npy")
    first = index[index["band"] == 1][0]
    odd = int(first["length"]) - max(int(first["loss_start"]), 1)
    monkeypatch.setattr("longctx.train.step.summed_loss", broken)
    events = Events()
    config = tiny_config(training__gradient_accumulation_steps=1, long_context__phase1_epochs=4)
    with pytest.raises(TrainingError, match=r"3 steps had a loss or gradient that is no finite number.* [hcq]-\w{16}"):
        train(tiny_dataset, tmp_path / "run", config=config, notify=events)
    left_out = events.of("step_left_out")
    assert [event["count"] for event in left_out] == [1, 2, 3]
    weights = adapter(tmp_path / "run" / "checkpoints" / f"step-{left_out[-1]['step']:06d}" / "adapter")
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())


def test_a_full_memory_ends_the_run_with_a_checkpoint(
    tiny_dataset: Path, tiny_config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = iter([Reading("ok", 1, 100, "this machine"), Reading("warn", 90, 100, "this machine")])
    full = Reading("stop", 96, 100, "this machine")
    monkeypatch.setattr("longctx.train.run.MemoryMonitor.check", lambda self: next(readings, full))
    events = Events()
    with pytest.raises(TrainingError, match="96% of the memory of this machine"):
        train(tiny_dataset, tmp_path / "run", config=tiny_config(), notify=events)
    assert len(events.of("memory")) == 1
    assert (tmp_path / "run" / "checkpoints" / "step-000003").is_dir()


def test_a_dry_run_writes_nothing(tiny_dataset: Path, tiny_config: Any, tmp_path: Path) -> None:
    events = Events()
    summary = train(tiny_dataset, tmp_path / "run", config=tiny_config(), dry_run=True, notify=events)
    assert not (tmp_path / "run").exists()
    assert not events.of("step")
    phases = summary["overview"]["phases"]
    assert [phase["phase"] for phase in phases] == [1, 2]
    index = np.load(tiny_dataset / "train" / "00000.index.npy")
    assert phases[1]["longest"] == index["length"].max()


def test_at_most_so_many_sequences_are_taught(tiny_dataset: Path, tiny_config: Any, tmp_path: Path) -> None:
    summary = train(tiny_dataset, tmp_path / "run", config=tiny_config(), max_sequences=9)
    assert 2 <= summary["sequences_taught"] <= 9
    assert {epoch["phase"] for epoch in summary["epochs"]} == {1, 2}


def test_the_third_phase_waits_for_an_improvement_of_the_second(
    tiny_dataset: Path, tiny_model: Path, tmp_path: Path
) -> None:
    three = {"long_context__phase3_enabled": True, "pack__sequence_length": 384}
    dataset = tiny.dataset(tmp_path, **three)
    # So little is learnt that no loss falls by a whole nat.
    config = tiny.config(model__name=str(tiny_model), **three, training__min_delta=1.0)
    events = Events()
    summary = train(dataset, tmp_path / "run", config=config, epochs=3, notify=events)
    assert events.of("phase_skipped")[0]["phase"] == 3
    assert {epoch["phase"] for epoch in summary["epochs"]} == {1, 2}


def test_a_phase_ends_when_its_patience_does(tiny_dataset: Path, tiny_config: Any, tmp_path: Path) -> None:
    config = tiny_config(training__patience=1, training__min_delta=5.0)
    events = Events()
    summary = train(tiny_dataset, tmp_path / "run", config=config, notify=events)
    assert [epoch["epoch"] for epoch in summary["epochs"]] == [1, 3]
    assert [event["phase"] for event in events.of("phase_ends_early")] == [1, 2]


def test_a_dataset_of_another_tokenizer_is_refused(tiny_dataset: Path, tiny_model: Path, tmp_path: Path) -> None:
    other = tiny.copied(tiny_model, tmp_path / "model")
    tokenizer = json.loads((other / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["merges"] = tokenizer["model"]["merges"][:-1]
    (other / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    with pytest.raises(UsageError, match="was packed with the tokenizer longctx-default, which is not that of"):
        train(tiny_dataset, tmp_path / "run", config=tiny.config(model__name=str(other)))


class Clock:
    """Stands for the module `time`: reading a sequence takes a tenth of a second a token, all else nothing."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    from longctx.model.computation import summed_loss

    clock = Clock()

    def timed(model: Any, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        clock.now += ids.numel() / 10 * (1 if torch.is_grad_enabled() else 1 / 3)
        loss: torch.Tensor = summed_loss(model, ids, labels)
        return loss

    monkeypatch.setattr("longctx.train.step.summed_loss", timed)
    for module in ("longctx.training", "longctx.train.run", "longctx.train.step", "longctx.train.conduct"):
        monkeypatch.setattr(f"{module}.time", clock)
    monkeypatch.setattr("longctx.train.validation.time", clock)
    return clock


@pytest.mark.parametrize("budget", [700.0, 1000.0])
def test_a_run_with_a_time_budget_ends_in_time_with_every_phase_taught(
    budget: float, tiny_dataset: Path, tiny_config: Any, tmp_path: Path, clock: Clock
) -> None:
    whole = train(tiny_dataset, config=tiny_config(), output=tmp_path / "x", dry_run=True)["overview"]
    clock.now = 0.0
    assert whole["seconds"] > budget
    summary = train(tiny_dataset, tmp_path / "run", config=tiny_config(), time_budget=budget)
    assert 0.75 * budget < clock.now <= budget
    assert [epoch["phase"] for epoch in summary["epochs"]][-1] == 2
    assert all(epoch["sequences"] > 0 for epoch in summary["epochs"])


def test_a_time_budget_that_is_too_short_is_refused_with_the_least_that_is_not(
    tiny_dataset: Path, tiny_config: Any, tmp_path: Path, clock: Clock
) -> None:
    with pytest.raises(UsageError, match=r"time budget of 5 s is too short.* take about \d+ (s|min)"):
        train(tiny_dataset, tmp_path / "run", config=tiny_config(), time_budget=5)
    assert not (tmp_path / "run" / "run.json").exists()

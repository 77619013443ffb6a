from __future__ import annotations

import errno
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longctx import OutputError
from longctx.train.metrics import Metrics


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def started(folder: Path, keep: int | None = None) -> Metrics:
    return Metrics(folder, keep_until_step=keep, tensorboard=False)


def test_each_event_is_a_line_at_once(tmp_path: Path) -> None:
    with started(tmp_path / "new") as metrics:
        metrics.write("begin", model="ä", folder=tmp_path)
        assert lines(tmp_path / "new") == [{"event": "begin", "model": "ä", "folder": str(tmp_path)}]
        metrics.write("step", step=1, loss=0.1 + 0.2, done=True, reason=None, name="x")
        assert lines(tmp_path / "new")[1:] == [
            {"event": "step", "step": 1, "loss": 0.1 + 0.2, "done": True, "reason": None, "name": "x"}
        ]


def test_numbers_that_are_not_finite_become_null_wherever_they_are(tmp_path: Path) -> None:
    with started(tmp_path) as metrics:
        metrics.write(
            "step",
            loss=math.nan,
            norm=np.float32("inf"),
            kept=np.float64(0.5),
            count=np.int64(7),
            parts={1: [-math.inf, 2.5], "row": np.array([1.5, np.nan])},
        )
        with pytest.raises(TypeError, match="cannot be of type object"):
            metrics.write("step", loss=object())
    assert lines(tmp_path) == [
        {
            "event": "step",
            "loss": None,
            "norm": None,
            "kept": 0.5,
            "count": 7,
            "parts": {"1": [None, 2.5], "row": [1.5, None]},
        }
    ]


def test_tensors_are_numbers_too(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs torch, which is not installed")
    with started(tmp_path) as metrics:
        metrics.write("step", loss=torch.tensor(0.5), norms=torch.tensor([1.0, math.inf], requires_grad=True))
    assert lines(tmp_path) == [{"event": "step", "loss": 0.5, "norms": [1.0, None]}]


def test_a_new_run_starts_the_file_anew(tmp_path: Path) -> None:
    with started(tmp_path) as metrics:
        metrics.write("step", step=1)
    with started(tmp_path) as metrics:
        metrics.write("step", step=2)
    assert lines(tmp_path) == [{"event": "step", "step": 2}]


def test_a_run_that_goes_on_cuts_what_its_checkpoint_does_not_know(tmp_path: Path) -> None:
    with started(tmp_path) as metrics:
        metrics.write("begin")
        for step in (1, 2, 3):
            metrics.write("step", step=step)
        metrics.write("note")
    with started(tmp_path, keep=2) as metrics:
        metrics.write("step", step=3, again=True)
    assert lines(tmp_path) == [
        {"event": "begin"},
        {"event": "step", "step": 1},
        {"event": "step", "step": 2},
        {"event": "step", "step": 3, "again": True},
    ]


def test_what_was_told_after_the_checkpoint_is_cut_though_its_step_is_the_same(tmp_path: Path) -> None:
    with started(tmp_path) as metrics:
        metrics.write("checkpoint", step=1)
        metrics.write("step", step=2)
        metrics.write("checkpoint", step=2)
        metrics.write("epoch", epoch=1)
        metrics.write("checkpoint", step=2)
        metrics.write("validation", loss=1.0)
        metrics.write("epoch", epoch=2, step=2)
    with started(tmp_path, keep=2):
        assert [(line["event"], line.get("epoch")) for line in lines(tmp_path)] == [
            ("checkpoint", None),
            ("step", None),
            ("checkpoint", None),
            ("epoch", 1),
            ("checkpoint", None),
        ]
    with started(tmp_path, keep=1):
        assert lines(tmp_path) == [{"event": "checkpoint", "step": 1}]


def test_a_line_that_a_killed_run_left_half_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"event": "step", "step": 1}\n{"event": "st')
    with started(tmp_path, keep=5) as metrics:
        metrics.write("step", step=2)
    assert [line["step"] for line in lines(tmp_path)] == [1, 2]
    with path.open("a") as file:
        file.write('{"event": "step", "step": 3}')
    with started(tmp_path, keep=5):
        pass
    assert path.read_text() == '{"event": "step", "step": 1}\n{"event": "step", "step": 2}\n'
    path.unlink()
    with started(tmp_path, keep=5):
        assert path.read_text() == ""


def test_a_full_disk_is_an_error_and_leaves_whole_lines(tmp_path: Path) -> None:
    class Full:
        """The file, on a disk that has room for five bytes more."""

        def __init__(self, file: Any) -> None:
            self.file = file
            self.room = 5

        def write(self, data: memoryview) -> int:
            if not self.room:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = self.file.write(data[: self.room])
            self.room -= written
            return int(written)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    with started(tmp_path) as metrics:
        metrics.write("step", step=1)
        file = metrics._file
        metrics._file = Full(file)  # type: ignore[assignment]
        with pytest.raises(OutputError, match=r"cannot write .*/metrics\.jsonl: no space left on device"):
            metrics.write("step", step=2)
        metrics._file = file
        metrics.write("step", step=3)
    assert [line["step"] for line in lines(tmp_path)] == [1, 3]


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for keep in (None, 3):
        with pytest.raises(OutputError, match="cannot "):
            started(tmp_path / "file", keep)


def test_curves_show_no_step_twice(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs torch, which is not installed")
    reader = "tensorboard.backend.event_processing.event_accumulator"
    reading = pytest.importorskip(reader, reason="needs tensorboard, which is not installed")

    def run(keep: int | None, steps: list[int], loss: float) -> None:
        with Metrics(tmp_path, keep_until_step=keep, tensorboard=True) as metrics:
            metrics.write("overview", tokens=5)
            for step in steps:
                metrics.write("step", step=step, loss=loss, bad=math.nan, done=True)
            metrics.write("validation", unseen={"loss": loss, "name": "x"})

    run(None, [1, 2, 3], 1.0)
    run(2, [3, 4], 2.0)
    events = reading.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert sorted(events.Tags()["scalars"]) == ["step/loss", "validation/unseen/loss"]
    assert [(e.step, e.value) for e in events.Scalars("step/loss")] == [(1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0)]
    assert [(e.step, e.value) for e in events.Scalars("validation/unseen/loss")] == [(4, 2.0)]
    run(None, [1], 3.0)
    events = reading.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("step/loss")] == [(1, 3.0)]


def test_curves_are_left_out_without_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with Metrics(tmp_path, keep_until_step=None, tensorboard=True) as metrics:
        metrics.write("step", step=1)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]

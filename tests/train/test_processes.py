"""Two processes that share a run do what one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from longctx.errors import UsageError
from longctx.train.processes import Processes
from longctx.training import train
from tests.train import tiny


def test_two_processes_have_the_losses_and_the_weights_of_one(
    tiny_dataset: Path, tiny_model: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    values = tiny.settings(model__name=str(tiny_model))
    config.write_text(json.dumps(values), encoding="utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    options = ["--data", str(tiny_dataset), "--config", str(config), "--epochs", "2", "--device", "cpu"]
    done = subprocess.run(
        [*launch, "-m", "longctx.train", *options, "--output", str(tmp_path / "two")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "cpu x 2" in done.stdout
    train(tiny_dataset, tmp_path / "one", config=tiny.config(model__name=str(tiny_model)), epochs=2, device="cpu")
    ours, theirs = (
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        for name in ("two", "one")
    )
    for key in ("step", "validation"):
        pairs = zip(*([e for e in events if e["event"] == key] for events in (ours, theirs)), strict=True)
        for left, right in pairs:
            if key == "step":
                assert left["loss"] == pytest.approx(right["loss"], abs=1e-5)
                assert left["position"] == right["position"]
            else:
                assert left["losses"] == pytest.approx(right["losses"], abs=1e-5)
    two, one = (load_file(tmp_path / name / "final" / "adapter_model.safetensors") for name in ("two", "one"))
    assert all(torch.allclose(two[name], one[name], atol=1e-4) for name in one)


def test_alone_nothing_is_exchanged() -> None:
    alone = Processes(torch.device("cpu"))
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.tensor([1.0, 2.0])
    alone.add_gradients([weight])
    assert weight.grad.tolist() == [1.0, 2.0]
    assert alone.main
    assert alone.share([1, 2, 3]) == [1, 2, 3]
    assert alone.add([1.5]) == [1.5]
    assert alone.from_main("x") == "x"


def test_processes_launched_for_another_device_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    state = SimpleNamespace(process_index=0, num_processes=1, device=torch.device("cpu"))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("accelerate.PartialState", lambda cpu: state)
    with pytest.raises(UsageError, match="2 processes were launched, but they cannot share"):
        Processes(torch.device("cuda"))

"""Choosing between bfloat16 and float32 on a processor."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from longctx.model import timing
from tests.model.conftest import load
from tests.model.families import config, write_model


def faked(monkeypatch: pytest.MonkeyPatch, half: float, full: float) -> list[tuple[Any, int]]:
    """Steps take what they are told; returns the list of those that are asked for."""
    asked = []

    def seconds(model: Any, length: int) -> float:
        dtype = next(timing.frozen(model)).dtype
        asked.append((dtype, length))
        return half if dtype == torch.bfloat16 else full

    monkeypatch.setattr(timing, "_seconds", seconds)
    return asked


@pytest.mark.parametrize("four", [False, True])
@pytest.mark.parametrize(("half", "full", "chosen"), [(1, 4, torch.bfloat16), (4, 1, torch.float32)])
def test_the_faster_is_taken_and_told(
    half: float, full: float, chosen: torch.dtype, four: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(write_model(tmp_path / "base"), dtype="bfloat16", four=four)
    plain = load(settings, dtype=torch.bfloat16)
    asked = faked(monkeypatch, half, full)
    loaded = load(settings)
    assert asked == [(torch.bfloat16, 64), (torch.float32, 64)]
    assert loaded.dtype == chosen
    (note,) = loaded.notes
    assert note.endswith(f"so {str(chosen).removeprefix('torch.')} is used")
    theirs = dict(loaded.model.named_parameters())
    for name, parameter in plain.model.named_parameters():
        assert torch.equal(parameter.to(theirs[name].dtype), theirs[name]), name
        if parameter.is_floating_point() and not parameter.requires_grad:
            assert theirs[name].dtype == chosen, name
    assert all(p.dtype == torch.float32 for p in theirs.values() if p.requires_grad)
    layers = [module for module in loaded.model.modules() if hasattr(module, "compute_dtype")]
    assert bool(layers) == four
    assert all(module.compute_dtype == module.weight.quant_state.dtype == chosen for module in layers)


def test_a_small_gain_does_not_pay_for_twice_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faked(monkeypatch, 1.05, 1.0)
    assert load(config(write_model(tmp_path / "base"), dtype="bfloat16")).dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_nothing_is_timed_where_another_type_is_asked_for(
    dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = faked(monkeypatch, 1, 1)
    assert load(config(write_model(tmp_path / "base"), dtype=dtype)).dtype == getattr(torch, dtype)
    assert not asked


def test_float32_is_not_tried_where_memory_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = faked(monkeypatch, 4, 1)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1000))
    loaded = load(config(write_model(tmp_path / "base"), dtype="bfloat16"))
    assert (loaded.dtype, asked) == (torch.bfloat16, [])
    assert "more than half of the free memory" in loaded.notes[0]


@pytest.mark.parametrize("four", [False, True])
def test_timing_real_steps_leaves_no_trace(four: bool, tmp_path: Path) -> None:
    settings = config(write_model(tmp_path / "base"), dtype="bfloat16", four=four, dropout=0.2)
    untimed, state = load(settings, dtype=torch.bfloat16), torch.random.get_rng_state()
    timed = load(settings)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(p.grad is None for p in timed.model.parameters())
    assert timed.model.training
    assert len(timed.notes) == 1
    theirs = dict(timed.model.named_parameters())
    assert all(torch.equal(p.to(theirs[n].dtype), theirs[n]) for n, p in untimed.model.named_parameters())


def test_the_weights_that_were_mapped_from_the_file_are_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faked(monkeypatch, 1, 4)
    model = load(config(write_model(tmp_path / "base"), dtype="bfloat16"), dtype=torch.bfloat16).model
    before = {name: p.data_ptr() for name, p in model.named_parameters()}
    timing.faster_dtype(model, 64, [])
    assert {name: p.data_ptr() for name, p in model.named_parameters()} == before

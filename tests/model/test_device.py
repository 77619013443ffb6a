"""Which device `--device` means."""

from __future__ import annotations

import pytest
import torch

from longctx.errors import UsageError
from longctx.model.device import choose_device, compute_dtype


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without a GPU, until a test gives it one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return monkeypatch


def give_cuda(machine: pytest.MonkeyPatch, number: int = 1) -> None:
    machine.setattr(torch.cuda, "is_available", lambda: True)
    machine.setattr(torch.cuda, "device_count", lambda: number)
    machine.setattr(torch.cuda, "current_device", lambda: 0)


def test_auto_takes_cuda_then_mps_then_the_processor(machine: pytest.MonkeyPatch) -> None:
    assert choose_device("auto") == torch.device("cpu")
    machine.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")
    give_cuda(machine)
    assert choose_device("auto") == torch.device("cuda", 0)
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("mps") == torch.device("mps")


@pytest.mark.parametrize(("spec", "said"), [("cuda", "CUDA"), ("cuda:0", "CUDA"), ("mps", "MPS")])
def test_a_device_that_is_not_there_is_refused(machine: pytest.MonkeyPatch, spec: str, said: str) -> None:
    machine.setattr(torch.backends.mps, "is_built", lambda: False)
    machine.setattr(torch.backends.cuda, "is_built", lambda: False)
    with pytest.raises(UsageError, match=f"no GPU that PyTorch can use through {said}.*built without {said}"):
        choose_device(spec)


def test_a_gpu_that_is_not_there_is_refused(machine: pytest.MonkeyPatch) -> None:
    give_cuda(machine, 2)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(UsageError, match="there is no GPU 2: this machine has 2, counted from 0"):
        choose_device("cuda:2")


@pytest.mark.parametrize("spec", ["gpu", "cuda:", "cuda:x", "CPU", "", "auto "])
def test_what_is_no_device_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="is no device"):
        choose_device(spec)


def test_a_gpu_without_bfloat16_is_told(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    machine.setattr(torch.cuda, "get_device_name", lambda _: "Tesla T4")
    device = torch.device("cuda", 0)
    with pytest.raises(UsageError, match="Tesla T4 does not compute in bfloat16") as caught:
        compute_dtype("bfloat16", device)
    assert "float16" in (caught.value.hint or "")
    assert compute_dtype("float16", device) == torch.float16
    assert compute_dtype("bfloat16", torch.device("cpu")) == torch.bfloat16

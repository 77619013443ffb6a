from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longctx import DatasetError, OutputError, UsageError

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")

from longctx.train.optimizer_state import load_optimizer, save_optimizer  # noqa: E402 - it imports torch

SHAPES = [(3, 4), (5,), (), (2, 3, 2)]


def weights(dtype: Any = torch.float32, shapes: list[tuple[int, ...]] = SHAPES) -> list[Any]:
    generator = torch.Generator().manual_seed(1)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator).to(dtype)) for shape in shapes]


def train(optimizer: Any, steps: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        for group in optimizer.param_groups:
            for weight in group["params"]:
                weight.grad = torch.randn(weight.shape, generator=generator).to(weight.dtype)
        optimizer.step()


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same: types, dtypes and bits."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return bool(one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


OPTIMIZERS: dict[str, Callable[[list[Any]], Any]] = {
    "fused AdamW": lambda w: torch.optim.AdamW(w, lr=1e-3, fused=True),
    "AdamW of two groups": lambda w: torch.optim.AdamW(
        [{"params": w[:1], "lr": 0.1 + 0.2, "tag": "a"}, {"params": w[1:], "weight_decay": 0.0}], amsgrad=True
    ),
    "AdamW with a tensor as rate": lambda w: torch.optim.AdamW(w, lr=torch.tensor(1e-3), foreach=False),
    "SGD": lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.9),
    "Adafactor": lambda w: torch.optim.Adafactor([p for p in w if p.dim() == 2]),
    "Adam with odd options": lambda w: torch.optim.Adam([{"params": w, "odd": (None, [math.inf, 1e-320], "ä")}]),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_that_goes_on_does_what_one_without_a_break_does(tmp_path: Path, name: str, dtype: Any) -> None:
    path = tmp_path / "optimizer.safetensors"
    straight = weights(dtype)
    optimizer = OPTIMIZERS[name](straight)
    train(optimizer, 3, seed=2)
    save_optimizer(optimizer, path)
    resumed = [torch.nn.Parameter(weight.detach().clone()) for weight in straight]
    other = OPTIMIZERS[name](resumed)
    for group in other.param_groups:
        group["lr"] = 77.0
    load_optimizer(other, path)
    assert same(optimizer.state_dict(), other.state_dict())
    path.unlink()
    train(optimizer, 3, seed=3)
    train(other, 3, seed=3)
    assert same([w.detach() for w in straight], [w.detach() for w in resumed])
    assert same(optimizer.state_dict(), other.state_dict())


def test_state_before_the_first_step_and_of_another_dtype_than_the_weight(tmp_path: Path) -> None:
    path = tmp_path / "o"
    optimizer = torch.optim.SGD(weights(torch.bfloat16), lr=0.1, momentum=0.9)
    save_optimizer(optimizer, path)
    load_optimizer(optimizer, path)
    assert optimizer.state_dict()["state"] == {}
    first, second = optimizer.param_groups[0]["params"][:2]
    optimizer.state[first]["momentum_buffer"] = torch.full((3, 4), 1 + 2**-20)
    # Views of one tensor, one of them across its memory.
    optimizer.state[second]["views"] = torch.arange(6.0).view(2, 3).t()
    optimizer.state[second]["more"] = optimizer.state[second]["views"].t()[0]
    save_optimizer(optimizer, path)
    other = torch.optim.SGD(weights(torch.bfloat16), lr=0.1, momentum=0.9)
    load_optimizer(other, path)
    assert same(other.state_dict(), optimizer.state_dict())


def test_the_state_of_other_weights_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "o"
    optimizer = torch.optim.AdamW(weights())
    train(optimizer, 1, seed=1)
    save_optimizer(optimizer, path)
    others = {
        "is the state for 4 weights, but 3 are trained": torch.optim.AdamW(weights(shapes=SHAPES[:3])),
        r"number 0 has shape \[3, 4\] there and \[4, 3\] here": torch.optim.AdamW(
            weights(shapes=[(4, 3), *SHAPES[1:]])
        ),
        "is the state of AdamW, not of SGD": torch.optim.SGD(weights(), lr=5.0),
    }
    for message, other in others.items():
        before = other.state_dict()
        with pytest.raises(UsageError, match=message) as caught:
            load_optimizer(other, path)
        assert caught.value.exit_code == 2
        assert same(other.state_dict(), before)


def test_files_that_hold_no_such_state_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "o"
    optimizer = torch.optim.AdamW(weights())
    train(optimizer, 1, seed=1)
    save_optimizer(optimizer, path)
    content = path.read_bytes()
    for damage in (content[:-1], content[:40], b"", content.replace(b"AdamW", b"Adam\\")):
        path.write_bytes(damage)
        with pytest.raises(DatasetError, match="is damaged: "):
            load_optimizer(optimizer, path)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(DatasetError, match="does not hold the state of an optimiser"):
        load_optimizer(optimizer, path)
    path.unlink()
    with pytest.raises(DatasetError, match="cannot be read: no such file"):
        load_optimizer(optimizer, path)


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    optimizer = torch.optim.SGD([{"params": weights(), "odd": object()}], lr=0.1)
    with pytest.raises(TypeError, match=r"param_groups\.0\.odd is of type object"):
        save_optimizer(optimizer, tmp_path / "o")
    with pytest.raises(OutputError, match=r"cannot write .*/missing/o: no such file or directory"):
        save_optimizer(torch.optim.SGD(weights(), lr=0.1), tmp_path / "missing" / "o")

"""The dropout for processors."""

from __future__ import annotations

import pytest
import torch

from longctx.model.dropout import PackedDropout, use_packed_dropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("p", [0.05, 0.5, 0.9])
def test_so_many_are_dropped_and_the_rest_scaled_so_that_the_mean_stays(dtype: torch.dtype, p: float) -> None:
    torch.manual_seed(0)
    layer = PackedDropout(p)
    values = torch.ones(400_003, dtype=dtype)
    dropped = layer(values)
    assert dropped.dtype == dtype
    share = float((dropped == 0).double().mean())
    # Five standard deviations.
    assert share == pytest.approx(p, abs=5 * (p * (1 - p) / len(values)) ** 0.5)
    kept = dropped[dropped != 0]
    assert torch.all(kept == kept[0])
    assert float(kept[0]) == pytest.approx(1 / (1 - p), rel=4e-3 if dtype == torch.bfloat16 else 1e-3)


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(0)
    kept = (PackedDropout(0.5)(torch.ones(1_000_000)) != 0).double() - 0.5
    for distance in (1, 2, 3, 4, 5, 8):
        correlation = float((kept[distance:] * kept[:-distance]).mean() * 4)
        assert abs(correlation) < 5 / 1_000_000**0.5


def test_gradients_pass_where_values_did() -> None:
    torch.manual_seed(0)
    values = torch.randn(3, 7, 5, requires_grad=True)
    dropped = PackedDropout(0.4)(values)
    dropped.backward(torch.ones_like(dropped))
    scale = 65536 / (65536 - round(0.4 * 65536))
    assert values.grad is not None
    assert torch.equal(values.grad != 0, dropped != 0)
    assert torch.allclose(values.grad[values.grad != 0], torch.tensor(scale))


def test_the_same_seed_drops_the_same() -> None:
    layer, values = PackedDropout(0.3), torch.ones(1000)
    torch.manual_seed(7)
    first = layer(values)
    second = layer(values)
    torch.manual_seed(7)
    assert torch.equal(layer(values), first)
    assert not torch.equal(first, second)


def test_nothing_is_dropped_outside_of_training() -> None:
    values = torch.randn(100)
    assert torch.equal(PackedDropout(0.5).eval()(values), values)
    assert torch.equal(PackedDropout(0.0)(values), values)


def test_only_the_dropouts_of_adapters_are_replaced() -> None:
    model = torch.nn.Module()
    model.plain = torch.nn.Dropout(0.1)
    model.layer = torch.nn.Module()
    model.layer.lora_dropout = torch.nn.ModuleDict({"a": torch.nn.Dropout(0.2), "b": torch.nn.Identity()})
    use_packed_dropout(model)
    assert isinstance(model.plain, torch.nn.Dropout)
    assert isinstance(model.layer.lora_dropout["a"], PackedDropout)
    assert model.layer.lora_dropout["a"].p == 0.2
    assert isinstance(model.layer.lora_dropout["b"], torch.nn.Identity)

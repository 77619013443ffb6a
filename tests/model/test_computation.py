"""The loss, and forward passes that compute what PEFT's compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from longctx.model.adapted import compute_lean
from longctx.model.computation import summed_loss
from tests.model.conftest import load
from tests.model.families import FAMILIES, config, write_model

IDS = torch.tensor([[3, 96, 7, 97, 11, 12, 98, 96, 5, 6, 7, 8], [1, 2, 3, 4, 96, 6, 7, 8, 9, 10, 11, 12]])


def drawn(model: Any) -> Any:
    """The model with adapters that do something."""
    generator = torch.Generator().manual_seed(4)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    return model


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    tied = {} if request.param in {"llama", "qwen2"} else {"tie_word_embeddings": True}
    return drawn(load(config(write_model(tmp_path / "base", request.param, **tied), dropout=0.3)).model)


def by_hand(model: Any, ids: torch.Tensor, labels: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    logits = model(input_ids=ids, attention_mask=mask).logits.float()
    return functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="sum")


def test_the_loss_is_the_summed_cross_entropy_of_labelled_positions(model: Any) -> None:
    model.eval()
    labels = IDS.clone()
    labels[:, :5] = -100
    labels[1, 9:] = -100
    expected = by_hand(model, IDS, labels)
    found = summed_loss(model, IDS, labels)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    # A label at the first position is predicted from nothing.
    labels[:, 0] = 3
    assert summed_loss(model, IDS, labels).item() == pytest.approx(expected.item(), rel=1e-5)


def test_padding_at_the_end_changes_nothing_masked_or_not(model: Any) -> None:
    model.eval()
    expected = summed_loss(model, IDS[:1, :8], IDS[:1, :8]).item()
    labels, mask = IDS[:1].clone(), torch.ones_like(IDS[:1])
    labels[:, 8:], mask[:, 8:] = -100, 0
    assert summed_loss(model, IDS[:1], labels).item() == pytest.approx(expected, rel=1e-5)
    assert summed_loss(model, IDS[:1], labels, mask).item() == pytest.approx(expected, rel=1e-5)


def test_logits_are_made_only_where_a_label_needs_them(model: Any) -> None:
    made = []
    head = model.get_base_model().get_output_embeddings()
    head.register_forward_hook(lambda *call: made.append(call[2].shape))
    labels = torch.full_like(IDS, -100)
    labels[0, 4], labels[1, 7] = 1, 2
    summed_loss(model, IDS, labels)
    assert [shape[:2] for shape in made] == [(2, 2)]


def test_a_batch_without_labels_is_an_error(model: Any) -> None:
    with pytest.raises(ValueError, match="no position of the batch has a label"):
        summed_loss(model, IDS, torch.full_like(IDS, -100))


def gradients(model: Any) -> dict[str, torch.Tensor]:
    torch.manual_seed(7)
    summed_loss(model, IDS, IDS).backward()
    found = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    return found


def as_peft(model: Any) -> Any:
    for module in model.modules():
        module.__dict__.pop("forward", None)
    return model


def test_losses_and_gradients_are_those_of_peft(model: Any) -> None:
    ours, found = gradients(model), summed_loss(model.eval(), IDS, IDS)
    theirs = gradients(as_peft(model).train())
    expected = summed_loss(model.eval(), IDS, IDS)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        assert gradient.dtype == torch.float32
        # With dropout on: its masks are the same too.
        torch.testing.assert_close(gradient, theirs[name], rtol=1e-3, atol=1e-4 * theirs[name].abs().max().item())


def test_disabled_and_merged_adapters_go_the_way_of_peft(model: Any) -> None:
    model.eval()
    with torch.no_grad():
        ours = model(input_ids=IDS).logits
        with model.disable_adapter():
            base = model(input_ids=IDS[:, 8:]).logits
        as_peft(model)
        with model.disable_adapter():
            expected = model(input_ids=IDS[:, 8:]).logits
        compute_lean(model)
        model.merge_adapter()
        merged = model(input_ids=IDS).logits
    assert not torch.equal(ours[:, 8:], base)
    assert torch.equal(base, expected)
    torch.testing.assert_close(merged, ours, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_in_bfloat16_gradients_are_as_good_as_those_of_peft(family: str, tmp_path: Path) -> None:
    base = write_model(tmp_path / "base", family)
    settings = config(base, dtype="bfloat16", dropout=0.0)
    exact = gradients(drawn(load(settings, dtype=torch.float32).model))
    model = drawn(load(settings, dtype=torch.bfloat16).model)
    ours = gradients(model)
    theirs = gradients(as_peft(model))

    def error(found: dict[str, torch.Tensor]) -> float:
        whole = torch.cat([gradient.flatten() for gradient in exact.values()])
        difference = torch.cat([found[name].flatten() - gradient.flatten() for name, gradient in exact.items()])
        return float(difference.norm() / whole.norm())

    assert error(ours) < max(1.5 * error(theirs), 0.02)
    assert error(ours) < 0.1


def test_no_gradient_of_a_whole_embedding_is_made(tmp_path: Path) -> None:
    """PEFT's own way makes one of all rows where a few are trained."""
    model = load(config(write_model(tmp_path / "base", "starcoder2"))).model
    shapes: set[tuple[int, ...]] = set()

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **kwargs or {})
            if isinstance(result, torch.Tensor) and not function.is_view:
                shapes.add(tuple(result.shape))
            return result

    rows = model.get_input_embeddings().token_adapter.base_layer.weight.shape
    loss = summed_loss(model, IDS, IDS)
    with Watch():
        loss.backward()
    assert tuple(rows) not in shapes
    shapes.clear()
    loss = summed_loss(as_peft(model), IDS, IDS)
    with Watch():
        loss.backward()
    assert tuple(rows) in shapes


def test_rows_must_be_ascending(tmp_path: Path) -> None:
    model = load(config(write_model(tmp_path / "base"))).model
    model.get_input_embeddings().token_adapter.token_indices["default"] = [97, 96, 98]
    compute_lean(model)
    with pytest.raises(ValueError, match="not in ascending order"):
        summed_loss(model, IDS, IDS)

"""One optimiser step, against plain PyTorch on the same sequences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longctx.data.shards import open_dataset
from longctx.model.load import load_model
from longctx.model.source import find_model
from longctx.schedule import LongContextPhaseScheduler
from longctx.train.plan import Plan
from longctx.train.processes import Processes
from longctx.train.step import Abandoned, Stepper
from tests.train import tiny


@pytest.fixture
def made(tiny_dataset: Path, tiny_model: Path) -> tuple[Stepper, Plan, Any]:
    return _made(tiny_dataset, tiny_model)


def _made(tiny_dataset: Path, tiny_model: Path, dropout: float = 0.0, **options: Any) -> tuple[Stepper, Plan, Any]:
    config = tiny.config(model__name=str(tiny_model), model__lora__dropout=dropout)
    dataset = open_dataset(tiny_dataset)
    cpu = torch.device("cpu")
    loaded = load_model(config, find_model(config.model), cpu, dataset.manifest, dtype=torch.float32, seed=1)
    plan = Plan(dataset, LongContextPhaseScheduler(config), seed=1)
    weights = [p for p in loaded.model.parameters() if p.requires_grad]
    stepper = Stepper(
        loaded,
        dataset,
        torch.optim.SGD(weights, lr=1.0),
        lengths=plan.lengths,
        learnt=plan.learnt,
        batch_size=options.pop("batch_size", 1),
        max_norm=options.pop("max_norm", 1e9),
        seed=1,
        processes=Processes(cpu),
        **options,
    )
    return stepper, plan, dataset


def _reference(stepper: Stepper, dataset: Any, rows: list[int]) -> tuple[float, dict[str, torch.Tensor]]:
    """Loss and gradients in the plainest way: all logits, one mean over all learnt tokens."""
    model = stepper.loaded.model
    total, count = torch.zeros((), dtype=torch.float64), 0
    for row in rows:
        ids = torch.from_numpy(np.asarray(dataset.tokens(row), dtype=np.int64))[None]
        start = max(dataset.loss_start(row), 1)
        scores = torch.log_softmax(model(input_ids=ids).logits[0].double(), dim=-1)
        total = total - scores[torch.arange(start - 1, ids.shape[1] - 1), ids[0, start:]].sum()
        count += ids.shape[1] - start
    loss = total / count
    loss.backward()
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad and p.grad is not None}
    model.zero_grad(set_to_none=True)
    return float(loss.detach()), found


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("pad_to", [(), (300,)])
def test_a_step_is_that_of_the_mean_over_all_learnt_tokens(
    batch_size: int, pad_to: tuple[int, ...], tiny_dataset: Path, tiny_model: Path
) -> None:
    stepper, _, dataset = _made(tiny_dataset, tiny_model, batch_size=batch_size, pad_to=pad_to)
    rows = [0, 3, 5, 8, 9]
    loss, gradients = _reference(stepper, dataset, rows)
    before = {n: p.detach().clone() for n, p in stepper.loaded.model.named_parameters() if p.requires_grad}
    outcome = stepper.step(np.array(rows), 1, 0)
    assert outcome.loss == pytest.approx(loss, rel=1e-6)
    norm = torch.sqrt(sum(((g.double() ** 2).sum() for g in gradients.values()), torch.zeros(())))
    assert outcome.norm == pytest.approx(float(norm), rel=1e-4)
    for name, parameter in stepper.loaded.model.named_parameters():
        if name in gradients:
            moved = before[name] - parameter.detach()
            assert torch.allclose(moved, gradients[name], atol=1e-5 * float(gradients[name].abs().max()) + 1e-9), name


def test_gradients_are_scaled_down_to_the_greatest_norm(tiny_dataset: Path, tiny_model: Path) -> None:
    stepper, _, _ = _made(tiny_dataset, tiny_model, max_norm=1e-3)
    before = [p.detach().clone() for p in stepper.parameters]
    outcome = stepper.step(np.array([0, 1]), 1, 0)
    moved = torch.sqrt(sum(((a - b.detach()) ** 2).sum() for a, b in zip(before, stepper.parameters, strict=True)))
    assert outcome.norm > 1e-3
    assert float(moved) == pytest.approx(1e-3, rel=1e-3)


def test_dropout_depends_on_the_place_in_the_run_alone(tiny_dataset: Path, tiny_model: Path) -> None:
    rows = np.array([0, 1, 2])
    losses = []
    for disturb in (0, 5):
        stepper, _, _ = _made(tiny_dataset, tiny_model, dropout=0.5)
        stepper.step(rows, 1, 0)
        torch.rand(disturb)
        losses.append([stepper.step(rows, 1, 3).loss, stepper.step(rows, 2, 3).loss])
    assert losses[0] == losses[1]
    assert losses[0][0] != losses[0][1]


def test_a_step_that_is_given_up_changes_nothing(made: tuple[Stepper, Plan, Any]) -> None:
    stepper, _, _ = made
    before = [p.detach().clone() for p in stepper.parameters]
    answers = iter([False, False, True])
    with pytest.raises(Abandoned):
        stepper.step(np.array([0, 1, 2]), 1, 0, lambda: next(answers))
    assert all(torch.equal(a, b) for a, b in zip(before, stepper.parameters, strict=True))
    assert all(p.grad is None for p in stepper.parameters)


def test_a_probe_leaves_no_trace(made: tuple[Stepper, Plan, Any]) -> None:
    stepper, _, _ = made
    before = [p.detach().clone() for p in stepper.parameters]
    assert stepper.probe(0) > 0
    assert all(torch.equal(a, b) for a, b in zip(before, stepper.parameters, strict=True))
    assert all(p.grad is None for p in stepper.parameters)
    assert not stepper.micros


def test_an_infinite_gradient_leaves_the_step_out_and_names_its_sequence(
    made: tuple[Stepper, Plan, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from longctx.model.computation import summed_loss

    stepper, plan, dataset = made
    # Told apart by their lengths.
    lengths, rows = np.unique(plan.lengths, return_index=True)
    odd = int(lengths[1])

    def broken(model: Any, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = summed_loss(model, ids, labels)
        if ids.shape[1] == odd:
            loss.register_hook(lambda gradient: gradient * float("inf"))
        return loss

    monkeypatch.setattr("longctx.train.step.summed_loss", broken)
    before = [p.detach().clone() for p in stepper.parameters]
    outcome = stepper.step(rows[:3], 1, 0)
    assert outcome.offender == dataset.meta(int(rows[1]))["id"]
    assert all(torch.equal(a, b) for a, b in zip(before, stepper.parameters, strict=True))

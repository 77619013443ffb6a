from __future__ import annotations

from pathlib import Path

import pytest

from longctx import Config, open_dataset
from longctx.schedule import LongContextPhaseScheduler
from longctx.train.budget import Pace
from longctx.train.costs import epoch_costs
from longctx.train.plan import Plan
from tests.data.handmade import Row, write_dataset

LENGTHS = {"phase1_min_length": 8, "phase1_max_length": 64, "phase2_min_length": 65, "phase2_max_length": 128}


def test_an_epoch_costs_what_its_sequences_a_step_and_a_validation_take(tmp_path: Path) -> None:
    rows = [
        *(Row("train", [(f"{n}.py", "x = 1\n")], difficulty=("easy", "medium")[n % 2]) for n in range(10)),
        Row("train", [("b.py", "x = 1\n")], band=2),
        *(Row("val", [(f"v{n}.py", "x = 1\n")], seen=n == 0) for n in range(4)),
    ]
    config = Config.from_dict({"long_context": {**LENGTHS, "replay_share": 0.0}})
    dataset = open_dataset(write_dataset(tmp_path / "d", rows), checksums=False)
    plan = Plan(dataset, LongContextPhaseScheduler(config, {1: 2, 2: 1}), seed=1)
    pace = Pace()
    pace.observe(1, 1, 1.0)
    pace.observe(2, 1, 10.0)

    first, second, third = epoch_costs(plan, pace, sequences_per_step=4, validation_limit=2, processes=2)
    assert [(cost.epoch, cost.phase) for cost in (first, second, third)] == [(1, 1), (2, 1), (3, 2)]
    assert first.training == plan.lengths[plan.pool(1)].sum() / 2
    assert second.training == plan.lengths[plan.pool(2)].sum() / 2
    assert first.step == pytest.approx(first.training * 4 / 5)
    assert second.step == pytest.approx(second.training * 4 / 10)
    validated = [row for rows in plan.validation(1, 2).values() for row in rows]
    assert len(validated) == 3
    assert first.validation == pytest.approx(plan.lengths[validated].sum() / 2 / 3)
    # Its only sequence is all of a step, and there is nothing to validate it on.
    assert third.training == third.step == plan.lengths[10] * 10 / 2
    assert third.validation == 0

"""Whole runs within a budget, on a machine that is simulated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longctx.errors import UsageError
from longctx.train.budget import Budget, Pace, decide_epochs
from longctx.train.costs import EpochCost

HOUR = 3600.0
BATCH = 16


@dataclass
class Machine:
    """Seconds that things take; `now` is the time since the run began."""

    noise: float = 0.1
    probe_errors: Sequence[float] = (1.0, 1.0, 1.0)
    drift: Callable[[float], float] = lambda now: 1.0
    forward: float = 1 / 3
    rate: float = 0.01
    seed: int = 0
    now: float = 0.0
    longest_step: float = 0.0
    longest_validation: float = 0.0
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)

    def takes(self, tokens: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        exact = self.rate * tokens * (1 + tokens / 8192) * self.drift(self.now)
        noisy: np.ndarray[Any, Any] = exact * self.random.lognormal(0, self.noise, len(tokens))
        return noisy


@dataclass
class Outcome:
    machine: Machine
    total: float
    epochs: dict[int, int]
    steps: dict[int, int]
    training: dict[int, float]
    everything: bool = True
    last_whole: bool = False
    left_out: int = 0


def pools(sizes: Sequence[int], epochs: dict[int, int]) -> dict[int, list[np.ndarray[Any, Any]]]:
    """Lengths in tokens of the sequences of each epoch of each phase; more of them in the second half of its epochs."""
    random = np.random.default_rng(1)
    found = {}
    for phase, count in epochs.items():
        longest = 512 * 2**phase
        lengths = random.integers(longest * 3 // 4, longest + 1, sizes[phase - 1])
        found[phase] = [lengths[: len(lengths) * 2 // 3] if 2 * (e + 1) <= count else lengths for e in range(count)]
    return found


def costs_of(phases: dict[int, list[np.ndarray[Any, Any]]], pace: Pace, validated: int) -> list[EpochCost]:
    costs: list[EpochCost] = []
    for phase, epochs in phases.items():
        for lengths in epochs:
            seconds = pace.seconds(np.full(len(lengths), phase), lengths)
            validation = float(seconds.mean()) * validated / 3
            step = float(seconds.mean()) * min(BATCH, len(lengths))
            costs.append(EpochCost(len(costs) + 1, phase, float(seconds.sum()), step, validation))
    return costs


def simulate(
    total: float,
    machine: Machine,
    sizes: Sequence[int] = (800, 400),
    configured: Sequence[int] = (5, 8),
    validated: int = 30,
    saving: float = 2.0,
    ample: float = 1.0,
) -> Outcome:
    """Trains as the loop does; refuses budgets that are less than `ample` times the least."""
    wanted = dict(enumerate(configured, 1))
    pace = Pace()
    machine.now += 20.0
    for phase in wanted:
        longest = np.array([512 * 2**phase])
        seconds = float(machine.takes(longest)[0])
        machine.now += seconds
        pace.observe(phase, int(longest[0]), seconds * machine.probe_errors[phase - 1])
    decide_epochs(total / ample, machine.now, costs_of(pools(sizes, wanted), pace, validated), saving)
    epochs = decide_epochs(total, machine.now, costs_of(pools(sizes, wanted), pace, validated), saving)
    phases = pools(sizes, epochs)
    budget = Budget(total, costs_of(phases, pace, validated), saving, wanted)
    outcome = Outcome(machine, total, epochs, dict.fromkeys(epochs, 0), dict.fromkeys(epochs, 0.0))

    def validate(phase: int) -> None:
        seconds = float(machine.takes(phases[phase][-1][:validated]).sum()) * machine.forward
        machine.now += seconds
        machine.longest_validation = max(machine.longest_validation, seconds)
        budget.observe_validation(phase, seconds)

    number = 0
    for phase, its in phases.items():
        validate(phase)
        for lengths in its:
            number += 1
            budget.revise(costs_of(phases, pace, validated))
            limit = budget.limit(number, machine.now)
            if limit == 0:
                outcome.everything = False
                outcome.left_out += 1
                continue
            waiting = machine.random.permutation(lengths)
            while len(waiting):
                expected = np.cumsum(pace.seconds(np.full(len(waiting), phase), waiting))
                chosen = waiting[: max(int(np.searchsorted(expected, limit, side="right")), 1)]
                done = train(machine, budget, pace, phase, chosen, outcome)
                waiting = waiting[done:]
                # The last epoch has nobody to leave its time to.
                limit = budget.left(machine.now)
                if done < len(chosen) or not budget.is_last:
                    break
            outcome.last_whole = not len(waiting)
            outcome.everything &= outcome.last_whole
            validate(phase)
            machine.now += saving
    machine.now += saving
    return outcome


def train(
    machine: Machine, budget: Budget, pace: Pace, phase: int, chosen: np.ndarray[Any, Any], outcome: Outcome
) -> int:
    """Takes optimiser steps while there is time; returns how many sequences were read."""
    for start in range(0, len(chosen), BATCH):
        step = chosen[start : start + BATCH]
        bands = np.full(len(step), phase)
        if budget.time_is_up(machine.now, float(pace.seconds(bands, step).sum())):
            return start
        seconds = machine.takes(step)
        for tokens, took in zip(step.tolist(), seconds.tolist(), strict=True):
            pace.observe(phase, tokens, took)
        machine.now += float(seconds.sum())
        machine.longest_step = max(machine.longest_step, float(seconds.sum()))
        outcome.steps[phase] += 1
        outcome.training[phase] += float(seconds.sum())
    return len(chosen)


def check(outcome: Outcome) -> None:
    machine = outcome.machine
    assert machine.now <= outcome.total + machine.longest_step
    # What is left when the last epoch has nothing more to teach, or is no more than one step of an epoch, is of no use.
    unused = outcome.total - machine.now
    of_no_use = 1.2 * (machine.longest_step + machine.longest_validation)
    assert outcome.last_whole or unused <= max(0.1 * outcome.total, of_no_use)
    assert all(outcome.steps.values())


def test_a_steady_machine_is_used_to_the_end_in_the_proportion_of_the_phases() -> None:
    outcome = simulate(12 * HOUR, Machine(noise=0.0))
    check(outcome)
    assert outcome.epochs == {1: 5, 2: 8}
    full = {1: (2 * 533 + 3 * 800) * 900, 2: (4 * 266 + 4 * 400) * 1800}
    wanted = full[1] * (1 + 900 / 8192) / (full[1] * (1 + 900 / 8192) + full[2] * (1 + 1800 / 8192))
    assert outcome.training[1] / sum(outcome.training.values()) == pytest.approx(wanted, abs=0.03)
    assert outcome.machine.now >= 0.97 * outcome.total


def test_with_time_for_everything_everything_is_trained() -> None:
    outcome = simulate(60 * HOUR, Machine(noise=0.3))
    check(outcome)
    assert outcome.everything
    assert outcome.epochs == {1: 5, 2: 8}
    assert outcome.machine.now < 40 * HOUR


@pytest.mark.parametrize("hours", [0.5, 1, 2, 4, 8, 16])
@pytest.mark.parametrize("drift", [0.7, 1.0, 1.6], ids=["faster", "steady", "slower"])
@pytest.mark.parametrize("errors", [(1.0, 1.0, 1.0), (0.7, 1.4, 1.0), (1.4, 0.7, 1.0)], ids=["exact", "low", "high"])
def test_runs_end_on_time_whatever_the_machine_does(hours: float, drift: float, errors: tuple[float, ...]) -> None:
    total = hours * HOUR
    check(simulate(total, Machine(drift=lambda now: 1 + (drift - 1) * now / total, probe_errors=errors)))


def test_a_machine_that_suddenly_halves_its_speed_still_ends_on_time() -> None:
    for moment in (0.1, 0.5, 0.9):
        check(simulate(4 * HOUR, Machine(drift=lambda now, m=moment: 2.0 if now > m * 4 * HOUR else 1.0)))  # type: ignore[misc]


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    hours=st.floats(0.4, 12),
    noise=st.floats(0, 0.3),
    slower=st.floats(0.7, 1.6),
    errors=st.tuples(*[st.floats(0.7, 1.4)] * 3),
    forward=st.floats(0.25, 0.45),
    configured=st.lists(st.integers(1, 8), min_size=1, max_size=3),
    sizes=st.tuples(st.integers(20, 900), st.integers(20, 500), st.integers(20, 200)),
    seed=st.integers(0, 1000),
)
def test_any_run_ends_on_time_with_every_phase_fed(
    hours: float,
    noise: float,
    slower: float,
    errors: tuple[float, ...],
    forward: float,
    configured: list[int],
    sizes: tuple[int, ...],
    seed: int,
) -> None:
    total = hours * HOUR
    machine = Machine(noise, errors, lambda now: 1 + (slower - 1) * min(now / total, 1), forward, seed=seed)
    try:
        outcome = simulate(total, machine, sizes, configured, ample=3.0)
    except UsageError:
        return
    check(outcome)


def test_a_machine_far_slower_than_the_probe_leaves_epochs_out_rather_than_a_phase() -> None:
    outcome = simulate(2 * HOUR, Machine(probe_errors=(0.1, 0.1, 0.1)))
    check(outcome)
    assert outcome.left_out


def test_a_small_budget_has_fewer_epochs_of_enough_steps() -> None:
    outcome = simulate(3 * HOUR, Machine(noise=0.05))
    check(outcome)
    assert outcome.epochs[2] < 8
    assert all(outcome.steps[phase] >= 3.5 * count for phase, count in outcome.epochs.items())

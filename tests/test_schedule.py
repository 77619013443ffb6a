from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longctx.config import Config
from longctx.difficulty import LEVELS
from longctx.errors import UsageError
from longctx.schedule import LongContextPhaseScheduler, apportion, draws, hash_ids


def scheduler(epochs: Any = None, **keys: dict[str, Any]) -> LongContextPhaseScheduler:
    return LongContextPhaseScheduler(Config.from_dict(keys), epochs)


THREE: dict[str, dict[str, Any]] = {"pack": {"sequence_length": 4096}, "long_context": {"phase3_enabled": True}}


BLAKE2B = ("6e446b5851bc5dff", "f0f2715bfaad6667", "cb1abf8beff3192f")
"""What `b2sum -l 64` says of val-00000-0, h-3FA9 and é."""


def sequence(name: str = "h-3fa9c2d1e0b45566", *, band: int = 1, difficulty: str = "easy") -> dict[str, Any]:
    return {"id": name, "band": band, "difficulty": difficulty}


def test_the_default_phases_are_five_and_eight_epochs_and_the_third_eight_if_enabled() -> None:
    assert [(p.number, p.first_epoch, p.last_epoch) for p in scheduler().phases] == [(1, 1, 5), (2, 6, 13)]
    phases = scheduler(**THREE).phases
    assert [(p.first_epoch, p.last_epoch, p.epochs) for p in phases] == [(1, 5, 5), (6, 13, 8), (14, 21, 8)]
    assert [(p.min_length, p.max_length, p.lr_multiplier) for p in phases] == [
        (512, 1024, 1.0),
        (1536, 2048, 0.5),
        (3072, 4096, 0.1),
    ]
    assert scheduler(**THREE).epochs == 21


def test_every_epoch_has_one_phase_and_others_are_refused() -> None:
    three = scheduler(**THREE)
    assert [three.get_phase_at_epoch(epoch).number for epoch in range(1, 22)] == [1] * 5 + [2] * 8 + [3] * 8
    for outside in (0, 22, -1):
        with pytest.raises(ValueError, match=f"epochs 1 to 21, not {outside}"):
            three.get_phase_at_epoch(outside)


def test_the_ceiling_rises_in_the_middle_of_a_phase() -> None:
    three = scheduler(**THREE)
    ceilings = [three.get_phase_at_epoch(epoch).ceiling(epoch) for epoch in range(1, 22)]
    assert ceilings[:5] == ["easy"] * 2 + ["medium"] * 3
    assert ceilings[5:13] == ["medium"] * 4 + ["hard"] * 4
    assert ceilings[13:] == ["hard"] * 4 + ["very_hard"] * 4


def test_a_phase_of_one_epoch_has_its_upper_ceiling_at_once() -> None:
    phase = scheduler({1: 1, 2: 2}).phases[0]
    assert phase.ceiling(1) == "medium"
    with pytest.raises(ValueError, match="not 2"):
        phase.ceiling(2)


def test_a_number_of_epochs_is_split_in_the_configured_proportion() -> None:
    assert [phase.epochs for phase in scheduler(13).phases] == [5, 8]
    assert [phase.epochs for phase in scheduler(26).phases] == [10, 16]
    assert [phase.epochs for phase in scheduler(2).phases] == [1, 1]
    assert [phase.epochs for phase in scheduler(4, **THREE).phases] == [1, 2, 1]
    uneven: dict[str, dict[str, Any]] = {"long_context": {"phase1_epochs": 1, "phase2_epochs": 19}}
    assert [phase.epochs for phase in scheduler(3, **uneven).phases] == [1, 2]


def test_fewer_epochs_than_phases_are_refused_with_advice() -> None:
    with pytest.raises(UsageError, match="the number of epochs, 2, is smaller than that of the phases, 3") as error:
        scheduler(2, **THREE)
    assert error.value.hint == "ask for 3 epochs or more, or set long_context.phase3_enabled to false"
    with pytest.raises(UsageError) as error:
        scheduler(0)
    assert error.value.hint == "ask for 2 epochs or more"


def test_epochs_by_phase_must_be_of_the_enabled_phases() -> None:
    assert [phase.epochs for phase in scheduler({2: 3, 1: 2}).phases] == [2, 3]
    for wrong in ({1: 1}, {1: 1, 2: 0}, {1: 1, 2: 1, 3: 1}):
        with pytest.raises(ValueError, match="expected one epoch or more for each of the phases"):
            scheduler(wrong)


@given(st.dictionaries(st.integers(1, 9), st.integers(1, 1000), min_size=1), st.integers(0, 3000))
def test_shares_are_proportional_and_at_least_one(sizes: dict[int, int], more: int) -> None:
    total = len(sizes) + more
    shares = apportion(sizes, total)
    assert list(shares) == list(sizes)
    assert sum(shares.values()) == total
    assert min(shares.values()) >= 1
    if total <= sum(sizes.values()):
        assert all(shares[number] <= size for number, size in sizes.items())
    large = [number for number in sizes if shares[number] > 1]
    for one in large:
        for other in large:
            if sizes[one] > sizes[other]:
                assert shares[one] >= shares[other]


def test_a_run_of_one_band_has_one_phase_of_every_difficulty() -> None:
    one = scheduler(pack={"long_context_mode": False, "sequence_length": 3000})
    (phase,) = one.phases
    assert (phase.number, phase.epochs, phase.min_length, phase.max_length) == (1, 5, 1500, 3000)
    assert phase.lr_multiplier == 1
    assert one.should_include_sequence(sequence(difficulty="very_hard"), 5)
    assert not one.should_include_sequence(sequence(difficulty="hard"), 1)


def test_a_sequence_takes_part_if_its_band_is_the_phase_and_it_is_not_too_hard() -> None:
    assert scheduler().should_include_sequence(sequence(), 1)
    assert not scheduler().should_include_sequence(sequence(difficulty="medium"), 2)
    assert scheduler().should_include_sequence(sequence(difficulty="medium"), 3)
    assert not scheduler().should_include_sequence(sequence(difficulty="hard"), 5)
    assert not scheduler().should_include_sequence(sequence(band=2), 5)
    assert scheduler().should_include_sequence(sequence(band=2, difficulty="hard"), 13)
    assert not scheduler().should_include_sequence(sequence(band=3), 13)
    with pytest.raises(ValueError, match="no difficulty 'simple'"):
        scheduler().should_include_sequence(sequence(difficulty="simple"), 1)


def taking_part(
    epoch: int, schedule: LongContextPhaseScheduler, difficulty: int = 0, band: int = 1
) -> np.ndarray[Any, Any]:
    ids = hash_ids(f"h-{number:016x}" for number in range(20_000))
    return schedule.include(
        ids, np.full(len(ids), band, dtype=np.uint8), np.full(len(ids), difficulty, dtype=np.uint8), epoch
    )


def test_a_share_of_shorter_sequences_is_replayed_and_drawn_anew_each_epoch() -> None:
    first, second = taking_part(6, scheduler()), taking_part(7, scheduler())
    assert first.mean() == pytest.approx(0.2, abs=0.01)
    assert second.mean() == pytest.approx(0.2, abs=0.01)
    assert (first & second).mean() == pytest.approx(0.04, abs=0.01)
    assert taking_part(20, scheduler(**THREE), band=2).mean() == pytest.approx(0.2, abs=0.01)
    assert not taking_part(6, scheduler(), difficulty=2).any()
    assert taking_part(13, scheduler(), difficulty=2).mean() == pytest.approx(0.2, abs=0.01)


def test_the_replayed_share_can_be_none_or_all() -> None:
    assert not taking_part(6, scheduler(long_context={"replay_share": 0.0})).any()
    assert taking_part(6, scheduler(long_context={"replay_share": 1.0})).all()


def test_the_replayed_sequences_depend_on_the_seed_and_nothing_else() -> None:
    first = taking_part(6, scheduler())
    assert np.array_equal(first, taking_part(6, scheduler()))
    assert np.array_equal(first, taking_part(6, scheduler({1: 5, 2: 2})))
    other = taking_part(6, scheduler(training={"seed": 7}))
    assert (first & other).mean() == pytest.approx(0.04, abs=0.01)


def test_one_sequence_and_many_are_decided_alike() -> None:
    three = scheduler(**THREE)
    random = np.random.default_rng(0)
    names = [f"{'hcq'[n % 3]}-{random.integers(2**63):016x}" for n in range(300)] + ["another", "h-12", "val-00000-1"]
    bands = random.integers(1, 4, len(names)).astype(np.uint8)
    difficulties = random.integers(0, 4, len(names)).astype(np.uint8)
    for epoch in range(1, 22):
        many = three.include(hash_ids(names), bands, difficulties, epoch)
        single = [
            three.should_include_sequence(sequence(name, band=int(band), difficulty=LEVELS[difficulty]), epoch)
            for name, band, difficulty in zip(names, bands, difficulties, strict=True)
        ]
        assert many.tolist() == single


def test_an_id_s_digits_are_its_hash_and_other_ids_are_hashed() -> None:
    known = hash_ids(["h-3fa9c2d1e0b45566", "q-ffffffffffffffff", "val-00000-0", "h-3FA9", "é"])
    assert known.dtype == np.uint64
    assert known.tolist() == [
        0x3FA9C2D1E0B45566,
        0xFFFFFFFFFFFFFFFF,
        *(int.from_bytes(bytes.fromhex(digest), "little") for digest in BLAKE2B),
    ]
    assert len(hash_ids([])) == 0


def splitmix64(state: int) -> int:
    state = (state + 0x9E3779B97F4A7C15) % 2**64
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
    return state ^ state >> 31


def test_draws_are_splitmix64_so_that_runs_are_the_same_on_every_machine() -> None:
    # The first output of the published generator for the seed 0.
    assert splitmix64(0) == 0xE220A8397B1DCDAF
    for name in (0, 1, 2**64 - 1):
        expected = splitmix64(name ^ splitmix64(splitmix64(42) ^ 6)) >> 11
        assert draws(np.array([name], np.uint64), 42, 6).tolist() == [expected / 2**53]


def test_draws_are_even_and_fixed() -> None:
    ids = np.arange(100_000, dtype=np.uint64)
    drawn = draws(ids, 42, 1)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert np.histogram(drawn, bins=10, range=(0, 1))[0].tolist() == pytest.approx([10_000] * 10, rel=0.05)
    assert draws(ids[:3], 42, 1).tolist() == drawn[:3].tolist()
    assert abs(np.corrcoef(drawn, draws(ids, 42, 2))[0, 1]) < 0.02
    assert abs(np.corrcoef(drawn, draws(ids, 43, 1))[0, 1]) < 0.02
    assert abs(np.corrcoef(draws(ids, 42, 1, 2), draws(ids, 42, 2, 1))[0, 1]) < 0.02
    assert draws(ids[:1], 2**63 - 1, 0)[0] != draws(ids[:1], 0, 0)[0]


@pytest.mark.parametrize(
    ("steps", "warmup"), [(0, 0), (1, 1), (2, 2), (10, 2), (20, 3), (100, 15), (600, 90), (700, 100), (10_000, 100)]
)
def test_the_warm_up_is_a_share_of_the_steps_within_its_limits(steps: int, warmup: int) -> None:
    assert scheduler().warmup_steps(steps) == warmup


def test_the_learning_rate_rises_in_a_straight_line_to_that_of_the_phase() -> None:
    three = scheduler(**THREE)
    rates = [three.learning_rate(1e-3, 6, step, 40) for step in range(40)]
    assert rates[:6] == pytest.approx([5e-4 * (step + 1) / 6 for step in range(6)])
    assert rates[6:] == [5e-4] * 34
    assert three.learning_rate(1e-3, 1, 0, 100) == pytest.approx(1e-3 / 15)
    assert [three.learning_rate(1e-3, epoch) for epoch in (1, 13, 14)] == pytest.approx([1e-3, 5e-4, 1e-4])


def test_without_a_warm_up_the_rate_is_there_at_once() -> None:
    flat = scheduler(training={"warmup_ratio": 0.0, "warmup_min_steps": 0})
    assert flat.learning_rate(1e-3, 1, 0, 100) == 1e-3


def test_the_warm_up_needs_both_numbers() -> None:
    for half in ({"step": 1}, {"steps": 10}):
        with pytest.raises(ValueError, match="needs both"):
            scheduler().learning_rate(1e-3, 1, **half)


def test_all_groups_of_an_optimiser_get_the_rate() -> None:
    class Optimizer:
        def __init__(self) -> None:
            self.param_groups: list[dict[str, Any]] = [{"lr": 1.0, "weight_decay": 0.1}, {"lr": 2.0}]

    optimizer = Optimizer()
    assert scheduler().adjust_learning_rate(optimizer, 1e-3, 8) == 5e-4
    assert optimizer.param_groups == [{"lr": 5e-4, "weight_decay": 0.1}, {"lr": 5e-4}]
    assert scheduler().adjust_learning_rate(optimizer, 1e-3, 8, step=0, steps=20) == pytest.approx(5e-4 / 3)
    assert optimizer.param_groups[1]["lr"] == pytest.approx(5e-4 / 3)


def test_the_summary_has_a_line_for_each_phase_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="longctx"):
        text = scheduler({1: 1, 2: 8}).log_phase_summary()
    assert text.splitlines() == [
        "phase 1: epoch 1, 512-1024 tokens, up to medium, learning rate 5e-05",
        "phase 2: epochs 2-9, 1536-2048 tokens, up to medium, then hard, learning rate 2.5e-05",
    ]
    assert [record.getMessage() for record in caplog.records] == text.splitlines()

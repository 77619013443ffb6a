from __future__ import annotations

import json
import math

import numpy as np
import pytest

from longctx.errors import UsageError
from longctx.train.budget import Budget, Pace, decide_epochs
from longctx.train.costs import EpochCost, whole_seconds


def costs(*phases: tuple[int, float, float, float]) -> list[EpochCost]:
    """Of phases given as epochs, and seconds of an epoch's training, a step, and a validation."""
    found: list[EpochCost] = []
    for phase, (epochs, *seconds) in enumerate(phases, 1):
        found += [EpochCost(len(found) + 1 + number, phase, *seconds) for number in range(epochs)]
    return found


def test_all_epochs_fit_in_exactly_the_time_of_the_whole() -> None:
    both = costs((2, 100, 10, 5), (3, 200, 20, 7))
    # Two phases begin with a validation; each validation is followed by a checkpoint, and so is the end.
    whole = 2 * 100 + 3 * 5 + 3 * 200 + 4 * 7 + (3 + 4 + 1) * 2
    assert whole_seconds(both, 2) == whole
    assert decide_epochs(whole + 50, 50, both, 2) == {1: 2, 2: 3}


def test_epochs_are_as_many_as_have_four_steps_and_their_validation() -> None:
    # Half of 2 x 450 seconds for each phase: epochs of 4 x 20 + 10 seconds in the first, of 4 x 50 + 25 in the second.
    both = costs((8, 1000, 20, 10), (8, 985, 50, 25))
    assert decide_epochs(900 + 35, 0, both, 0) == {1: 5, 2: 2}
    assert decide_epochs(900 + 35, 0, both, 0, min_steps=8) == {1: 2, 2: 1}


def test_an_epoch_with_less_than_four_steps_needs_only_those() -> None:
    assert decide_epochs(554, 0, costs((10, 30, 20, 1), (10, 60, 20, 1)), 0) == {1: 6, 2: 6}


def test_a_phase_too_small_for_its_share_gets_what_a_step_needs() -> None:
    assert decide_epochs(1000, 0, costs((1, 30, 30, 1), (8, 100_000, 50, 1)), 0)[1] == 1


def test_too_short_a_budget_is_refused_with_what_would_do() -> None:
    both = costs((5, 1000, 60, 10), (8, 1000, 120, 20))
    with pytest.raises(UsageError) as error:
        decide_epochs(300, 40, both, 5)
    assert error.value.exit_code == 2
    assert "a time budget of 5 min is too short" in error.value.message
    # 40 elapsed, 1.25 steps of each phase, 2 x (10 + 20) for validations, 5 checkpoints.
    assert "about 5 min" not in error.value.message
    assert "about 6 min" in error.value.message
    assert decide_epochs(40 + 1.25 * 180 + 60 + 25, 40, both, 5) == {1: 1, 2: 1}


def test_the_time_of_an_epoch_is_its_share_of_what_is_left() -> None:
    budget = Budget(1000, costs((2, 1000, 10, 0), (2, 3000, 10, 0)), saving=0)
    assert budget.limit(1, 0) == pytest.approx(125)
    # The first epoch took longer: the others bear it together.
    assert budget.limit(2, 300) == pytest.approx(700 / 7)
    assert budget.limit(3, 400) == pytest.approx(300)
    assert not budget.is_last
    assert budget.limit(4, 700) == pytest.approx(300)
    assert budget.is_last


def test_fewer_epochs_of_a_phase_share_the_time_of_all() -> None:
    budget = Budget(1000, costs((1, 1000, 10, 0), (2, 1000, 10, 0)), saving=0, configured={1: 2, 2: 2})
    assert budget.limit(1, 0) == pytest.approx(500)


def test_time_that_an_epoch_cannot_use_goes_to_the_others() -> None:
    budget = Budget(1000, costs((1, 100, 10, 0), (1, 5000, 10, 0)), saving=0, configured={1: 50, 2: 1})
    assert budget.limit(1, 0) == pytest.approx(100)


def test_with_more_time_than_needed_an_epoch_may_take_longer_than_expected() -> None:
    budget = Budget(1000, costs((1, 100, 10, 0), (1, 300, 10, 0)), saving=0)
    assert budget.limit(1, 0) == pytest.approx(250)
    assert not budget.time_is_up(150, 10)


def test_validations_and_checkpoints_to_come_are_set_aside() -> None:
    budget = Budget(1000, costs((1, 1000, 10, 40), (1, 1000, 10, 80)), saving=4)
    # One validation of the first phase and two of the second are to come, a quarter more each; four checkpoints.
    assert budget.limit(1, 0) == pytest.approx((1000 - 1.25 * 200 - 4 * 4) / 2)
    # The first validation took half of what was expected, so the other phase's probably will too.
    budget.observe_validation(1, 20)
    assert budget.limit(1, 0) == pytest.approx((1000 - 1.1 * 20 - 1.25 * 80 - 4 * 4) / 2)
    # What was observed stands, whatever becomes of the estimate.
    budget.revise(costs((1, 1000, 10, 20), (1, 1000, 10, 40)))
    assert budget.limit(1, 0) == pytest.approx((1000 - 1.1 * 20 - 1.25 * 80 - 4 * 4) / 2)
    budget.observe_saving(10)
    assert budget.limit(1, 0) == pytest.approx((1000 - 1.1 * 20 - 1.25 * 80 - 4 * 10) / 2)


def test_time_is_up_when_half_of_a_step_would_lie_behind_the_end_and_in_the_last_epoch_any_of_it() -> None:
    budget = Budget(1000, costs((2, 10_000, 10, 0)), saving=0)
    budget.limit(1, 0)
    assert budget.deadline == pytest.approx(500)
    assert not budget.time_is_up(0, 10)
    assert [budget.time_is_up(now, 10) for now in (0, 494, 496)] == [False, False, True]
    budget.limit(2, 500)
    assert [budget.time_is_up(now, 10) for now in (500, 989, 991)] == [False, False, True]
    assert budget.left(900) == pytest.approx(100)
    assert budget.left(1200) == 0


def test_when_time_has_run_out_epochs_are_left_out_but_each_phase_is_fed() -> None:
    budget = Budget(1000, costs((3, 1000, 100, 50), (3, 1000, 100, 50)), saving=0)
    assert budget.limit(1, 0) > 0
    assert not budget.time_is_up(0, 100)
    # The first phase was taught, and the second needs 125 seconds of training and 2 x 62.5 of validation.
    assert budget.limit(2, 700) == 0
    assert budget.limit(3, 700) == 0
    # An epoch of the second phase takes all that is left but its validation.
    assert budget.limit(4, 750) == pytest.approx(250 - 62.5)
    assert budget.is_last
    assert not budget.time_is_up(750, 100)
    assert budget.limit(5, 900) == 0
    assert budget.limit(6, 1001) == 0


def test_a_phase_is_taught_a_step_if_that_makes_the_run_no_more_than_a_step_late() -> None:
    budget = Budget(1000, costs((1, 1000, 100, 50), (1, 1000, 100, 50)), saving=5)
    assert budget.limit(2, 920) == 100
    assert not budget.time_is_up(920, 100)
    assert budget.time_is_up(1020, 100)
    late = Budget(1000, costs((1, 1000, 100, 50), (1, 1000, 100, 50)), saving=5)
    assert late.limit(2, 930) == 0
    assert late.time_is_up(930, 100)


def test_an_epoch_that_is_not_there_has_no_time() -> None:
    with pytest.raises(ValueError, match="no epoch 4"):
        Budget(1000, costs((3, 1000, 100, 50))).limit(4, 0)


def test_better_estimates_change_what_comes() -> None:
    budget = Budget(1000, costs((1, 1000, 10, 0), (1, 1000, 10, 0)), saving=0)
    assert budget.limit(1, 0) == pytest.approx(500)
    budget.revise(costs((1, 1000, 10, 0), (1, 3000, 10, 0)))
    assert budget.limit(1, 0) == pytest.approx(250)


def test_the_expected_end_is_the_budget_or_what_all_epochs_take() -> None:
    both = costs((2, 100, 10, 0), (2, 200, 10, 0))
    assert Budget(1000, both, saving=0).expected_end(1, 50) == pytest.approx(650)
    assert Budget(500, both, saving=0).expected_end(1, 50) == pytest.approx(500)


def test_a_run_that_goes_on_has_the_same_deadlines() -> None:
    both = costs((2, 1000, 10, 40), (2, 3000, 10, 80))
    budget = Budget(1000, both)
    budget.observe_saving(7)
    budget.observe_validation(1, 30)
    budget.limit(1, 100)
    again = Budget(1000, both)
    again.restore(json.loads(json.dumps(budget.state())))
    assert again.deadline == budget.deadline
    assert again.time_is_up(budget.deadline - 1, 10) == budget.time_is_up(budget.deadline - 1, 10)
    assert [again.limit(epoch, 300) for epoch in (2, 3, 4)] == [budget.limit(epoch, 300) for epoch in (2, 3, 4)]
    assert again.state() == budget.state()


def test_a_pace_that_knows_nothing_says_so() -> None:
    with pytest.raises(ValueError, match="no sequence was timed"):
        Pace().seconds([1], [100])


def test_the_first_observation_counts_fully_and_later_ones_are_averaged() -> None:
    pace = Pace()
    pace.observe(1, 1000, 10.0)
    assert pace.seconds([1, 1], [1000, 500]).tolist() == pytest.approx([10, 5])
    pace.observe(1, 1000, 20.0)
    assert pace.seconds([1], [1000]).tolist() == pytest.approx([15])
    for _ in range(500):
        pace.observe(1, 1000, 30.0)
    assert pace.seconds([1], [1000]).tolist() == pytest.approx([30], rel=0.01)


def test_one_stall_of_the_machine_changes_little() -> None:
    pace = Pace()
    for seconds in [1.0] * 100 + [1000.0]:
        pace.observe(1, 100, seconds)
    assert pace.seconds([1], [100])[0] < 1.1


def test_what_is_no_time_is_not_learnt() -> None:
    pace = Pace()
    pace.observe(1, 100, 1.0)
    for seconds in (0.0, -1.0, math.nan, math.inf):
        pace.observe(1, 100, seconds)
    pace.observe(1, 0, 1.0)
    assert pace.seconds([1], [100]).tolist() == [1.0]


def test_a_band_never_timed_takes_the_nearest_pace_and_more_if_it_is_longer() -> None:
    pace = Pace()
    pace.observe(2, 1000, 10.0)
    assert pace.seconds([1, 2, 3], [500, 1000, 2000]).tolist() == pytest.approx([5, 10, 40])
    pace.observe(1, 500, 2.5)
    assert pace.seconds([3], [2000]).tolist() == pytest.approx([40])


def test_a_machine_that_grows_slower_slows_the_bands_not_being_timed_too() -> None:
    pace = Pace()
    pace.observe(1, 100, 1.0)
    pace.observe(2, 200, 4.0)
    for _ in range(50):
        pace.observe(1, 100, 1.0)
    assert pace.seconds([2], [200]).tolist() == pytest.approx([4.0])
    for _ in range(1000):
        pace.observe(1, 100, 1.5)
    assert pace.seconds([2], [200]).tolist() == pytest.approx([6.0], rel=0.01)


def test_an_error_of_the_probe_is_taken_for_half_the_machine_s() -> None:
    pace = Pace()
    pace.observe(1, 100, 4.0)
    pace.observe(2, 200, 4.0)
    for _ in range(15):
        pace.observe(1, 100, 1.0)
    settled = pace.seconds([1], [100])[0]
    assert settled < 1.5
    assert pace.seconds([2], [200])[0] == pytest.approx(4 * math.sqrt(settled / 4))


def test_a_pace_is_the_same_after_json() -> None:
    pace = Pace()
    random = np.random.default_rng(3)
    for band, seconds in zip(random.integers(1, 4, 100).tolist(), random.uniform(0.5, 2, 100).tolist(), strict=True):
        pace.observe(band, 100 * band, seconds)
    again = Pace.from_state(json.loads(json.dumps(pace.state())))
    assert again.seconds([1, 2, 3, 4], [100] * 4).tolist() == pace.seconds([1, 2, 3, 4], [100] * 4).tolist()
    assert Pace.from_state({}).state() == Pace().state()

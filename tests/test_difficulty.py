from __future__ import annotations

import pytest

from longctx.difficulty import LEVELS, OF_PHASE, TERMS, level, score

NOTHING = {
    "tokens": 512,
    "files": 1,
    "references": 0,
    "distance_p50": 0,
    "distance_p90": 64,
    "hops": 0,
    "distractors": 0,
}
ALL = {
    "tokens": 4096,
    "files": 16,
    "references": 31,
    "distance_p50": 0,
    "distance_p90": 4096,
    "hops": 4,
    "distractors": 15,
}


def test_the_weights_make_one() -> None:
    assert sum(term.weight for term in TERMS) == pytest.approx(1)


def test_the_score_goes_from_nothing_to_all_and_no_further() -> None:
    assert score(NOTHING) == score(dict.fromkeys(NOTHING, 0)) == 0
    assert score(ALL) == pytest.approx(1)
    assert score(dict.fromkeys(ALL, 10**9)) == pytest.approx(1)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_each_term_grows_with_its_feature(term: object) -> None:
    for one in TERMS:
        middle = (one.nothing + one.all) // 2
        assert 0 < one.share(middle) < one.share(middle + 1) < 1
        more = {**NOTHING, one.feature: one.all}
        assert score(more) == pytest.approx(one.weight)


def test_doublings_add_the_same() -> None:
    tokens = TERMS[0]
    assert [round(tokens.share(length), 6) for length in (512, 1024, 2048, 4096)] == [0, 0.333333, 0.666667, 1]


def test_levels_begin_at_their_thresholds() -> None:
    scores = [0, 0.2499, 0.25, 0.5, 0.7499, 0.75, 1]
    assert [level(score) for score in scores] == ["easy", "easy", "medium", "hard", "hard", "very_hard", "very_hard"]


def test_phases_ask_for_neighbouring_levels_that_rise() -> None:
    for number, levels in OF_PHASE.items():
        assert levels == LEVELS[number - 1 : number + 1]

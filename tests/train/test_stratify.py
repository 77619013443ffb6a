from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longctx.train.stratify import interleaved, numbered


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(0, 3)), max_size=120), st.integers(0, 9))
def test_every_beginning_has_each_sort_in_its_proportion(rows: list[tuple[int, int, int]], seed: int) -> None:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    sorts, places, used = numbered(columns[0]), columns[1], columns[2]
    order = interleaved(sorts, places, used, np.random.default_rng(seed).random(len(rows)))
    assert sorted(order.tolist()) == list(range(len(rows)))
    for one in range(len(set(sorts.tolist()))):
        among = np.cumsum(sorts[order] == one)
        wanted = np.arange(1, len(rows) + 1) * (sorts == one).mean()
        # Each other sort may be off by one as well.
        assert np.abs(among - wanted).max() <= 2


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_in_each_place_what_was_used_least_comes_first(rows: list[tuple[int, int]]) -> None:
    columns = np.array(rows, dtype=np.int64).T
    places, used = columns[0], columns[1]
    order = interleaved(np.zeros(len(rows), dtype=np.int64), places, used, np.linspace(0, 1, len(rows)))
    for place in set(places.tolist()):
        assert (np.diff(used[order][places[order] == place]) >= 0).all()


def test_combinations_are_numbered_without_gaps() -> None:
    numbers = numbered(np.array([5, 5, 0, 5], np.uint8), np.array([200, 0, 200, 200], np.uint8))
    assert numbers.tolist() == [2, 1, 0, 2]
    assert numbered(np.empty(0, np.uint8)).tolist() == []

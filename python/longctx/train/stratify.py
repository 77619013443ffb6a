"""An order of things in which every beginning is like the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def interleaved(
    sorts: NDArray[np.int64], places: NDArray[np.int64], used: NDArray[np.int64], drawn: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Arranges rows so that every beginning has each sort, and within it each place, in its proportion.

    All arrays have shape [n].

    Args:
        sorts: A number for the sort of each row, from 0 without gaps.
        places: A number from 0 for the place of each row.
        used: How often each row was used before. In each place what was used least comes first.
        drawn: A number from 0 to 1 for each row, which decides what else is left open.

    Returns:
        The positions of the rows in that order.
    """
    pairs = numbered(sorts, places)
    within = _spread(pairs, sorts, used, (used, drawn), drawn)
    whole = _spread(sorts, np.zeros_like(sorts), used, (within,), drawn)
    return np.argsort(whole, kind="stable")


def numbered(*columns: NDArray[Any]) -> NDArray[np.int64]:
    """A number from 0 for each different combination of values, shape [n]."""
    numbers = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        pairs = numbers * (int(column.max(initial=0)) + 1) + column
        numbers = np.unique(pairs, return_inverse=True)[1].astype(np.int64)
    return numbers


def _spread(
    groups: NDArray[np.int64],
    parents: NDArray[np.int64],
    used: NDArray[np.int64],
    keys: tuple[NDArray[Any], ...],
    drawn: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Places from 0 to 1 for rows, such that those of each group are evenly spaced.

    Groups of the same parent begin one after the other, those whose rows were used least first, so that a group of a
    single row has its turn as often as each row of a large one.

    Args:
        groups: The group of each row, numbered from 0 without gaps.
        parents: The parent of each row's group.
        used: How often each row was used.
        keys: What orders the rows of a group, the first of them first.
        drawn: Decides between groups used alike.
    """
    if not len(groups):
        return np.empty(0)
    order = np.lexsort((*reversed(keys), groups))
    sizes = np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    ranks = np.empty(len(groups))
    ranks[order] = np.arange(len(groups)) - starts[groups[order]]

    heads = order[starts]
    mean_use = np.bincount(groups, weights=used) / sizes
    # The sum of the draws is no more likely to be low for large groups once only its fraction counts.
    lots = np.bincount(groups, weights=drawn) % 1
    turns = np.lexsort((lots, mean_use, parents[heads]))
    families = np.bincount(parents[heads])
    begins = np.cumsum(families) - families
    offsets = np.empty(len(sizes))
    offsets[turns] = (np.arange(len(sizes)) - begins[parents[heads][turns]] + 0.5) / families[parents[heads][turns]]
    return (ranks + offsets[groups]) / sizes[groups]

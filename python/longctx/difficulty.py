"""How hard a sequence is: the published formula, as the engine applies it. `docs/difficulty.md` explains it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

LEVELS = ("easy", "medium", "hard", "very_hard")
"""In the order in which training meets them."""
THRESHOLDS = (0.25, 0.5, 0.75)
"""The score at which each level after the first begins."""

OF_PHASE = {1: ("easy", "medium"), 2: ("medium", "hard"), 3: ("hard", "very_hard")}
"""The levels that each phase of training asks for."""


@dataclass(frozen=True)
class Term:
    """One part of the score."""

    name: str
    feature: str
    """The feature that it is made of."""
    weight: float
    nothing: int
    """Up to this value of the feature it adds nothing."""
    all: int
    """From this value on it adds all of its weight."""
    growth: str
    """What it grows with in between: `log` the logarithm of the feature, `log1` of the feature plus one, `linear`."""

    def share(self, value: int) -> float:
        """How much of the weight a value of the feature adds, from 0 to 1."""
        share = (self._grown(value) - self._grown(self.nothing)) / (self._grown(self.all) - self._grown(self.nothing))
        return min(max(share, 0.0), 1.0)

    def _grown(self, value: int) -> float:
        if self.growth == "linear":
            return float(value)
        return math.log2(value + 1 if self.growth == "log1" else max(value, 1))


TERMS = (
    Term("tokens", "tokens", 0.35, 512, 4096, "log"),
    Term("files", "files", 0.1, 1, 16, "log"),
    Term("references", "references", 0.15, 0, 31, "log1"),
    Term("distance", "distance_p90", 0.2, 64, 4096, "log"),
    Term("hops", "hops", 0.1, 0, 4, "linear"),
    Term("distractors", "distractors", 0.1, 0, 15, "log1"),
)
"""The parts of the score; the weights make 1."""


def score(features: Mapping[str, int]) -> float:
    """The sum of the terms, each times its weight; from 0 to 1."""
    return sum(term.weight * term.share(features[term.feature]) for term in TERMS)


def level(score: float) -> str:
    """The level of a score."""
    return LEVELS[sum(score >= threshold for threshold in THRESHOLDS)]

from __future__ import annotations

import json

import pytest

from longctx.difficulty import LEVELS, OF_PHASE, TERMS, THRESHOLDS, Term, level, score
from longctx.explaining import FORMS, PROOFS, REASONS, ROLES
from tests.conftest import ROOT

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
def test_each_term_grows_with_its_feature(term: Term) -> None:
    middle = (term.nothing + term.all) // 2
    assert 0 < term.share(middle) < term.share(middle + 1) < 1
    assert score({**NOTHING, term.feature: term.all}) == pytest.approx(term.weight)


def test_doublings_add_the_same() -> None:
    tokens = TERMS[0]
    assert [round(tokens.share(length), 6) for length in (512, 1024, 2048, 4096)] == [0, 0.333333, 0.666667, 1]


def test_levels_begin_at_their_thresholds() -> None:
    scores = [0, 0.2499, 0.25, 0.5, 0.7499, 0.75, 1]
    assert [level(score) for score in scores] == ["easy", "easy", "medium", "hard", "hard", "very_hard", "very_hard"]


def test_phases_ask_for_neighbouring_levels_that_rise() -> None:
    for number, levels in OF_PHASE.items():
        assert levels == LEVELS[number - 1 : number + 1]


def documented(name: str, head: str) -> dict[str, list[str]]:
    """The rows of the table that begins with `head` in a page of docs/, by the code in their first cell."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    lines = text.partition(f"| {head} |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_the_documented_formula_is_the_one_that_is_applied() -> None:
    growths = {"log2(x)": "log", "log2(x + 1)": "log1", "x": "linear"}
    rows = documented("difficulty.md", "feature | weight")
    assert [
        (feature, float(weight), int(nothing), int(all_), growths[growth.strip("`")])
        for feature, (weight, nothing, all_, growth) in rows.items()
    ] == [(term.feature, term.weight, term.nothing, term.all, term.growth) for term in TERMS]


def test_the_documented_thresholds_and_phases_are_those_that_are_applied() -> None:
    rows = documented("difficulty.md", "label")
    assert tuple(rows) == LEVELS
    assert tuple(float(score.split()[-1]) for score, _ in list(rows.values())[1:]) == THRESHOLDS
    asked = {name: {int(word) for word in phases.split() if word.isdigit()} for name, (_, phases) in rows.items()}
    assert asked == {name: {n for n, levels in OF_PHASE.items() if name in levels} for name in LEVELS}


def test_every_role_reason_form_and_proof_is_documented() -> None:
    assert set(documented("format.md", "role")) == set(ROLES)
    assert set(documented("format.md", "why")) == set(REASONS)
    assert set(documented("format.md", "form")) == set(FORMS)
    assert set(documented("format.md", "proof")) == set(PROOFS)


def test_the_documented_example_is_right() -> None:
    text = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    example = json.loads(text.partition("```json\n")[2].partition("```")[0])
    assert score(example["features"]) == pytest.approx(example["score"], abs=5e-4)
    assert level(example["score"]) == example["difficulty"]
    assert len({segment["path"] for segment in example["segments"]}) == example["features"]["files"]

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longctx import Config, Dataset, UsageError, open_dataset
from longctx.schedule import LongContextPhaseScheduler
from longctx.train.plan import Plan
from tests.data.handmade import Row, write_dataset

LENGTHS = {"phase1_min_length": 8, "phase1_max_length": 64, "phase2_min_length": 65, "phase2_max_length": 128}
"""The bands of the datasets here."""


def config(**keys: Any) -> Config:
    return Config.from_dict({"long_context": {**LENGTHS, **keys.pop("long_context", {})}, **keys})


def row(split: str, path: str, band: int, difficulty: str, **keys: Any) -> Row:
    return Row(split, [(path, f"{path} = {band}\n")], band=band, difficulty=difficulty, **keys)


def rows() -> list[Row]:
    """200 sequences of the first band, 100 of the second to train on; of three folders, kinds and difficulties."""
    found = []
    for number in range(300):
        band = 1 if number < 200 else 2
        folder = ("src/a", "src/b/deep", "docs")[number % 7 % 3]
        difficulty = ("easy", "easy", "medium", "hard" if band == 2 else "easy")[number % 4]
        kind = "qa" if number % 5 == 0 else "hierarchical"
        found.append(row("train", f"{folder}/{number}.py", band, difficulty, kind=kind))
    found.append(row("train", "src/a/hardest.py", 1, "very_hard"))
    found += [row("val", f"tests/{n}.py", 1 + n % 2, "hard", seen=n % 4 == 0) for n in range(40)]
    return found


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = write_dataset(tmp_path_factory.mktemp("plan") / "hand.longctx", rows(), shard_size=128)
    return open_dataset(folder, checksums=False)


def make(dataset: Dataset, epochs: Any = None, seed: int = 42, max_sequences: int | None = None, **keys: Any) -> Plan:
    return Plan(dataset, LongContextPhaseScheduler(config(**keys), epochs), seed=seed, max_sequences=max_sequences)


def written(folder: Path, rows: list[Row], **manifest: Any) -> Dataset:
    write_dataset(folder, rows)
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **manifest}), encoding="utf-8")
    return open_dataset(folder, checksums=False)


def share(dataset: Dataset, rows: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    counted: np.ndarray[Any, Any] = np.bincount(dataset.column(name)[rows], minlength=4) / len(rows)
    return counted


# Which sequences take part.


def test_lengths_and_learnt_tokens_are_those_of_the_dataset(dataset: Dataset) -> None:
    plan = make(dataset)
    assert plan.lengths.tolist() == [len(dataset.tokens(row)) for row in range(len(dataset))]
    # These sequences begin with what is learnt, but nothing predicts the first token.
    assert plan.learnt.tolist() == [length - 1 for length in plan.lengths]


def test_context_is_not_learnt(tmp_path: Path) -> None:
    two = Row("train", [("a.py", "x = 1\n"), ("b.py", "y = 2\n")])
    plan = make(written(tmp_path / "d", [two, row("train", "c.py", 2, "easy")]))
    assert plan.learnt[0] == plan.lengths[0] - plan.dataset.loss_start(0)
    assert plan.learnt[0] < plan.lengths[0] / 2 + 1


def test_the_pool_is_what_the_scheduler_takes_of_the_training_sequences(dataset: Dataset) -> None:
    plan = make(dataset)
    for epoch in range(1, 14):
        metas = [dataset.meta(row) for row in range(len(dataset))]
        expected = [
            number
            for number, meta in enumerate(metas)
            if dataset.split(number) == "train" and plan.scheduler.should_include_sequence(meta, epoch)
        ]
        assert plan.pool(epoch).tolist() == expected


def test_an_epoch_that_its_ceiling_would_leave_empty_takes_the_higher_one(tmp_path: Path) -> None:
    dataset = written(tmp_path / "d", [row("train", "a.py", 1, "medium"), row("train", "b.py", 2, "hard")])
    plan = make(dataset, long_context={"replay_share": 0.0})
    assert [plan.pool(epoch).tolist() for epoch in range(1, 14)] == [[0]] * 5 + [[1]] * 8
    assert plan.summary()["phases"][0]["passes"] == 5


def test_the_order_is_a_shuffle_fixed_by_seed_and_epoch(dataset: Dataset) -> None:
    plan = make(dataset)
    pool = plan.pool(5)
    order = plan.order(5, pool)
    assert sorted(order.tolist()) == pool.tolist()
    assert order.tolist() != pool.tolist()
    assert np.array_equal(order, make(dataset).order(5, pool))
    assert not np.array_equal(order, plan.order(4, pool))
    assert not np.array_equal(order, make(dataset, seed=7).order(5, pool))
    # It depends on the sequences, not on where they stand.
    assert np.array_equal(order, plan.order(5, pool[::-1]))


# Samples.


def sampled(plan: Plan, epoch: int, count: float, used: np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, Any]:
    unused = np.zeros(len(plan.lengths), dtype=np.int64)
    return plan.sample(epoch, np.ones(len(plan.lengths)), count, unused if used is None else used)


def test_a_sample_fits_its_time_and_is_never_empty(dataset: Dataset) -> None:
    plan = make(dataset)
    seconds = plan.lengths.astype(np.float64) * 0.1
    used = np.zeros(len(dataset), dtype=np.int64)
    for limit in (0.0, 5.0, 20.0, 100.0):
        chosen = plan.sample(5, seconds, limit, used)
        assert len(set(chosen.tolist())) == len(chosen) >= 1
        assert set(chosen.tolist()) <= set(plan.pool(5).tolist())
        assert len(chosen) == 1 or seconds[chosen].sum() <= limit
        assert seconds[chosen].sum() + seconds.max() > min(limit, seconds[plan.pool(5)].sum())
    assert len(plan.sample(5, seconds, 1e9, used)) == len(plan.pool(5))


@pytest.mark.parametrize("epoch", [1, 5, 6, 13])
def test_every_beginning_of_a_sample_is_like_the_pool(dataset: Dataset, epoch: int) -> None:
    plan = make(dataset)
    pool, chosen = plan.pool(epoch), sampled(plan, epoch, 80)
    assert len(chosen) == 80
    for length in (20, 40, 80):
        for name in ("band", "kind", "difficulty"):
            # Up to one sequence of each of at most 12 sorts more or less.
            difference = np.abs(share(dataset, chosen[:length], name) - share(dataset, pool, name)).max()
            assert difference * length <= 2.5, name


def test_every_folder_has_its_share(dataset: Dataset) -> None:
    plan = make(dataset)

    def folders(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        paths = [dataset.meta(int(row))["segments"][-1]["path"] for row in rows]
        return np.array([sum(path.startswith(name) for path in paths) for name in ("src/a", "src/b", "docs")])

    pool, chosen = plan.pool(5), sampled(plan, 5, 60)
    assert np.abs(folders(chosen) / 60 - folders(pool) / len(pool)).max() * 60 <= 4


def test_what_was_used_least_comes_first(dataset: Dataset) -> None:
    plan = make(dataset)
    used = np.zeros(len(dataset), dtype=np.int64)
    for _ in range(4):
        used[sampled(plan, 5, 50, used)] += 1
    # 200 sequences in four epochs of 50: nearly all had their turn, although kinds and folders go first.
    pool = plan.pool(5)
    assert used[pool].max() <= 2
    assert (used[pool] == 0).mean() < 0.1


def test_places_with_one_sequence_have_their_turn_as_often_as_others(tmp_path: Path) -> None:
    alone = [row("train", f"alone{number}/a.py", 1, "easy") for number in range(40)]
    together = [row("train", f"together/{number}.py", 1, "easy") for number in range(40)]
    plan = make(written(tmp_path / "d", [*alone, *together, row("train", "b.py", 2, "easy")]))
    used = np.zeros(81, dtype=np.int64)
    for epoch in (3, 4, 5):
        chosen = sampled(plan, epoch, 20, used)
        assert abs(int((chosen < 40).sum()) - 10) <= 1
        used[chosen] += 1
    assert used.max() == 1


def test_samples_are_fixed_by_seed_epoch_and_use(dataset: Dataset) -> None:
    plan = make(dataset)
    assert np.array_equal(sampled(plan, 4, 30), sampled(make(dataset), 4, 30))
    assert not np.array_equal(sampled(plan, 4, 30), sampled(plan, 5, 30))
    assert not np.array_equal(sampled(plan, 4, 30), sampled(make(dataset, seed=1), 4, 30))


def test_a_sample_can_be_continued_with_what_is_not_in_it(dataset: Dataset) -> None:
    plan = make(dataset)
    used, seconds = np.zeros(len(dataset), dtype=np.int64), np.ones(len(dataset))
    first = plan.sample(5, seconds, 150, used)
    more = plan.sample(5, seconds, 100, used, without=first)
    assert sorted([*first.tolist(), *more.tolist()]) == plan.pool(5).tolist()
    assert len(plan.sample(5, seconds, 100, used, without=plan.pool(5))) == 0


# Validation.


def test_a_phase_is_validated_on_its_band_seen_and_unseen_apart(dataset: Dataset) -> None:
    plan = make(dataset)
    both = plan.validation(1, 1000)
    assert {name: len(rows) for name, rows in both.items()} == {"unseen": 10, "seen": 10}
    for name, these in both.items():
        assert {dataset.split(int(row)) for row in these} == {"val"}
        assert set(dataset.column("band")[these]) == {1}
        assert set(dataset.column("seen")[these]) == {int(name == "seen")}
    assert list(plan.validation(2, 1000)) == ["unseen"]


def test_a_limited_validation_is_the_same_for_the_whole_run(dataset: Dataset) -> None:
    limited = make(dataset).validation(1, 4)
    assert {name: len(rows) for name, rows in limited.items()} == {"unseen": 4, "seen": 4}
    again = make(dataset, epochs={1: 1, 2: 1}).validation(1, 4)
    assert all(np.array_equal(limited[name], again[name]) for name in limited)


def test_without_validation_sequences_there_is_none(tmp_path: Path) -> None:
    dataset = written(tmp_path / "d", [row("train", "a.py", 1, "easy"), row("train", "b.py", 2, "easy")])
    assert make(dataset).validation(1, 10) == {}


# A limited number of sequences.


def test_limited_sequences_are_shared_over_the_bands_in_proportion(dataset: Dataset) -> None:
    plan = make(dataset, max_sequences=30)
    taught = np.unique(np.concatenate([plan.pool(epoch) for epoch in range(1, 14)]))
    assert len(taught) == 30
    assert np.bincount(dataset.column("band")[taught]).tolist() == [0, 20, 10]
    reached = np.unique(np.concatenate([make(dataset).pool(epoch) for epoch in range(1, 14)]))
    assert np.abs(share(dataset, taught, "kind") - share(dataset, reached, "kind")).max() < 0.1
    assert all(len(plan.pool(epoch)) for epoch in range(1, 14))
    assert [entry["not_chosen"] for entry in plan.summary()["never_taught"]] == [180, 90]
    # The same in a run of fewer epochs, which a time budget may turn it into.
    fewer = make(dataset, epochs={1: 1, 2: 1}, max_sequences=30)
    assert set(fewer.pool(1).tolist()) <= set(taught.tolist())


def test_each_band_has_at_least_one_of_few_sequences(dataset: Dataset) -> None:
    plan = make(dataset, max_sequences=2)
    assert [entry["sequences"] for entry in plan.summary()["phases"]] == [1, 1]
    with pytest.raises(UsageError, match="the number of sequences to teach, 1, is smaller than that of the phases, 2"):
        make(dataset, max_sequences=1)


def test_a_limit_above_what_there_is_leaves_nothing_out(dataset: Dataset) -> None:
    summary = make(dataset, max_sequences=10_000).summary()
    assert [entry["sequences"] for entry in summary["phases"]] == [200, 100]
    assert [entry["not_chosen"] for entry in summary["never_taught"]] == [0, 0]


# The table.


def test_the_summary_counts_what_is_taught_and_what_is_not(dataset: Dataset) -> None:
    plan = make(dataset)
    summary = plan.summary()
    assert json.loads(json.dumps(summary)) == summary
    first, second = summary["phases"]
    assert (first["phase"], first["sequences"], second["sequences"]) == (1, 200, 100)
    assert first["difficulties"] == {"easy": 150, "medium": 50}
    assert second["difficulties"] == {"easy": 50, "medium": 25, "hard": 25}
    assert first["kinds"] == {"hierarchical": 160, "qa": 40}
    of_first = plan.pool(5)
    assert (first["tokens"], first["learnt"]) == (plan.lengths[of_first].sum(), plan.learnt[of_first].sum())
    assert (first["passes"], first["replayed"]) == (2 * 150 + 3 * 200, 0)
    assert second["passes"] == sum(len(plan.pool(epoch)) for epoch in range(6, 14))
    assert second["replayed"] == second["passes"] - 4 * 75 - 4 * 100
    assert summary["never_taught"] == [
        {"band": 1, "too_hard": 1, "no_phase": 0, "not_chosen": 0},
        {"band": 2, "too_hard": 0, "no_phase": 0, "not_chosen": 0},
    ]
    assert summary["validation"] == [{"phase": 1, "unseen": 10, "seen": 10}, {"phase": 2, "unseen": 20, "seen": 0}]


def test_a_band_whose_phase_is_not_enabled_is_counted_as_never_taught(tmp_path: Path) -> None:
    bands = [
        {"id": n, "min": low, "max": high, "overlap": 8} for n, low, high in ((1, 8, 64), (2, 65, 128), (3, 200, 300))
    ]
    these = [row("train", f"{band}.py", band, "easy") for band in (1, 2, 3)]
    summary = make(written(tmp_path / "d", these, bands=bands)).summary()
    assert summary["never_taught"][2] == {"band": 3, "too_hard": 0, "no_phase": 1, "not_chosen": 0}


# What cannot be trained.


def refused(dataset: Dataset, **keys: Any) -> UsageError:
    with pytest.raises(UsageError) as error:
        make(dataset, **keys)
    return error.value


def test_a_phase_whose_band_is_not_in_the_dataset_is_refused(dataset: Dataset) -> None:
    third = {"phase3_enabled": True, "phase3_min_length": 200, "phase3_max_length": 300}
    error = refused(dataset, long_context=third)
    assert error.message == (
        "phase 3, of 200 to 300 tokens, has no sequences: the bands of the dataset are 1 (8 to 64 tokens), "
        "2 (65 to 128 tokens)"
    )
    assert error.hint == (
        "pack again with long_context.phase3_enabled true and pack.sequence_length 300 or more, or set "
        "long_context.phase3_enabled to false"
    )


def test_a_phase_without_training_sequences_is_refused(tmp_path: Path) -> None:
    dataset = written(tmp_path / "d", [row("train", "a.py", 1, "easy"), row("val", "b.py", 2, "easy")])
    error = refused(dataset)
    assert error.message == (
        "phase 2, of 65 to 128 tokens, has no sequences: the dataset has 1 in band 1, 0 in band 2 to train on"
    )
    assert error.hint == "pack more of the repository, or with a smaller training.validation_split"


def test_a_phase_whose_sequences_are_all_too_hard_is_refused(tmp_path: Path) -> None:
    dataset = written(tmp_path / "d", [row("train", "a.py", 1, "hard"), row("train", "b.py", 2, "easy")])
    error = refused(dataset)
    assert error.message == (
        "phase 1, of 8 to 64 tokens, teaches nothing harder than medium, but all sequences of its band in the dataset "
        "are harder (1)"
    )
    assert error.hint is not None
    assert "long_context.phase1_max_length" in error.hint


def test_a_band_of_other_lengths_than_its_phase_is_refused(dataset: Dataset) -> None:
    error = refused(dataset, long_context={"phase1_min_length": 4})
    assert error.message == (
        "phase 1 of the configuration is of 4 to 64 tokens, but band 1 of the dataset of 8 to 64 "
        "(long_context.phase1_min_length)"
    )
    assert error.hint == "set long_context.phase1_min_length to 8, or pack again"
    error = refused(dataset, long_context={"phase2_min_length": 70, "phase2_max_length": 140})
    assert "(long_context.phase2_min_length, long_context.phase2_max_length)" in error.message


def test_a_dataset_of_one_band_needs_a_configuration_of_one(tmp_path: Path, dataset: Dataset) -> None:
    one = written(
        tmp_path / "d",
        [row("train", "a.py", 1, "very_hard"), row("train", "b.py", 1, "easy")],
        bands=[{"id": 1, "min": 512, "max": 1024, "overlap": 64}],
        config={"pack": {"long_context_mode": False}},
    )
    assert refused(one).hint == "set pack.long_context_mode to false and pack.sequence_length to 1024, or pack again"
    assert refused(one, pack={"long_context_mode": False}).hint == "set pack.sequence_length to 1024, or pack again"
    plan = Plan(
        one,
        LongContextPhaseScheduler(config(pack={"long_context_mode": False, "sequence_length": 1024, "overlap": 64})),
        seed=1,
    )
    assert len(plan.pool(5)) == 2
    error = refused(dataset, pack={"long_context_mode": False})
    assert error.hint == "set pack.long_context_mode to true, or pack again"


# Where a sequence belongs.


def test_a_sequence_belongs_to_the_folder_of_what_it_learns_first(tmp_path: Path) -> None:
    these = [
        Row("train", [("docs/a.md", "context"), ("src/b/c/d.py", "learnt")]),
        Row("train", [("src/b/c/e.py", "context"), ("docs/f.md", "learnt")]),
        Row("train", [("src/b/other.py", "learnt")]),
        Row("train", [("top.py", "learnt")], band=2),
        # Answers come after all snippets.
        Row("train", [("docs/x.md", "snippet"), ("src/b/y.py", "snippet")], kind="qa", segment={"tokens": [0, 1]}),
        Row("train", [("any.py", "nothing of a document")], extra={"segments": []}),
    ]
    plan = make(written(tmp_path / "d", these))
    numbers = plan._folders.tolist()
    assert numbers[0] == numbers[2] == numbers[4]
    assert numbers[3] == numbers[5]
    assert len({numbers[0], numbers[1], numbers[3]}) == 3

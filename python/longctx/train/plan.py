"""Which sequences of a dataset a run teaches in each epoch, and in what order. Nothing here needs torch."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longctx.data.shards import Dataset
from longctx.difficulty import LEVELS
from longctx.errors import UsageError
from longctx.schedule import LongContextPhaseScheduler, Phase, apportion, draws, hash_ids
from longctx.train.stratify import interleaved, numbered

Rows = NDArray[np.int64]
"""Numbers of sequences of a dataset, from 0; shape [n]."""

_ORDER, _SAMPLE, _VALIDATION, _CHOICE = range(1, 5)
"""What a draw decides; each has draws of its own."""
_FOLDERS = 2
"""Components of a path that count as its place in the repository."""


class Plan:
    """The sequences of each epoch of a run.

    All choices are drawn from the seed and the ids of the sequences alone. Rows number the sequences of `dataset`, both
    splits, in its order.

    Args:
        dataset: All sequences, training and validation.
        scheduler: The phases.
        seed: Of every draw made here.
        max_sequences: Teach only so many different sequences, of like kinds, difficulties and places in the repository,
            split over the bands in proportion; None is all.

    Raises:
        UsageError: A phase has no sequence to teach, a band of the dataset has other lengths than its phase, or
            `max_sequences` is smaller than the number of phases.
    """

    def __init__(
        self,
        dataset: Dataset,
        scheduler: LongContextPhaseScheduler,
        *,
        seed: int,
        max_sequences: int | None = None,
    ) -> None:
        self.dataset = dataset
        self.scheduler = scheduler
        self.seed = seed
        self.lengths: Rows = dataset.column("length").astype(np.int64)
        """Tokens of each sequence, shape [len(dataset)]."""
        # The first token of a sequence has nothing before it that could predict it.
        self.learnt: Rows = self.lengths - np.maximum(dataset.column("loss_start").astype(np.int64), 1)
        """Tokens of each sequence that carry loss, shape [len(dataset)]."""
        self._bands: NDArray[np.uint8] = dataset.column("band")
        self._kinds: NDArray[np.uint8] = dataset.column("kind")
        self._train: NDArray[np.bool_] = dataset.splits() == 0
        names = np.array([LEVELS.index(name) for name in dataset.manifest["difficulties"]], dtype=np.uint8)
        self._difficulties: NDArray[np.uint8] = names[dataset.column("difficulty")]
        self._hashes = hash_ids(dataset.ids())
        check_bands(dataset, scheduler)
        for phase in scheduler.phases:
            if not self._taught_by(phase).any():
                raise self._starved(phase)
        self._chosen = self._train if max_sequences is None else self._choice(max_sequences)

    def pool(self, epoch: int) -> Rows:
        """The training sequences that may take part in `epoch`, ascending; at least one of the phase's own band.

        Where the epoch's ceiling would let none of that band through, the phase's higher one holds.

        Raises:
            ValueError: The run has no such epoch.
        """
        return np.flatnonzero(self._included(epoch) & self._chosen)

    def order(self, epoch: int, rows: Rows) -> Rows:
        """`rows` in the order in which `epoch` teaches them: shuffled, the same each time."""
        return rows[np.argsort(draws(self._hashes[rows], self.seed, _ORDER, epoch), kind="stable")]

    def sample(
        self,
        epoch: int,
        seconds: NDArray[np.float64],
        limit: float,
        used: NDArray[np.int64],
        without: Rows | None = None,
    ) -> Rows:
        """Chooses from `pool(epoch)` what fits in a time.

        Bands, kinds and difficulties, and within each of these places in the repository, are taken in the proportion
        that they have in the pool, and in each place what was used least often first. This holds for every beginning
        of the result as well, so that whoever has less time in the end can stop early.

        Args:
            epoch: Counts from 1.
            seconds: What each sequence of the dataset takes, shape [len(dataset)].
            limit: Seconds that the chosen ones may take together.
            used: How often each sequence of the dataset was taught before, shape [len(dataset)].
            without: Sequences that are not to be chosen, such as those that this epoch has taught already.

        Returns:
            The chosen ones in training order: at least one, unless `without` leaves none.
        """
        rows = self.pool(epoch)
        if without is not None:
            rows = np.setdiff1d(rows, without, assume_unique=True)
        rows = self._interleaved(rows, used[rows], _SAMPLE, epoch)
        fitting = int(np.searchsorted(np.cumsum(seconds[rows]), limit, side="right"))
        return rows[: max(fitting, 1)]

    def validation(self, phase_number: int, limit: int) -> dict[str, Rows]:
        """What a phase is validated on: the same sequences throughout the run.

        Args:
            phase_number: Its band's sequences are taken, of all difficulties.
            limit: At most so many of each sort, chosen as `sample` does.

        Returns:
            `unseen` (no file of it is taught) and `seen` (its files are, but not these changes); a sort without
            sequences is absent.
        """
        found = {}
        for name, rows in self._validating(phase_number).items():
            if len(rows):
                unused = np.zeros(len(rows), dtype=np.int64)
                found[name] = self._interleaved(rows, unused, _VALIDATION, phase_number)[:limit]
        return found

    def summary(self) -> dict[str, Any]:
        """The plan in plain numbers, fit for JSON.

        Returns:
            `phases`: for each its `phase` (the number), the different `sequences` of its band that it teaches, their
            `tokens` and those `learnt`, `kinds` and `difficulties` (name to sequences), `passes` (sequences over all
            its epochs) and `replayed` (those of them from shorter bands). `never_taught`: for each `band` of the
            dataset the training sequences that no epoch takes because they are `too_hard`, have `no_phase` or were
            `not_chosen` (`max_sequences`). `validation`: for each `phase` how many there are `unseen` and `seen`.
        """
        phases = []
        reached = np.zeros(len(self.lengths), dtype=bool)
        for phase in self.scheduler.phases:
            pools = [self._included(epoch) for epoch in range(phase.first_epoch, phase.last_epoch + 1)]
            reached |= np.any(pools, axis=0)
            pools = [pool & self._chosen for pool in pools]
            own = self._bands == phase.number
            phases.append(
                self._counted(phase, np.any(pools, axis=0) & own)
                | {
                    "passes": sum(int(pool.sum()) for pool in pools),
                    "replayed": sum(int((pool & ~own).sum()) for pool in pools),
                }
            )
        return {
            "phases": phases,
            "never_taught": [self._never_taught(int(band["id"]), reached) for band in self.dataset.manifest["bands"]],
            "validation": [
                {"phase": phase.number, **{sort: len(rows) for sort, rows in self._validating(phase.number).items()}}
                for phase in self.scheduler.phases
            ],
        }

    def _included(self, epoch: int) -> NDArray[np.bool_]:
        """Which sequences `epoch` takes, were there no limit to their number; shape [len(dataset)]."""
        phase = self.scheduler.get_phase_at_epoch(epoch)
        own = self._train & (self._bands == phase.number)
        included = self._train & self.scheduler.include(self._hashes, self._bands, self._difficulties, epoch)
        if (included & own & self._chosen).any():
            return included
        higher = self.scheduler.include(self._hashes, self._bands, self._difficulties, epoch, phase.ceilings[1])
        return self._train & higher

    def _validating(self, band: int) -> dict[str, Rows]:
        """The validation sequences of a band, by whether training teaches their files."""
        ours = ~self._train & (self._bands == band)
        seen = self.dataset.column("seen") != 0
        return {"unseen": np.flatnonzero(ours & ~seen), "seen": np.flatnonzero(ours & seen)}

    def _taught_by(self, phase: Phase) -> NDArray[np.bool_]:
        """The training sequences of a phase's own band that it teaches by its last epoch."""
        allowed = self._difficulties <= LEVELS.index(phase.ceilings[1])
        taught: NDArray[np.bool_] = self._train & (self._bands == phase.number) & allowed
        return taught

    def _choice(self, limit: int) -> NDArray[np.bool_]:
        """At most `limit` sequences, of each phase's own band in proportion; shape [len(dataset)]."""
        phases = self.scheduler.phases
        if limit < len(phases):
            raise UsageError(
                f"the number of sequences to teach, {limit}, is smaller than that of the phases, {len(phases)}",
                f"allow {len(phases)} sequences or more",
            )
        own = {phase.number: np.flatnonzero(self._taught_by(phase)) for phase in phases}
        sizes = {number: len(rows) for number, rows in own.items()}
        shares = sizes if sum(sizes.values()) <= limit else apportion(sizes, limit)
        chosen = np.zeros(len(self.lengths), dtype=bool)
        for number, rows in own.items():
            unused = np.zeros(len(rows), dtype=np.int64)
            chosen[self._interleaved(rows, unused, _CHOICE, number)[: shares[number]]] = True
        return chosen

    def _interleaved(self, rows: Rows, used: NDArray[np.int64], *draw: int) -> Rows:
        """`rows`, arranged so that every beginning of them is like the whole; what was used less comes first."""
        sorts = numbered(self._bands[rows], self._kinds[rows], self._difficulties[rows])
        drawn = draws(self._hashes[rows], self.seed, *draw)
        return rows[interleaved(sorts, self._folders[rows], used, drawn)]

    @cached_property
    def _folders(self) -> NDArray[np.int64]:
        """A number for the place in the repository of each sequence, shape [len(dataset)]."""
        starts = self.dataset.column("loss_start").tolist()
        names = [_folder(self.dataset.meta(row)["segments"], start) for row, start in enumerate(starts)]
        known = {name: number for number, name in enumerate(sorted(set(names)))}
        return np.array([known[name] for name in names], dtype=np.int64)

    def _counted(self, phase: Phase, rows: NDArray[np.bool_]) -> dict[str, Any]:
        kinds = np.bincount(self._kinds[rows], minlength=len(self.dataset.manifest["kinds"])).tolist()
        levels = np.bincount(self._difficulties[rows], minlength=len(LEVELS)).tolist()
        return {
            "phase": phase.number,
            "sequences": int(rows.sum()),
            "tokens": int(self.lengths[rows].sum()),
            "learnt": int(self.learnt[rows].sum()),
            "kinds": {name: count for name, count in zip(self.dataset.manifest["kinds"], kinds, strict=True) if count},
            "difficulties": {name: count for name, count in zip(LEVELS, levels, strict=True) if count},
        }

    def _never_taught(self, band: int, reached: NDArray[np.bool_]) -> dict[str, int]:
        rows = self._train & (self._bands == band)
        unreached = int((rows & ~reached).sum())
        has_phase = any(phase.number == band for phase in self.scheduler.phases)
        return {
            "band": band,
            "too_hard": unreached if has_phase else 0,
            "no_phase": 0 if has_phase else unreached,
            "not_chosen": int((rows & reached & ~self._chosen).sum()),
        }

    def _starved(self, phase: Phase) -> UsageError:
        """The error for a phase that nothing feeds."""
        lengths = f"phase {phase.number}, of {phase.min_length} to {phase.max_length} tokens,"
        rows = self._train & (self._bands == phase.number)
        without = ", or set long_context.phase3_enabled to false" if phase.number == 3 else ""
        bands = self.dataset.manifest["bands"]
        if phase.number not in [band["id"] for band in bands]:
            has = ", ".join(f"{band['id']} ({band['min']} to {band['max']} tokens)" for band in bands)
            enable = "long_context.phase3_enabled true and " if phase.number == 3 else ""
            return UsageError(
                f"{lengths} has no sequences: the bands of the dataset are {has}",
                f"pack again with {enable}pack.sequence_length {phase.max_length} or more{without}",
            )
        if not rows.any():
            counts = ", ".join(f"{np.sum(self._train & (self._bands == b['id']))} in band {b['id']}" for b in bands)
            return UsageError(
                f"{lengths} has no sequences: the dataset has {counts} to train on",
                f"pack more of the repository, or with a smaller training.validation_split{without}",
            )
        return UsageError(
            f"{lengths} teaches nothing harder than {phase.ceilings[1]}, but all sequences of its band in the dataset "
            f"are harder ({rows.sum()})",
            f"pack again with a smaller long_context.phase{phase.number}_max_length: shorter sequences are "
            f"easier{without}",
        )


def check_bands(dataset: Dataset, scheduler: LongContextPhaseScheduler) -> None:
    """Compares the lengths of a dataset's bands with those of the phases that are to be trained.

    Raises:
        UsageError: They differ; the message names the keys of the configuration.
    """
    several: bool = scheduler.config.pack.long_context_mode
    packed_several = dataset.manifest["config"].get("pack", {}).get("long_context_mode", True)
    bands = {int(band["id"]): band for band in dataset.manifest["bands"]}
    for phase in scheduler.phases:
        band = bands.get(phase.number)
        if band is None or (band["min"], band["max"]) == (phase.min_length, phase.max_length):
            continue
        ours = {"min": phase.min_length, "max": phase.max_length}
        keys = {
            f"long_context.phase{phase.number}_{end}_length": band[end]
            for end in ("min", "max")
            if band[end] != ours[end]
        }
        if not packed_several:
            keys = {"pack.long_context_mode": "false"} if several else {}
            keys["pack.sequence_length"] = band["max"]
        elif not several:
            keys = {"pack.long_context_mode": "true"}
        raise UsageError(
            f"phase {phase.number} of the configuration is of {ours['min']} to {ours['max']} tokens, but band "
            f"{phase.number} of the dataset of {band['min']} to {band['max']} ({', '.join(keys)})",
            f"set {' and '.join(f'{key} to {value}' for key, value in keys.items())}, or pack again",
        )


def _folder(segments: list[dict[str, Any]], loss_start: int) -> str:
    """The first folders of the first document that is learnt.

    Answers to questions are no document; they belong to the snippet before them.
    """
    learnt = (segment for segment in segments if segment["tokens"][1] > loss_start)
    segment = next(learnt, segments[-1] if segments else None)
    return "/".join(segment["path"].split("/")[:-1][:_FOLDERS]) if segment else ""

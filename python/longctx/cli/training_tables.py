"""The tables of `longctx train`: what it is going to do, and what it did."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from longctx.cli.text import Paint, count, counted, duration, escape_line, share, size, table
from longctx.difficulty import LEVELS

_HEAD = (
    "phase",
    "epochs",
    "tokens each",
    "difficulty",
    "sequences",
    "steps",
    "learning rate",
    "tokens",
    "time",
    "memory",
)
_RIGHT = (4, 5, 6, 7, 8, 9)


def overview_lines(first: Mapping[str, Any], paint: Paint) -> list[str]:
    """What a run is going to do: the values of the event `overview`."""
    return [*_model(first, paint), "", *_phases(first, paint), "", *_time(first), *_notes(first)]


def _model(first: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    model, dataset = first["model"], first["dataset"]
    held = "4-bit weights, " if model["four_bit"] else ""
    several = f" x {first['processes']}" if first["processes"] > 1 else ""
    yield paint(f"{escape_line(dataset['path'])} -> {escape_line(model['name'])}", 1)
    yield (
        f"  {model['device']}{several}, {held}{model['dtype']}; {_millions(model['trained'])} of "
        f"{_millions(model['parameters'])} parameters are trained ({share(model['trained'], model['parameters'])})"
    )
    if first["continued"]:
        yield f"  continued from {escape_line(first['continued'])}"


def _phases(first: Mapping[str, Any], paint: Paint) -> list[str]:
    rows = [
        [
            str(phase["phase"]),
            _span(phase["epochs"]),
            _span(phase["lengths"]),
            _span(phase["ceilings"], " to "),
            _span([count(number) for number in phase["sequences"]], " to "),
            count(phase["steps"]),
            f"{phase['learning_rate']:g}",
            count(phase["tokens"]),
            duration(phase["seconds"]),
            size(phase["memory"]),
        ]
        for phase in first["phases"]
    ]
    lines = table([_HEAD, *rows], _RIGHT)
    return [paint(lines[0], 2), *lines[1:]]


def _time(first: Mapping[str, Any]) -> Iterator[str]:
    whole = (
        f"{counted(first['steps'], 'step')} of {counted(first['batch'], 'sequence')}, "
        f"{counted(first['tokens'], 'token')}: about {duration(first['seconds'])}"
    )
    budget = first["time_budget"]
    if budget is None:
        yield whole
        if first["seconds"] > 3600:
            yield "--time-budget ends a run on time, with sequences chosen to fit"
    elif budget >= first["seconds"]:
        yield f"{whole}, within the {duration(budget)} given"
    else:
        yield f"the {duration(budget)} given are {share(budget, first['seconds'])} of what all of it would take:"
        yield f"  {whole}; each epoch teaches a part of its sequences, chosen over all kinds, difficulties and folders"


def _notes(first: Mapping[str, Any]) -> Iterator[str]:
    reasons = {
        "too_hard": "are harder than any phase teaches",
        "no_phase": "have lengths that no phase teaches",
        "not_chosen": "are beyond --max-sequences",
    }
    for band in first["dataset"]["never_taught"]:
        for reason, told in reasons.items():
            if band[reason]:
                yield f"  {counted(band[reason], 'sequence')} of band {band['band']} {told}"
    for note in first["notes"]:
        yield f"  {escape_line(note)}"


def summary_lines(summary: Mapping[str, Any], paint: Paint) -> list[str]:
    """What a run did: the values of the event `end`."""
    lines = ["", *_epochs(summary["epochs"], paint), "", *_outcome(summary)]
    return [*lines, *_next(summary)]


def _epochs(epochs: Sequence[Mapping[str, Any]], paint: Paint) -> list[str]:
    sorts = [s for s in ("unseen", "seen") if any(s in (e["validation"] or {}).get("losses", ()) for e in epochs)]
    levels = [level for level in LEVELS if any(level in epoch["by_difficulty"] for epoch in epochs)]
    rows = [
        [
            "epoch",
            "phase",
            "sequences",
            *levels,
            "train",
            *(f"val {sort}" for sort in sorts),
            "norm",
            "tokens/s",
            "memory",
            "",
        ]
    ]
    for epoch in epochs:
        losses = (epoch["validation"] or {"losses": {}})["losses"]
        norm = epoch["norm"]
        rows.append(
            [
                str(epoch["epoch"]),
                str(epoch["phase"]),
                count(epoch["sequences"]),
                *(count(epoch["by_difficulty"].get(level, 0)) for level in levels),
                _loss(epoch["train_loss"]),
                *(_loss(losses.get(sort)) for sort in sorts),
                "-" if norm is None else f"{norm['mean']:.2f}",
                "-" if epoch["tokens_per_second"] is None else count(round(epoch["tokens_per_second"])),
                size(epoch["peak_memory"]),
                "better" if epoch["improved"] else "",
            ]
        )
    lines = table(rows, range(len(rows[0]) - 1))
    return [paint(lines[0], 2), *lines[1:]]


def _outcome(summary: Mapping[str, Any]) -> Iterator[str]:
    budget = summary["time_budget"]
    within = "" if budget is None else f" of the {duration(budget)} given"
    yield (
        f"{counted(summary['steps'], 'step')}, {counted(summary['tokens'], 'token')} in {duration(summary['seconds'])}"
        f"{within}; {counted(summary['sequences_taught'], 'sequence')} taught, "
        f"{count(summary['sequences_never_taught'])} not"
    )
    if summary["steps_left_out"]:
        yield f"{counted(summary['steps_left_out'], 'step')} left out: a loss or gradient was no finite number"
    if summary["best"]:
        yield f"best:  {escape_line(summary['best'])}"
    yield f"final: {escape_line(summary['final'])}"


def _next(summary: Mapping[str, Any]) -> Iterator[str]:
    adapter = shlex.quote(escape_line(summary["best"] or summary["final"]))
    yield f"to learn on from it: longctx train --data DIR --output OTHER --checkpoint {adapter}"


def _loss(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _span(pair: Sequence[object], between: str = "-") -> str:
    """Both ends, or the one that they share."""
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}{between}{pair[1]}"


def _millions(number: int) -> str:
    if number < 10**6:
        return count(number)
    return f"{number / 1e6:.1f} M" if number < 10**9 else f"{number / 1e9:.2f} G"

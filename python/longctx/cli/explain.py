"""`longctx explain`: why a sequence of a dataset is what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Annotated, Any

import typer

from longctx.cli.text import Paint, count, counted, day, escape_line, table


def command(
    path: Annotated[str, typer.Argument(metavar="DIR", help="A dataset.")],
    sequence: Annotated[str, typer.Argument(metavar="ID", help="A sequence's id, or its first characters.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Shows why a sequence is what it is.

    Which files it shows and why, in which order, how hard it is, and why it is learnt or kept for validation.
    """
    from longctx.data.shards import open_dataset
    from longctx.explaining import explain, find

    dataset = open_dataset(path, checksums=False)
    explained = explain(dataset, find(dataset, sequence))
    print(json.dumps(explained, indent=2) if as_json else "\n".join(lines(explained, Paint())))


def lines(explained: dict[str, Any], paint: Paint) -> Iterator[str]:
    """The lines about a sequence."""
    band = explained["band"]
    lengths = f", {count(band['min'])} to {count(band['max'])} tokens" if "min" in band else ""
    yield paint(escape_line(explained["id"]), 1)
    yield (
        f"  {escape_line(explained['kind'])}, phase {band['id']}{lengths}; {counted(explained['tokens'], 'token')}, "
        f"learnt from token {count(explained['loss_start'])} on"
    )
    yield from _segments(explained["segments"], paint)
    yield ""
    yield paint("order", 1)
    yield f"  {', then '.join(explained['order']['rule'])}"
    if files := explained["order"]["files"]:
        yield f"  {escape_line(files)}"
    yield from _difficulty(explained["difficulty"], paint)
    yield ""
    yield paint(f"split: {explained['split']}", 1)
    yield from (f"  {escape_line(reason)}" for reason in explained["side"]["because"])
    yield from _commits(explained, paint)
    yield from _questions(explained, paint)


def _segments(segments: list[dict[str, Any]], paint: Paint) -> Iterator[str]:
    yield ""
    yield paint("segments", 1)
    for (path, commit), group in groupby(segments, key=lambda segment: (segment["path"], segment.get("commit"))):
        block = list(group)
        at = f" at {commit[:12]}" if commit else ""
        yield f"  {escape_line(path)}{at}"
        yield from (
            f"    {escape_line(needed)}" for needed in dict.fromkeys(s.get("needed", "") for s in block) if needed
        )
        rows = [
            [
                f"{segment['tokens'][0]}-{segment['tokens'][1]}",
                _learnt(segment),
                f"{escape_line(segment['what'])}: {escape_line(segment['because'])}",
            ]
            for segment in block
        ]
        yield from table(rows, right=(0,), indent="    ")


def _learnt(segment: dict[str, Any]) -> str:
    start: int | None = segment["learnt_from"]
    if start is None:
        return "context"
    return "learnt" if start == segment["tokens"][0] else f"learnt from {start} on"


def _difficulty(difficulty: dict[str, Any], paint: Paint) -> Iterator[str]:
    yield ""
    yield paint(f"difficulty: {difficulty['level'].replace('_', ' ')}, score {difficulty['score']:.3f}", 1)
    rows = [["term", "value", "adds nothing to", "adds all from", "share", "weight", "adds"]]
    rows += [
        [
            term["feature"],
            count(term["value"]),
            count(term["nothing"]),
            count(term["all"]),
            f"{term['share']:.3f}",
            f"{term['weight']:.2f}",
            f"{term['adds']:.3f}",
        ]
        for term in difficulty["terms"]
    ]
    yield from table(rows, right=range(1, 7))
    easy, medium, hard = difficulty["thresholds"]
    yield f"  easy below {easy}, medium below {medium}, hard below {hard}, very hard from there on"


def _commits(explained: dict[str, Any], paint: Paint) -> Iterator[str]:
    from longctx.explaining import FORMS

    if not explained.get("commits"):
        return
    form = explained.get("form", "")
    yield ""
    yield paint("commits", 1)
    if form:
        yield f"  told as {escape_line(form)}: {FORMS.get(form, 'a form that this version does not know')}"
    yield from table(
        [
            [commit["commit"][:12], day(commit["time"]), escape_line(commit["subject"])]
            for commit in explained["commits"]
        ],
        indent="    ",
    )


def _questions(explained: dict[str, Any], paint: Paint) -> Iterator[str]:
    if snippets := explained.get("snippets"):
        yield ""
        yield paint("snippets", 1)
        rows = [[str(one["snippet"]), escape_line(one["path"]), escape_line(one["name"])] for one in snippets]
        yield from table(rows, right=(0,), indent="    ")
    for number, question in enumerate(explained.get("questions", []), 1):
        yield ""
        yield paint(f"question {number}: {escape_line(question['type'])}", 1)
        yield f"  {escape_line(question['question'])}"
        yield f"  answer: {escape_line(question['answer'])}"
        if question["proof"]:
            yield "  proof"
        yield from (f"    {escape_line(step['says'])}" for step in question["proof"])

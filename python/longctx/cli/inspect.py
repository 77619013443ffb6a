"""`longctx inspect`: what is in a dataset, or one sequence of it."""

from __future__ import annotations

import json
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from longctx.cli.text import Paint, count, counted, escape, escape_line, table

if TYPE_CHECKING:
    from longctx.data.shards import Dataset

_COLOURS = (32, 33, 34, 35, 36)


def command(
    path: Annotated[str, typer.Argument(metavar="DIR", help="A dataset.")],
    sequence: Annotated[
        int | None, typer.Option("--sequence", "-n", min=0, metavar="N", help="Show this sequence, counted from 0.")
    ] = None,
    split: Annotated[Literal["train", "val"] | None, typer.Option(help="Only this part of the dataset.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Shows what is in a dataset, or one sequence.

    A sequence's segments are told apart by colour; what is not learnt is dimmed.
    """
    from longctx.data.shards import open_dataset
    from longctx.errors import UsageError

    dataset = open_dataset(path, checksums=False).filter(split=split)
    if sequence is None:
        lines = [json.dumps(_overview(dataset), indent=2)] if as_json else _overview_lines(dataset)
    elif sequence >= len(dataset):
        where = f"{path} has {counted(len(dataset), 'sequence')}" + (f" in {split}" if split else "")
        raise UsageError(f"there is no sequence {sequence}: {where}", "sequences are counted from 0")
    else:
        lines = [json.dumps(_described(dataset, sequence), indent=2)] if as_json else _sequence_lines(dataset, sequence)
    print("\n".join(lines))


def _overview(dataset: Dataset) -> dict[str, Any]:
    import numpy as np

    manifest = dataset.manifest
    columns = {name: dataset.column(name) for name in ("band", "kind", "difficulty", "length", "loss_start")}
    keys = np.stack([dataset.splits(), columns["band"], columns["kind"], columns["difficulty"]], axis=1)
    groups = []
    for key in np.unique(keys, axis=0):
        chosen = (keys == key).all(axis=1)
        tokens = int(columns["length"][chosen].sum(dtype=np.int64))
        groups.append(
            {
                "split": ("train", "val")[key[0]],
                "band": int(key[1]),
                "kind": manifest["kinds"][key[2]],
                "difficulty": manifest["difficulties"][key[3]],
                "sequences": int(chosen.sum()),
                "tokens": tokens,
                "learnt_tokens": tokens - int(columns["loss_start"][chosen].sum(dtype=np.int64)),
            }
        )
    return {
        "dataset": str(dataset.path),
        "repository": manifest["repository"]["name"],
        "commit": manifest["commit"],
        "tool": manifest["tool"],
        "tokenizer": {key: manifest["tokenizer"][key] for key in ("name", "sha256", "vocab_size")},
        "token_dtype": manifest["token_dtype"],
        "shards": len(manifest["shards"]),
        "sequences": len(dataset),
        "tokens": int(columns["length"].sum(dtype=np.int64)),
        "groups": groups,
    }


def _overview_lines(dataset: Dataset) -> list[str]:
    overview, paint = _overview(dataset), Paint()
    where = shlex.quote(escape_line(str(dataset.path)))
    commit = f" at {overview['commit'][:12]}" if overview["commit"] else ""
    tokenizer = overview["tokenizer"]
    stored = f"{overview['token_dtype']} in {counted(overview['shards'], 'shard')} by {escape_line(overview['tool'])}"
    rows = [["split", "band", "kind", "difficulty", "sequences", "tokens", "learnt"]]
    for group in overview["groups"]:
        numbers = [count(group[name]) for name in ("sequences", "tokens", "learnt_tokens")]
        rows.append([group["split"], str(group["band"]), group["kind"], group["difficulty"], *numbers])
    return [
        paint(f"{escape_line(overview['repository'])}{commit}", 1),
        f"  {counted(overview['sequences'], 'sequence')}, {counted(overview['tokens'], 'token')} as {stored}",
        f"  tokenizer {escape_line(tokenizer['name'])}, {count(tokenizer['vocab_size'])} ids",
        "",
        *table(rows, right=(4, 5, 6)),
        "",
        f"one sequence: longctx inspect {where} --sequence 0",
        f"why it is so: longctx explain {where} ID",
    ]


def _described(dataset: Dataset, number: int) -> dict[str, Any]:
    return {
        "split": dataset.split(number),
        "length": len(dataset.tokens(number)),
        "loss_start": dataset.loss_start(number),
        **dataset.meta(number),
        "text": dataset.text(number),
    }


def _sequence_lines(dataset: Dataset, number: int) -> list[str]:
    meta, tokens, loss_start = dataset.meta(number), dataset.tokens(number), dataset.loss_start(number)
    paint = Paint()
    segments = meta["segments"]
    colours = [_COLOURS[position % len(_COLOURS)] for position in range(len(segments))]
    rows = []
    for segment in segments:
        (first, last), (start, end) = segment["tokens"], segment["bytes"]
        place, reason = f"bytes {start}-{end}", escape_line(segment.get("why", ""))
        rows.append([f"{first}-{last}", segment["role"], escape_line(segment["path"]), place, reason])
    cuts = sorted({0, loss_start, len(tokens), *(cut for segment in segments for cut in segment["tokens"])})
    text = ""
    for start, end in pairwise(cuts):
        inside = [c for c, s in zip(colours, segments, strict=True) if s["tokens"][0] <= start < s["tokens"][1]]
        styles = [*([2] if start < loss_start else []), *(inside or [1])]
        text += paint(escape(dataset.tokenizer.decode(tokens[start:end])), *styles)
    return [
        paint(f"{escape_line(meta['id'])} ({dataset.split(number)})", 1),
        f"  {meta['kind']}, {meta['difficulty']}; {counted(len(tokens), 'token')}, learnt from {count(loss_start)} on",
        *[paint(line, colour) for line, colour in zip(table(rows), colours, strict=True)],
        "",
        text,
    ]

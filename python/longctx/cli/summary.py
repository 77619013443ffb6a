"""What `longctx pack` says when it is done."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from longctx.cli.text import Paint, count, counted, duration, escape_line, share, size, table
from longctx.config import LeftOutBand

_MODEL = "bigcode/starcoder2-3b"


def pack_summary(
    summary: dict[str, Any], left_out: Sequence[LeftOutBand], repository: str, paint: Paint | None = None
) -> list[str]:
    """The lines to print.

    Args:
        summary: The engine's summary.
        left_out: Bands that the configuration has and this dataset has not.
        repository: The repository as the user gave it, for the command at the end.
        paint: Colours; None is those of standard output.
    """
    paint = paint or Paint()
    lines = [*_outcome(summary, paint), *_bands(summary, left_out, paint)]
    for part in (_directories, _skipped, _redactions):
        lines += part(summary, paint)
    lines += ["", _time(summary)]
    if summary["tokenizer"]["embedded"]:
        lines.append(f"for a given model: longctx pack {shlex.quote(escape_line(repository))} --tokenizer {_MODEL}")
    return lines


def _outcome(summary: dict[str, Any], paint: Paint) -> Iterator[str]:
    name = escape_line(summary["repository"])
    commit = f" at {summary['commit'][:12]}" if summary["commit"] else ""
    where = "dry run, nothing written" if summary["dry_run"] else escape_line(summary["output"] or "")
    yield paint(f"{name}{commit} -> {where}", 1)
    files, coverage = summary["files"], summary["coverage"]
    yield (
        f"  {counted(files['packed'], 'file')} of {count(files['listed'])}, {size(files['bytes'])}, "
        f"{counted(files['tokens'], 'token')} ({escape_line(summary['tokenizer']['name'])} tokenizer)"
    )
    packed, total = coverage["bytes_packed"], coverage["bytes_total"]
    yield f"  coverage: {share(packed, total)} of {size(total)}"
    if shortened := summary["shortened_paths"]:
        yield f"  {counted(shortened, 'path')} too long for a header, shown without the first folders"


def _bands(summary: dict[str, Any], left_out: Sequence[LeftOutBand], paint: Paint) -> Iterator[str]:
    yield ""
    yield paint("sequences", 1)
    rows = [["band", "tokens each", "train", "val", "tokens", "learnt"]]
    for band in summary["bands"]:
        train, val = band["train"], band["val"]
        rows.append(
            [
                f"phase {band['id']}",
                f"{count(band['min'])} to {count(band['max'])}",
                count(train["sequences"]),
                count(val["sequences"]),
                count(train["tokens"] + val["tokens"]),
                count(train["learnt_tokens"] + val["learnt_tokens"]),
            ]
        )
    yield from table(rows, right=(1, 2, 3, 4, 5))
    for band in summary["bands"]:
        if short := band["train"]["below_min"] + band["val"]["below_min"]:
            yield f"  phase {band['id']}: {counted(short, 'sequence')} shorter than {count(band['min'])} tokens"
    for skipped in left_out:
        lengths = f"{count(skipped.min)} to {count(skipped.max)} tokens"
        yield f"  phase {skipped.id} ({lengths}) is left out: {skipped.reason}"


def _directories(summary: dict[str, Any], paint: Paint) -> Iterator[str]:
    if not summary["directories"]:
        return
    yield ""
    yield paint("directories with most tokens", 1)
    yield from table(
        [
            [count(entry["tokens"]), counted(entry["files"], "file"), escape_line(entry["path"]) or "."]
            for entry in summary["directories"]
        ],
        right=(0, 1),
    )


def _skipped(summary: dict[str, Any], paint: Paint) -> Iterator[str]:
    reasons = sorted(summary["skipped"], key=lambda entry: (-entry["files"] - entry["directories"], entry["reason"]))
    if not reasons:
        return
    yield ""
    yield paint("left out", 1)
    rows = []
    for entry in reasons:
        things = [
            counted(number, singular) if number == 1 or singular == "file" else f"{count(number)} directories"
            for number, singular in ((entry["files"], "file"), (entry["directories"], "directory"))
            if number
        ]
        examples = ", ".join(escape_line(path) for path in entry["examples"][:2])
        rows.append(
            [" + ".join(things), size(entry["bytes"]), entry["description"], f"({examples})" if examples else ""]
        )
    yield from table(rows, right=(0, 1))


def _redactions(summary: dict[str, Any], paint: Paint) -> Iterator[str]:
    if not summary["redactions"]:
        return
    yield ""
    yield paint("redacted", 1)
    yield from table(
        [
            [count(entry["count"]), entry["kind"], f"in {counted(entry['files'], 'file')}"]
            for entry in summary["redactions"]
        ],
        right=(0,),
    )


def _time(summary: dict[str, Any]) -> str:
    seconds, files = summary["seconds"], summary["files"]
    rate = (
        f", {size(files['bytes'] / seconds)}/s, {count(round(files['tokens'] / seconds))} tokens/s" if seconds else ""
    )
    return f"{duration(seconds)} on {counted(summary['threads'], 'thread')}{rate}"

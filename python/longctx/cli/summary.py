"""What `longctx pack` says when it is done."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from longctx.cli.text import Paint, count, counted, duration, escape_line, share, size, table
from longctx.config import LeftOutBand
from longctx.difficulty import LEVELS

_MODEL = "bigcode/starcoder2-3b"
_HISTORY = {
    "left_out": "left out: {}",
    "missing": "missing: git {}",
    "gone": "files are gone",
    "not_packed": "files have a history and are not packed",
    "older_versions": "versions are older than pack.max_versions allows",
    "unreadable": "versions cannot be shown: {}",
    "shared_with_validation": "changes show text of a file that is kept for validation, and are not told",
    "mixed_sides": "commits touch both sides of the split, and are told file by file only",
    "tellings": "stories told as {}",
    "too_large": "too long for phase {}",
    "beyond_ratio": "sequences dropped: pack.commits_ratio was reached",
    "not_told": "files and commits not looked into: pack.commits_ratio was reached",
}


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
    lines = [*_outcome(summary, paint), *sequences(summary, left_out, paint)]
    for part in (split, commits, questions, _directories, skipped, _redactions):
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
    if summary["unchanged"]:
        yield "  nothing has changed since it was packed; the dataset was checked and left as it is"
    files, coverage = summary["files"], summary["coverage"]
    yield (
        f"  {counted(files['packed'], 'file')} of {count(files['listed'])}, {size(files['bytes'])}, "
        f"{counted(files['tokens'], 'token')} ({escape_line(summary['tokenizer']['name'])} tokenizer)"
    )
    packed, total = coverage["bytes_packed"], coverage["bytes_total"]
    yield f"  coverage: {share(packed, total)} of {size(total)}"
    if shortened := summary["shortened_paths"]:
        yield f"  {counted(shortened, 'path')} too long for a header, shown without the first folders"


def sequences(summary: dict[str, Any], left_out: Sequence[LeftOutBand], paint: Paint) -> Iterator[str]:
    """The lines about the sequences: by band, kind and part of the split, with their difficulties."""
    yield ""
    yield paint("sequences", 1)
    rows: list[list[str]] = []
    heads = ["sequences", "tokens", "learnt", *(level.replace("_", " ") for level in LEVELS)]
    for band in summary["bands"]:
        rows.append([f"{_phase(band)}, {_lengths(band['min'], band['max'])}", *(heads if not rows else [""] * 7)])
        of_band = [row for row in summary["kinds"] if row["band"] == band["id"]]
        for row in of_band:
            seen = " (seen)" if row["split"] == "val" and row["seen"] else ""
            numbers = [row["sequences"], row["tokens"], row["learnt_tokens"]]
            numbers += [row["difficulty"].get(level, 0) for level in LEVELS]
            rows.append([f"  {row['kind']}, {row['split']}{seen}", *map(count, numbers)])
        if not of_band:
            rows.append(["  none", *[""] * 7])
    yield from table(rows, right=range(1, 8))
    if any(row["split"] == "val" and row["seen"] for row in summary["kinds"]):
        yield "  (seen): training learns the same files, but not these versions of them"
    for band in summary["bands"]:
        if short := band["train"]["below_min"] + band["val"]["below_min"]:
            yield f"  {_phase(band)}: {counted(short, 'sequence')} shorter than {count(band['min'])} tokens"
    if repeated := summary.get("repeated"):
        yield f"  {counted(repeated, 'sequence')} left out: equal to another"
    for absent in left_out:
        yield f"  phase {absent.id} ({_lengths(absent.min, absent.max)}) is left out: {absent.reason}"


def _phase(band: dict[str, Any]) -> str:
    return f"phase {band['id']}"


def _lengths(low: int, high: int) -> str:
    return f"{count(low)} to {count(high)} tokens"


def split(summary: dict[str, Any], paint: Paint) -> Iterator[str]:
    """The lines about what is kept for validation."""
    found = summary.get("split")
    if not found:
        return
    yield ""
    yield paint("split", 1)
    learnt, kept = found.get("files_train", 0), found.get("files_val", 0)
    yield f"  {counted(learnt, 'file')} for training, {count(kept)} for validation"
    if found.get("clusters"):
        largest = f"; the largest has {count(found['largest_cluster'])}" if "largest_cluster" in found else ""
        yield (
            f"  {counted(found.get('clustered_files', 0), 'file')} in {counted(found['clusters'], 'cluster')}, "
            f"each on one side as a whole{largest}"
        )
    shown = ("files_train", "files_val", "clusters", "clustered_files", "largest_cluster")
    yield from counters(found, {"reasons": "clusters because of: {}"}, shown)


def commits(summary: dict[str, Any], paint: Paint) -> Iterator[str]:
    """The lines about the history that commit sequences tell, and about all that they do not."""
    history = summary.get("history")
    if not history:
        return
    yield ""
    yield paint("history", 1)
    if history.get("commits"):
        yield (
            f"  {counted(history['commits'], 'commit')}, {counted(history.get('merges', 0), 'merge')} among them; "
            f"{counted(history.get('versions', 0), 'version')} of {counted(history.get('chains', 0), 'file')} read"
        )
    if held_out := history.get("held_out"):
        yield f"  the newest {counted(held_out, 'commit')} kept for validation"
    yield from counters(history, _HISTORY, ("commits", "merges", "versions", "chains", "held_out"))


def questions(summary: dict[str, Any], paint: Paint) -> Iterator[str]:
    """The lines about questions, and about those that were dropped."""
    qa = summary.get("qa")
    if not qa:
        return
    yield ""
    yield paint("questions", 1)
    bands = qa.get("bands", {}).values()
    asked: dict[str, int] = {}
    for band in bands:
        for kind, number in band["questions"].items():
            asked[kind] = asked.get(kind, 0) + number
    made = sum(band["sequences"] for band in bands)
    yield f"  {counted(sum(asked.values()), 'question')} in {counted(made, 'sequence')}"
    yield from counters({"asked": asked, **qa}, {"asked": "{}", "dropped": "not asked: {}"}, ("bands", "positions"))


def counters(section: dict[str, Any], labels: Mapping[str, str], shown: Collection[str] = ()) -> Iterator[str]:
    """Lines for all numbers of `section` that are not zero, nested or not, and for what it says in words.

    Args:
        section: Numbers; objects of numbers; lists of objects that have a name and numbers; lists of text.
        labels: What to say for a key, with `{}` for the name within an object. Others are shown as they are.
        shown: Keys to pass over.
    """
    rows: list[list[str]] = []
    words: list[str] = []
    for key, value in section.items():
        label = labels.get(key, key.replace("_", " "))
        if key in shown or not value:
            continue
        if isinstance(value, dict):
            nested = label if "{}" in label else f"{label}: {{}}"
            rows += [[count(number), nested.format(name)] for name, number in value.items() if _is_number(number)]
            lists = [texts for texts in value.values() if isinstance(texts, list)]
            words += [text for texts in lists for text in texts if isinstance(text, str)]
        elif isinstance(value, list):
            words += [text for text in value if isinstance(text, str)]
            for entry in value:
                if isinstance(entry, dict):
                    rows += _counted_in(entry, label)
        else:
            rows.append([count(value), label])
    yield from table([[number, escape_line(text)] for number, text in rows], right=(0,), indent="    ")
    yield from (f"  note: {escape_line(text)}" for text in words)


def _counted_in(entry: dict[str, Any], label: str) -> list[list[str]]:
    """The numbers of an object of which one value, a text or the number of a band, is its name."""
    name = next((key for key in ("reason", "type", "form", "band") if key in entry), "")
    told = label.format(str(entry.get(name, "")).replace("_", " "))
    return [[count(value), f"{key} {told}"] for key, value in entry.items() if key != name and _is_number(value)]


def _is_number(value: object) -> bool:
    return isinstance(value, int) and value != 0


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


def skipped(summary: dict[str, Any], paint: Paint) -> Iterator[str]:
    """The lines about what was left out."""
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

"""Where the time of `longctx pack` went, as `--profile` shows it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from longctx.cli.text import Paint, count, counted, duration, share, size, table


def profile(summary: dict[str, Any], started: float, paint: Paint | None = None) -> Iterator[str]:
    """The lines to print: a table of stages with time, processor time, amount and rate, peak memory, and the cache.

    Args:
        summary: The engine's summary.
        started: Seconds of processor time that the process had spent when the engine began.
        paint: Colours; None is those of standard output.
    """
    paint = paint or Paint()
    stages = summary["stages"]
    whole = started + summary["seconds"]
    yield paint("where the time went", 1)
    rows = [["start of Python", duration(started), share(started, whole), duration(started), "", ""]]
    for stage in stages:
        seconds, amount, unit = stage["seconds"], stage["amount"], stage["unit"]
        cpu = "-" if stage["cpu_seconds"] is None else duration(stage["cpu_seconds"])
        rows.append(
            [
                stage["name"],
                duration(seconds),
                share(seconds, whole),
                cpu,
                _amount(amount, unit) if amount else "",
                f"{_amount(amount / seconds, unit)}/s" if amount and seconds else "",
            ]
        )
    rest = summary["seconds"] - sum(stage["seconds"] for stage in stages)
    rows.append(["rest", duration(max(rest, 0.0)), share(max(rest, 0.0), whole), "", "", ""])
    heads = ["stage", "time", "share", "processor", "amount", "rate"]
    yield from table([heads, *rows], right=(1, 2, 3, 4, 5))
    peak = _peak_memory()
    if peak is not None:
        yield f"peak memory {size(peak)}"
    yield _cache(summary["cache"])


def _amount(number: float, unit: str) -> str:
    return size(number) if unit == "bytes" else f"{count(round(number))} {unit}"


def _cache(cache: dict[str, Any] | None) -> str:
    if cache is None:
        return "no cache was used"
    asked = cache["hits"] + cache["misses"]
    return f"cache: {count(cache['hits'])} of {counted(asked, 'result')} found, {size(cache['bytes'])} kept"


def _peak_memory() -> int | None:
    """Bytes of memory that the process had at most; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

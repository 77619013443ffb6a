"""Numbers, sizes, tables and untrusted text, made fit for a terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TextIO

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)?", re.IGNORECASE)


def escape(text: str) -> str:
    """`text` with control codes, direction marks and whatever else cannot be shown spelled out.

    Newlines and tabs stay.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\u{{{ord(char):x}}}" for char in text)


def escape_line(text: str) -> str:
    """As `escape`, for what must stay on one line, such as a path."""
    return escape(text).replace("\n", "\\n").replace("\t", "\\t")


def count(number: int) -> str:
    """`number` with its thousands apart."""
    return f"{number:,}"


def counted(number: int, thing: str) -> str:
    """`number` and `thing` in singular or plural."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def size(number: float) -> str:
    """A number of bytes in the unit that suits it (powers of 1024)."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def parse_size(text: str) -> int:
    """The bytes that `text` names: `1048576`, `1MiB`, `500k`. k, M, G and T are powers of 1024, kB and MB of 1000.

    Raises:
        ValueError: `text` is no size; the message says what one looks like.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no size; write bytes or a unit, such as 1048576 or 1MiB")
    number, prefix, binary = match.groups()
    base = 1024 if binary or not text.strip().lower().endswith("b") else 1000
    return int(float(number) * base ** ("kmgt".index(prefix.lower()) + 1 if prefix else 0))


def duration(seconds: float) -> str:
    """A time span in the unit that suits it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def day(seconds: int) -> str:
    """The day, in UTC, of a moment in seconds since 1970; the number itself where no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d")
    except (OverflowError, OSError, ValueError):
        # A commit may claim any time.
        return str(seconds)


def share(part: float, whole: float) -> str:
    """`part` of `whole` in percent; never 100 % or 0 % where that is not exact."""
    if not whole:
        return "-"
    percent = f"{100 * part / whole:.1f}"
    if percent == "100.0" and part < whole:
        percent = "99.9"
    return f"{'<0.1' if percent == '0.0' and part else percent} %"


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = (), indent: str = "  ") -> list[str]:
    """Lines of columns two spaces apart; the columns in `right` are aligned to the right."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        indent
        + "  ".join(
            cell.rjust(widths[column]) if column in right else cell.ljust(widths[column])
            for column, cell in enumerate(row)
        ).rstrip()
        for row in rows
    ]


class Paint:
    """Colours for one stream: none where it is no terminal, TERM is dumb or NO_COLOR is set."""

    def __init__(self, stream: TextIO | None = None) -> None:
        stream = sys.stdout if stream is None else stream
        self.on = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def __call__(self, text: str, *codes: int) -> str:
        """`text` in the given ANSI styles (1 bold, 2 dim, 31-36 colours); each line by itself, for pagers."""
        if not self.on or not text:
            return text
        start = f"\x1b[{';'.join(map(str, codes))}m"
        return "\n".join(f"{start}{line}\x1b[0m" if line else line for line in text.split("\n"))

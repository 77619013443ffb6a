from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longctx.cli.text import Paint, counted, duration, escape, escape_line, parse_size, share, size, table


@given(st.text(st.characters(codec=None)))
def test_no_escaped_text_can_act_on_a_terminal(text: str) -> None:
    escaped = escape(text)
    assert all(char.isprintable() or char in "\n\t" for char in escaped)
    assert not set(escaped) & set("\x00\x07\x08\r\x1b\x7f\x9b\u2028\u202e\u2066")
    assert "\n" not in escape_line(text)


def test_what_is_escaped_is_spelled_out() -> None:
    assert escape("a\x1b[2Jb\u202ec\r\n\td é 日本") == "a\\u{1b}[2Jb\\u{202e}c\\u{d}\n\td é 日本"
    assert escape("\udcff") == "\\u{dcff}"
    assert escape_line("a\nb\tc") == "a\\nb\\tc"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1048576", 1 << 20), ("1MiB", 1 << 20), ("1M", 1 << 20), ("1 mb", 1_000_000), ("500k", 512_000), ("1.5KiB", 1536),
     ("7b", 7), ("2GiB", 2 << 30)],
)  # fmt: skip
def test_sizes_are_read_with_and_without_units(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1x", "1e3", "one", "1ib"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


def test_numbers_are_written_for_people() -> None:
    assert (size(512), size(1536), size(3 << 30)) == ("512 B", "1.5 KiB", "3.0 GiB")
    assert (duration(0.25), duration(12.34), duration(75), duration(3700)) == (
        "250 ms",
        "12.3 s",
        "1 min 15 s",
        "1 h 01 min",
    )
    assert (counted(1, "file"), counted(1234, "file")) == ("1 file", "1,234 files")
    assert (share(1, 2), share(0, 0), share(99999, 100000), share(1, 100000), share(5, 5), share(0, 5)) == (
        "50.0 %", "-", "99.9 %", "<0.1 %", "100.0 %", "0.0 %",
    )  # fmt: skip
    assert table([["a", "1"], ["bb", "22"]], right=(1,)) == ["  a    1", "  bb  22"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Paint(Terminal())("a\nb", 1, 32) == "\x1b[1;32ma\x1b[0m\n\x1b[1;32mb\x1b[0m"
    assert Paint(io.StringIO())("a", 1) == "a"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Paint(Terminal())("a", 1) == "a"

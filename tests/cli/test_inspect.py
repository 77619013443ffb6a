from __future__ import annotations

import json
from pathlib import Path

import pytest

from longctx import cli
from tests.data.handmade import Row, write_dataset


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        Row("train", [("a.py", "a = 1\n"), ("b.py", "b = '\x1b[31m\u202e'\n")]),
        Row("train", [("c.py", "c\n")], kind="qa", band=2),
        Row("val", [("d.py", "d\n")]),
    ]
    return write_dataset(tmp_path / "hand.longctx", rows)


def test_the_overview_counts_by_split_band_kind_and_difficulty(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["inspect", str(folder), "--json"]) == 0
    overview = json.loads(capsys.readouterr().out)
    assert overview["sequences"] == 3
    assert [(g["split"], g["band"], g["kind"], g["sequences"]) for g in overview["groups"]] == [
        ("train", 1, "hierarchical", 1),
        ("train", 2, "qa", 1),
        ("val", 1, "hierarchical", 1),
    ]
    assert overview["tokens"] == sum(group["tokens"] for group in overview["groups"])
    assert overview["groups"][0]["learnt_tokens"] < overview["groups"][0]["tokens"]
    assert cli.main(["inspect", str(folder)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("handmade\n  3 sequences, ")


def test_a_sequence_is_shown_with_its_segments_and_nothing_that_acts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["inspect", str(folder), "--sequence", "0"]) == 0
    text = capsys.readouterr().out
    assert "file  a.py  bytes 0-6   sibling" in text
    assert "file  b.py  bytes 0-" in text
    assert "b = '\\u{1b}[31m\\u{202e}'" in text
    assert not set(text) & {"\x1b", "\u202e"}


def test_segments_have_colours_and_what_is_not_learnt_is_dimmed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longctx.cli.text.Paint.__init__", lambda self, stream=None: setattr(self, "on", True))
    assert cli.main(["inspect", str(folder), "--sequence", "0"]) == 0
    text = capsys.readouterr().out
    assert "\x1b[2;32ma = 1\x1b[0m" in text
    assert "\x1b[33mb = '\\u{1b}[31m" in text


def test_numbers_count_within_the_split(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(folder), "--sequence", "0", "--split", "val", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == "<|FILE_START|>d.py\nd\n<|FILE_END|>"
    assert cli.main(["inspect", str(folder), "--sequence", "1", "--split", "val"]) == 2
    assert "has 1 sequence in val" in capsys.readouterr().err


def test_a_folder_that_is_no_dataset_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: ")

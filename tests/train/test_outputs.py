"""The output folder of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from longctx.errors import DatasetError, OutputError
from longctx.train.outputs import read_run, recover_adapter, replace_adapter, write_run


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    return folder


def _saving(text: str) -> object:
    return lambda folder: (folder / "weights").write_text(text, encoding="utf-8")


def test_an_adapter_takes_the_place_of_the_one_before(tmp_path: Path, tokenizer: Path) -> None:
    best = tmp_path / "run" / "best"
    for text in ("first", "second"):
        replace_adapter(best, _saving(text), tokenizer)  # type: ignore[arg-type]
        assert (best / "weights").read_text(encoding="utf-8") == text
        assert (best / "tokenizer.json").is_file()
    assert [path.name for path in best.parent.iterdir()] == ["best"]


def test_an_adapter_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, tokenizer: Path) -> None:
    best = tmp_path / "best"
    replace_adapter(best, _saving("good"), tokenizer)  # type: ignore[arg-type]

    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"cannot write the adapter .*best: no space left on device"):
        replace_adapter(best, full, tokenizer)
    assert (best / "weights").read_text(encoding="utf-8") == "good"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "tokenizer"]


def test_an_adapter_that_was_moved_aside_is_put_back(tmp_path: Path) -> None:
    (tmp_path / ".best.old").mkdir()
    recover_adapter(tmp_path / "best")
    assert (tmp_path / "best").is_dir()
    (tmp_path / ".best.old").mkdir()
    recover_adapter(tmp_path / "best")
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_what_a_run_was_asked_for_is_read_again(tmp_path: Path) -> None:
    assert read_run(tmp_path) is None
    write_run(tmp_path, {"finished": False, "data": "d"})
    found = read_run(tmp_path)
    assert found is not None
    assert (found["finished"], found["data"]) == (False, "d")


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "else"}'])
def test_a_file_that_is_of_no_run_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=r"run\.json"):
        read_run(tmp_path)

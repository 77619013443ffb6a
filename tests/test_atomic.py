from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from longctx import OutputError, UsageError
from longctx.atomic import check_folder, failure, sync_tree, write_text


def test_a_file_is_written_whole_with_its_folders_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.json"
    write_text(path, "ä\n")
    write_text(path, "b\n")
    assert path.read_bytes() == b"b\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["c.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions as POSIX has them")
def test_others_may_read_it_as_the_system_says(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_text(tmp_path / "c", "x")
    finally:
        os.umask(mask)
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o644


def test_what_was_there_stays_if_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c"
    write_text(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*/c: no space left on device"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["c"]


def test_a_folder_is_found_wanting_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to("nowhere")
    check_folder(tmp_path / "new" / "deep")
    for bad in ("file", "file/deep", "dangling"):
        with pytest.raises(UsageError, match="is no folder") as caught:
            check_folder(tmp_path / bad)
        assert caught.value.exit_code == 2
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["dangling", "file"]


def test_errors_of_the_system_are_told_whoever_raises_them() -> None:
    assert failure(OSError(28, "No space left on device")) == "no space left on device"
    foreign = "Error while serializing: I/O error: No space left on device (os error 28)"
    assert failure(RuntimeError(foreign)) == "no space left on device"
    assert failure(RuntimeError(f'{foreign} at path "/a: b"')) == "no space left on device"
    assert failure(ValueError("no tensor of this name")) is None


def test_every_file_and_folder_is_brought_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    paths = [tmp_path, tmp_path / "a", tmp_path / "a" / "b", tmp_path / "x", tmp_path / "a" / "b" / "y"]
    for path in paths[3:]:
        path.write_text("x")
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    sync_tree(tmp_path)
    assert sorted(synced) == sorted(path.stat().st_ino for path in paths)

"""Folders of the user's cache."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from longctx.errors import OutputError
from longctx.model.cache import cached, sample
from longctx.user_cache import cache_folder


def test_a_folder_is_made_once(own_cache: Path) -> None:
    calls = []

    def fill(folder: Path) -> None:
        calls.append(folder)
        (folder / "file").write_text("x")

    first, second = cached("a/b", fill), cached("a/b", fill)
    assert first == second == own_cache / "a" / "b"
    assert (first / "file").read_text() == "x"
    assert len(calls) == 1


def test_where_making_fails_nothing_is_left(own_cache: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("a/b", fill)
    assert list((own_cache / "a").iterdir()) == []


def test_of_two_at_once_one_is_kept_and_it_is_whole(own_cache: Path) -> None:
    both = threading.Barrier(2, timeout=20)

    def fill(folder: Path) -> None:
        (folder / "file").write_text("x" * 1000)
        both.wait()

    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(cached("a", fill))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [own_cache / "a"] * 2
    assert [path.name for path in own_cache.iterdir()] == ["a"]
    assert (own_cache / "a" / "file").read_text() == "x" * 1000


def test_what_killed_runs_left_is_removed_once_it_is_old(own_cache: Path) -> None:
    old, new = own_cache / ".a.tmp-1", own_cache / ".a.tmp-2"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    os.utime(old, (0, 0))
    cached("a", lambda folder: (folder / "file").touch())
    assert sorted(path.name for path in own_cache.iterdir()) == [".a.tmp-2", "a"]


def write(folder: Path, text: str) -> None:
    (folder / "file").write_text(text)


@pytest.mark.parametrize("damage", ["missing", "truncated", "altered", "no hashes"])
def test_a_damaged_folder_is_made_again_and_that_is_told(own_cache: Path, damage: str) -> None:
    folder = cached("a", lambda to: write(to, "one"))
    if damage == "missing":
        (folder / "file").unlink()
    elif damage == "no hashes":
        (folder / "contents.json").write_text("{")
    else:
        (folder / "file").write_text("on" if damage == "truncated" else "eno")
    notes: list[str] = []
    assert cached("a", lambda to: write(to, "two"), notes) == folder
    assert (folder / "file").read_text() == "two"
    assert notes == [f"what was kept in {folder} was damaged and has been made again"]
    assert [path.name for path in own_cache.iterdir()] == ["a"]


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"cannot write the cache .*: not a directory"):
        cached("a", lambda _: None)


def test_the_folder_is_where_the_system_has_its_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == tmp_path / ".cache" / "longctx"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder() == tmp_path / "Library" / "Caches" / "longctx"


def test_a_sample_tells_apart_size_ends_and_what_is_between(tmp_path: Path) -> None:
    content = bytes(5_000_000)
    file = tmp_path / "file"

    def of(data: bytes) -> bytes:
        file.write_bytes(data)
        return sample(file)

    tensor = content[:2_000_000] + b"\1" * 100_000 + content[2_100_000:]
    different = [content, content[:-1], b"\1" + content[1:], content[:-1] + b"\1", tensor]
    assert len({of(data) for data in different}) == len(different)
    assert of(content) == of(content)
    assert of(b"") == of(b"")

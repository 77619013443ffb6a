"""The options of `longctx pack` that say where time goes and what is kept between runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from longctx.cli.profile import profile
from tests.conftest import Cli
from tests.repositories import git, make_repository, sample_files


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("pack") / "demo", sample_files())


def pack(cli: Cli, repository: Path, folder: Path, *options: str) -> str:
    done = cli("pack", repository, "-o", folder / "out.longctx", "--overwrite", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_profile_shows_every_stage_with_its_rate_and_the_cache(cli: Cli, repository: Path, tmp_path: Path) -> None:
    text = pack(cli, repository, tmp_path, "--quiet", "--profile")
    for stage in ("start of Python", "walk", "read and tokenize", "split", "hierarchical sequences", "write", "rest"):
        assert stage in text
    assert "files/s" in text
    assert "B/s" in text
    assert "cache: 0 of" in text
    assert "peak memory" in text or sys.platform == "win32"
    assert "where the time went" not in pack(cli, repository, tmp_path, "--quiet")


def test_shares_are_of_the_whole_with_the_start() -> None:
    stage = {"name": "walk", "seconds": 1.0, "cpu_seconds": None, "amount": 10, "unit": "files"}
    lines = list(profile({"stages": [stage], "seconds": 3.0, "cache": None}, 1.0))
    assert "25.0 %" in lines[2]
    assert "25.0 %" in lines[3]
    assert "10 files/s" in lines[3]
    assert "50.0 %" in lines[4]
    assert lines[-1] == "no cache was used"


def test_a_second_run_finds_what_the_first_one_kept(cli: Cli, repository: Path, tmp_path: Path) -> None:
    runs = [json.loads(pack(cli, repository, tmp_path / name, "--json")) for name in ("a", "b")]
    assert [run["unchanged"] for run in runs] == [False, False]
    assert runs[1]["cache"]["hits"] > 0
    assert runs[1]["cache"]["misses"] == 0
    assert runs[1]["cache"]["problem"] is None
    assert json.loads(pack(cli, repository, tmp_path / "a", "--json", "--no-cache"))["cache"] is None


def contents(dataset: Path) -> dict[str, bytes]:
    files = (path for path in sorted(dataset.rglob("*")) if path.is_file())
    return {path.relative_to(dataset).as_posix(): path.read_bytes() for path in files}


def test_a_dataset_that_need_not_change_is_left_as_it_is(cli: Cli, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "demo", sample_files())
    dataset = tmp_path / "out.longctx"
    first = json.loads(pack(cli, repository, tmp_path, "--json"))
    made, inode = contents(dataset), dataset.stat().st_ino
    again = json.loads(pack(cli, repository, tmp_path, "--json"))
    assert (first.pop("unchanged"), again.pop("unchanged")) == (False, True)
    assert (contents(dataset), dataset.stat().st_ino) == (made, inode)
    for differs in ("cache", "seconds", "stages"):
        del first[differs], again[differs]
    assert again == first
    assert "nothing has changed" in pack(cli, repository, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("change", ["file", "commit", "option", "damage", "missing", "no cache"])
def test_a_dataset_is_made_again_where_anything_changed(cli: Cli, tmp_path: Path, change: str) -> None:
    repository = make_repository(tmp_path / "demo", sample_files())
    dataset = tmp_path / "out.longctx"
    pack(cli, repository, tmp_path, "--quiet")
    made = contents(dataset)
    options: tuple[str, ...] = ()
    if change == "file":
        (repository / "src" / "crlf.c").write_text("int main(void) { return 1; }\n")
    elif change == "commit":
        git(repository, "commit", "--quiet", "--allow-empty", "--message=second")
    elif change == "option":
        options = ("--seed", "7")
    elif change == "damage":
        tokens = dataset / "train" / "00000.tokens.npy"
        tokens.write_bytes(tokens.read_bytes()[:-1] + b"\x01")
    elif change == "missing":
        (dataset / "train" / "00000.index.npy").unlink()
    else:
        options = ("--no-cache",)
    summary = json.loads(pack(cli, repository, tmp_path, "--json", *options))
    assert not summary["unchanged"]
    if change in ("damage", "missing", "no cache"):
        assert contents(dataset) == made
    else:
        assert contents(dataset) != made


def test_without_the_cache_nothing_is_kept(cli: Cli, repository: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    done = cli(
        "pack", repository, "-o", tmp_path / "out.longctx", "--no-cache", "--quiet", LONGCTX_CACHE_DIR=str(cache)
    )
    assert done.returncode == 0
    assert not cache.exists()


@pytest.mark.parametrize("blocked", ["file", "garbage"])
def test_a_cache_that_cannot_be_used_is_a_warning(cli: Cli, repository: Path, tmp_path: Path, blocked: str) -> None:
    cache = tmp_path / "cache"
    options = ("pack", repository, "-o", tmp_path / "out.longctx", "--overwrite", "--quiet")
    if blocked == "file":
        cache.touch()
    else:
        cli(*options, LONGCTX_CACHE_DIR=str(cache))
        (kept,) = (cache / "pack").iterdir()
        kept.write_bytes(b"\x93" * 5000)
    done = cli(*options, LONGCTX_CACHE_DIR=str(cache))
    assert done.returncode == 0
    assert done.stderr.startswith("warning: the cache ")
    assert done.stderr.count("\n") == 1
    assert ("cannot be made" if blocked == "file" else "is damaged; it is made again") in done.stderr

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from longctx import DatasetError
from longctx.train.checkpoint import Checkpoints, read_checkpoint
from tests.train.test_checkpoint import filled


def cut(path: Path) -> None:
    (path / "optimizer").write_bytes((path / "optimizer").read_bytes()[:-1])


def grow(path: Path) -> None:
    (path / "optimizer").write_bytes((path / "optimizer").read_bytes() + b"x")


def flip(path: Path) -> None:
    content = bytearray((path / "optimizer").read_bytes())
    content[10] ^= 1
    (path / "optimizer").write_bytes(content)


def link(path: Path) -> None:
    (path / "optimizer").unlink()
    (path / "optimizer").symlink_to("nowhere")


def swap_inside(path: Path) -> None:
    content = (path / "optimizer").read_bytes()
    (path / "adapter" / "weights").rename(path / "optimizer")
    (path / "adapter" / "weights").write_bytes(content)


def swap_between(path: Path) -> None:
    shutil.copyfile(path.with_name("step-000020") / "optimizer", path / "optimizer")


def swap_manifest(path: Path) -> None:
    shutil.copyfile(path.with_name("step-000020") / "checkpoint.json", path / "checkpoint.json")


def edit_manifest(path: Path) -> None:
    manifest = json.loads((path / "checkpoint.json").read_text())
    manifest["files"]["optimizer"]["sha256"] = "0" * 64
    (path / "checkpoint.json").write_text(json.dumps(manifest))


def future_schema(path: Path) -> None:
    text = (path / "checkpoint.json").read_text()
    (path / "checkpoint.json").write_text(text.replace('"schema": 1', '"schema": 9'))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, r"step-000040/optimizer: is cut short: 599 of 600 bytes"),
        (grow, r"step-000040/optimizer: has 601 bytes instead of 600"),
        (flip, r"step-000040/optimizer: is not the file that was written: its checksum is another"),
        (lambda path: (path / "optimizer").unlink(), r"step-000040/optimizer: is missing"),
        (link, r"step-000040/optimizer: is missing"),
        (swap_inside, r"step-000040/adapter/weights: is cut short"),
        (swap_between, r"step-000040/optimizer: is not the file that was written"),
        (lambda path: (path / "adapter" / "extra").write_text("x"), r"adapter/extra: does not belong to this"),
        (lambda path: (path / "checkpoint.json").unlink(), r"step-000040/checkpoint\.json: is missing"),
        (lambda path: (path / "checkpoint.json").write_text('{"format": "longc'), r"checkpoint\.json: is not JSON"),
        (lambda path: (path / "checkpoint.json").write_text("[]"), r"checkpoint\.json: is not the manifest"),
        (swap_manifest, r"step-000040/checkpoint\.json: is of step 20: the folder was renamed, or the file swapped"),
        (edit_manifest, r"checkpoint\.json: was altered"),
        (future_schema, r"checkpoint\.json: has schema 9; this longctx reads 1"),
    ],
)
def test_damage_is_found_and_the_hint_names_a_whole_checkpoint(
    tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    checkpoints = Checkpoints(tmp_path, keep=3)
    checkpoints.write(10, filled("10"))
    whole = checkpoints.write(20, filled("20"))
    damaged = checkpoints.write(30, filled("30"))
    path = checkpoints.write(40, filled("40"))
    checkpoints.read(path)
    flip(damaged)
    damage(path)
    with pytest.raises(DatasetError, match=message) as caught:
        checkpoints.read(path)
    assert caught.value.hint == f"the checkpoint {whole} is whole: move step-000040 away to go on from there"
    flip(whole)
    with pytest.raises(DatasetError) as caught:
        checkpoints.read(path)
    assert caught.value.hint == "no other checkpoint beside it is whole"


def test_a_folder_that_was_renamed_to_another_step_is_refused_and_one_with_a_name_of_its_own_is_not(
    tmp_path: Path,
) -> None:
    path = Checkpoints(tmp_path, keep=3).write(20, filled("20"))
    copy = shutil.copytree(path, tmp_path / "my best")
    assert read_checkpoint(copy)["step"] == 20
    with pytest.raises(DatasetError, match=r"step-000080/checkpoint\.json: is of step 20: the folder was renamed"):
        read_checkpoint(path.rename(tmp_path / "step-000080"))
    with pytest.raises(DatasetError, match="nowhere: is no folder"):
        read_checkpoint(tmp_path / "nowhere")


def test_files_that_systems_leave_by_themselves_are_passed_over(tmp_path: Path) -> None:
    path = Checkpoints(tmp_path, keep=1).write(1, filled("1", "state", ".hidden"))
    (path / ".DS_Store").write_text("x")
    assert sorted(read_checkpoint(path)["files"]) == [".hidden", "state"]
    (path / ".hidden").unlink()
    with pytest.raises(DatasetError, match=r"\.hidden: is missing"):
        read_checkpoint(path)

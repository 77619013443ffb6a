from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from longctx import OutputError
from longctx.train.checkpoint import Checkpoints, latest_checkpoint

Fill = Callable[[Path], None]

KILLED = """
import os, sys
from pathlib import Path
from longctx.train.checkpoint import Checkpoints

os.fsync = lambda handle: None  # a kill takes nothing from the system's own memory
checkpoints = Checkpoints(Path(sys.argv[1]), keep=2)
latest = checkpoints.latest()
step = checkpoints.read(latest)["step"] if latest else 0

def fill(folder):
    (folder / "adapter").mkdir()
    for name in ("adapter/weights", "optimizer", "state"):
        (folder / name).write_bytes(f"{step} {name}".encode() * 20_000)

while True:
    step += 1
    for _ in range(2):  # the end of an epoch may save a step that is saved already
        checkpoints.write(step, fill)
    print(step, flush=True)
"""

CRASHES = """
import json, os, shutil, signal, sys
from pathlib import Path
from longctx.train.checkpoint import Checkpoints

place = Path(sys.argv[1])
os.fsync = lambda handle: None

def filled(text):
    def fill(folder):
        (folder / "deep").mkdir()
        (folder / "a").write_text(text)
        (folder / "deep" / "b").write_text(text)
    return fill

def write_killed_at(number):
    count = 0
    def hook(event, arguments):
        nonlocal count
        if event.startswith(("os.", "open", "shutil.")) and event != "os.kill":
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
    checkpoints = Checkpoints(folder, keep=2)
    sys.addaudithook(hook)
    checkpoints.write(2, filled("two again"))
    checkpoints.write(3, filled("three"))
    os._exit(0)

number, ended, found = 0, False, []
while not ended:
    number += 1
    folder = place / str(number)
    before = Checkpoints(folder, keep=2)
    before.write(1, filled("one"))
    before.write(2, filled("two"))
    child = os.fork()
    if child == 0:
        write_killed_at(number)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    after = Checkpoints(folder, keep=2)
    there = sorted(path.name for path in folder.iterdir())
    steps = [after.read(folder / name)["step"] for name in there]
    latest = after.latest()
    texts = {(latest / "a").read_text(), (latest / "deep" / "b").read_text()}
    found.append([there, steps, sorted(texts)])
    shutil.rmtree(folder)
print(json.dumps(found))
"""


FULL = """
import os, sys
from pathlib import Path
import torch
from longctx import OutputError
from longctx.train.checkpoint import Checkpoints
from longctx.train.optimizer_state import save_optimizer

def filled(size):
    weight = torch.nn.Parameter(torch.zeros(size))
    weight.grad = torch.ones(size)
    optimizer = torch.optim.AdamW([weight])
    optimizer.step()
    return lambda folder: save_optimizer(optimizer, folder / "optimizer.safetensors")

checkpoints = Checkpoints(Path(sys.argv[1]), keep=3)
checkpoints.write(1, filled(1000))
for fill in (filled(500_000), lambda folder: (folder / "state").write_bytes(bytes(3_000_000))):
    try:
        checkpoints.write(2, fill)
    except OutputError as error:
        print(error)
checkpoints.write(3, filled(1000))
for step in (1, 3):
    checkpoints.read(checkpoints.folder / f"step-{step:06d}")
print(sorted(os.listdir(checkpoints.folder)))
"""


def filled(text: str, *names: str) -> Fill:
    def fill(folder: Path) -> None:
        for name in names or ("adapter/weights", "optimizer", "state.json"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(f"{text} {name}" * 50)

    return fill


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_newest_stay_and_the_latest_is_read_back(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "run" / "checkpoints", keep=2)
    assert checkpoints.latest() is None
    for step in (20, 40, 60, 1_000_000):
        path = checkpoints.write(step, filled(str(step)))
        assert path.name == f"step-{step:06d}"
        assert path == checkpoints.latest()
    assert names(checkpoints.folder) == ["step-000060", "step-1000000"]
    manifest = checkpoints.read(path)
    assert manifest["step"] == 1_000_000
    assert sorted(manifest["files"]) == ["adapter/weights", "optimizer", "state.json"]
    assert manifest["files"]["optimizer"]["bytes"] == (path / "optimizer").stat().st_size
    with pytest.raises(ValueError, match="at least one"):
        Checkpoints(tmp_path, keep=0)


def test_a_step_that_is_saved_again_is_replaced(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, keep=1)
    checkpoints.write(5, filled("first", "state", "only-first"))
    path = checkpoints.write(5, filled("second", "state"))
    assert (path / "state").read_text().startswith("second")
    assert list(checkpoints.read(path)["files"]) == ["state"]
    assert names(tmp_path) == ["step-000005"]


def test_a_run_that_went_back_leaves_no_checkpoint_of_later_steps(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in (20, 40):
        checkpoints.write(step, filled("before"))
    path = checkpoints.write(30, filled("after"))
    assert names(tmp_path) == ["step-000020", "step-000030"]
    assert checkpoints.latest() == path


@pytest.mark.parametrize("moment", ["fill", "fsync", "rename"])
def test_a_full_disk_leaves_the_last_checkpoint_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    checkpoints = Checkpoints(tmp_path, keep=1)
    last = checkpoints.write(1, filled("good"))
    before = checkpoints.read(last)

    def half(folder: Path) -> None:
        (folder / "half").write_text("x")
        full()

    with monkeypatch.context() as patch:
        if moment != "fill":
            patch.setattr(*{"fsync": (os, "fsync"), "rename": (Path, "rename")}[moment], full)
        for step in (1, 2):
            with pytest.raises(OutputError, match=f"cannot write .*step-00000{step}: no space left") as caught:
                checkpoints.write(step, half if moment == "fill" else filled("new"))
            assert str(caught.value.hint) == f"the last checkpoint, {last}, is still there"
    assert names(tmp_path) == ["step-000001"]
    assert checkpoints.read(last) == before


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system of a size, as root on Linux can mount")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs torch, which is not installed")
    # In a namespace of its own, the mount ends with the process.
    mounting = 'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"'
    mount = ["unshare", "--mount", "sh", "-c", mounting, "sh", str(tmp_path)]
    if not shutil.which("unshare") or subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs a file system of a size, as root on Linux can mount")
    done = subprocess.run([*mount, sys.executable, "-c", FULL, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    large, other, latest = done.stdout.splitlines()
    assert large.endswith("step-000002/optimizer.safetensors: no space left on device")
    assert other.endswith("step-000002: no space left on device")
    assert latest == "['step-000001', 'step-000003']"


def test_other_errors_of_what_fills_it_are_passed_on_and_leave_nothing(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, keep=1)

    def fill(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checkpoints.write(1, fill)
    with pytest.raises(ZeroDivisionError):
        checkpoints.write(1, lambda folder: print(1 / 0))
    assert names(tmp_path) == []


def test_only_folders_named_for_a_step_are_checkpoints(tmp_path: Path) -> None:
    path = Checkpoints(tmp_path, keep=1).write(7, filled("7"))
    for name in ("step-9", "step-000009-copy", "other", ".step-000009.mine"):
        (tmp_path / name).mkdir()
    (tmp_path / "step-000010").write_text("a file")
    before = names(tmp_path)
    assert latest_checkpoint(tmp_path) == Checkpoints(tmp_path, keep=1).latest() == path
    assert names(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_operation_on_files_leaves_whole_checkpoints_only(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CRASHES, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) > 50
    outcomes = set()
    for there, steps, texts in found:
        assert there == [f"step-{step:06d}" for step in steps]
        assert len(texts) == 1
        outcomes.add((*steps, *texts))
    assert outcomes == {
        (1, 2, "two"),
        (1, 2, "two again"),
        (1, 2, 3, "three"),
        (2, 3, "three"),
    }


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_kills_at_random_moments_never_lose_what_was_saved(tmp_path: Path) -> None:
    draw = random.Random(5)
    saved = 0
    for _ in range(20):
        child = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        with child, child.stdout:
            said = [int(child.stdout.readline())]
            time.sleep(draw.uniform(0, 0.05))
            child.kill()
            said += [int(line) for line in child.stdout if line.endswith("\n")]
        assert said[0] > saved
        saved = said[-1]
        after = Checkpoints(tmp_path, keep=2)
        latest = after.latest()
        assert latest is not None
        step = after.read(latest)["step"]
        assert step in (saved, saved + 1)
        assert (latest / "state").read_bytes() == f"{step} state".encode() * 20_000
        assert all(name.startswith("step-") for name in names(tmp_path))

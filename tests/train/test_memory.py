from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from longctx.train import memory
from longctx.train.memory import MemoryMonitor, Usage, peak, reset_peak

MEBIBYTE = 1 << 20


def test_the_fullest_memory_gives_the_level() -> None:
    usages: list[Usage] = []
    monitor = MemoryMonitor("cpu", warn=0.85, stop=0.95, read=lambda: usages, release=lambda: None)
    levels = []
    for used in (84, 85, 94, 95, 120):
        usages[:] = [("this machine", 100, 1000), ("the GPU", used, 100), ("nothing", 0, 0)]
        reading = monitor.check()
        levels.append(reading.level)
        assert (reading.used, reading.total, reading.where) == (used, 100, "the GPU")
    assert levels == ["ok", "warn", "warn", "stop", "stop"]


def test_a_run_is_told_to_stop_only_if_nothing_can_be_given_back() -> None:
    usages: list[Usage] = [("the GPU", 96, 100)]
    released = []

    def release() -> None:
        released.append(True)
        usages[:] = [("the GPU", 40, 100)]

    monitor = MemoryMonitor("mps", warn=0.85, stop=0.95, read=lambda: usages, release=release)
    reading = monitor.check()
    assert (reading.level, reading.used, released) == ("warn", 96, [True])
    assert monitor.check().level == "ok"
    assert released == [True]


def test_the_machine_is_read() -> None:
    pytest.importorskip("psutil", reason="needs psutil, which is not installed")
    reading = MemoryMonitor("cpu", warn=1.0, stop=1.0).check()
    assert 0 < reading.used < reading.total
    assert reading.where in ("this machine", "this container")
    assert MemoryMonitor("cpu", warn=0.0, stop=1.0).check().level == "warn"
    assert MemoryMonitor("cpu", warn=0.0, stop=0.0).check().level == "stop"


def group(folder: Path, limit: str, current: int, inactive: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(limit + "\n")
    (folder / "memory.current").write_text(f"{current}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {inactive}\nactive_file 7\n")


def test_limits_of_containers_count_without_what_could_be_dropped(tmp_path: Path) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "own"
    group(root / "a" / "b", "max", 1000, 0)
    group(root / "a", "2000", 1500, 400)
    group(root, "9000", 3000, 0)
    own.write_text("1:cpu:/elsewhere\n0::/a/b\n")
    assert memory._container_memory(root, own) == [("this container", 1100, 2000), ("this container", 3000, 9000)]
    own.write_text("0::/\n")  # as inside a container
    assert memory._container_memory(root, own) == [("this container", 3000, 9000)]
    assert memory._container_memory(tmp_path / "none", own) == []
    assert memory._container_memory(root, tmp_path / "none") == []


def test_what_an_allocator_keeps_is_free_on_cuda_and_the_peak_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(
        mem_get_info=lambda _: (10, 100),
        memory_reserved=lambda _: 80,
        max_memory_allocated=lambda _: 50,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert memory._device_memory("cuda:0") == [("the GPU", 60, 100)]
    assert peak("cuda:0") == 50


def test_the_peak_rises_with_what_is_used_and_falls_when_it_is_reset() -> None:
    size = 200 * MEBIBYTE
    reset_peak("cpu")
    before = peak("cpu")
    block = np.ones(size, dtype=np.uint8)
    assert int(block[::4096].sum()) == size // 4096
    during = peak("cpu")
    del block
    # The system counts pages in lots.
    assert abs(peak("cpu") - during) < MEBIBYTE
    if sys.platform == "linux" and os.access("/proc/self/clear_refs", os.W_OK):
        assert 0.9 * size < during - before < 1.2 * size
        reset_peak("cpu")
        assert peak("cpu") < before + 0.2 * size
    else:
        assert during > size


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_the_peak_of_a_gpu(kind: str) -> None:
    torch = pytest.importorskip("torch", reason="needs torch, which is not installed")
    if not (torch.cuda.is_available() if kind == "cuda" else torch.backends.mps.is_available()):
        pytest.skip(f"needs a GPU that {kind} reaches")
    device = torch.device(kind)
    torch.zeros(1, device=device)
    reset_peak(device)
    before = peak(device)
    block = torch.ones(200 * MEBIBYTE, dtype=torch.uint8, device=device)
    assert peak(device) >= before + 200 * MEBIBYTE
    monitored = MemoryMonitor(device, warn=1.0, stop=1.0).check()
    assert monitored.used > 0
    del block
    reset_peak(device)
    assert peak(device) < before + 100 * MEBIBYTE

"""How much memory a run uses, and how much is left: on its device and on the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Usage = tuple[str, int, int]
"""What has memory (as "the GPU"), and its bytes: used, and in all."""

_RESET_PEAK = "5"
"""What Linux takes in clear_refs to forget the peak of the resident set."""


@dataclass(frozen=True)
class Reading:
    """The memory that is fullest."""

    level: Literal["ok", "warn", "stop"]
    used: int
    total: int
    """Bytes."""
    where: str
    """What has it: "the GPU", "this machine" or "this container"."""


class MemoryMonitor:
    """Compares the memory in use, of the device and of the machine, with two limits.

    Memory that an allocator of PyTorch keeps for later tensors counts as free on CUDA, where the highest use since the
    last `reset_peak` counts instead of the momentary one. On MPS the two cannot be told apart, so what is kept is given
    back before a run is told to stop.

    Args:
        device: Where the model is.
        warn: Share of the memory in use from which `check` says "warn".
        stop: The same for "stop".
        read: Reads the memories, instead of those of `device` and of the machine.
        release: Gives back what an allocator keeps, instead of that of `device`.
    """

    def __init__(
        self,
        device: torch.device | str,
        warn: float,
        stop: float,
        read: Callable[[], list[Usage]] | None = None,
        release: Callable[[], None] | None = None,
    ) -> None:
        self._warn = warn
        self._stop = stop
        self._read = read or (lambda: [*_device_memory(device), *_machine_memory()])
        self._release = release or (lambda: _release(device))

    def check(self) -> Reading:
        """The memory that is fullest now; cheap enough to ask at every optimiser step."""
        reading = self._fullest()
        if reading.level != "stop":
            return reading
        self._release()
        after = self._fullest()
        # Full but for what could be given back is still worth a warning.
        return after if after.level == "stop" else Reading("warn", reading.used, reading.total, reading.where)

    def _fullest(self) -> Reading:
        known = [usage for usage in self._read() if usage[2] > 0]
        where, used, total = max(known, key=lambda usage: usage[1] / usage[2])
        share = used / total
        return Reading("stop" if share >= self._stop else "warn" if share >= self._warn else "ok", used, total, where)


def peak(device: torch.device | str) -> int:
    """Highest use of memory since `reset_peak`, in bytes.

    On CUDA that of tensors; on MPS what the driver holds for this process, which does not fall by itself; on the CPU
    the process's resident set, all of it: on systems other than Linux, since the process began.
    """
    kind = _kind(device)
    if kind == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    if kind == "mps":
        import torch

        return int(torch.mps.driver_allocated_memory())
    return _resident_peak()


def reset_peak(device: torch.device | str) -> None:
    """Lets `peak` begin anew, where the system can."""
    kind = _kind(device)
    if kind == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    elif kind == "mps":
        _release(device)
    else:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text(_RESET_PEAK, encoding="ascii")


def _kind(device: torch.device | str) -> str:
    return str(device).split(":", maxsplit=1)[0]


def _resident_peak() -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Apple counts bytes, others KiB.
    return highest if sys.platform == "darwin" else highest * 1024


def _device_memory(device: torch.device | str) -> list[Usage]:
    """The memory of a GPU; nothing for the CPU, whose memory is the machine's."""
    kind = _kind(device)
    if kind == "cuda":
        import torch

        free, total = torch.cuda.mem_get_info(device)
        others = total - free - torch.cuda.memory_reserved(device)
        return [("the GPU", max(others, 0) + torch.cuda.max_memory_allocated(device), total)]
    if kind == "mps":
        import torch

        return [("the GPU", torch.mps.driver_allocated_memory(), torch.mps.recommended_max_memory())]
    return []


def _release(device: torch.device | str) -> None:
    kind = _kind(device)
    if kind == "cuda":
        import torch

        torch.cuda.empty_cache()
    elif kind == "mps":
        import torch

        torch.mps.empty_cache()


def _machine_memory() -> list[Usage]:
    import psutil

    memory = psutil.virtual_memory()
    machine = ("this machine", int(memory.total - memory.available), int(memory.total))
    return [machine, *_container_memory(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"))]


def _container_memory(root: Path, own: Path) -> list[Usage]:
    """The memories of the control groups (version 2) that this process is in and that have a limit.

    Args:
        root: Where control groups are mounted.
        own: The file that names the group of this process.
    """
    found: list[Usage] = []
    with suppress(OSError):
        names = [line[3:] for line in own.read_text(encoding="utf-8").splitlines() if line.startswith("0::")]
        group = root / names[0].strip("/") if names else root
        for folder in [group, *(parent for parent in group.parents if parent == root or root in parent.parents)]:
            with suppress(OSError, ValueError):  # there is no limit here
                limit = int((folder / "memory.max").read_text(encoding="ascii"))
                used = int((folder / "memory.current").read_text(encoding="ascii"))
                found.append(("this container", used - _reclaimable(folder), limit))
    return found


def _reclaimable(folder: Path) -> int:
    """Bytes of files that the system would drop from memory before anything else."""
    for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(" ")
        if name == "inactive_file":
            return int(value)
    return 0

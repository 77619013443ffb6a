"""One run to a folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import weakref
from pathlib import Path
from types import TracebackType

from longctx.atomic import failure
from longctx.errors import OutputError, UsageError

_WITHOUT_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}
"""What file systems answer that have no locks, as some shared by many machines."""

_log = logging.getLogger("longctx")


class RunLock:
    """Keeps other runs out of a folder, which is made if missing, while it is entered.

    The system frees the lock when the process ends, however it ends; processes that it forked do not keep it.

    Args:
        folder: The folder; the lock is its file `.lock`, which stays there and names the process while it runs.

    Raises (on entering):
        UsageError: Another run holds it.
        OutputError: The file cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ".lock"
        self._folder = folder
        self._handle: int | None = None

    def __enter__(self) -> RunLock:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {failure(error)}") from None
        try:
            self._take(handle)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        _held.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            # The file stays: if it were removed, a run that has opened it already would lock what nobody else sees.
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, 0)
            self._close()

    def _take(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            raise UsageError(
                f"another run is writing to {self._folder}" + (f" (process {holder})" if holder.isdecimal() else ""),
                "wait until it has ended, or choose another folder",
            ) from None
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                raise OutputError(f"cannot lock {self.path}: {failure(error)}") from None
            _log.warning("the file system of %s has no locks: make sure that no other run writes there", self._folder)
        # The number is for people to read: the lock holds without it, on a full disk too.
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
        self._handle = None
        _held.discard(self)


_held: weakref.WeakSet[RunLock] = weakref.WeakSet()


def _close_in_child() -> None:
    """A forked child, as a worker that loads data, has the lock too and would keep it when its parent is killed."""
    for lock in list(_held):
        lock._close()


os.register_at_fork(after_in_child=_close_in_child)

"""Signals that ask a run to end: noted, so that it can save first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While entered, the first SIGINT or SIGTERM is noted in `requested`; the next one raises KeyboardInterrupt.

    Launchers of several processes answer the Ctrl-C that their processes get too by sending these SIGTERM. So if the
    second signal is another than the first, it is taken for the same request, once.

    Only the main thread may receive signals: entered in another, this does nothing. On leaving, what was done about
    the signals before is done again; `requested` stays.
    """

    def __init__(self) -> None:
        self.requested: str | None = None
        """Name of the signal that asked the run to end, as "SIGINT"; None if none did."""
        self._seen: set[int] = set()
        self._before: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            # None stands for a handler that was not set from Python, and cannot be set again from here.
            signal.signal(number, signal.SIG_DFL if before is None else before)
        self._before.clear()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number in self._seen:
            raise KeyboardInterrupt
        self._seen.add(number)
        if self.requested is None:
            self.requested = signal.Signals(number).name

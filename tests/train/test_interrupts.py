from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from longctx.train.interrupts import Interrupts


@pytest.fixture(autouse=True)
def _default_handler() -> Iterator[None]:
    """A program started in the background of a shell has Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_first_signal_is_noted_and_the_second_stops_at_once(name: str) -> None:
    number = signal.Signals[name]
    with Interrupts() as interrupts:
        os.kill(os.getpid(), number)
        assert interrupts.requested == name
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert interrupts.requested == name


def test_a_launcher_that_passes_ctrl_c_on_as_another_signal_asks_once() -> None:
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.requested == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_handlers_are_put_back_after_an_error_too() -> None:
    def mine(*_: object) -> None: ...

    before = signal.signal(signal.SIGTERM, mine)
    try:
        with pytest.raises(ZeroDivisionError), Interrupts():
            print(1 / 0)
        assert signal.getsignal(signal.SIGTERM) is mine
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_leaves_signals_alone() -> None:
    found = []

    def enter() -> None:
        with Interrupts() as interrupts:
            found.append((signal.getsignal(signal.SIGINT), interrupts.requested))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [(signal.default_int_handler, None)]

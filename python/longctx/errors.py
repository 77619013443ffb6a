"""The errors that longctx raises on purpose; each says what is wrong in a sentence that can be shown to a user."""

from __future__ import annotations

from longctx._core import LongctxError

__all__ = ["DatasetError", "LongctxError", "OutputError", "TrainingError", "UsageError"]


class _StatedError(LongctxError):
    """An error made in Python, with the attributes of those that come from the engine."""

    _status = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = self._status


class UsageError(_StatedError):
    """The request makes no sense; nothing was started."""

    _status = 2


class DatasetError(_StatedError):
    """A dataset on disk is not whole or not what its manifest says."""


class OutputError(_StatedError):
    """A result cannot be written."""


class TrainingError(_StatedError):
    """A training run cannot go on; what it saved before is whole."""

"""Keeps transformers, peft and bitsandbytes from writing to the terminal while a model is loaded."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

_LOGGERS = ("transformers", "peft", "bitsandbytes", "accelerate", "huggingface_hub")


@contextlib.contextmanager
def quiet(verbose: bool = False) -> Iterator[None]:
    """Without progress bars, warnings and log lines of the libraries inside, except where `verbose` is true.

    What was set before is set again afterwards.
    """
    if verbose:
        yield
        return
    # bitsandbytes logs while it is imported, to a logger that has no level of its own.
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    from transformers.utils import logging as transformers_logging

    bars = transformers_logging.is_progress_bar_enabled()
    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if bars:
            transformers_logging.enable_progress_bar()
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        transformers_logging.set_verbosity(before)

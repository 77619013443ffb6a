"""longctx turns git repositories into training sets of long token sequences and fine-tunes code models on them.

The names below are imported when they are first used, so that `import longctx` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from longctx._core import LongctxError, Tokenizer, __version__
    from longctx.config import Band, Config
    from longctx.config_check import ConfigError
    from longctx.config_file import load_config
    from longctx.data.sequences import LongContextSequence, LongContextSequenceBuilder, Segment
    from longctx.data.shards import Dataset, open_dataset
    from longctx.errors import DatasetError, OutputError, TrainingError, UsageError
    from longctx.packing import pack
    from longctx.preparing import prepare
    from longctx.schedule import LongContextPhaseScheduler

_HOMES = {
    "Band": "longctx.config",
    "Config": "longctx.config",
    "ConfigError": "longctx.config_check",
    "Dataset": "longctx.data.shards",
    "DatasetError": "longctx.errors",
    "LongContextPhaseScheduler": "longctx.schedule",
    "LongContextSequence": "longctx.data.sequences",
    "LongContextSequenceBuilder": "longctx.data.sequences",
    "LongctxError": "longctx._core",
    "OutputError": "longctx.errors",
    "Segment": "longctx.data.sequences",
    "Tokenizer": "longctx._core",
    "TrainingError": "longctx.errors",
    "UsageError": "longctx.errors",
    "__version__": "longctx._core",
    "load_config": "longctx.config_file",
    "open_dataset": "longctx.data.shards",
    "pack": "longctx.packing",
    "prepare": "longctx.preparing",
}

__all__ = [
    "Band",
    "Config",
    "ConfigError",
    "Dataset",
    "DatasetError",
    "LongContextPhaseScheduler",
    "LongContextSequence",
    "LongContextSequenceBuilder",
    "LongctxError",
    "OutputError",
    "Segment",
    "Tokenizer",
    "TrainingError",
    "UsageError",
    "__version__",
    "load_config",
    "open_dataset",
    "pack",
    "prepare",
]


def __getattr__(name: str) -> Any:
    """Imports a public name from its module when it is first asked for (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""What a user asks a run for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from longctx.config import Config


@dataclass(frozen=True)
class Request:
    """What a user asks for. None is the default, or what the run that is continued was asked for."""

    data: Path
    output: Path
    config: Config
    epochs: int | None = None
    checkpoint: Path | None = None
    resume: bool = False
    device: str = "auto"
    time_budget: float | None = None
    max_sequences: int | None = None
    dry_run: bool = False
    verbose: bool = False

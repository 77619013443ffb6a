"""The record of one epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from longctx.schedule import Phase
from longctx.train.memory import peak
from longctx.train.setup import Setup
from longctx.train.validation import Validation, perplexity


def epoch_record(setup: Setup, phase: Phase, validation: Validation | None, improved: bool) -> dict[str, Any]:
    """What an epoch taught and what came of it, as `metrics.jsonl` has it; `docs/training.md` explains the keys."""
    state, tally = setup.state, setup.state.tally
    taught = state.order[: state.position]
    pool = len(setup.plan.pool(state.epoch))
    loss = tally.loss / tally.learnt if tally.learnt else None
    norms = tally.norms
    return {
        "epoch": state.epoch,
        "phase": phase.number,
        "step": state.step,
        "lengths": [phase.min_length, phase.max_length],
        "ceiling": phase.ceiling(state.epoch),
        "multiplier": phase.lr_multiplier,
        "train_loss": loss,
        "train_perplexity": None if loss is None else perplexity(loss),
        "validation": validation.record() if validation else None,
        "improved": improved,
        "norm": {"min": min(norms), "mean": sum(norms) / len(norms), "max": max(norms)} if norms else None,
        "sequences": len(taught),
        "left_out": pool - len(taught),
        "by_difficulty": _counts(setup, taught, "difficulty", "difficulties"),
        "by_kind": _counts(setup, taught, "kind", "kinds"),
        "replayed": int((setup.dataset.column("band")[taught] < phase.number).sum()),
        "tokens": tally.tokens,
        "learnt_tokens": tally.learnt,
        "seconds": round(tally.seconds, 3),
        "tokens_per_second": round(tally.tokens / tally.seconds, 1) if tally.seconds else None,
        "peak_memory": peak(setup.loaded.device),
        "steps_left_out": tally.steps - len(norms),
    }


def _counts(setup: Setup, rows: np.ndarray[Any, np.dtype[np.int64]], column: str, names: str) -> dict[str, int]:
    known = setup.dataset.manifest[names]
    counts = np.bincount(setup.dataset.column(column)[rows], minlength=len(known))
    return {name: int(count) for name, count in zip(known, counts, strict=True) if count}

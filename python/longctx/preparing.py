"""What a repository offers to train on, before anything is packed or trained."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from longctx import _core
from longctx.atomic import check_folder, write_text
from longctx.config import Config
from longctx.difficulty import LEVELS, OF_PHASE
from longctx.errors import LongctxError, UsageError
from longctx.packing import engine_options

SUMMARY = "preparation_summary.json"
"""The file's name."""
PHASES = 3


def prepare(
    repository: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    config: Config | None = None,
    phases: int = PHASES,
    revision: str | None = None,
    progress: Callable[[str, str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Finds out what a repository offers to train on; packs nothing.

    Args:
        repository: A folder: a git work tree, a bare repository, or any folder of files.
        output: A folder for `preparation_summary.json`, which is replaced if it is there; None writes nothing.
        config: None is the default configuration.
        phases: Phases 1 to this one are looked at. The third is enabled where `pack.sequence_length` has room for it.
        revision: Commit, branch or tag to look at; None is the work tree as it is.
        progress: Called as `progress(stage, unit, done, total)` about ten times a second; total is 0 while unknown.

    Returns:
        What is written: repository, commit (or null), tool, files {listed, packed, bytes, tokens}, coverage,
        tokenizer, languages, largest and directories (ten of each, by tokens), skipped, redactions, failures;
        dependencies, what `longctx graph` counts; history, what `longctx history` counts, or null; sequences {bands,
        kinds, repeated, split, history, qa}, as in the summary of `longctx pack`; phases [{phase, min, max,
        difficulties, left_out (why, or null), sequences {level: number}, usable, validation, needed, steps_per_epoch,
        epochs, starves, reason, advice}]; notes [text].

    Raises:
        UsageError: The tokenizer or a path cannot be used, or there are no such phases.
        LongctxError: The repository cannot be read, nothing is left to pack, or the summary cannot be written.
    """
    if not 1 <= phases <= PHASES:
        raise UsageError(f"there are phases 1 to {PHASES}, not {phases}")
    folder = None if output is None else Path(output)
    if folder is not None:
        check_folder(folder)
    config, notes = _with_third_phase(config or Config(), phases)
    options = engine_options(repository, None, config, revision=revision, dry_run=True)
    options["bands"] = [band for band in options["bands"] if band["id"] <= phases]
    summary = json.loads(_core.pack(json.dumps(options), progress))
    graph = json.loads(_core.graph(options["repository"], json.dumps(_graph_options(config, revision)), progress))
    history, remarks = _history(options, summary, progress)
    report = {
        **{key: summary[key] for key in ("repository", "commit")},
        "tool": f"longctx {_core.__version__}",
        **{key: summary[key] for key in _FROM_PACKING if key in summary},
        "dependencies": {key: graph[key] for key in _FROM_GRAPH},
        "history": history,
        "sequences": {key: summary.get(key) for key in _SEQUENCES},
        "phases": [_phase(config, summary, *phase) for phase in config.phases()[:phases]]
        if config.pack.long_context_mode
        else [_only_phase(config, summary)],
        "notes": [*notes, *remarks],
    }
    if folder is not None:
        write_text(folder / SUMMARY, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return report


_FROM_PACKING = (
    "files",
    "coverage",
    "tokenizer",
    "languages",
    "largest",
    "directories",
    "skipped",
    "redactions",
    "failures",
)
_FROM_GRAPH = ("files", "sources", "broken", "edges", "kinds", "hubs", "cycles", "firm_cycles", "unresolved")
_SEQUENCES = ("bands", "kinds", "repeated", "split", "history", "qa")


def _with_third_phase(config: Config, phases: int) -> tuple[Config, list[str]]:
    """`config` with the third phase enabled if it is asked for and has room, and what is to be said about that."""
    lengths, pack = config.long_context, config.pack
    enabled = phases == PHASES and pack.long_context_mode and lengths.phase3_max_length <= pack.sequence_length
    notes = []
    if enabled and not lengths.phase3_enabled:
        notes.append("phase 3 is looked at as if long_context.phase3_enabled were true: set it to pack and train it")
    return replace(config, long_context=replace(lengths, phase3_enabled=enabled)), notes


def _graph_options(config: Config, revision: str | None) -> dict[str, Any]:
    pack = config.pack
    return {
        "revision": revision,
        "include": pack.include,
        "exclude": pack.exclude,
        "hidden": pack.hidden,
        "max_file_size": pack.max_file_size,
        "tell": "nothing",
    }


def _history(
    options: dict[str, Any],
    summary: dict[str, Any],
    progress: Callable[[str, str, int, int], None] | None,
) -> tuple[dict[str, Any] | None, list[str]]:
    """What the commits are, and what is to be said about that; None where there are none that can be read."""
    wanted = {key: value for key, value in options["history"].items() if key != "max_versions"}
    wanted |= {"revision": options["revision"], "chains": "none"}
    try:
        text = _core.history(options["repository"], json.dumps(wanted), progress)
    except LongctxError as error:
        if summary["commit"] is None:
            return None, ["there is no history: this is no git repository, or it has no commits"]
        return None, [f"the history cannot be read: {error.message}"]
    history = json.loads(text)
    del history["chains"]
    return history, []


def _phase(config: Config, summary: dict[str, Any], number: int, low: int, high: int, enabled: bool) -> dict[str, Any]:
    """What a phase would have to train on, and what to do where that is too little."""
    told = _told(config, summary, number, (low, high), OF_PHASE[number])
    length = config.pack.sequence_length
    if high > length:
        return {
            **told,
            "left_out": f"its sequences have up to {high:,} tokens, the longest allowed has {length:,}",
            "advice": f"allow {high} tokens (pack.sequence_length) to train it",
        }
    reason, advice = _verdict(told) if enabled else (None, None)
    return {**told, "starves": reason is not None, "reason": reason, "advice": advice}


def _only_phase(config: Config, summary: dict[str, Any]) -> dict[str, Any]:
    """The same for the one band of a configuration without phases, which takes all difficulties."""
    (band,) = config.bands()
    told = _told(config, summary, band.id, (band.min, band.max), LEVELS)
    reason, advice = _verdict(told)
    return {**told, "starves": reason is not None, "reason": reason, "advice": advice}


def _told(
    config: Config, summary: dict[str, Any], number: int, lengths: tuple[int, int], levels: tuple[str, ...]
) -> dict[str, Any]:
    rows = [row for row in summary["kinds"] if row["band"] == number]

    def counted(split: str) -> dict[str, int]:
        of_split = [row["difficulty"] for row in rows if row["split"] == split]
        return {level: sum(found.get(level, 0) for found in of_split) for level in LEVELS}

    training, validation = counted("train"), counted("val")
    usable = sum(training[level] for level in levels)
    needed = config.training.batch_size_reference * config.training.gradient_accumulation_steps
    return {
        "phase": number,
        "min": lengths[0],
        "max": lengths[1],
        "difficulties": list(levels),
        "left_out": None,
        "sequences": training,
        "usable": usable,
        "validation": sum(validation[level] for level in levels),
        "needed": needed,
        "steps_per_epoch": math.ceil(usable / needed),
        "epochs": getattr(config.long_context, f"phase{number}_epochs"),
        "starves": False,
        "reason": None,
        "advice": None,
    }


def _verdict(told: dict[str, Any]) -> tuple[str | None, str | None]:
    """Why a phase would starve, and what to do about it; None twice where it would not."""
    usable, needed, number = told["usable"], told["needed"], told["phase"]
    if usable >= needed:
        return None, None
    total = sum(told["sequences"].values())
    if not total:
        return (
            f"no sequence has {told['min']:,} to {told['max']:,} tokens",
            f"pack more files, or lower long_context.phase{number}_min_length",
        )
    if total < needed:
        return (
            f"{total:,} sequence{'' if total == 1 else 's'} of its lengths in all, an optimiser step takes {needed:,}",
            "pack more files, train fewer phases, or lower training.gradient_accumulation_steps",
        )
    if usable:
        steps = f"{usable:,} usable sequence{'' if usable == 1 else 's'}, an optimiser step takes {needed:,}"
        return steps, (
            f"set training.gradient_accumulation_steps to {usable} or less, pack more files, or raise "
            "pack.commits_ratio and pack.qa_ratio"
        )
    easier = sum(told["sequences"][level] for level in LEVELS[: LEVELS.index(told["difficulties"][0])])
    if easier * 2 > total:
        return (
            f"{easier:,} of the {total:,} sequences of its lengths are too easy, none is hard enough",
            "show more context (pack.context), pack commits and qa too (pack.kinds), or train fewer phases",
        )
    return (
        f"{total - easier:,} of the {total:,} sequences of its lengths are too hard, none is easy enough",
        f"lower long_context.phase{number}_max_length, or show less context (pack.context)",
    )

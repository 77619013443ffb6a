"""What the benches of training share: configurations, commands, and what a run wrote."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what says which model learns from which dataset."""
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--model", required=True, help="a folder, a model of the Hugging Face hub, or demo")
    parser.add_argument("--config", type=Path, help="configuration; default: the one the dataset was packed with")
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu")
    parser.add_argument("--json", type=Path, help="write the figures here, too")


def write_config(arguments: argparse.Namespace, changes: dict[str, Any], to: Path) -> Path:
    """Writes the configuration of `arguments` with `changes` by key path; returns its path."""
    if arguments.config is None:
        manifest = json.loads((arguments.dataset / "manifest.json").read_text(encoding="utf-8"))
        values = manifest["config"]
    else:
        values = yaml.safe_load(arguments.config.read_text(encoding="utf-8"))
    changes = {"model.name": arguments.model, "model.load_in_4bit": False, **changes}
    for key, value in changes.items():
        *sections, last = key.split(".")
        target = values
        for section in sections:
            target = target.setdefault(section, {})
        target[last] = value
    to.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")  # JSON is YAML, too
    return to


def train_command(output: Path, *options: object) -> list[str]:
    """The command of a run that prints nothing."""
    return [sys.executable, "-m", "longctx", "train", "--quiet", "--output", str(output), *map(str, options)]


def events_of(run: Path) -> list[dict[str, Any]]:
    """The whole lines of a run's metrics; none where there are no metrics yet."""
    return [json.loads(line) for line in lines_of(run)]


def lines_of(run: Path) -> list[bytes]:
    """The same, as they are in the file."""
    try:
        lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [line for line in lines if line.endswith(b"\n")]


def write_json(path: Path | None, figures: dict[str, Any]) -> None:
    """Writes figures where a path is given."""
    if path is not None:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def environment() -> dict[str, Any]:
    """What the figures depend on beside the dataset and the model."""
    import os
    import platform
    from importlib.metadata import version

    names = ("accelerate", "peft", "torch", "transformers")
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }

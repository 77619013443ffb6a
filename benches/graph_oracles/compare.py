"""What the oracle scripts share: running the graph command, and scoring edges against a reference.

The command is `longctx graph --json`. Vendored, generated, hidden and ignored files are no part of its graph: edges of
a reference that touch them count against the recall.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Edge = tuple[str, str]


@dataclass(frozen=True)
class Score:
    """How two sets of edges agree."""

    name: str
    ours: frozenset[Edge]
    reference: frozenset[Edge]

    @property
    def recall(self) -> float:
        """The share of the reference's edges that we have."""
        return len(self.ours & self.reference) / len(self.reference) if self.reference else 1.0

    @property
    def precision(self) -> float:
        """The share of our edges that the reference has."""
        return len(self.ours & self.reference) / len(self.ours) if self.ours else 1.0

    def report(self, show: int) -> None:
        """Print one line, then up to `show` edges of either difference."""
        print(
            f"{self.name}: recall {self.recall:.4f} precision {self.precision:.4f} "
            f"({len(self.reference)} reference, {len(self.ours)} ours)"
        )
        for label, edges in (("missing", self.reference - self.ours), ("extra", self.ours - self.reference)):
            for source, target in sorted(edges)[:show]:
                print(f"    {label}: {source} -> {target}")


def parser(description: str) -> argparse.ArgumentParser:
    """The options that every oracle script has."""
    out = argparse.ArgumentParser(description=description)
    out.add_argument("folders", nargs="+", type=Path, help="projects to compare on")
    out.add_argument(
        "--graph", default="longctx graph --json", help="command that prints the graph of a folder as JSON"
    )
    out.add_argument("--show", type=int, default=0, help="how many differences of each kind to print")
    out.add_argument("--min-recall", type=float, default=0.0)
    out.add_argument("--min-precision", type=float, default=0.0)
    return out


def run(command: list[str], folder: Path | None = None) -> str:
    """Run a command, return what it printed; stop where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def graph(command: str, folder: Path) -> dict[str, Any]:
    """The graph of a folder as the graph command prints it."""
    result: dict[str, Any] = json.loads(run([*shlex.split(command), str(folder)]))
    return result


def named_edges(document: dict[str, Any]) -> frozenset[Edge]:
    """The edges under `imports`: those that an import names."""
    return frozenset((source, target) for source, targets in document["imports"].items() for target in targets)


def finish(scores: list[Score], options: argparse.Namespace) -> None:
    """Print all scores; exit with 1 where one is below what was asked for."""
    for score in scores:
        score.report(options.show)
    low = [s.name for s in scores if s.recall < options.min_recall or s.precision < options.min_precision]
    if low:
        sys.exit(f"below the asked recall or precision: {', '.join(low)}")

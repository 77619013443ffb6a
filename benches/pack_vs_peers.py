"""`longctx pack` beside what people use today, in turn, in one run.

    python benches/pack_vs_peers.py REPO --tokenizer tokenizer.json [--runs 5] [--json FILE]

Each command is a whole process, Python's start included. Printed are medians of wall time, processor time and peak
resident memory, and the ratio of the peer's time to longctx's. Needs `longctx` and `tokenizers` in this environment.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Run:
    """One run of a command. Seconds, and MiB of peak resident memory."""

    wall: float
    cpu: float
    peak: float


def run(command: list[str]) -> Run:
    """Runs a command to its end; its output is dropped. Raises SystemExit if it fails."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended with status {process.returncode}")
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale)


def median(runs: list[Run]) -> Run:
    """The median of each figure."""
    return Run(*(statistics.median(getattr(run, field) for run in runs) for field in ("wall", "cpu", "peak")))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True, help="a tokenizer.json")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    repository, tokenizer = str(arguments.repository), str(arguments.tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        output = str(Path(folder) / "out.longctx")
        longctx = [sys.executable, "-m", "longctx", "pack", repository, "-o", output, "--overwrite", "--quiet"]
        commands = {
            "longctx pack": [*longctx, "--tokenizer", tokenizer],
            "longctx pack, embedded tokenizer": longctx,
            "plain Python, Hugging Face tokenizers": [
                sys.executable,
                str(PEERS / "plain_pack.py"),
                repository,
                tokenizer,
                str(Path(folder) / "plain"),
            ],
        }
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for _ in range(arguments.runs):
            for name, command in commands.items():
                runs[name].append(run(command))
    medians = {name: median(found) for name, found in runs.items()}
    ours = medians["longctx pack"]
    print(f"{'command':40} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9} {'times longctx':>14}")
    for name, found in medians.items():
        print(f"{name:40} {found.wall:8.2f} {found.cpu:8.2f} {found.peak:9.0f} {found.wall / ours.wall:14.1f}")
    if arguments.json:
        figures = {name: asdict(found) for name, found in medians.items()}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

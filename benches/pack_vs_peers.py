"""`longctx pack` beside what people use today, in turn, in one run.

    python benches/pack_vs_peers.py REPO --tokenizer tokenizer.json [--runs 5] [--json FILE]

Each command is a whole process, Python's start included. Printed are medians of wall time, processor time and peak
resident memory, and the ratio of the peer's time to longctx's files alone. Needs `longctx` and `tokenizers` in this
environment.

The peer packs the files of the work tree. So does `longctx pack --kinds hierarchical --context none`, but that it also
finds out which file needs which; what `longctx pack` makes by default (context, commits and questions) is shown beside
it.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from peers.measure import Run, median, run

PEERS = Path(__file__).parent / "peers"


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
        files = [*longctx, "--kinds", "hierarchical", "--context", "none"]
        commands = {
            "longctx pack, files alone": [*files, "--tokenizer", tokenizer],
            "longctx pack, embedded tokenizer": files,
            "longctx pack, all kinds": [*longctx, "--tokenizer", tokenizer],
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
    ours = medians["longctx pack, files alone"]
    print(f"{'command':40} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9} {'times longctx':>14}")
    for name, found in medians.items():
        print(f"{name:40} {found.wall:8.2f} {found.cpu:8.2f} {found.peak:9.0f} {found.wall / ours.wall:14.1f}")
    if arguments.json:
        figures = {name: asdict(found) for name, found in medians.items()}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

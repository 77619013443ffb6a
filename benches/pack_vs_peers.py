"""`longctx pack` beside what people use today, in turn, in one run.

    python benches/pack_vs_peers.py REPO --tokenizer tokenizer.json [--runs 7] [--threads 1,2] [--json FILE]
    python benches/pack_vs_peers.py --make-tree 2 --from FOLDER ... --tokenizer tokenizer.json --only files --runs 1

docs/benchmarks.md tells what each command does and what it needs. Each is a whole process, Python's start included.
Printed are medians of wall time, processor time, peak resident and peak anonymous memory, and for each the ratio to the
first command of its group with as many threads. A repository is cloned first and its newest commit packed, so that
nothing of a work tree that others lack is in the comparison; all that is written is deleted at the end.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from peers.checkout import clone
from peers.entries import GROUPS, Entry, Setting, entries, missing
from peers.measure import Run, median, run
from peers.repack import KEYS, repack_entries
from peers.tree import make_tree


def parse() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("repository", type=Path, nargs="?", help="a git repository, or a folder of files")
    parser.add_argument("--tokenizer", type=Path, required=True, help="a tokenizer.json")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--slow-runs", type=int, default=1, help="runs of peers that take minutes")
    parser.add_argument("--threads", default="1,2", help="numbers with commas between")
    parser.add_argument("--only", default="", help=f"groups ({', '.join(GROUPS)}) or commands, with commas between")
    parser.add_argument("--skip", default="", help="the same, to leave out")
    parser.add_argument("--peers-python", default=sys.executable, metavar="PYTHON", help="has the peers' packages")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument(
        "--make-tree", type=float, metavar="GB", help="pack a tree of so many 10^9 bytes made of --from"
    )
    parser.add_argument("--from", type=Path, nargs="+", default=[], dest="sources", metavar="FOLDER")
    parser.add_argument("--scratch", type=Path, help="where to write; default: the system's temporary folder")
    arguments = parser.parse_args()
    if (arguments.repository is None) == (arguments.make_tree is None):
        parser.error("give either a repository or --make-tree")
    if arguments.make_tree is not None and not arguments.sources:
        parser.error("--make-tree needs --from")
    return arguments


def prepare(arguments: argparse.Namespace, scratch: Path) -> Setting:
    """Brings together the files to pack."""
    is_git = False
    if arguments.make_tree is not None:
        tree = bare_tree = scratch / "tree"
        make_tree(tree, arguments.sources, int(arguments.make_tree * 1e9))
    else:
        source = arguments.repository.resolve()
        asked = ["git", "-C", str(source), "rev-parse", "--git-dir"]
        is_git = subprocess.run(asked, capture_output=True, check=False).returncode == 0
        tree = bare_tree = source
    if is_git:
        tree, bare_tree = scratch / source.name, scratch / "without-history" / source.name
        clone(source, tree)
        shutil.copytree(tree, bare_tree, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    tokenizer, python = arguments.tokenizer.resolve(), arguments.peers_python
    return Setting(tree, bare_tree, tokenizer, scratch, python, is_git)


def size(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(Path(place, name).lstat().st_size for place, _, files in os.walk(folder) for name in files)


def asked(arguments: argparse.Namespace, group: str, key: str) -> bool:
    """Whether the command line asks for a command."""
    only, skip = ({name for name in getattr(arguments, which).split(",") if name} for which in ("only", "skip"))
    names = {group, key}
    return not names & skip and (not only or bool(names & only))


def choose(own: list[Entry], arguments: argparse.Namespace, python: str, reasons: dict[str, str]) -> list[Entry]:
    """Those of a group's commands that are asked for and can be measured; the first comes with any of them."""
    chosen = []
    for entry in own:
        if not asked(arguments, entry.group, entry.key):
            continue
        if reason := missing(entry, python):
            reasons[entry.title] = reason
        else:
            chosen.append(entry)
    return [own[0], *chosen] if chosen and own[0] not in chosen else chosen


def measure(chosen: list[Entry], runs: int, slow_runs: int) -> dict[str, list[Run]]:
    """Runs the commands in turn."""
    found: dict[str, list[Run]] = {entry.key: [] for entry in chosen}
    for number in range(max(runs, slow_runs)):
        for entry in chosen:
            if number >= (slow_runs if entry.slow else runs):
                continue
            if entry.prepare:
                entry.prepare()
            done = run(entry.command, entry.folder, None, entry.environment, entry.standard_input)
            found[entry.key].append(done)
    return found


def show(threads: int, chosen: list[Entry], found: dict[str, list[Run]], size: int) -> list[dict[str, Any]]:
    """Prints a group's table and returns its rows."""
    group = chosen[0].group
    print(f"\n{GROUPS[group]}, {threads} {'thread' if threads == 1 else 'threads'}")
    print(
        f"  {'':26} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9} {'anon MiB':>9} {'s/GB':>7}"
        f" {'wall x':>8} {'cpu x':>8} {'peak x':>7} {'anon x':>7} {'runs':>5}"
    )
    base = asdict(median(found[chosen[0].key]))
    rows = []
    for entry in chosen:
        row = asdict(median(found[entry.key]))
        ratios = {figure: row[figure] / base[figure] if row[figure] is not None else None for figure in row}
        per_gb = row["wall"] / size * 1e9
        anonymous, ratio = (
            ("-", "-") if row["anonymous"] is None else (f"{row['anonymous']:.0f}", f"{ratios['anonymous']:.2f}")
        )
        print(
            f"  {entry.title:26} {row['wall']:8.2f} {row['cpu']:8.2f} {row['peak']:9.0f} {anonymous:>9} {per_gb:7.1f}"
            f" {ratios['wall']:8.2f} {ratios['cpu']:8.2f} {ratios['peak']:7.2f} {ratio:>7} {len(found[entry.key]):5}",
            flush=True,
        )
        about = {"group": group, "key": entry.key, "title": entry.title, "threads": threads, "command": entry.command}
        rows.append({**about, "median": row, "ratios": ratios, "runs": [asdict(one) for one in found[entry.key]]})
    return rows


def about(setting: Setting) -> dict[str, Any]:
    """On what the figures were found."""
    cpus = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in cpus.splitlines() if line.startswith("model name")]
    head = ["git", "-C", str(setting.tree), "rev-parse", "HEAD"]
    return {
        "tree": setting.tree.name,
        "commit": subprocess.run(head, capture_output=True, text=True, check=True).stdout.strip()
        if setting.is_git
        else None,
        "bytes": size(setting.bare_tree),
        "system": platform.platform(),
        "processor": models[0] if models else platform.processor(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "tokenizer": setting.tokenizer.parent.name,
    }


def compare(setting: Setting, arguments: argparse.Namespace, size: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Measures all that is asked for; returns the rows, and why commands were left out."""
    rows: list[dict[str, Any]] = []
    reasons: dict[str, str] = {}
    counts = [int(count) for count in arguments.threads.split(",")]
    for threads in counts:
        listed = entries(setting, threads)
        for group in GROUPS:
            own = [entry for entry in listed if entry.group == group]
            if group == "start" and threads != counts[0]:
                continue
            if group == "repack" and any(asked(arguments, group, key) for key in KEYS):
                if not setting.is_git:
                    reasons[GROUPS[group]] = "there is no history"
                else:
                    own = repack_entries(setting, threads)
            if chosen := choose(own, arguments, setting.python, reasons):
                rows += show(threads, chosen, measure(chosen, arguments.runs, arguments.slow_runs), size)
    return rows, reasons


def main() -> None:
    """Prints the tables."""
    arguments = parse()
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as folder:
        setting = prepare(arguments, Path(folder))
        document = about(setting)
        print(
            f"{document['tree']}: {document['bytes']:,} bytes; {document['processor']}, {document['processors']} cores"
        )
        rows, reasons = compare(setting, arguments, document["bytes"])
        for name, reason in reasons.items():
            print(f"not measured: {name} ({reason})")
        plain, splintr = (setting.scratch / key / "tokens.npy" for key in ("plain", "splintr"))
        if plain.exists() and splintr.exists() and not filecmp.cmp(plain, splintr, shallow=False):
            print("note: splintr and Hugging Face do not come to the same windows")
        if arguments.json:
            document |= {"not measured": reasons, "rows": rows}
            arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

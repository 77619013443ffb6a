"""Counts the instructions that fixed work takes, and compares them with the counts in `instructions.json`.

    python benches/instructions.py                     fails if a part takes over 3 % more
    python benches/instructions.py --accept "reason"   writes the counts of now, and why they are right
    python benches/instructions.py --keep FOLDER       keeps callgrind's profiles, for callgrind_annotate

Unlike time, counts are the same on a busy machine and from run to run (within 0.1 %). They depend on the compiler, on
valgrind, and on what valgrind's processor offers to libraries that choose their code at run time; where these are not
those that the counts were made with, nothing is compared. Needs cargo and valgrind.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
COUNTS = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.03


def said(command: list[str], folder: Path = ROOT) -> str:
    """What a command prints on standard output. Raises SystemExit if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended with status {done.returncode}\n{done.stderr[-4000:]}")
    return done.stdout


def build() -> Path:
    """Builds the bench and returns its program."""
    command = ["cargo", "bench", "--package", "longctx-benches", "--bench", "instructions", "--no-run"]
    messages = map(json.loads, said([*command, "--message-format=json"]).splitlines())
    programs = [message.get("executable") for message in messages if message.get("reason") == "compiler-artifact"]
    return Path(next(program for program in reversed(programs) if program))


def describe(program: Path) -> tuple[list[str], dict[str, Any]]:
    """The parts, and what the counts depend on beside the code."""
    told = json.loads(said(["valgrind", "--quiet", "--tool=none", str(program), "describe"]))
    compiler = said(["rustc", "--version"]).strip()
    valgrind = said(["valgrind", "--version"]).strip()
    about = {key: told[key] for key in ("architecture", "features")}
    return told["parts"], {"compiler": compiler, "valgrind": valgrind, **about}


def count(program: Path, part: str, scratch: Path, keep: Path | None) -> int:
    """The instructions of a part."""
    profile = keep / f"{part}.callgrind" if keep else Path("/dev/null")
    output = scratch / part
    output.mkdir()
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", str(program), part, "files", part]
    done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not collected:
        sys.exit(f"error: {' '.join(command)} ended with status {done.returncode}\n{done.stderr[-4000:]}")
    return int(collected[1])


def count_all(keep: Path | None) -> tuple[dict[str, Any], dict[str, int]]:
    """What the counts depend on, and the counts."""
    program = build()
    parts, environment = describe(program)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        said([str(program), "write", "files"], scratch)
        return environment, {part: count(program, part, scratch, keep) for part in parts}


def compare(found: dict[str, int], expected: dict[str, int]) -> list[str]:
    """Prints a table; returns a sentence for each part that takes too many."""
    risen = []
    print(f"{'part':12} {'instructions':>15} {'accepted':>15} {'change':>9}")
    for part, now in found.items():
        before = expected.get(part)
        if before is None:
            print(f"{part:12} {now:15,} {'-':>15}")
            risen.append(f"{part} has no accepted count")
            continue
        change = now / before - 1
        note = "  fewer: --accept keeps it so" if change < -TOLERANCE else ""
        print(f"{part:12} {now:15,} {before:15,} {change:+9.2%}{note}")
        if change > TOLERANCE:
            risen.append(f"{part} takes {change:.1%} more instructions ({now:,} instead of {before:,})")
    return risen


def main() -> None:
    """Counts, and compares or accepts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--accept", metavar="REASON", help="write the counts, and why they are right")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep callgrind's profiles here")
    arguments = parser.parse_args()
    if arguments.accept is not None and not arguments.accept.strip():
        parser.error("--accept needs a reason")
    if shutil.which("valgrind") is None:
        sys.exit("error: valgrind was not found")
    if arguments.keep:
        arguments.keep = arguments.keep.resolve()
        arguments.keep.mkdir(parents=True, exist_ok=True)
    environment, found = count_all(arguments.keep)
    accepted = json.loads(COUNTS.read_text(encoding="utf-8")) if COUNTS.exists() else None
    if arguments.accept:
        document = {"reason": arguments.accept.strip(), "environment": environment, "counts": found}
        COUNTS.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"accepted: {', '.join(f'{part} {number:,}' for part, number in found.items())}")
        return
    if accepted is None:
        sys.exit('error: there are no counts to compare with; --accept "reason" writes them')
    differing = [key for key, value in environment.items() if accepted["environment"].get(key) != value]
    if differing:
        now = ", ".join(f"{key} {environment[key]}" for key in differing)
        then = ", ".join(f"{key} {accepted['environment'].get(key)}" for key in differing)
        print(f"instructions: not compared, because the counts were made with {then}; here is {now}")
        return
    risen = compare(found, accepted["counts"])
    if risen:
        hint = (
            """hint: --keep FOLDER and callgrind_annotate tell why; if it must be so, --accept "the reason" """.rstrip()
        )
        sys.exit(f"error: {'; '.join(risen)}\n\n{hint}")


if __name__ == "__main__":
    main()

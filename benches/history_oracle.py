"""Compares the chains that longctx finds with ``git log --first-parent --follow``, file by file.

Usage: ``history_oracle.py REPO [--files 200] [--seed 0] -- COMMAND...``, where COMMAND prints the chains of REPO as
JSON with nothing left out (``{"path": [{"commit", "path", "blob", ...}]}``, newest first).

Random files of ``HEAD`` are compared version by version: commit, path and blob. ``--follow`` looks for the origin of one
file at a time, so it also hops to copies, and to files that a comparison of the whole commit gives to somebody else or to
nobody. A chain is compared down to such a hop: one to a copy, to an empty file, or of under 60 % similarity, unless
both hop to the same place. At any other hop that differs, ``git diff-tree -M`` of the commit decides; the hops where it
sides with longctx against ``--follow`` are counted, the rest are failures.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypedDict

WEAK = 60
EMPTY_BLOBS = {
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
}


class Line(TypedDict):
    """One version as longctx prints it."""

    commit: str
    path: str
    blob: str | None


@dataclass(frozen=True)
class Entry:
    """One commit of ``git log --raw`` that touches the followed file."""

    commit: str
    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str
    status: str
    source: str
    path: str

    @property
    def blob(self) -> str | None:
        """The content after the commit; ``None`` where the file is gone or no regular file any more."""
        return self.new_blob if self.new_mode.startswith("100") else None


def git(repo: str, *arguments: str) -> bytes:
    """Runs git and returns what it prints."""
    return subprocess.run(
        ["git", "-C", repo, "--literal-pathspecs", *arguments], check=True, capture_output=True
    ).stdout


def text_form(path: bytes) -> str:
    """A path as longctx writes it: bytes that are not UTF-8, and then ``%``, percent-encoded."""
    try:
        return path.decode()
    except UnicodeDecodeError:
        escaped = path.replace(b"%", b"%25").decode(errors="surrogateescape")
        return "".join(f"%{ord(c) - 0xDC00:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in escaped)


def raw_entries(output: bytes) -> list[Entry]:
    """Parses ``--raw -z --format=commit %H``."""
    entries: list[Entry] = []
    commit = ""
    tokens = iter(output.split(b"\0"))
    for token in tokens:
        token = token.lstrip(b"\n")
        if token.startswith(b"commit "):
            commit = token.split()[1].decode()
        elif token.startswith(b":"):
            old_mode, new_mode, old_blob, new_blob, status = token[1:].decode().split()
            source = text_form(next(tokens))
            path = text_form(next(tokens)) if status[0] in "RC" else source
            entries.append(Entry(commit, old_mode, new_mode, old_blob, new_blob, status, source, path))
    return entries


def followed(repo: str, path: bytes) -> list[Entry]:
    """What ``git log --first-parent --follow`` lists for a file."""
    output = subprocess.run(
        ["git", "-C", repo, "log", "--first-parent", "-m", "--follow", "--raw", "-z", "--no-abbrev"]
        + ["--format=commit %H", "--", path],
        check=True,
        capture_output=True,
    ).stdout
    entries = []
    name = text_form(path)
    for entry in raw_entries(output):
        # The pathspec also matches what lies below a folder that once had the file's name.
        if entry.path != name:
            continue
        name = entry.source
        if entry.old_mode.startswith("100") or entry.new_mode.startswith("100"):
            entries.append(entry)
    return entries


def whole_commit_source(repo: str, entry: Entry) -> str | None:
    """Where ``git diff-tree -M`` says that the file came from."""
    raw = git(
        repo, "log", "-1", "--first-parent", "-m", "-M", "--no-rename-empty", "--raw", "-z", "--no-abbrev",
        "--format=commit %H", entry.commit,
    )
    for other in raw_entries(raw):
        if other.path == entry.path:
            return other.source if other.status[0] == "R" else None
    return None


def compare(repo: str, path: bytes, chain: list[Line]) -> tuple[str, str]:
    """Compares one chain; returns a verdict and, for a failure, what differs."""
    try:
        entries = followed(repo, path)
    except subprocess.CalledProcessError as error:
        return "git failed", error.stderr.decode(errors="replace").strip()
    verdict = "equal"
    for at, entry in enumerate(entries):
        if at >= len(chain):
            return "differs", f"{len(entries)} versions, not {len(chain)}; lacks {entry.commit}"
        line = chain[at]
        if (line["commit"], line["path"], line["blob"]) != (entry.commit, entry.path, entry.blob):
            return "differs", f"version {at}: {line}, not {entry}"
        if entry.status[0] not in "RCA":
            continue
        hop = entry.source if entry.status[0] in "RC" else None
        ours = chain[at + 1]["path"] if at + 1 < len(chain) else None
        if hop is None or hop == ours:
            continue
        weak = entry.status[0] == "C" or int(entry.status[1:]) < WEAK or entry.old_blob in EMPTY_BLOBS
        if weak:
            return "equal down to a hop to a copy, an empty file or a stranger", ""
        source = whole_commit_source(repo, entry)
        if source != hop:
            return "equal down to a hop that git diff -M does not make", ""
        return "differs", f"version {at}: comes from {hop} ({entry.status}) in {entry.commit}"
    if len(chain) > len(entries):
        return "differs", f"{len(entries)} versions, not {len(chain)}; has {chain[len(entries)]} besides"
    return verdict, ""


def main() -> int:
    """Compares random files and prints how many agree; fails if one does not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("repo")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("command", nargs="+", help="prints the chains as JSON")
    arguments = parser.parse_args()
    chains: dict[str, list[Line]] = json.loads(subprocess.run(arguments.command, check=True, stdout=-1).stdout)
    listing = git(arguments.repo, "ls-tree", "-r", "-z", "HEAD").split(b"\0")
    files = sorted(line.split(b"\t", 1)[1] for line in listing if line.startswith(b"100"))
    chosen = random.Random(arguments.seed).sample(files, min(arguments.files, len(files)))
    with ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(
            pool.map(lambda path: compare(arguments.repo, path, chains.get(text_form(path), [])), chosen)
        )
    verdicts = Counter(verdict for verdict, _ in results)
    for path, (verdict, why) in zip(chosen, results, strict=True):
        if verdict in ("differs", "git failed"):
            print(f"{text_form(path)}: {verdict}: {why}")
    for verdict, count in sorted(verdicts.items()):
        print(f"{count:5} {verdict}")
    return 1 if verdicts["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())

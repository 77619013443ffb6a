"""Compares the chains that longctx finds with ``git log --first-parent --follow``, file by file.

Usage: ``history_oracle.py REPO [--files 200] [--seed 0] [-- COMMAND...]``, where COMMAND prints the chains of REPO as
JSON with nothing left out (``{"path": [{"commit", "path", "blob", ...}]}``, newest first): by default
``longctx history REPO --all --json``.

Random files of ``HEAD`` are compared version by version: commit, path and blob. ``--follow`` looks for the origin of
one file at a time, so it also hops to copies, and to files that a comparison of the whole commit gives to somebody else
or to nobody. A chain is compared down to such a hop: one to a copy, to an empty file, or of under 60 % similarity,
unless both hop to the same place. At any other hop that differs, ``git diff -M`` of the commit decides; the hops where
it sides against ``--follow`` are counted, the rest are failures.
"""

# This runs git and the given command on the given repository, and draws files, not secrets.
# ruff: noqa: S311

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
RAW = ("--raw", "-z", "--no-abbrev", "--format=commit %H")
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


def git(repo: str, *arguments: str | bytes) -> bytes:
    """Runs git and returns what it prints."""
    command = ["git", "-C", repo, "--literal-pathspecs", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


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
        words = token.decode(errors="replace").lstrip("\n").split(" ")
        if words[0] == "commit":
            commit = words[1]
        elif words[0].startswith(":"):
            old_mode, new_mode, old_blob, new_blob, status = words
            source = text_form(next(tokens))
            path = text_form(next(tokens)) if status[0] in "RC" else source
            entries.append(Entry(commit, old_mode[1:], new_mode, old_blob, new_blob, status, source, path))
    return entries


def followed(repo: str, path: bytes) -> list[Entry]:
    """What ``git log --first-parent --follow`` lists for a file."""
    output = git(repo, "log", "--first-parent", "-m", "--follow", *RAW, "--", path)
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
    """Where ``git diff -M`` of the commit says that the file came from."""
    for other in raw_entries(
        git(repo, "log", "-1", "--first-parent", "-m", "-M", "--no-rename-empty", *RAW, entry.commit)
    ):
        if other.path == entry.path:
            return other.source if other.status[0] == "R" else None
    return None


def judge_hop(repo: str, entry: Entry, ours: str | None) -> str | None:
    """What to say where git hops to another file and longctx goes on at ``ours``; ``None`` if all is well."""
    if entry.source == ours:
        return None
    if entry.status[0] == "C" or int(entry.status[1:]) < WEAK or entry.old_blob in EMPTY_BLOBS:
        return "equal down to a hop to a copy, an empty file or a stranger"
    if whole_commit_source(repo, entry) != entry.source:
        return "equal down to a hop that git diff -M does not make"
    return f"differs: comes from {entry.source} ({entry.status}) in {entry.commit}, not from {ours}"


def compare(repo: str, path: bytes, chain: list[Line]) -> str:
    """Compares one chain and returns a verdict."""
    try:
        entries = followed(repo, path)
    except subprocess.CalledProcessError as error:
        return f"git failed: {error.stderr.decode(errors='replace').strip()}"
    for at, (entry, line) in enumerate(zip(entries, chain, strict=False)):
        if (line["commit"], line["path"], line["blob"]) != (entry.commit, entry.path, entry.blob):
            return f"differs: version {at}: {line}, not {entry}"
        if entry.status[0] in "RC":
            verdict = judge_hop(repo, entry, chain[at + 1]["path"] if at + 1 < len(chain) else None)
            if verdict is not None:
                return verdict
    if len(chain) != len(entries):
        return f"differs: {len(chain)} versions, not {len(entries)}"
    return "equal"


def main() -> int:
    """Compares random files and prints how many agree; fails if one does not."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("repo")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("command", nargs="*", help="prints the chains as JSON")
    arguments = parser.parse_args()
    command = arguments.command or ["longctx", "history", arguments.repo, "--all", "--json"]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    chains: dict[str, list[Line]] = json.loads(printed)
    listing = git(arguments.repo, "ls-tree", "-r", "-z", "HEAD").split(b"\0")
    files = sorted(line.split(b"\t", 1)[1] for line in listing if line.startswith(b"100"))
    chosen = random.Random(arguments.seed).sample(files, min(arguments.files, len(files)))
    with ThreadPoolExecutor(arguments.jobs) as pool:
        verdicts = list(pool.map(lambda path: compare(arguments.repo, path, chains.get(text_form(path), [])), chosen))
    counts = Counter(verdict.split(":", 1)[0] for verdict in verdicts)
    for path, verdict in zip(chosen, verdicts, strict=True):
        if ":" in verdict:
            print(f"{text_form(path)}: {verdict}")
    for verdict, count in sorted(counts.items()):
        print(f"{count:5} {verdict}")
    return 1 if counts["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())

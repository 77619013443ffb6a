"""The commands that `pack_vs_peers.py` measures, in groups of what does comparable work."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PEERS = Path(__file__).parent
LONGCTX = [sys.executable, "-m", "longctx"]
MAX_VERSIONS = 32
"""`longctx pack` reads so many versions of a file by default."""

GROUPS = {
    "start": "start-up",
    "files": "files alone",
    "graph": "files, graph and questions, without history",
    "history": "everything, with history",
    "repack": "packing again",
}


@dataclass(frozen=True)
class Entry:
    """A command of a group; the first of a group is what the others are compared with."""

    group: str
    key: str
    title: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    standard_input: Path | None = None
    needs: str | None = None
    """A program on the path, or with a leading dot a module of the peers' Python."""
    slow: bool = False
    prepare: Callable[[], None] | None = None
    """What is done before each run, unmeasured."""


@dataclass(frozen=True)
class Setting:
    """What the commands work on and with."""

    tree: Path
    """The files to pack; a git work tree where there is a history."""
    bare_tree: Path
    """The same files without git."""
    tokenizer: Path
    scratch: Path
    python: str
    """The peers' Python."""
    is_git: bool


def pack(setting: Setting, source: Path, *options: str) -> list[str]:
    """A command that packs with the given tokenizer."""
    output = ["--output", str(setting.scratch / "out.longctx"), "--overwrite", "--quiet"]
    return [*LONGCTX, "pack", str(source), *output, "--tokenizer", str(setting.tokenizer), *options]


def write_blob_ids(setting: Setting) -> Path:
    """Lists the blobs that `longctx pack` reads: those of the newest commit and of the versions that it tells of."""
    listing = ["git", "-C", str(setting.tree), "ls-tree", "-r", "--format=%(objecttype) %(objectname)", "HEAD"]
    lines = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.splitlines()
    ids = {line.split()[1] for line in lines if line.startswith("blob ")}
    history = [*LONGCTX, "history", str(setting.tree), "--json", "--quiet"]
    chains = json.loads(subprocess.run(history, capture_output=True, check=True).stdout)
    ids |= {version["blob"] for chain in chains.values() for version in chain[:MAX_VERSIONS] if version["blob"]}
    path = setting.scratch / "blob-ids"
    path.write_text("".join(f"{blob}\n" for blob in sorted(ids)), encoding="ascii")
    return path


def entries(setting: Setting, threads: int) -> list[Entry]:
    """All commands but those of re-packing, with so many threads where a command has any."""
    own = ["--threads", str(threads), "--no-cache"]
    rayon = {"RAYON_NUM_THREADS": str(threads)}
    tree = str(setting.tree)

    def peer(group: str, key: str, title: str, script: str, needs: str, *arguments: str, slow: bool = False) -> Entry:
        written = str(setting.scratch / key)
        command = [setting.python, str(PEERS / script), tree, str(setting.tokenizer), written, *arguments]
        return Entry(group, key, title, command, rayon, needs=needs, slow=slow)

    alone = ["--kinds", "hierarchical", "--context", "none", "--order", "path", *own]
    ruff = ["ruff", "analyze", "graph", "--preview", "--isolated", "."]
    found = [
        Entry("start", "version", "longctx --version", [*LONGCTX, "--version"]),
        Entry("start", "python", "Python that does nothing", [sys.executable, "-c", "pass"]),
        Entry("files", "files", "longctx pack, files alone", pack(setting, setting.tree, *alone)),
        peer("files", "plain", "Python, Hugging Face", "plain_pack.py", ".tokenizers"),
        peer("files", "splintr", "Python, splintr", "splintr_pack.py", ".splintr"),
        Entry("files", "rg", "rg --files", ["rg", "--files", "--threads", str(threads), tree], needs="rg"),
        Entry("graph", "qa", "longctx pack", pack(setting, setting.bare_tree, "--kinds", "hierarchical,qa", *own)),
        Entry("graph", "graph", "longctx graph", [*LONGCTX, "graph", str(setting.bare_tree), "--quiet", "--json"]),
        Entry("graph", "ruff", "ruff analyze graph", ruff, rayon, folder=setting.bare_tree, needs="ruff"),
    ]
    if setting.is_git:
        ids = write_blob_ids(setting)
        cat = ["git", "-C", tree, "cat-file", "--batch", "--buffer"]
        blobs = ("splintr_pack.py", ".splintr", "--blobs", str(ids))
        driller = ("pydriller_pack.py", ".pydriller")
        found += [
            Entry("history", "history", "longctx pack", pack(setting, setting.tree, *own)),
            Entry("history", "cat-file", "git cat-file", cat, standard_input=ids, needs="git"),
            peer("history", "cat-splintr", "git cat-file, splintr", *blobs),
            peer("history", "pydriller", "PyDriller, Hugging Face", *driller, slow=True),
        ]
    return found


def missing(entry: Entry, python: str) -> str | None:
    """Why an entry cannot be measured here."""
    if entry.needs is None:
        return None
    if not entry.needs.startswith("."):
        return None if shutil.which(entry.needs) else f"{entry.needs} is not on the path"
    module = entry.needs[1:]
    done = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
    return None if done.returncode == 0 else f"{python} has no module {module}"

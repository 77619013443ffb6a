"""Clones whose work tree is that of a commit, but for files whose content the repository lacks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """What git prints. Raises CalledProcessError if it fails."""
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def clone(source: Path, target: Path) -> None:
    """Clones a repository and checks its newest commit out."""
    git(source.parent, "clone", "--quiet", "--no-checkout", str(source), str(target))
    check_out(target, "HEAD")


def check_out(folder: Path, revision: str) -> None:
    """Makes the work tree that of a revision; says what could not be written, which git itself would not pass over."""
    commit = git(folder, "rev-parse", "--verify", f"{revision}^{{commit}}")
    git(folder, "update-ref", "--no-deref", "HEAD", commit)
    git(folder, "read-tree", commit)
    for entry in folder.iterdir():
        if entry.name == ".git":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    command = ["git", "-C", str(folder), "checkout-index", "--all", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"{folder.name}: left out: {' '.join(done.stderr.split())}", file=sys.stderr)

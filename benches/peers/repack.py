"""Packing what was packed before: nothing changed since, or one commit came in between."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace

from peers.checkout import check_out, clone, git
from peers.entries import Entry, Setting, pack

KEYS = ("full", "fill", "unchanged", "commit")


class _State:
    """A clone, a cache and a dataset, which can be brought back to what they were after the first pack."""

    def __init__(self, setting: Setting) -> None:
        self.folder = setting.scratch / "repack"
        self.clone = self.folder / setting.tree.name
        self.cache = self.folder / "cache"
        self.dataset = setting.scratch / "out.longctx"

    def keep(self) -> None:
        """Keeps cache and dataset as they are now."""
        for path in (self.cache, self.dataset):
            shutil.copytree(path, self.folder / f"kept-{path.name}")

    def restore(self, revision: str, packed: bool) -> None:
        """Checks out a revision, with cache and dataset as they were kept, or without any."""
        check_out(self.clone, revision)
        for path in (self.cache, self.dataset):
            shutil.rmtree(path, ignore_errors=True)
            if packed:
                shutil.copytree(self.folder / f"kept-{path.name}", path)


def repack_entries(setting: Setting, threads: int) -> list[Entry]:
    """A full pack, one that fills an empty cache, one with nothing changed, and one after the newest commit.

    The cache and the dataset that the last two find are those of the commit before the newest.
    """
    state = _State(setting)
    shutil.rmtree(state.folder, ignore_errors=True)
    state.folder.mkdir()
    clone(setting.tree, state.clone)
    newest, before = git(state.clone, "rev-parse", "HEAD", "HEAD~1").split()
    cached = {"LONGCTX_CACHE_DIR": str(state.cache)}
    full = Entry(
        "repack", "full", "longctx pack, afresh", pack(setting, state.clone, "--threads", str(threads)), cached
    )
    state.restore(before, packed=False)
    subprocess.run(full.command, env={**os.environ, **cached}, check=True)
    state.keep()
    return [
        replace(full, command=[*full.command, "--no-cache"], prepare=lambda: state.restore(newest, packed=False)),
        replace(full, key="fill", title="with an empty cache", prepare=lambda: state.restore(newest, packed=False)),
        replace(full, key="unchanged", title="nothing changed", prepare=lambda: state.restore(before, packed=True)),
        replace(full, key="commit", title="after one commit", prepare=lambda: state.restore(newest, packed=True)),
    ]

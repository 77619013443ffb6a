"""The folder of all that longctx keeps for the user between runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The folder of all that longctx keeps for the user; it need not exist.

    `LONGCTX_CACHE_DIR` names it; without that it is `longctx` in the system's place for caches.
    """
    if chosen := os.environ.get("LONGCTX_CACHE_DIR"):
        return Path(chosen).expanduser()
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen).expanduser() / "longctx"
    home = Path.home()
    return (home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache") / "longctx"

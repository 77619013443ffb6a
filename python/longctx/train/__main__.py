"""Runs `longctx train` as `python -m longctx.train`, which is what `accelerate launch -m` needs."""

from __future__ import annotations

import sys

from longctx.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))

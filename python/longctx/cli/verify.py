"""`longctx verify`: is a dataset whole, and is it what its repository says?"""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from longctx.cli.text import count, counted, duration, escape_line


def command(
    dataset: Annotated[str, typer.Argument(metavar="DIR", help="A dataset.")],
    repository: Annotated[
        str | None, typer.Option("--repo", metavar="REPO", help="Also compare every segment with this repository.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads to use. Default: all processors.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> int:
    """Checks that a dataset is whole.

    With --repo, also that its tokens decode to what the repository's files say.
    """
    from longctx import _core
    from longctx.cli.progress import reporting

    with reporting(quiet) as progress:
        result = json.loads(_core.verify(dataset, repository, threads, progress))
    defects = result["defects"]
    if as_json:
        print(json.dumps(result, indent=2))
    elif not quiet:
        checked = f"{counted(result['shards'], 'shard')}, {counted(result['sequences'], 'sequence')}"
        compared = f", {count(result['segments_compared'])} segments compared" if repository else ""
        print(
            f"{escape_line(result['dataset'])}: {checked}, {count(result['tokens'])} tokens{compared} "
            f"in {duration(result['seconds'])}; {'no defects' if not defects else counted(len(defects), 'defect')}"
        )
    if not defects:
        return 0
    sys.stdout.flush()
    print(f"error: {counted(len(defects), 'defect')} in {escape_line(result['dataset'])}", file=sys.stderr)
    for defect in defects[:20]:
        print(f"  {escape_line(defect['where'])}: {escape_line(defect['what'])}", file=sys.stderr)
    if len(defects) > 20:
        print(f"  and {len(defects) - 20:,} more (--json lists all)", file=sys.stderr)
    return 1

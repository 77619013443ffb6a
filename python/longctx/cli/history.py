"""`longctx history`: the versions of a repository's files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

import typer

from longctx.cli.text import Paint, count, counted, day, escape_line, table


def _moment(text: str) -> int:
    try:
        # Python 3.10 does not know the Z.
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write 2024-01-31 or 2024-01-31T12:00:00+02:00") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp())


def command(
    repository: Annotated[
        str, typer.Argument(metavar="REPO", help="A git work tree, a folder of one, or a bare repository.")
    ],
    file: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="Only this file, named as seen from REPO.", show_default=False),
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--rev", metavar="REV", help="Commit, branch or tag to begin at. Default: HEAD.")
    ] = None,
    mode: Annotated[
        Literal["first-parent", "full"],
        typer.Option(
            "--history", help="Commits to walk: the first-parent line of HEAD, or all branches without merges."
        ),
    ] = "first-parent",
    since: Annotated[
        int | None, typer.Option(parser=_moment, metavar="DATE", help="Leave out older commits; UTC unless it says.")
    ] = None,
    max_commits: Annotated[int | None, typer.Option(min=1, metavar="N", help="Walk the N newest commits only.")] = None,
    max_files_per_commit: Annotated[
        int, typer.Option(min=1, metavar="N", help="Leave out commits that touch more files.")
    ] = 100,
    everything: Annotated[
        bool, typer.Option("--all", help="Keep commits of bots, of layout only, and of any number of files.")
    ] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="With --json, also files that are gone.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the versions of FILE, or of every file, as JSON.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress and no notes.")] = False,
) -> None:
    """Shows the versions of a file, newest first, or sums up the history of all files.

    Renames are followed. What was left out is told, with --json on standard error.
    """
    from longctx import _core
    from longctx.cli.progress import reporting

    every = ("all" if deleted else "live") if as_json else "none"
    options = {
        "revision": revision,
        "mode": mode,
        "since": since,
        "max_commits": max_commits,
        "max_files_per_commit": None if everything else max_files_per_commit,
        "skip_bots": not everything,
        "skip_formatting": not everything,
        "chains": every if file is None else {"path": file},
    }
    with reporting(quiet) as progress:
        report = json.loads(_core.history(repository, json.dumps(options), progress))
    if as_json:
        print(json.dumps(report["chains"]))
        if not quiet:
            sys.stdout.flush()
            for line in remarks(report, Paint(sys.stderr)):
                print(line, file=sys.stderr)
        return
    lines = overview(report, mode, Paint()) if file is None else chain(report, Paint())
    print("\n".join([*lines, *([] if quiet else _apart(remarks(report, Paint())))]))


def chain(report: dict[str, Any], paint: Paint) -> Iterator[str]:
    """The lines about one file: a version each, newest first, with its path where it is another."""
    ((path, versions),) = report["chains"].items()
    yield paint(f"{escape_line(path)}: {counted(len(versions), 'version')}", 1)
    rows, last = [], path
    for version in versions:
        notes = ["deleted"] if version["blob"] is None else []
        if version["path"] != last:
            last = version["path"]
            notes.append(f"as {escape_line(last)}")
        note = f"  ({', '.join(notes)})" if notes else ""
        rows.append([version["commit"][:7], day(version["time"]), escape_line(version["subject"]) + note])
    yield from table(rows)


def overview(report: dict[str, Any], mode: str, paint: Paint) -> Iterator[str]:
    """The lines about all files."""
    yield paint(f"{escape_line(report['repository'])} at {report['commit'][:12]}, {mode} history", 1)
    span = f" from {day(report['oldest'])} to {day(report['newest'])}" if report["commits"] else ""
    merges = f", {counted(report['merges'], 'merge')} among them" if report["merges"] else ""
    yield f"  {counted(report['commits'], 'commit')} walked{span}{merges}"
    yield (
        f"  {counted(report['files'], 'file')}, {count(report['files_with_versions'])} with more than one version; "
        f"{count(report['files_gone'])} more are gone"
    )
    yield f"  {counted(report['versions'], 'version')}, {counted(report['contents'], 'different content')}"
    if report["most_edited"]:
        yield ""
        yield paint("files with most versions", 1)
        yield from table([[count(f["versions"]), escape_line(f["path"])] for f in report["most_edited"]], right=(0,))


def remarks(report: dict[str, Any], paint: Paint) -> Iterator[str]:
    """The lines about what was left out or is missing, and what is unusual about the repository."""
    if report["left_out"]:
        yield paint("left out", 1)
        yield from table(
            [
                [
                    counted(left["commits"], "commit") if left["commits"] else "",
                    counted(left["versions"], "version") if left["versions"] else "",
                    left["description"],
                    f"({', '.join(commit[:7] for commit in left['examples'][:2])})" if left["examples"] else "",
                ]
                for left in report["left_out"]
            ],
            right=(0, 1),
        )
    missing = report["missing"]
    if missing["objects"]:
        yield paint(f"{counted(missing['objects'], 'object')} of the repository cannot be read", 1)
        yield from (f"  {escape_line(example)}" for example in missing["examples"])
        if (more := missing["objects"] - len(missing["examples"])) > 0:
            yield f"  and {count(more)} more"
    for note in report["notes"]:
        yield f"note: {escape_line(note)}"


def _apart(lines: Iterator[str]) -> list[str]:
    """`lines` after an empty one, if there are any."""
    told = list(lines)
    return ["", *told] if told else []

"""`longctx prepare`: what a repository offers to train on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from longctx.cli import options
from longctx.cli.options import SEQUENCES
from longctx.cli.text import Paint, count, counted, day, escape_line, share, size, table

_FEW = 5
"""So many of a kind are shown without --verbose."""


def command(
    repository: options.Repository,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for preparation_summary.json, which is replaced. Default: none is written.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show all that is found, where else the first few.")
    ] = False,
    config: options.Settings = None,
    threads: options.Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is written as JSON.")] = False,
    quiet: options.Quiet = False,
    revision: options.Revision = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    hidden: options.Hidden = None,
    max_file_size: options.MaxFileSize = None,
    tokenizer: options.Tokenizer = None,
    sequence_length: Annotated[
        int | None,
        typer.Option(
            "--max-sequence-length",
            "--sequence-length",
            metavar="TOKENS",
            help="Longest sequence: phases with longer ones are left out.",
            rich_help_panel=SEQUENCES,
        ),
    ] = None,
    phases: Annotated[
        int,
        typer.Option(min=1, max=3, metavar="N", help="Phases to look at, from the first.", rich_help_panel=SEQUENCES),
    ] = 3,
    kinds: options.Kinds = None,
    seed: options.Seed = None,
    history: options.History = None,
    since: options.Since = None,
    max_commits: options.MaxCommits = None,
) -> None:
    """Shows what a repository offers to train on; packs nothing.

    Large files, dependencies, history, the sequences that would come, and which phases would starve.
    """
    from longctx.cli.progress import reporting
    from longctx.preparing import prepare

    settings = options.settings(
        config,
        threads=threads,
        include=include or None,
        exclude=exclude or None,
        hidden=hidden,
        max_file_size=max_file_size,
        tokenizer=tokenizer,
        sequence_length=sequence_length,
        kinds=options.names(kinds),
        seed=seed,
        history=history,
        since=since,
        max_commits=max_commits,
    )
    with reporting(quiet) as progress:
        report = prepare(repository, output, config=settings, phases=phases, revision=revision, progress=progress)
    if as_json:
        print(json.dumps(report, indent=2))
    elif not quiet:
        print("\n".join(overview(report, verbose, Paint())))


def overview(report: dict[str, Any], verbose: bool, paint: Paint) -> Iterator[str]:
    """The lines about a repository; the last are about the phases, which is what is decided by them."""
    most = None if verbose else _FEW
    yield from _outline(report, paint)
    yield from _files(report, most, paint)
    yield from _dependencies(report["dependencies"], verbose, most, paint)
    yield from _commits(report["history"], most, paint)
    yield from _sequences(report, verbose, paint)
    yield ""
    yield paint("phases", 1)
    for phase in report["phases"]:
        yield from _phase(phase, paint)
    for note in report["notes"]:
        yield f"note: {escape_line(note)}"


def _outline(report: dict[str, Any], paint: Paint) -> Iterator[str]:
    commit = f" at {report['commit'][:12]}" if report["commit"] else ""
    files, coverage = report["files"], report["coverage"]
    yield paint(f"{escape_line(report['repository'])}{commit}", 1)
    yield (
        f"  {counted(files['packed'], 'file')} of {count(files['listed'])}, {size(files['bytes'])}, "
        f"{counted(files['tokens'], 'token')} ({escape_line(report['tokenizer']['name'])} tokenizer)"
    )
    yield f"  coverage: {share(coverage['bytes_packed'], coverage['bytes_total'])} of {size(coverage['bytes_total'])}"


def _files(report: dict[str, Any], most: int | None, paint: Paint) -> Iterator[str]:
    languages = report["languages"]
    yield ""
    yield paint("languages", 1)
    rows = [[count(entry["tokens"]), counted(entry["files"], "file"), entry["name"]] for entry in languages[:most]]
    yield from table(rows, right=(0, 1))
    yield from _more(languages, most)
    if largest := report.get("largest", []):
        yield ""
        yield paint("files with most tokens", 1)
        rows = [[count(entry["tokens"]), size(entry["bytes"]), escape_line(entry["path"])] for entry in largest[:most]]
        yield from table(rows, right=(0, 1))
    # Those that are too large first; then what most is lost by.
    skipped = sorted(report["skipped"], key=lambda entry: entry["reason"] != "too_large")
    if skipped:
        yield ""
        yield paint("left out", 1)
        rows = [
            [
                counted(entry["files"] + entry["directories"], "path"),
                size(entry["bytes"]),
                entry["description"],
                f"({', '.join(escape_line(path) for path in entry['examples'][: 5 if most is None else 2])})",
            ]
            for entry in skipped[:most]
        ]
        yield from table(rows, right=(0, 1))
        yield from _more(skipped, most)
    for failure in report["failures"][:most]:
        yield f"  cannot be read: {escape_line(failure['path'])}: {escape_line(failure['reason'])}"
    yield from _more(report["failures"], most)


def _dependencies(graph: dict[str, Any], verbose: bool, most: int | None, paint: Paint) -> Iterator[str]:
    yield ""
    yield paint("dependencies", 1)
    broken = f", {counted(graph['broken'], 'file')} with syntax errors" if graph["broken"] else ""
    yield f"  {counted(graph['edges'], 'edge')} between {counted(graph['sources'], 'file')} of source code{broken}"
    rows = [[count(hub["dependents"]), f"need {escape_line(hub['path'])}"] for hub in graph["hubs"][:most]]
    yield from table(rows, right=(0,), indent="    ")
    for over, cycles in (("", graph["cycles"]), (" over edges that always hold", graph["firm_cycles"])):
        if cycles["groups"]:
            examples = ", ".join(map(escape_line, cycles["examples"]))
            more = ", ..." if cycles["largest"] > len(cycles["examples"]) else ""
            yield (
                f"  {counted(cycles['groups'], 'cycle')}{over}, the largest of {counted(cycles['largest'], 'file')} "
                f"({examples}{more})"
            )
    if not graph["cycles"]["groups"]:
        yield "  no cycles"
    for failed in graph["unresolved"]:
        yield f"  {counted(failed['imports'], 'import')} of no file of the repository: {failed['reason']}"
        if verbose:
            rows = [
                [escape_line(entry["text"]), f"{escape_line(entry['from'])}:{entry['line']}"]
                for entry in failed["examples"]
            ]
            yield from table(rows, indent="    ")


def _commits(history: dict[str, Any] | None, most: int | None, paint: Paint) -> Iterator[str]:
    if history is None:
        return
    yield ""
    yield paint("history", 1)
    span = f" from {day(history['oldest'])} to {day(history['newest'])}" if history["commits"] else ""
    merges = f", {counted(history['merges'], 'merge')} among them" if history["merges"] else ""
    yield f"  {counted(history['commits'], 'commit')}{span}{merges}"
    yield (
        f"  {counted(history['versions'], 'version')} of {counted(history['files'], 'file')}; "
        f"{count(history['files_with_versions'])} have more than one"
    )
    rows = [[count(file["versions"]), escape_line(file["path"])] for file in history["most_edited"][:most]]
    yield from table(rows, right=(0,), indent="    ")
    rows = [[counted(left["commits"], "commit"), f"left out: {left['description']}"] for left in history["left_out"]]
    yield from table(rows, right=(0,))
    if missing := history["missing"]["objects"]:
        yield f"  {counted(missing, 'object')} of the repository cannot be read"
    yield from (f"  note: {escape_line(note)}" for note in history["notes"])


def _sequences(report: dict[str, Any], verbose: bool, paint: Paint) -> Iterator[str]:
    from longctx.cli import summary

    found = report["sequences"]
    yield from summary.sequences(found, [], paint)
    if verbose:
        for part in (summary.split, summary.commits, summary.questions):
            yield from part(found, paint)


def _phase(phase: dict[str, Any], paint: Paint) -> Iterator[str]:
    name = f"  phase {phase['phase']}, {count(phase['min'])} to {count(phase['max'])} tokens"
    levels = phase["difficulties"]
    asked = f"{levels[0]} to {levels[-1]}".replace("_", " ")
    if phase["left_out"]:
        yield paint(f"{name}: left out", 33)
        yield f"    {phase['left_out']}: {phase['advice']}"
        return
    yield paint(f"{name}: {'starves' if phase['starves'] else 'has enough'}", 31 if phase["starves"] else 32)
    yield (
        f"    {counted(phase['usable'], 'sequence')} of the difficulty it asks for ({asked}), "
        f"{counted(phase['steps_per_epoch'], 'step')} an epoch; {count(phase['validation'])} for validation"
    )
    if phase["starves"]:
        yield f"    {phase['reason']}: {phase['advice']}"


def _more(things: list[Any], most: int | None) -> Iterator[str]:
    if most is not None and len(things) > most:
        yield f"  and {count(len(things) - most)} more (--verbose shows them)"

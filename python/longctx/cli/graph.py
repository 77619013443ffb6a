"""`longctx graph`: which file of a repository needs which."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from longctx.cli.options import size as size_option
from longctx.cli.text import Paint, count, counted, escape_line, table


def command(
    repository: Annotated[
        str, typer.Argument(metavar="REPO", help="Folder to read: a git work tree, a bare repository, or plain files.")
    ],
    file: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="Show what this file needs and who needs it.", show_default=False),
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--rev", metavar="REV", help="Commit, branch or tag. Default: the work tree as it is.")
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Read only files that match. Repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Leave out files that match. Repeatable.")
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Read names that begin with a dot.")] = False,
    max_file_size: Annotated[
        int, typer.Option(parser=size_option, metavar="SIZE", help="Do not read larger files, as 1MiB or 500k.")
    ] = "1MiB",  # type: ignore[assignment]  # parsed as the option's text is
    as_json: Annotated[bool, typer.Option("--json", help="Print the graph, or what concerns FILE, as JSON.")] = False,
    as_dot: Annotated[bool, typer.Option("--dot", help="Print the graph for Graphviz.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")] = False,
) -> None:
    """Shows which file needs which: a summary, one file's neighbours, or the whole graph.

    Vendored, generated and minified files and lockfiles are no part of it.
    """
    from longctx import _core
    from longctx.cli.progress import reporting
    from longctx.errors import UsageError

    if as_dot and (as_json or file is not None):
        raise UsageError("--dot prints the whole graph: it goes with neither --json nor FILE")
    whole = "graph" if as_json else "dot" if as_dot else "nothing"
    options = {
        "revision": revision,
        "include": include or [],
        "exclude": exclude or [],
        "hidden": hidden,
        "max_file_size": max_file_size,
        "tell": whole if file is None else {"file": file},
    }
    with reporting(quiet) as progress:
        report = json.loads(_core.graph(repository, json.dumps(options), progress))
    if as_json:
        print(json.dumps(report["graph" if file is None else "file"]))
    elif as_dot:
        print(report["dot"], end="")
    else:
        print("\n".join(overview(report, Paint()) if file is None else neighbours(report["file"], Paint())))


def neighbours(file: dict[str, Any], paint: Paint) -> Iterator[str]:
    """The lines about one file."""
    yield paint(escape_line(file["path"]), 1)
    path = file["path"]
    for title, links in (("needs", file["needs"]), ("is needed by", file["needed_by"])):
        yield f"  {title} {counted(len({link['path'] for link in links}), 'file')}"
        rows = []
        for link in links:
            importer = path if title == "needs" else link["path"]
            rows.append([escape_line(link["path"]), link["kind"], f"{escape_line(importer)}:{link['line']}"])
        yield from table(rows, indent="    ")
    if file["unresolved"]:
        yield f"  {counted(len(file['unresolved']), 'import')} of no file of the graph"
        yield from table(
            [
                [escape_line(entry["text"]), entry["reason"], f"{escape_line(path)}:{entry['line']}"]
                for entry in file["unresolved"]
            ],
            indent="    ",
        )


def overview(report: dict[str, Any], paint: Paint) -> Iterator[str]:
    """The lines about all files."""
    commit = f" at {report['commit'][:12]}" if report["commit"] else ""
    yield paint(f"{escape_line(report['repository'])}{commit}", 1)
    broken = f", {counted(report['broken'], 'file')} with syntax errors" if report["broken"] else ""
    yield (
        f"  {counted(report['files'], 'file')}, {count(report['sources'])} of source code{broken}; "
        f"{counted(report['edges'], 'edge')}"
    )
    if report["kinds"]:
        yield ""
        yield paint("edges, strongest first", 1)
        yield from table([[count(entry["edges"]), entry["kind"]] for entry in report["kinds"]], right=(0,))
    if report["hubs"]:
        yield ""
        yield paint("files that most others need", 1)
        yield from table([[count(hub["dependents"]), escape_line(hub["path"])] for hub in report["hubs"]], right=(0,))
    if report["cycles"]["groups"]:
        yield ""
        yield paint("cycles", 1)
        yield _cycles("over all edges", report["cycles"])
        yield _cycles("over edges that always hold (re-export and stronger)", report["firm_cycles"])
    for failed in report["unresolved"]:
        yield ""
        yield paint(f"{counted(failed['imports'], 'import')} of no file of the graph: {failed['reason']}", 1)
        yield from table(
            [
                [escape_line(entry["text"]), f"{escape_line(entry['from'])}:{entry['line']}"]
                for entry in failed["examples"]
            ]
        )
    if report["skipped"]:
        yield ""
        yield paint("left out", 1)
        yield from table([[count(entry["paths"]), entry["description"]] for entry in report["skipped"]], right=(0,))


def _cycles(over: str, cycles: dict[str, Any]) -> str:
    if not cycles["groups"]:
        return f"  {over}: none"
    examples = ", ".join(escape_line(path) for path in cycles["examples"])
    more = ", ..." if cycles["largest"] > len(cycles["examples"]) else ""
    return f"  {over}: {count(cycles['groups'])}, the largest of {count(cycles['largest'])} files ({examples}{more})"

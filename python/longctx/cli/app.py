"""Puts the commands together."""

from __future__ import annotations

from typing import Annotated

import typer

from longctx.cli import explain, graph, history, inspect, pack, prepare, train, verify
from longctx.cli.help import Grouped

app = typer.Typer(
    name="longctx",
    help="Turns git repositories into training sets of long token sequences, and fine-tunes code models on them.",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: laying it out with rich takes longer than all the rest.
    rich_markup_mode=None,
)
app.command("pack", cls=Grouped)(pack.command)
app.command("prepare", cls=Grouped)(prepare.command)
app.command("train", cls=Grouped)(train.command)
app.command("inspect")(inspect.command)
app.command("explain")(explain.command)
app.command("verify")(verify.command)
app.command("history")(history.command)
app.command("graph")(graph.command)


def _version(value: bool) -> None:
    if value:
        from longctx._core import __version__

        print(f"longctx {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    del version  # its callback has done the work

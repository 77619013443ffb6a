"""Puts the commands together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from longctx.cli.help import Grouped

_COMMANDS = ("pack", "prepare", "train", "inspect", "explain", "verify", "history", "graph")
_GROUPED = ("pack", "prepare", "train")
"""Commands with so many options that their help has headings."""


def build(arguments: Sequence[str] | None = None) -> typer.Typer:
    """The application, with the one command that `arguments` (None: those of the process) call, or with all.

    One command need not wait until all others are put together.
    """
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
    app.callback()(_options)
    first = next(iter(sys.argv[1:] if arguments is None else arguments), None)
    for name in [first] if first in _COMMANDS else _COMMANDS:
        command = import_module(f"longctx.cli.{name}").command
        app.command(name, cls=Grouped if name in _GROUPED else None)(command)
    return app


def _version(value: bool) -> None:
    if value:
        from longctx._core import __version__

        print(f"longctx {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    del version  # its callback has done the work

"""Options that more than one command takes, and reading their values."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from longctx.cli.text import parse_size

if TYPE_CHECKING:
    from longctx.config import Config

FILES = "Which files"
SEQUENCES = "Which sequences"
COMMITS = "Which commits, for sequences of the kind commits"
"""Headings of the help."""

_ELSEWHERE = {
    "validation_split": "training.validation_split",
    "seed": "training.seed",
    "long_context": "pack.long_context_mode",
}
"""Options that are no keys of the section `pack` by their own name."""


def size(text: str) -> int:
    """Bytes of a size such as `1MiB` or `500k`.

    Raises:
        typer.BadParameter: It is no size.
    """
    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def day(text: str) -> datetime.date:
    """A date such as `2024-01-31`.

    Raises:
        typer.BadParameter: It is no date.
    """
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write 2024-01-31") from None


def names(values: list[str] | None) -> list[str] | None:
    """The names in lists with commas, each once; `none` alone is none of them, and None nothing said.

    Not a callback of its options: Typer takes an empty list from those for nothing said.
    """
    if not values:
        return None
    found = [name.strip() for value in values for name in value.split(",")]
    return [] if found == ["none"] else list(dict.fromkeys(found))


def settings(config: Path | None, **given: Any) -> Config:
    """The configuration in `config`, with the options that were given in place of its keys.

    Raises:
        ConfigError: Something in it makes no sense.
    """
    from longctx.config_file import load_config

    overrides = {_ELSEWHERE.get(name, f"pack.{name}"): value for name, value in given.items() if value is not None}
    return load_config(config, overrides)


Repository = Annotated[
    str, typer.Argument(metavar="REPO", help="Folder to read: a git work tree, a bare repository, or plain files.")
]
Settings = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Configuration; options given here override it.")
]
Threads = Annotated[int | None, typer.Option(metavar="N", help="Threads to use. Default: all processors.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]

Revision = Annotated[
    str | None,
    typer.Option(
        "--rev",
        metavar="REV",
        help="Commit, branch or tag. Default: the work tree as it is.",
        rich_help_panel=FILES,
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="Pack only files that match. Repeatable.", rich_help_panel=FILES),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="Leave out files that match. Repeatable.", rich_help_panel=FILES),
]
Hidden = Annotated[
    bool | None,
    typer.Option(
        "--hidden/--no-hidden",
        help="Pack names that begin with a dot.",
        show_default=False,
        rich_help_panel=FILES,
    ),
]
MaxFileSize = Annotated[
    int | None,
    typer.Option(parser=size, metavar="SIZE", help="Leave out larger files, as 1MiB or 500k.", rich_help_panel=FILES),
]

Tokenizer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A tokenizer.json, a folder holding one, or a model of the Hugging Face hub.",
        rich_help_panel=SEQUENCES,
    ),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KINDS",
        help="hierarchical, commits, qa: with commas, or repeated.",
        rich_help_panel=SEQUENCES,
    ),
]
Seed = Annotated[
    int | None, typer.Option(metavar="N", help="Seed of the split and the order.", rich_help_panel=SEQUENCES)
]

History = Annotated[
    Literal["first-parent", "full"] | None,
    typer.Option(
        "--history",
        help="The first-parent line of HEAD, or all branches without merges.",
        show_default=False,
        rich_help_panel=COMMITS,
    ),
]
Since = Annotated[
    datetime.date | None,
    typer.Option(parser=day, metavar="DATE", help="Only commits from this day on.", rich_help_panel=COMMITS),
]
MaxCommits = Annotated[
    int | None, typer.Option(metavar="N", help="Only the newest N commits.", rich_help_panel=COMMITS)
]

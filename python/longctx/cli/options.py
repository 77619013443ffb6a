"""Reading option values that more than one command takes."""

from __future__ import annotations

import typer

from longctx.cli.text import parse_size


def size(text: str) -> int:
    """Bytes of a size such as `1MiB` or `500k`.

    Raises:
        typer.BadParameter: It is no size.
    """
    try:
        return parse_size(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None

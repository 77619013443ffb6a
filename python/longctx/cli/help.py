"""The help of a command with many options."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class Grouped(TyperCommand):
    """A command whose plain help has its options under the headings that they name as `rich_help_panel`.

    Typer itself does this with rich only, which takes longer to import than all the rest.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes arguments, options without a heading, and the others by heading in the order of the parameters."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                argument = parameter.param_type_name == "argument"
                heading = "Arguments" if argument else getattr(parameter, "rich_help_panel", None) or "Options"
                groups.setdefault(heading, []).append(record)
        for heading, records in groups.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)

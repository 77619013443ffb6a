"""`longctx train`: a dataset becomes an adapter."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from longctx.cli import options

RUN = "How long, and on what"
MODEL = "Which model"

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)\s*h)?\s*(?:(\d+(?:\.\d+)?)\s*m(?:in)?)?\s*(?:(\d+(?:\.\d+)?)\s*s?)?")


def duration(text: str) -> float:
    """The seconds of a time span such as `10h`, `90m`, `1h30m` or `600` (seconds).

    Raises:
        typer.BadParameter: It is none.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    parts = [float(part or 0) for part in match.groups()] if match else []
    seconds = sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    if seconds <= 0:
        raise typer.BadParameter(f"{text!r} is no time span; write 10h, 90m, 1h30m or a number of seconds")
    return seconds


def command(
    data: Annotated[
        Path | None,
        typer.Option("--data", "-d", metavar="DIR", help="Dataset that `longctx pack` wrote."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder of the run. Default: NAME.run here."),
    ] = None,
    config: options.Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the output folder.")] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Adapter to begin with; with --resume, the checkpoint to go on from."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be done, and try the longest sequence of each phase."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: options.Quiet = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print every step, and let the libraries speak.")
    ] = False,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Epochs in all, shared by the phases.", rich_help_panel=RUN),
    ] = None,
    time_budget: Annotated[
        float | None,
        typer.Option(
            parser=duration,
            metavar="TIME",
            help="End after this long, as 10h or 90m; sequences are chosen to fit.",
            rich_help_panel=RUN,
        ),
    ] = None,
    max_sequences: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Teach at most N of the dataset's sequences.", rich_help_panel=RUN),
    ] = None,
    device: Annotated[
        Literal["auto", "mps", "cuda", "cpu"],
        typer.Option(help="Where to compute.", rich_help_panel=RUN),
    ] = "auto",
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A folder, a model of the Hugging Face hub, or demo.", rich_help_panel=MODEL),
    ] = None,
    load_in_4bit: Annotated[
        bool | None,
        typer.Option(
            "--4bit/--no-4bit",
            help="Hold the frozen weights in 4 bits.",
            show_default=False,
            rich_help_panel=MODEL,
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="RATE", help="Peak learning rate of phase 1.", rich_help_panel=RUN)
    ] = None,
    accumulation: Annotated[
        int | None,
        typer.Option("--grad-accumulation-steps", metavar="N", help="Forward passes in one step.", rich_help_panel=RUN),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Seed of order, adapters and dropout.", rich_help_panel=RUN)
    ] = None,
) -> int:
    """Trains an adapter on a dataset, in phases of growing length.

    Without --config, the configuration is the one that the dataset was packed with.
    """
    from longctx.cli.training_view import TrainingView
    from longctx.config_file import load_config
    from longctx.training import train

    overrides: dict[str, Any] = {
        key: value
        for key, value in (
            ("model.name", model),
            ("model.load_in_4bit", load_in_4bit),
            ("training.base_learning_rate", learning_rate),
            ("training.gradient_accumulation_steps", accumulation),
            ("training.seed", seed),
        )
        if value is not None
    }
    with TrainingView(quiet=quiet, results=not (quiet or as_json), verbose=verbose) as view:
        summary = train(
            data,
            output,
            config=None if config is None else load_config(config, overrides),
            overrides=overrides,
            epochs=epochs,
            checkpoint=checkpoint,
            resume=resume,
            device=device,
            time_budget=time_budget,
            max_sequences=max_sequences,
            dry_run=dry_run,
            verbose=verbose,
            notify=view,
        )
    if as_json:
        print(json.dumps(summary, indent=2))
    return 0

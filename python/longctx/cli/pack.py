"""`longctx pack`: a repository becomes a dataset."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from longctx.cli.options import size as size_option
from longctx.cli.text import counted, escape_line


def command(
    repository: Annotated[
        str, typer.Argument(metavar="REPO", help="Folder to pack: a git work tree, a bare repository, or plain files.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Dataset to write. Default: NAME.longctx here.")
    ] = None,
    revision: Annotated[
        str | None, typer.Option("--rev", metavar="REV", help="Commit, branch or tag. Default: the work tree as it is.")
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="A tokenizer.json, a folder holding one, or a model of the Hugging Face hub.", metavar="NAME"
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Configuration; options given here override it.")
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Pack only files that match. Repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Leave out files that match. Repeatable.")
    ] = None,
    hidden: Annotated[
        bool | None, typer.Option("--hidden/--no-hidden", help="Pack names that begin with a dot.", show_default=False)
    ] = None,
    max_file_size: Annotated[
        int | None, typer.Option(parser=size_option, metavar="SIZE", help="Leave out larger files, as 1MiB or 500k.")
    ] = None,
    sequence_length: Annotated[
        int | None,
        typer.Option("--sequence-length", "--max-length", metavar="TOKENS", help="Longest sequence."),
    ] = None,
    overlap: Annotated[
        int | None, typer.Option(metavar="TOKENS", help="Repeated before each further window of a long file.")
    ] = None,
    long_context: Annotated[
        bool | None,
        typer.Option(
            "--long-context/--no-long-context",
            help="Pack a band for each training phase, or one band up to the sequence length.",
            show_default=False,
        ),
    ] = None,
    validation_split: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share of files kept for validation, 0 to 0.9.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed of the split and the order.")] = None,
    threads: Annotated[int | None, typer.Option(metavar="N", help="Threads to use. Default: all processors.")] = None,
    redact_secrets: Annotated[
        bool | None,
        typer.Option(
            "--redact-secrets/--no-redact-secrets", help="Replace keys and passwords in files.", show_default=False
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a dataset that exists, once the new one is whole.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but write.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> int:
    """Packs a repository into a dataset."""
    from longctx.cli.progress import reporting
    from longctx.cli.summary import pack_summary
    from longctx.config_file import load_config
    from longctx.packing import pack

    given = {
        "pack.tokenizer": tokenizer,
        "pack.include": include or None,
        "pack.exclude": exclude or None,
        "pack.hidden": hidden,
        "pack.max_file_size": max_file_size,
        "pack.sequence_length": sequence_length,
        "pack.overlap": overlap,
        "pack.long_context_mode": long_context,
        "pack.redact_secrets": redact_secrets,
        "pack.threads": threads,
        "training.validation_split": validation_split,
        "training.seed": seed,
    }
    settings = load_config(config, {key: value for key, value in given.items() if value is not None})
    with reporting(quiet) as progress:
        summary = pack(
            repository,
            output,
            config=settings,
            revision=revision,
            overwrite=overwrite,
            dry_run=dry_run,
            progress=progress,
        )
    if as_json:
        print(json.dumps(summary, indent=2))
    elif not quiet:
        print("\n".join(pack_summary(summary, settings.bands_left_out(), repository)))
    return _report_failures(summary)


def _report_failures(summary: dict[str, Any]) -> int:
    """Names on stderr what could not be read although it was to be packed; the dataset holds the rest."""
    failures = summary["failures"]
    if not failures:
        return 0
    sys.stdout.flush()
    print(f"error: {counted(len(failures), 'file')} could not be packed; everything else was", file=sys.stderr)
    for failure in failures[:20]:
        print(f"  {escape_line(failure['path'])}: {escape_line(failure['reason'])}", file=sys.stderr)
    if len(failures) > 20:
        print(f"  and {len(failures) - 20:,} more (--json lists all)", file=sys.stderr)
    return 1

"""`longctx pack`: a repository becomes a dataset."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from longctx.cli import options
from longctx.cli.options import COMMITS, FILES, SEQUENCES
from longctx.cli.text import counted, escape_line


def command(
    repository: options.Repository,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Dataset to write. Default: NAME.longctx here.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a dataset that exists, once the new one is whole.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but write.")] = False,
    config: options.Settings = None,
    threads: options.Threads = None,
    cache: Annotated[
        bool,
        typer.Option(
            "--cache/--no-cache",
            help="Keep what the next run can use, and use what the last one kept.",
            show_default=False,
        ),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Show how long each stage took, too.")] = False,
    quiet: options.Quiet = False,
    revision: options.Revision = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    hidden: options.Hidden = None,
    max_file_size: options.MaxFileSize = None,
    redact_secrets: Annotated[
        bool | None,
        typer.Option(
            "--redact-secrets/--no-redact-secrets",
            help="Replace keys and passwords in files.",
            show_default=False,
            rich_help_panel=FILES,
        ),
    ] = None,
    tokenizer: options.Tokenizer = None,
    sequence_length: Annotated[
        int | None,
        typer.Option(
            "--sequence-length", "--max-length", metavar="TOKENS", help="Longest sequence.", rich_help_panel=SEQUENCES
        ),
    ] = None,
    overlap: Annotated[
        int | None,
        typer.Option(
            metavar="TOKENS", help="Repeated before each further window of a long file.", rich_help_panel=SEQUENCES
        ),
    ] = None,
    long_context: Annotated[
        bool | None,
        typer.Option(
            "--long-context/--no-long-context",
            help="Pack a band for each training phase, or one band up to the sequence length.",
            show_default=False,
            rich_help_panel=SEQUENCES,
        ),
    ] = None,
    kinds: options.Kinds = None,
    context: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARTS",
            help="What stands before what is learnt: definitions, siblings, outline, or none.",
            rich_help_panel=SEQUENCES,
        ),
    ] = None,
    order: Annotated[
        Literal["deps", "path", "random"] | None,
        typer.Option(
            help="Files in a sequence: what is needed first, by path, or shuffled.",
            show_default=False,
            rich_help_panel=SEQUENCES,
        ),
    ] = None,
    commits_ratio: Annotated[
        float | None,
        typer.Option(
            metavar="RATIO",
            help="Tokens of commit sequences, as a multiple of those of hierarchical ones.",
            rich_help_panel=SEQUENCES,
        ),
    ] = None,
    qa_ratio: Annotated[
        float | None,
        typer.Option(metavar="RATIO", help="The same for questions and answers.", rich_help_panel=SEQUENCES),
    ] = None,
    validation_split: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Share of files kept for validation, 0 to 0.9.", rich_help_panel=SEQUENCES),
    ] = None,
    seed: options.Seed = None,
    history: options.History = None,
    since: options.Since = None,
    max_commits: options.MaxCommits = None,
    max_files_per_commit: Annotated[
        int | None,
        typer.Option(metavar="N", help="Leave out commits that touch more files.", rich_help_panel=COMMITS),
    ] = None,
    max_versions: Annotated[
        int | None,
        typer.Option(metavar="N", help="Only the newest N versions of a file.", rich_help_panel=COMMITS),
    ] = None,
    skip_bots: Annotated[
        bool | None,
        typer.Option(
            "--skip-bots/--no-skip-bots",
            help="Leave out commits of bots.",
            show_default=False,
            rich_help_panel=COMMITS,
        ),
    ] = None,
    skip_formatting: Annotated[
        bool | None,
        typer.Option(
            "--skip-formatting/--no-skip-formatting",
            help="Leave out commits that change the layout only.",
            show_default=False,
            rich_help_panel=COMMITS,
        ),
    ] = None,
) -> int:
    """Packs a repository into a dataset.

    training_config.yaml explains every key, and the defaults.
    """
    from longctx.cli.profile import profile as show_profile
    from longctx.cli.progress import reporting
    from longctx.cli.summary import pack_summary
    from longctx.packing import pack

    settings = options.settings(
        config,
        threads=threads,
        include=include or None,
        exclude=exclude or None,
        hidden=hidden,
        max_file_size=max_file_size,
        redact_secrets=redact_secrets,
        tokenizer=tokenizer,
        sequence_length=sequence_length,
        overlap=overlap,
        long_context=long_context,
        kinds=options.names(kinds),
        context=options.names(context),
        order=order,
        commits_ratio=commits_ratio,
        qa_ratio=qa_ratio,
        validation_split=validation_split,
        seed=seed,
        history=history,
        since=since,
        max_commits=max_commits,
        max_files_per_commit=max_files_per_commit,
        max_versions=max_versions,
        skip_bots=skip_bots,
        skip_formatting=skip_formatting,
    )
    started = time.process_time()
    with reporting(quiet) as progress:
        summary = pack(
            repository,
            output,
            config=settings,
            revision=revision,
            overwrite=overwrite,
            dry_run=dry_run,
            cache=cache,
            progress=progress,
        )
    if as_json:
        print(json.dumps(summary, indent=2))
    elif not quiet:
        print("\n".join(pack_summary(summary, settings.bands_left_out(), repository)))
    if profile and not as_json:
        # With --json the stages are there already.
        print("\n".join([*([] if quiet else [""]), *show_profile(summary, started)]))
    _report_cache(summary)
    return _report_failures(summary)


def _report_cache(summary: dict[str, Any]) -> None:
    """Says on stderr why the cache was of less use than it could be."""
    problem = summary["cache"] and summary["cache"]["problem"]
    if problem:
        sys.stdout.flush()
        print(f"warning: the cache {escape_line(problem)}", file=sys.stderr)


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

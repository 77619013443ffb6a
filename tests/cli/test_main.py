"""The command's manners: exit codes, messages, imports."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from longctx import _core, cli
from longctx.cli.summary import pack_summary, sequences
from longctx.cli.text import Paint
from longctx.config import LeftOutBand
from tests.conftest import Cli


def kind_row(kind: str, split: str, band: int = 1, seen: bool | None = None, **difficulty: int) -> dict[str, Any]:
    """Sequences of one kind, as the summary counts them."""
    return {
        "kind": kind,
        "band": band,
        "split": split,
        "seen": split == "train" if seen is None else seen,
        "sequences": sum(difficulty.values()),
        "tokens": 3000,
        "learnt_tokens": 2500,
        "below_min": 0,
        "difficulty": difficulty,
    }


def summary(**changes: Any) -> dict[str, Any]:
    """A summary as the engine returns it."""
    part = {"sequences": 3, "tokens": 3000, "learnt_tokens": 2500, "below_min": 1}
    return {
        "repository": "demo",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "output": "demo.longctx",
        "dry_run": False,
        "unchanged": False,
        "tokenizer": {"name": "default", "vocab_size": 49152, "backend": "fast", "sha256": "0" * 64, "embedded": True},
        "files": {"listed": 12, "packed": 10, "bytes": 20480, "tokens": 6000},
        "skipped": [
            {
                "reason": "binary",
                "description": "binary",
                "files": 2,
                "directories": 0,
                "bytes": 999,
                "examples": ["a\x1b"],
            },
            {
                "reason": "ignored",
                "description": "ignored",
                "files": 0,
                "directories": 1,
                "bytes": 0,
                "examples": ["d/"],
            },
        ],
        "redactions": [{"kind": "aws-access-key", "count": 2, "files": 1}],
        "shortened_paths": 0,
        "bands": [{"id": 1, "min": 512, "max": 1024, "overlap": 256, "train": part, "val": part}],
        "kinds": [
            kind_row("hierarchical", "train", easy=2, hard=1),
            kind_row("commits", "val", seen=True, very_hard=1234),
        ],
        "repeated": 2,
        "coverage": {"bytes_total": 20480, "bytes_packed": 20470},
        "directories": [{"path": "src", "files": 9, "bytes": 20000, "tokens": 5900}],
        "languages": [{"name": "Python", "files": 10, "bytes": 20480, "tokens": 6000}],
        "encodings": {"utf-8": 10},
        "failures": [],
        "cache": None,
        "threads": 2,
        "seconds": 0.5,
        "stages": [{"name": "read", "seconds": 0.1}],
        **changes,
    }


def stub_pack(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> list[dict[str, Any]]:
    """Replaces the engine; the options it is given are added to the list."""
    given: list[dict[str, Any]] = []

    def pack(options: str, progress: object = None) -> str:
        given.append(json.loads(options))
        return json.dumps(summary(**changes))

    monkeypatch.setattr(_core, "pack", pack)
    return given


def test_packs_summary_says_what_happened() -> None:
    left_out = [LeftOutBand(2, 1536, 2048, "pack.sequence_length is 1500")]
    lines = pack_summary(summary(), left_out, "my repo", Paint(io.StringIO()))
    text = "\n".join(lines)
    assert lines[0] == "demo at 0123456789ab -> demo.longctx"
    assert "10 files of 12, 20.0 KiB, 6,000 tokens" in text
    assert "coverage: 99.9 % of 20.0 KiB" in text
    assert "phase 2 (1,536 to 2,048 tokens) is left out: pack.sequence_length is 1500" in text
    assert "2 sequences shorter than 512 tokens" in text
    assert "2 sequences left out: equal to another" in text
    assert "a\\u{1b}" in text
    assert "\x1b" not in text
    assert "aws-access-key" in text
    assert "500 ms on 2 threads, 40.0 KiB/s, 12,000 tokens/s" in text
    assert lines[-1] == "for a given model: longctx pack 'my repo' --tokenizer bigcode/starcoder2-3b"


def test_sequences_are_counted_by_band_kind_split_and_difficulty() -> None:
    bands = [summary()["bands"][0], {**summary()["bands"][0], "id": 2, "min": 1536, "max": 2048}]
    lines = list(sequences(summary(bands=bands), [], Paint(io.StringIO())))
    assert lines[1:7] == [
        "sequences",
        "  phase 1, 512 to 1,024 tokens    sequences  tokens  learnt  easy  medium  hard  very hard",
        "    hierarchical, train                   3   3,000   2,500     2       0     1          0",
        "    commits, val (seen)               1,234   3,000   2,500     0       0     0      1,234",
        "  phase 2, 1,536 to 2,048 tokens",
        "    none",
    ]
    assert "  (seen): training learns the same files, but not these versions of them" in lines


def test_split_history_and_questions_are_summed_up_and_all_that_is_left_out_is_named() -> None:
    parts = summary(
        split={
            "files_train": 9,
            "files_val": 1,
            "clusters": 1,
            "clustered_files": 3,
            "largest_cluster": 3,
            "reasons": {"near-duplicate": 1, "cycle": 0},
        },
        history={
            "commits": 1200,
            "merges": 1,
            "versions": 40,
            "chains": 7,
            "held_out": 2,
            "tellings": {"versions": 5, "changes": 6},
            "too_large": [{"band": 1, "steps": 3, "commits": 0}],
            "left_out": [{"reason": "bot", "commits": 4, "versions": 5}],
            "missing": {"objects": 2, "examples": ["blob 0 is missing"]},
            "gone": 8,
            "beyond_ratio": 0,
            "of_tomorrow": 9,
            "notes": ["a shallow\x1bclone"],
        },
        qa={
            "bands": {
                "1": {"sequences": 1, "tokens": 9, "questions": {"definition": 2, "none": 1}},
                "2": {"sequences": 1, "tokens": 9, "questions": {"definition": 1}},
            },
            "dropped": {"too long": 1},
            "positions": {"4": [1, 0, 2, 0]},
            "new": {"thing": 1, "things": [1, 2]},
        },
    )
    text = "\n".join(pack_summary(parts, [], "r", Paint(io.StringIO())))
    for said in (
        "  9 files for training, 1 for validation",
        "  3 files in 1 cluster, each on one side as a whole; the largest has 3",
        "    1  clusters because of: near-duplicate",
        "  1,200 commits, 1 merge among them; 40 versions of 7 files read",
        "  the newest 2 commits kept for validation",
        "    6  stories told as changes",
        "    3  steps too long for phase 1",
        "    4  commits left out: bot",
        "    5  versions left out: bot",
        "    2  missing: git objects",
        "    8  files are gone",
        "  note: blob 0 is missing",
        "    9  of tomorrow",
        "  note: a shallow\\u{1b}clone",
        "  4 questions in 2 sequences",
        "    3  definition",
        "    1  none",
        "    1  not asked: too long",
        "    1  new: thing",
    ):
        assert said in text.splitlines(), said
    assert "cycle" not in text
    assert "dropped: pack" not in text


def test_a_folder_without_history_says_so_and_counts_nothing() -> None:
    nothing = {"commits": 0, "merges": 0, "left_out": [], "missing": {"objects": 0, "examples": []}, "chains": 0}
    lines = pack_summary(summary(history={**nothing, "notes": ["no git history"]}), [], "r", Paint(io.StringIO()))
    at = lines.index("history")
    assert lines[at + 1 : at + 3] == ["  note: no git history", ""]


def test_no_other_tokenizer_is_proposed_where_one_was_chosen() -> None:
    chosen = {"name": "gpt2", "vocab_size": 50257, "backend": "fast", "sha256": "0" * 64, "embedded": False}
    assert "for a given model" not in pack_summary(summary(tokenizer=chosen), [], "r")[-1]


def test_options_override_the_configuration_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = stub_pack(monkeypatch)
    config = tmp_path / "c.yaml"
    config.write_text("pack:\n  overlap: 100\n  exclude: [a]\n  hidden: true\ntraining:\n  seed: 7\n")
    arguments = [
        "--config",
        str(config),
        "--overlap",
        "256",
        "--include",
        "*.py",
        "--include",
        "*.c",
        "--max-file-size",
    ]
    assert cli.main(["pack", str(tmp_path), *arguments, "2KiB", "--no-hidden", "--no-redact-secrets", "-q"]) == 0
    (options,) = given
    assert options["bands"][0] == {"id": 1, "min": 512, "max": 1024, "overlap": 128}
    assert options["include"] == ["*.py", "*.c"]
    assert options["exclude"] == ["a"]
    assert (options["hidden"], options["redact_secrets"], options["max_file_size"]) == (False, False, 2048)
    assert options["seed"] == options["config"]["training"]["seed"] == 7
    assert options["tokenizer"] == {"path": None, "name": "default"}


def test_kinds_context_order_and_history_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = stub_pack(monkeypatch)
    config = tmp_path / "c.yaml"
    config.write_text("pack:\n  since: '2020-02-02'\n  max_versions: 9\n  commits_ratio: 2\n")
    chosen = "--kinds hierarchical,qa --kinds qa --context none --order path --history full --since 2024-01-31"
    limits = "--max-commits 5 --max-files-per-commit 6 --max-versions 7 --no-skip-bots --skip-formatting"
    assert cli.main(["pack", ".", "-q", *f"{chosen} {limits} --commits-ratio 0.25 --qa-ratio 1e-1".split()]) == 0
    assert cli.main(["pack", ".", "-q", "--config", str(config), "--context", "siblings", "--context", "outline"]) == 0
    options, from_file = given
    assert (options["kinds"], options["context"], options["order"]) == (["hierarchical", "qa"], [], "path")
    assert options["history"] == {
        "mode": "full",
        "since": 1706659200,
        "max_commits": 5,
        "max_files_per_commit": 6,
        "skip_bots": False,
        "skip_formatting": True,
        "max_versions": 7,
    }
    assert (options["commits_ratio"], options["qa_ratio"]) == (0.25, 0.1)
    assert from_file["context"] == ["siblings", "outline"]
    assert from_file["kinds"] == ["hierarchical", "commits", "qa"]
    assert (from_file["history"]["since"], from_file["history"]["max_versions"]) == (1580601600, 9)
    assert from_file["commits_ratio"] == 2


def test_the_help_of_pack_groups_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pack", "--help"]) == 0
    headings = [line for line in capsys.readouterr().out.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings == [
        "Arguments:",
        "Options:",
        "Which files:",
        "Which sequences:",
        "Which commits, for sequences of the kind commits:",
    ]


@pytest.mark.parametrize(("folder", "name"), [("demo", "demo"), ("demo.git", "demo"), ("demo/.git", "demo")])
def test_the_dataset_is_named_after_the_repository(
    folder: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = stub_pack(monkeypatch)
    (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / folder)
    assert cli.main(["pack", ".", "-q"]) == 0
    assert given[0]["output"] == f"{name}.longctx"
    assert cli.main(["pack", ".", "-q", "--dry-run"]) == 0
    assert given[1]["output"] is None


def test_results_go_to_stdout_and_json_is_the_summary(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub_pack(monkeypatch)
    assert cli.main(["pack", ".", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == summary()
    assert captured.err == ""


def test_files_that_could_not_be_packed_are_named_and_end_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub_pack(monkeypatch, failures=[{"path": "src/a\nb.py", "reason": "permission denied"}])
    assert cli.main(["pack", ".", "-q"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "error: 1 file could not be packed; everything else was",
        "  src/a\\nb.py: permission denied",
    ]


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def pack(options: str, progress: object = None) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(_core, "pack", pack)
    assert cli.main(["pack", "."]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["pack"], "Missing argument 'REPO'", "see `longctx pack --help`"),
        (["pack", ".", "--bogus"], "No such option: --bogus", "see `longctx pack --help`"),
        (["bogus"], "No such command 'bogus'", "see `longctx --help`"),
        (["pack", ".", "--max-file-size", "big"], "'big' is no size", "see `longctx pack --help`"),
        (["pack", ".", "--overlap", "9999"], "--overlap: pack.overlap: 9999 is not below", "training_config.yaml"),
        (["pack", ".", "--kinds", "commits"], "--kinds: pack.kinds: hierarchical is not among them", "training_config"),
        (
            ["pack", ".", "--kinds", "hierarchical,poems"],
            '"poems" is not allowed; expected a list of hier',
            "training_",
        ),
        (["pack", ".", "--context", "none,siblings"], '"none" is not allowed; expected a list of defin', "training_"),
        (
            ["pack", ".", "--order", "size"],
            "'size' is not one of 'deps', 'path', 'random'",
            "see `longctx pack --help`",
        ),
        (["pack", ".", "--since", "today"], "'today' is no date; write 2024-01-31", "see `longctx pack --help`"),
        (["pack", ".", "--max-versions", "1"], "--max-versions: pack.max_versions: 1 is not", "training_config.yaml"),
        (["pack", ".", "--tokenizer", "./none.json"], "there is no tokenizer at ./none.json", "bigcode/starcoder2-3b"),
    ],
)
def test_requests_that_make_no_sense_end_with_2_an_error_and_a_hint(
    arguments: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    first, blank, last = captured.err.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert blank == ""
    assert last.startswith("hint: ")
    assert hint in last


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["pack", "--help"],
        ["history", "--help"],
        ["prepare", "--help"],
        ["explain", "--help"],
        ["graph", "."],
        ["prepare", "."],
        ["--version"],
        ["pack", ".", "--overlap", "9999"],
    ],
)
def test_commands_import_only_what_they_use(arguments: list[str], tmp_path: Path) -> None:
    # Pydantic is not among them: newer versions of Typer use it themselves.
    heavy = ["torch", "transformers", "numpy", "rich", "huggingface_hub", "tokenizers"]
    code = (
        "import sys; from longctx.cli import main; main(sys.argv[1:]);"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_importing_the_package_imports_nothing_of_it() -> None:
    code = "import sys, longctx; print([m for m in sys.modules if m.startswith('longctx.') or m == 'numpy'])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_public_name_can_be_imported() -> None:
    import longctx

    assert all(getattr(longctx, name) is not None for name in longctx.__all__)
    assert set(longctx.__all__) <= set(dir(longctx))
    with pytest.raises(AttributeError, match="no attribute 'bogus'"):
        _ = longctx.bogus


def test_a_reader_that_leaves_is_no_error(cli: Cli) -> None:
    command = f'"{sys.executable}" -m longctx pack --help | head -n 1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which this system lacks")
def test_results_that_cannot_be_written_are_an_error() -> None:
    command = f'"{sys.executable}" -m longctx --help > /dev/full'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write the results: no space left on device")
    assert "Traceback" not in done.stderr


def test_the_command_alone_shows_its_help_and_no_error(cli: Cli) -> None:
    done = cli()
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Usage: longctx")
    assert "pack" in done.stderr


@pytest.mark.parametrize("name", ["pack", "prepare", "train", "inspect", "explain", "verify", "history", "graph"])
def test_a_command_that_is_put_together_alone_is_the_one_among_all(name: str) -> None:
    from typer.main import get_command

    from longctx.cli.app import build

    alone, among_all = (get_command(build(arguments)).commands[name] for arguments in ([name], []))  # type: ignore[attr-defined]
    assert [option.opts for option in alone.params] == [option.opts for option in among_all.params]
    assert alone.help == among_all.help

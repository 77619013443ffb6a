"""`longctx pack` as a user runs it: what it writes, and what it says when it cannot."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from longctx import open_dataset
from tests.conftest import GPT2, ROOT, SHARED, Cli
from tests.repositories import git, make_repository, python_source, sample_files, write_files

ROOT_USER = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("repositories") / "demo", sample_files())


@pytest.fixture(scope="module")
def packed(repository: Path) -> Path:
    """The repository packed with GPT-2's tokenizer."""
    target = repository.parent / "demo.longctx"
    command = [sys.executable, "-m", "longctx", "pack", str(repository), "-o", str(target), "--tokenizer", str(GPT2)]
    subprocess.run([*command, "--quiet"], check=True)
    return target


def hashes(folder: Path, *ignored: str) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ignored
    }


def refused(done: subprocess.CompletedProcess[str], status: int, *said: str) -> None:
    """The command failed with `status` and one error that holds all of `said`."""
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    for text in said:
        assert text in done.stderr


# What is written


def test_every_file_reads_back_from_the_dataset(repository: Path, packed: Path) -> None:
    dataset = open_dataset(packed)
    covered: dict[str, list[tuple[int, int, bytes]]] = {}
    for sequence in dataset:
        for segment in sequence.segments:
            if segment.role == "file":
                ids = sequence.tokens[slice(*segment.tokens)].tolist()
                content = b"".join(dataset.tokenizer.token_bytes(token) for token in ids)
                covered.setdefault(segment.path, []).append((*segment.bytes, content))
    text = [path for path, content in sample_files().items() if path != "data/blob.bin"]
    assert sorted(covered) == sorted(text)
    for path, parts in covered.items():
        content = (repository / path).read_bytes()
        end = 0
        for start, stop, decoded in sorted(parts):
            assert decoded == content[start:stop], path
            assert start <= end, path
            end = max(end, stop)
        assert end == len(content), path


def test_ids_are_those_of_hugging_face(packed: Path, repository: Path) -> None:
    oracle = Tokenizer.from_file(str(GPT2))
    oracle.encode_special_tokens = True
    compared = 0
    for sequence in open_dataset(packed):
        for segment in sequence.segments:
            content = (repository / segment.path).read_bytes()
            if segment.role == "file" and segment.bytes == (0, len(content)):
                expected = oracle.encode(content.decode(), add_special_tokens=False).ids
                assert sequence.tokens[slice(*segment.tokens)].tolist() == expected
                compared += 1
    assert compared >= 10


def test_lengths_stay_within_their_band(packed: Path) -> None:
    dataset = open_dataset(packed)
    for band in dataset.manifest["bands"]:
        lengths = dataset.filter(band=band["id"]).column("length")
        assert len(lengths) > 0
        assert int(lengths.max()) <= band["max"]


def test_no_file_is_learnt_in_training_and_tested_in_validation(packed: Path) -> None:
    learnt: dict[str, set[str]] = {}
    dataset = open_dataset(packed)
    for number, sequence in enumerate(dataset):
        for segment in sequence.segments:
            if segment.tokens[1] > sequence.loss_start:
                learnt.setdefault(segment.path, set()).add(dataset.split(number))
    assert {split for splits in learnt.values() for split in splits} == {"train", "val"}
    assert [path for path, splits in learnt.items() if len(splits) > 1] == []


def test_numpy_and_json_are_enough_to_read_it(packed: Path) -> None:
    manifest = json.loads((packed / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["format"], manifest["schema"], manifest["token_dtype"]) == ("longctx-dataset", 1, "uint16")
    for shard in manifest["shards"]:
        base = packed / shard["split"] / shard["name"]
        tokens = np.load(f"{base}.tokens.npy", mmap_mode="r")
        index = np.load(f"{base}.index.npy", mmap_mode="r")
        lines = Path(f"{base}.meta.jsonl").read_text(encoding="utf-8").splitlines()
        assert tokens.dtype == np.uint16
        assert len(tokens) == shard["tokens"] == int(index["length"].sum())
        assert len(index) == len(lines) == shard["sequences"]
        for name in ("tokens", "index"):
            assert Path(f"{base}.{name}.npy").stat().st_size == shard["files"][name]["bytes"]


def test_the_summary_accounts_for_every_file(repository: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("pack", repository, "-o", tmp_path / "d.longctx", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    assert summary["files"]["packed"] == len(sample_files()) - 1
    assert summary["commit"] == git(repository, "rev-parse", "HEAD")
    assert summary["tokenizer"]["embedded"] is True
    assert summary["coverage"]["bytes_packed"] == sum(
        len(content.encode() if isinstance(content, str) else content)
        for path, content in sample_files().items()
        if path != "data/blob.bin"
    )
    assert [entry["examples"] for entry in summary["skipped"]] == [["data/blob.bin"]]
    assert summary["failures"] == []


def test_the_default_output_is_named_after_the_repository(repository: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("pack", repository, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("--tokenizer bigcode/starcoder2-3b")
    assert (tmp_path / "demo.longctx" / "manifest.json").is_file()


def test_a_dry_run_writes_nothing(repository: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("pack", repository, "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "dry run" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_number_of_threads_changes_no_byte(repository: Path, tmp_path: Path, cli: Cli) -> None:
    files, manifests = [], []
    for threads in ("1", "4"):
        target = tmp_path / threads / "d.longctx"
        target.parent.mkdir()
        assert cli("pack", repository, "-o", target, "--threads", threads, "-q").returncode == 0
        files.append(hashes(target, "manifest.json"))
        manifest = open_dataset(target).manifest
        assert manifest["config"]["pack"].pop("threads") == int(threads)
        manifest["summary"].pop("threads", None)
        manifest["summary"].pop("output", None)
        manifests.append(manifest)
    assert files[0] == files[1]
    assert len(files[0]) > 5
    assert manifests[0] == manifests[1]


def test_another_seed_splits_otherwise(repository: Path, tmp_path: Path, cli: Cli) -> None:
    results = []
    for seed in ("1", "2"):
        target = tmp_path / f"{seed}.longctx"
        assert cli("pack", repository, "-o", target, "--seed", seed, "-q").returncode == 0
        results.append(hashes(target, "manifest.json"))
    assert results[0] != results[1]


def test_a_vocabulary_over_65535_takes_uint32(tmp_path: Path, repository: Path, cli: Cli) -> None:
    tokenizer = json.loads(GPT2.read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    tokenizer["added_tokens"] = []
    for number in range(len(vocabulary), 70_000):
        vocabulary[f"unusedentry{number}"] = number
    big = tmp_path / "tokenizer.json"
    big.write_text(json.dumps(tokenizer), encoding="utf-8")
    target = tmp_path / "big.longctx"
    done = cli("pack", repository, "-o", target, "--tokenizer", big, "-q")
    assert done.returncode == 0, done.stderr
    dataset = open_dataset(target)
    assert dataset.manifest["token_dtype"] == "uint32"
    assert dataset.tokens(0).dtype == np.uint32
    assert int(dataset.tokens(0).max()) >= 70_000
    assert cli("verify", target, "--repo", repository).returncode == 0


# Verify and inspect


def test_verify_finds_nothing_in_a_whole_dataset(packed: Path, repository: Path, cli: Cli) -> None:
    done = cli("verify", packed, "--repo", repository, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["defects"] == []
    assert result["segments_compared"] > 0
    assert "no defects" in cli("verify", packed).stdout


@pytest.mark.parametrize("victim", ["tokens.npy", "index.npy", "meta.jsonl"])
@pytest.mark.parametrize("harm", ["cut", "altered"])
def test_a_damaged_shard_is_named_and_not_opened(
    packed: Path, tmp_path: Path, cli: Cli, victim: str, harm: str
) -> None:
    target = tmp_path / "damaged.longctx"
    shutil.copytree(packed, target)
    path = target / "train" / f"00000.{victim}"
    content = bytearray(path.read_bytes())
    content[-2] ^= 0x5A
    path.write_bytes(content if harm == "altered" else content[:-2])
    done = cli("verify", target)
    assert done.returncode == 1
    assert f"00000.{victim}" in done.stderr
    with pytest.raises(Exception, match=rf"00000\.{victim}"):
        open_dataset(target)
    if harm == "cut":
        with pytest.raises(Exception, match=rf"00000\.{victim}"):
            open_dataset(target, checksums=False)


def test_verify_notices_a_file_that_changed_since(repository: Path, packed: Path, tmp_path: Path, cli: Cli) -> None:
    changed = tmp_path / "demo"
    shutil.copytree(repository, changed)
    path = changed / "src/pkg/module_3.py"
    path.write_text(path.read_text(encoding="utf-8").replace("left", "links"), encoding="utf-8")
    done = cli("verify", packed, "--repo", changed)
    assert done.returncode == 1
    assert "src/pkg/module_3.py" in done.stderr


def test_inspect_shows_the_dataset_and_one_sequence(packed: Path, cli: Cli) -> None:
    overview = cli("inspect", packed)
    assert overview.returncode == 0, overview.stderr
    assert "hierarchical" in overview.stdout
    dataset = open_dataset(packed)
    assert json.loads(cli("inspect", packed, "--json").stdout)["sequences"] == len(dataset)
    validation = dataset.filter(split="val")
    shown = json.loads(cli("inspect", packed, "--sequence", "0", "--split", "val", "--json").stdout)
    assert shown["id"] == validation[0].id
    assert shown["text"] == validation.text(0)
    plain = cli("inspect", packed, "--sequence", "0")
    assert str(dataset[0].id) in plain.stdout
    assert "\x1b" not in plain.stdout
    refused(cli("inspect", packed, "--sequence", "99999"), 2, "there is no sequence 99999")


def test_control_codes_in_a_file_cannot_act_when_shown(tmp_path: Path, cli: Cli) -> None:
    repository = make_repository(tmp_path / "evil", {"a.py": "x = '\x1b[2J\u202e'\n" + python_source(1, 3)})
    target = tmp_path / "evil.longctx"
    assert cli("pack", repository, "-o", target, "--validation-split", "0", "-q").returncode == 0
    shown = cli("inspect", target, "--sequence", "0").stdout
    assert "\\u{1b}[2J\\u{202e}" in shown
    assert not set(shown) & {"\x1b", "\u202e"}


# What it says when it cannot


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "file").write_text("x")
    refused(cli("pack", tmp_path / "file", "-o", tmp_path / "d"), 2, str(tmp_path / "file"))
    refused(cli("pack", tmp_path / "none", "-o", tmp_path / "d"), 2, str(tmp_path / "none"))


@pytest.mark.parametrize("files", [{}, {"blob.bin": bytes(range(256)) * 4}, {"empty.py": ""}])
def test_a_folder_with_nothing_to_pack_is_a_request_that_makes_no_sense(
    files: dict[str, str | bytes], tmp_path: Path, cli: Cli
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    write_files(folder, files)
    refused(cli("pack", folder, "-o", tmp_path / "d.longctx"), 2, "nothing to pack", str(folder))
    assert not (tmp_path / "d.longctx").exists()


def test_folders_without_commits_or_without_git_are_packed(tmp_path: Path, cli: Cli) -> None:
    unborn = make_repository(tmp_path / "unborn", {"a.py": python_source(1, 4)}, commit=False)
    plain = tmp_path / "plain"
    write_files(plain, {"a.py": python_source(1, 4)})
    for folder in (unborn, plain):
        done = cli("pack", folder, "-o", tmp_path / f"{folder.name}.longctx", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["commit"] is None


def test_a_revision_that_does_not_exist_is_named(repository: Path, tmp_path: Path, cli: Cli) -> None:
    refused(cli("pack", repository, "--rev", "no-such", "-o", tmp_path / "d"), 2, "no-such")


def test_a_revision_is_packed_from_its_objects(tmp_path: Path, cli: Cli) -> None:
    repository = make_repository(tmp_path / "demo", {"a.py": python_source(1, 4)})
    git(repository, "tag", "old")
    (repository / "a.py").write_text("changed = 1\n")
    target = tmp_path / "d.longctx"
    assert cli("pack", repository, "--rev", "old", "-o", target, "--validation-split", "0", "-q").returncode == 0
    assert python_source(1, 4) in open_dataset(target).text(0)


@pytest.mark.skipif(sys.platform == "darwin", reason="needs file names that are not UTF-8, which macOS refuses")
def test_names_that_are_not_utf8_or_have_newlines_are_packed(tmp_path: Path, cli: Cli) -> None:
    repository = make_repository(tmp_path / "names", {"two\nlines.py": python_source(2, 3)})
    (Path(os.fsdecode(os.fsencode(repository) + b"/caf\xe9.py"))).write_text(python_source(1, 3))
    target = tmp_path / "names.longctx"
    done = cli("pack", repository, "-o", target, "--validation-split", "0")
    assert done.returncode == 0, done.stderr
    paths = {segment.path for sequence in open_dataset(target) for segment in sequence.segments}
    assert paths == {"two\nlines.py", "caf%E9.py"}
    assert cli("verify", target, "--repo", repository).returncode == 0


def test_symbolic_links_that_loop_or_leave_are_not_followed(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "secret.py").write_text("password = 1\n")
    repository = make_repository(tmp_path / "links", {"a.py": python_source(1, 3)}, commit=False)
    (repository / "loop").symlink_to(".")
    (repository / "one").symlink_to("two")
    (repository / "two").symlink_to("one")
    (repository / "outside.py").symlink_to(tmp_path / "secret.py")
    target = tmp_path / "links.longctx"
    done = cli("pack", repository, "-o", target, "--validation-split", "0", "-q")
    assert done.returncode == 0, done.stderr
    paths = {segment.path for sequence in open_dataset(target) for segment in sequence.segments}
    assert paths == {"a.py"}


def test_a_sparse_file_of_3_gigabytes_costs_nothing(tmp_path: Path, cli: Cli) -> None:
    repository = make_repository(tmp_path / "sparse", {"a.py": python_source(1, 3)}, commit=False)
    with (repository / "huge.py").open("wb") as file:
        file.truncate(3 << 30)
    begun = time.monotonic()
    done = cli("pack", repository, "-o", tmp_path / "d.longctx", "--json")
    assert done.returncode == 0, done.stderr
    assert ["huge.py"] in [entry["examples"] for entry in json.loads(done.stdout)["skipped"]]
    assert time.monotonic() - begun < 30


@pytest.mark.skipif(ROOT_USER, reason="needs a user who may be refused a file, which root is not")
def test_an_unreadable_file_is_named_and_the_rest_is_packed(tmp_path: Path, cli: Cli) -> None:
    repository = make_repository(tmp_path / "locked", {"a.py": python_source(1, 3), "b.py": "b = 1\n"}, commit=False)
    (repository / "b.py").chmod(0)
    target = tmp_path / "d.longctx"
    refused(cli("pack", repository, "-o", target), 1, "b.py", "permission denied")
    assert len(open_dataset(target)) > 0


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("pack:\n  overlap: 2048\n", [], "pack.overlap: 2048 is not below"),
        ("packing: {}\n", [], "did you mean pack?"),
        ("training:\n  base_learning_rate: abc\n", [], "expected a number (above 0)"),
        ("", ["--overlap", "4000"], "--overlap: pack.overlap"),
        ("", ["--validation-split", "1"], "--validation-split: training.validation_split"),
        ("", ["--sequence-length", "10"], "at least 64"),
    ],
)
def test_a_wrong_configuration_is_refused_before_anything_is_read(
    content: str, options: list[str], said: str, tmp_path: Path, cli: Cli
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(content)
    refused(cli("pack", "no-such-folder", "--config", config, *options), 2, said)


def test_a_learning_rate_of_5e_5_is_accepted(tmp_path: Path, repository: Path, cli: Cli) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("training:\n  base_learning_rate: 5e-5\n")
    assert cli("pack", repository, "--config", config, "--dry-run", "-q").returncode == 0


@pytest.mark.parametrize(
    "content", ["", "{}", "[1, 2]", '{"model": {"type": "BPE"', '{"model": {"type": "Magic"}}', "\0"]
)
def test_a_broken_tokenizer_is_refused(content: str, tmp_path: Path, repository: Path, cli: Cli) -> None:
    broken = tmp_path / "tokenizer.json"
    broken.write_text(content)
    done = cli("pack", repository, "--tokenizer", broken, "-o", tmp_path / "d.longctx")
    refused(done, 2, str(broken))
    assert not (tmp_path / "d.longctx").exists()


def test_a_dataset_that_exists_is_only_replaced_when_told_to(repository: Path, tmp_path: Path, cli: Cli) -> None:
    target = tmp_path / "d.longctx"
    assert cli("pack", repository, "-o", target, "-q").returncode == 0
    before = hashes(target)
    refused(cli("pack", repository, "-o", target), 2, str(target), "--overwrite")
    assert hashes(target) == before
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(cli("pack", empty, "-o", target, "--overwrite"), 2, "nothing to pack")
    assert hashes(target) == before
    assert cli("pack", repository, "-o", target, "--overwrite", "--seed", "7", "-q").returncode == 0
    assert open_dataset(target).manifest["seed"] == 7
    assert [path.name for path in tmp_path.iterdir() if path != empty] == ["d.longctx"]


def test_a_folder_that_is_no_dataset_is_never_replaced(repository: Path, tmp_path: Path, cli: Cli) -> None:
    target = tmp_path / "thesis"
    write_files(target, {"chapter.txt": "years of work"})
    refused(cli("pack", repository, "-o", target, "--overwrite"), 2, str(target))
    assert (target / "chapter.txt").read_text() == "years of work"


def test_an_output_whose_parent_does_not_exist_is_named(repository: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("pack", repository, "-o", tmp_path / "none" / "d.longctx")
    assert done.returncode == 0 or "none" in done.stderr
    assert "Traceback" not in done.stderr


def _big_repository(folder: Path) -> Path:
    """Large enough that a signal arrives before the packing ends."""
    return make_repository(folder, {f"m{n}.py": python_source(n, 150) for n in range(400)}, commit=False)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_stopped_run_leaves_no_dataset(number: signal.Signals, status: int, tmp_path: Path) -> None:
    repository = _big_repository(tmp_path / "big")
    target = tmp_path / "out" / "big.longctx"
    target.parent.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "longctx", "pack", str(repository), "-o", str(target), "-q", "--threads", "1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < 0.8:
        time.sleep(0.01)
    if process.poll() is None:
        process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("this machine packed everything before the signal")
    assert process.returncode == status, errors
    assert not target.exists()
    if number == signal.SIGINT:
        assert errors == "error: interrupted\n"
        assert list(target.parent.iterdir()) == []


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path: Path, cli: Cli) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ROOT_USER and shutil.which("mount")
    done = mounted and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=False)
    if not done or done.returncode != 0:
        pytest.skip("needs a small file system, which only root may mount")
    try:
        repository = make_repository(tmp_path / "big", {f"m{n}.py": python_source(n, 100) for n in range(60)})
        result = cli("pack", repository, "-o", disk / "d.longctx", "--tokenizer", GPT2)
        refused(result, 1, "no space left", "hint: ")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


# Against the independent checker, with StarCoder2's tokenizer


@pytest.mark.shared
@pytest.mark.parametrize("name", ["gpt2", "starcoder2"])
@pytest.mark.parametrize("options", [[], ["--no-long-context", "--sequence-length", "512", "--overlap", "64"]])
def test_the_independent_checker_finds_no_defect(
    name: str, options: list[str], repository: Path, tmp_path: Path, cli: Cli
) -> None:
    tokenizer = SHARED / "tokenizers" / name
    target = tmp_path / "d.longctx"
    done = cli("pack", repository, "-o", target, "--tokenizer", tokenizer, "-q", *options)
    assert done.returncode == 0, done.stderr
    check(target, repository, tokenizer)


@pytest.mark.shared
def test_the_independent_checker_finds_no_defect_in_this_project(tmp_path: Path, cli: Cli) -> None:
    tokenizer = SHARED / "tokenizers" / "starcoder2"
    target = tmp_path / "d.longctx"
    done = cli("pack", ROOT, "-o", target, "--tokenizer", tokenizer, "-q")
    assert done.returncode == 0, done.stderr
    check(target, ROOT, tokenizer)


def check(dataset: Path, repository: Path, tokenizer: Path) -> None:
    command: list[Any] = [sys.executable, SHARED / "check_dataset.py", dataset]
    done = subprocess.run(
        [*command, "--repo", repository, "--tokenizer", tokenizer], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

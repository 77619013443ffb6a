"""What `longctx pack` writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from longctx import open_dataset
from tests.conftest import GPT2, Cli
from tests.end_to_end.outcome import hashes
from tests.repositories import git, sample_files


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
    assert (manifest["format"], manifest["schema"], manifest["token_dtype"]) == ("longctx-dataset", 2, "uint16")
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

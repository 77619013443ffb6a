"""Writes a small dataset by hand, with numpy and json alone, after the published format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from tests.conftest import GPT2

KINDS = ["hierarchical", "commits", "qa"]
DIFFICULTIES = ["easy", "medium", "hard", "very_hard"]
MARKERS = [
    "<|FILE_START|>",
    "<|FILE_END|>",
    "<|COMMIT_START|>",
    "<|COMMIT_END|>",
    *(f"<|SNIPPET_{number}|>" for number in range(1, 17)),
]
# Spelled out here rather than imported: the reader is checked against the format, not against itself.
INDEX = "<u8,<u4,<u4,u1,u1,u1,u1,<f4,<u2"
NAMES = ["offset", "length", "loss_start", "kind", "difficulty", "band", "seen", "score", "files"]
FEATURES = ["references", "distance_p50", "distance_p90", "hops", "distractors"]


@dataclass
class Row:
    """One sequence: files in order, the last one learnt."""

    split: str
    files: list[tuple[str, str]]
    kind: str = "hierarchical"
    difficulty: str = "easy"
    band: int = 1
    seen: bool = False
    segment: Mapping[str, Any] = field(default_factory=dict)
    """Keys that each segment has in place of those it would have."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of its line of metadata."""


def index_dtype() -> np.dtype[Any]:
    return np.dtype({"names": NAMES, "formats": INDEX.split(",")})


def write_dataset(folder: Path, rows: list[Row], shard_size: int = 2, config: Mapping[str, Any] | None = None) -> Path:
    """Writes `rows` in shards of `shard_size` sequences."""
    tokenizer = Tokenizer.from_file(str(GPT2))
    tokenizer.add_special_tokens(MARKERS)
    (folder / "tokenizer").mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer" / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    shards = []
    for split in ("train", "val"):
        (folder / split).mkdir()
        chosen = [row for row in rows if row.split == split]
        for number, start in enumerate(range(0, len(chosen), shard_size)):
            shards.append(_write_shard(folder, split, f"{number:05}", chosen[start : start + shard_size], tokenizer))
    manifest = {
        "format": "longctx-dataset",
        "schema": 2,
        "tool": "longctx 0.1.0",
        "repository": {"name": "handmade", "commit": None},
        "commit": None,
        "config": dict(config or {}),
        "seed": 42,
        "tokenizer": {
            "name": "gpt2",
            "sha256": "0" * 64,
            "vocab_size": tokenizer.get_vocab_size(),
            "markers": {marker: tokenizer.token_to_id(marker) for marker in MARKERS},
        },
        "token_dtype": "uint16",
        "bands": [{"id": 1, "min": 8, "max": 64, "overlap": 8}, {"id": 2, "min": 65, "max": 128, "overlap": 16}],
        "kinds": KINDS,
        "difficulties": DIFFICULTIES,
        "shards": shards,
        "files": [],
        "summary": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def _write_shard(folder: Path, split: str, name: str, rows: list[Row], tokenizer: Tokenizer) -> dict[str, Any]:
    start, end = ([tokenizer.get_vocab()[marker]] for marker in MARKERS[:2])
    tokens: list[int] = []
    index = []
    lines: list[str] = []
    for row in rows:
        ids: list[int] = []
        segments = []
        loss_start = 0
        for path, text in row.files:
            loss_start = len(ids)
            ids += [*start, *tokenizer.encode(path + "\n").ids]
            content = tokenizer.encode(text).ids
            span = [len(ids), len(ids) + len(content)]
            why = "target" if path == row.files[-1][0] else "sibling"
            place = {"path": path, "blob": "0" * 40, "commit": None, "bytes": [0, len(text.encode())], "tokens": span}
            segments.append({**place, "role": "file", "why": why, **row.segment})
            ids += [*content, *end]
        codes = (KINDS.index(row.kind), DIFFICULTIES.index(row.difficulty), row.band, row.seen, 0.5, len(row.files))
        index.append((len(tokens), len(ids), loss_start, *codes))
        tokens += ids
        features = {"tokens": len(ids), "files": len(row.files), **dict.fromkeys(FEATURES, 0)}
        meta = {"id": f"{split}-{name}-{len(lines)}", "kind": row.kind, "difficulty": row.difficulty, "score": 0.5}
        lines.append(json.dumps({**meta, "band": row.band, "segments": segments, "features": features, **row.extra}))
    base = folder / split / name
    np.save(f"{base}.tokens.npy", np.array(tokens, dtype="<u2"))
    np.save(f"{base}.index.npy", np.array(index, dtype=index_dtype()))
    Path(f"{base}.meta.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    parts = {"tokens": "tokens.npy", "index": "index.npy", "meta": "meta.jsonl"}
    files = {
        part: {"bytes": Path(f"{base}.{suffix}").stat().st_size, "blake3": "0" * 64} for part, suffix in parts.items()
    }
    return {"split": split, "name": name, "sequences": len(rows), "tokens": len(tokens), "files": files}


def copy_dataset(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target

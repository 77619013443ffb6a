"""Small repositories, made by git itself."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Mapping
from pathlib import Path

_NEUTRAL = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(folder: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**os.environ, **_NEUTRAL, **environment},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def make_repository(folder: Path, files: Mapping[str, str | bytes], commit: bool = True) -> Path:
    """A repository of `files`, committed unless told otherwise."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    write_files(folder, files)
    if commit:
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message=first", "--allow-empty")
    return folder


def python_source(seed: int, functions: int) -> str:
    """Plausible Python, different for every seed; about 45 tokens a function."""
    rng = random.Random(seed)
    words = ["load", "store", "parse", "merge", "index", "token", "value", "count", "graph", "shard"]
    parts = [f'"""Module {seed}."""\n\nfrom __future__ import annotations\n\n']
    for number in range(functions):
        name = "_".join(rng.choices(words, k=3))
        parts.append(
            f"\ndef {name}_{number}(left: int, right: int) -> int:\n"
            f"    # größe {rng.randrange(10**6)}\n"
            f"    return left * {rng.randrange(1000)} + right - {rng.randrange(1000)}\n"
        )
    return "".join(parts)


def sample_files() -> dict[str, str | bytes]:
    """Short, middling and long files of several kinds, some with awkward bytes."""
    files: dict[str, str | bytes] = {f"src/pkg/module_{n}.py": python_source(n, 1 + 4 * n) for n in range(12)}
    files["src/pkg/long.py"] = python_source(99, 160)
    files["README.md"] = "# Demo\n\nText with ümlauts, 日本語 and emoji 🎉.\n" * 4
    files["docs/marker.md"] = "A file that spells <|FILE_START|> and <|endoftext|>.\n"
    files["src/crlf.c"] = "int main(void)\r\n{\r\n\treturn 0;\r\n}\r\n"
    files["src/no_newline.js"] = "export const answer = 42"
    files["data/blob.bin"] = bytes(range(256)) * 8
    return files

"""What `longctx pack` writes, byte for byte: `frozen.json` holds digests of it, which no work on speed may change.

A case is packed with one thread, with three, and again with what the first run kept for the next. Where a change of the
output is meant, write the digests anew and say in the commit why they differ:

    LONGCTX_FREEZE=1 pytest tests/end_to_end/test_frozen.py

With that the tests are skipped, never passed. Four public repositories are packed, too, where their clones are:

    LONGCTX_REPOSITORIES=FOLDER LONGCTX_TOKENIZER=starcoder2/tokenizer.json pytest tests/end_to_end/test_frozen.py

FOLDER holds clones of pallets/flask, vuejs/vue, Ian-Reitsma/the-block and ansible/ansible, each named by its last part.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import GPT2, ROOT, SHARED
from tests.end_to_end import frozen_repositories
from tests.repositories import git, write_files

FROZEN = Path(__file__).with_name("frozen.json")
FREEZE = os.environ.get("LONGCTX_FREEZE") == "1"
REPOSITORIES = os.environ.get("LONGCTX_REPOSITORIES")
TOKENIZER = os.environ.get("LONGCTX_TOKENIZER")
STARCODER2 = SHARED / "tokenizers" / "starcoder2" / "tokenizer.json"

OWN = "d035a926c59980ebebf16f4c56bd90c10768f9bc"
PUBLIC = {
    "flask": "2ac89889f4cc330eabd50f295dcef02828522c69",
    "vue": "9e88707940088cb1f4cd7dd210c9168a50dc347c",
    "the-block": "0ecc756a215ce2a08dc1623c9ecddabe6c8db683",
    "ansible": "c9ac477e53a99e95781f333eec3329a935c1bf95",
}
OPTIONS = {
    "defaults": (),
    "files alone": ("--kinds", "hierarchical", "--context", "none"),
    "random order": ("--order", "random", "--seed", "7", "--validation-split", "0.3"),
    "by path, siblings": ("--order", "path", "--context", "siblings", "--kinds", "hierarchical,qa", "--qa-ratio", "2"),
    "one band": ("--no-long-context", "--sequence-length", "4096", "--overlap", "100"),
    "narrow bands": ("--config", "narrow.yaml"),
    "small limits": (
        *("--max-file-size", "20k", "--max-commits", "12", "--max-versions", "3", "--max-files-per-commit", "4"),
        *("--no-skip-bots", "--no-skip-formatting"),
    ),
    "some files": (
        "--include",
        "*.py",
        "--include",
        "*.md",
        "--exclude",
        "vendor/**",
        "--hidden",
        "--no-redact-secrets",
    ),
    "all branches": ("--history", "full", "--commits-ratio", "3"),
    "odd names": ("--rev", "odd"),
}
NARROW = """
pack: {sequence_length: 4096}
long_context:
  {phase1_min_length: 100, phase1_max_length: 300, phase2_min_length: 400, phase2_max_length: 700,
   phase3_enabled: true, phase3_min_length: 3000, phase3_max_length: 4096}
"""


def digest(content: object) -> str:
    """SHA-256 of bytes, or of anything else as canonical JSON."""
    data = content if isinstance(content, bytes) else json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()


def manifest_digests(path: Path) -> dict[str, str]:
    """Of what a manifest says about the data; it also tells names, versions and threads, which may differ."""
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    about = {
        key: manifest[key] for key in ("schema", "token_dtype", "bands", "kinds", "difficulties", "shards", "files")
    }
    summary = {f"summary.{key}": part for key, part in manifest["summary"].items()}
    return {key: digest(part) for key, part in {**about, **summary}.items()}


def digests(dataset: Path) -> dict[str, str]:
    """Of every file of a dataset, and of the parts of its manifest."""
    files = {
        path.relative_to(dataset).as_posix(): digest(path.read_bytes())
        for path in sorted(dataset.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    manifest = manifest_digests(dataset / "manifest.json")
    return files | {f"manifest: {key}": value for key, value in sorted(manifest.items())}


def differing(one: dict[str, str], other: dict[str, str]) -> str:
    """What has another digest, or is missing in one of them."""
    return ", ".join(key for key in sorted(one | other) if one.get(key) != other.get(key))


Check = Callable[..., None]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Packs a repository three times, and compares all with what is frozen as `case`."""

    def check(case: str, repository: Path, *options: str) -> None:
        found: list[dict[str, str]] = []
        for threads, cache in (("1", "a"), ("3", "b"), ("2", "a")):
            target = tmp_path / f"{threads}.longctx"
            # The third run finds what the first one kept; nothing else that this user has is seen.
            own = {"LONGCTX_CACHE_DIR": str(tmp_path / f"cache-{cache}"), "XDG_CONFIG_HOME": str(tmp_path)}
            environment = {**os.environ, **own, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
            output = ["--output", str(target), "--threads", threads, "--quiet"]
            # No limit of time, as the `cli` fixture has: public repositories take minutes with one thread.
            command = [sys.executable, "-m", "longctx", "pack", str(repository), *output, *options]
            subprocess.run(command, cwd=tmp_path, env=environment, check=True)
            found.append(digests(target))
        one, three, again = found
        assert not differing(one, three), f"{case}: the number of threads changes {differing(one, three)}"
        assert not differing(one, again), f"{case}: what an earlier run kept changes {differing(one, again)}"
        frozen: dict[str, dict[str, str]] = json.loads(FROZEN.read_bytes()) if FROZEN.exists() else {}
        if FREEZE:
            text = json.dumps(frozen | {case: one}, indent=1, sort_keys=True, ensure_ascii=False)
            FROZEN.write_text(text + "\n", encoding="utf-8")
            pytest.skip("digests written anew because of LONGCTX_FREEZE, nothing was checked")
        assert case in frozen, f"{FROZEN.name} has no {case}"
        changed = differing(one, frozen[case])
        assert not changed, f"{case}: not what {FROZEN.name} holds; {Path(__file__).name} tells what to do: {changed}"

    return check


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only."""
    return frozen_repositories.history(tmp_path_factory.mktemp("frozen") / "demo")


def test_the_generated_repository_is_the_one_that_was_frozen(repository: Path) -> None:
    """If not, its digests mean nothing: then git or the making of the repository changed, not longctx."""
    assert git(repository, "rev-parse", "main", "open", "odd").split() == [
        "7436f81e4fc41dff9eab7efe1aed3a3ea2f2a868",
        "d6dcea8975ae49c7f71d7c3d0a7792112900e162",
        "ba8cc279e9ee7a011f7572555606553a3b8bd451",
    ]


@pytest.mark.parametrize("case", OPTIONS)
def test_a_repository_with_everything(case: str, repository: Path, tmp_path: Path, check: Check) -> None:
    write_files(tmp_path, {"narrow.yaml": NARROW})
    check(case, repository, "--tokenizer", str(GPT2), *OPTIONS[case])


def test_the_embedded_tokenizer(repository: Path, check: Check) -> None:
    check("embedded tokenizer", repository)


@pytest.mark.shared
def test_a_repository_with_everything_for_starcoder2(repository: Path, check: Check) -> None:
    check("starcoder2", repository, "--tokenizer", str(STARCODER2))


def test_a_folder_without_git(tmp_path: Path, check: Check) -> None:
    check("plain folder", frozen_repositories.plain_folder(tmp_path / "plain"))


def test_this_clone(check: Check) -> None:
    listing = ["git", "-C", str(ROOT), "rev-list", "--count", OWN]
    done = subprocess.run(listing, capture_output=True, text=True, check=False)
    shallow = ["git", "-C", str(ROOT), "rev-parse", "--is-shallow-repository"]
    if done.returncode != 0 or subprocess.run(shallow, capture_output=True, check=False).stdout != b"false\n":
        pytest.skip(f"needs a clone that has the whole history of {OWN[:7]}")
    check("this clone", ROOT, "--rev", OWN)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_repository(name: str, check: Check) -> None:
    if not REPOSITORIES or not TOKENIZER:
        pytest.skip("needs clones of public repositories: set LONGCTX_REPOSITORIES and LONGCTX_TOKENIZER")
    clone = Path(REPOSITORIES) / name
    if not clone.is_dir():
        pytest.skip(f"there is no clone {clone}")
    check(name, clone, "--rev", PUBLIC[name], "--tokenizer", str(Path(TOKENIZER).resolve()))

"""Token ids against the Hugging Face library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from longctx import _core
from tests.conftest import GPT2, SHARED

PIECES = st.one_of(
    st.sampled_from(
        ["def ", "return", "    ", "\t", "\n", "\r\n", "'s", "'LL", "  x", "1234", "<|endoftext|>", "é", "漢字", "🦙"]
    ),
    st.text(max_size=8),
)


def reference(path: Path) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True
    return tokenizer


ORACLE = reference(GPT2)
OURS = _core.Tokenizer.from_file(str(GPT2))


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_ids_are_those_of_hugging_face_and_decode_to_the_text(text: str) -> None:
    ids = OURS.encode(text)
    assert ids.tolist() == ORACLE.encode(text, add_special_tokens=False).ids
    assert OURS.decode(ids) == text


def test_every_source_file_of_this_project_has_the_ids_of_hugging_face() -> None:
    root = Path(__file__).parent.parent
    files = [path for folder in ("python", "rust", "tests", "docs") for path in sorted((root / folder).rglob("*.*"))]
    texts = [path.read_text("utf-8") for path in files if path.suffix in {".py", ".rs", ".md", ".toml"}]
    assert len(texts) > 100
    for text in texts:
        assert OURS.encode(text).tolist() == ORACLE.encode(text, add_special_tokens=False).ids


def test_markers_are_special_and_their_spelling_in_a_text_is_text() -> None:
    marked = OURS.with_markers()
    start = marked.token_to_id("<|FILE_START|>")
    assert start == OURS.vocab_size
    assert start not in marked.encode("<|FILE_START|>").tolist()
    assert marked.decode([start]) == "<|FILE_START|>"


@pytest.mark.shared
@pytest.mark.parametrize("name", ["gpt2", "starcoder2"])
def test_published_vectors(name: str) -> None:
    folder = SHARED / "tokenizers" / name
    tokenizer = _core.Tokenizer.from_file(str(folder / "tokenizer.json"))
    vectors = json.loads((folder / "vectors.json").read_text("utf-8"))
    assert len(vectors) > 40
    assert tokenizer.backend == "byte-level BPE"
    for vector in vectors:
        assert tokenizer.encode(vector["text"]).tolist() == vector["ids"], vector["text"]

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from longctx import UsageError
from longctx.tokenizers import TokenizerSource, find_tokenizer
from tests.conftest import GPT2


@pytest.mark.parametrize("spec", [None, "default"])
def test_the_built_in_tokenizer_needs_no_file(spec: str | None) -> None:
    assert find_tokenizer(spec) == TokenizerSource(None, "default")


def test_files_and_folders_are_found(tmp_path: Path) -> None:
    assert find_tokenizer(str(GPT2)) == TokenizerSource(str(GPT2), "gpt2")
    assert find_tokenizer(str(GPT2.parent)) == TokenizerSource(str(GPT2), "gpt2")
    other = shutil.copy(GPT2, tmp_path / "mine.json")
    assert find_tokenizer(str(other)) == TokenizerSource(str(other), "mine")


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no tokenizer\.json"):
        find_tokenizer(str(tmp_path))


@pytest.mark.parametrize("spec", ["/none/tokenizer.json", "none.json", "./none", "a/b/c", "~/none", "a b"])
def test_what_looks_like_a_path_is_never_asked_of_the_hub(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_: pytest.fail("asked the hub"))
    with pytest.raises(UsageError, match="there is no tokenizer at"):
        find_tokenizer(spec)


def test_the_local_cache_comes_before_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: str(GPT2))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_: pytest.fail("asked the hub"))
    assert find_tokenizer("some/model") == TokenizerSource(str(GPT2), "some/model")


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (LocalEntryNotFoundError("x"), "the Hugging Face hub cannot be reached"),
        (ConnectionError("no route to host\nsecond line"), "cannot be downloaded: no route to host"),
    ],
)
def test_without_the_hub_there_is_one_clear_sentence(
    failure: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> str:
        raise failure

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", fail)
    with pytest.raises(UsageError, match=said) as caught:
        find_tokenizer("some/model")
    assert "\n" not in caught.value.message
    assert caught.value.hint == "without a network, give the path of a tokenizer.json instead"

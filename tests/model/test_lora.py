"""Adapters and marker rows, in every family."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from longctx.errors import OutputError, UsageError
from longctx.model.computation import summed_loss
from longctx.model.lora import load_adapter, save_adapter, target_modules
from tests.model.conftest import load
from tests.model.families import FAMILIES, MANIFEST, MARKERS, ROWS, config, model_config, write_model

IDS = torch.tensor([[3, 96, 7, 97, 11, 12, 98, 96, 5, 6, 7, 8]])
LAYERS = {
    "starcoder2": ["q_proj", "k_proj", "v_proj", "o_proj", "c_fc", "c_proj"],
    "llama": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    "qwen2": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    "qwen3": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    "gpt2": ["c_attn", "c_proj", "c_fc"],
}


def built(family: str) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_config(model_config(family))


def train(model: Any, steps: int = 3) -> None:
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(steps):
        summed_loss(model, IDS, IDS).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = model.eval()(input_ids=IDS).logits
    return result


@pytest.mark.parametrize("family", FAMILIES)
def test_auto_takes_all_of_attention_and_mlp(family: str) -> None:
    assert target_modules(built(family), "auto") == LAYERS[family]


def test_a_layer_can_be_named_with_what_it_is_part_of() -> None:
    assert target_modules(built("gpt2"), ["mlp.c_proj", "c_attn"]) == ["mlp.c_proj", "c_attn"]


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        (["q_proj", "c_attn"], "c_attn"),
        (["c_attn", "lm_head", "q_proj"], "c_attn and lm_head"),
        (["mlp"], "mlp"),
        (["proj"], "proj"),
        (["embed_tokens", "norm", "x"], "embed_tokens, norm and x"),
    ],
)
def test_wrong_names_are_listed_with_the_right_ones(wanted: list[str], wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        target_modules(built("starcoder2"), wanted)
    assert caught.value.message == (
        f"model.lora.target_modules names {wrong}, which Starcoder2ForCausalLM does not have"
    )
    assert caught.value.hint == "it has q_proj, k_proj, v_proj, o_proj, c_fc, c_proj; auto takes them all"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_plain_peft_opens_what_was_trained(family: str, tied: bool, dtype: str, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = write_model(tmp_path / "base", family, tie_word_embeddings=tied)
    loaded = load(config(base, dtype=dtype), dtype=getattr(torch, dtype))
    model = loaded.model
    assert all(p.dtype == torch.float32 for p in model.parameters() if p.requires_grad)
    train(model)
    (tmp_path / "adapter").mkdir()
    save_adapter(model, tmp_path / "adapter")
    saved = sorted(path.name for path in (tmp_path / "adapter").iterdir())
    assert saved == ["adapter_config.json", "adapter_model.safetensors", "base.json"]

    plain = AutoModelForCausalLM.from_pretrained(base, dtype=getattr(torch, dtype))
    untouched = plain.get_input_embeddings().weight.detach().clone()
    plain.resize_token_embeddings(ROWS + len(MARKERS), mean_resizing=False)
    theirs = PeftModel.from_pretrained(plain, tmp_path / "adapter")
    expected, found = logits(theirs), logits(model)
    if dtype == "float32":
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    else:
        torch.testing.assert_close(found, expected, rtol=0.02, atol=0.05 * expected.abs().max().item())

    # Merged, the marker rows are the only ones of the embedding that differ from the base's.
    started = load(config(base, dtype=dtype), dtype=getattr(torch, dtype)).model.get_input_embeddings()
    before = started.token_adapter.base_layer.weight.detach().clone()
    merged = theirs.merge_and_unload()
    after = merged.get_input_embeddings().weight.detach()
    assert torch.equal(after[:ROWS], untouched)
    assert (after[ROWS:] != before[ROWS:]).any(dim=1).all()
    head = merged.get_output_embeddings().weight
    assert (head is merged.get_input_embeddings().weight) == tied
    if not tied:
        # What was never input may be answered all the same, so the output rows learn on their own.
        assert not torch.equal(head[ROWS:], after[ROWS:])


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("tied", [True, False])
def test_only_rows_of_markers_and_adapters_are_trained(family: str, tied: bool, tmp_path: Path) -> None:
    loaded = load(config(write_model(tmp_path / "base", family, tie_word_embeddings=tied)))
    frozen = {name: p.detach().clone() for name, p in loaded.model.named_parameters() if not p.requires_grad}
    train(loaded.model)
    for name, parameter in loaded.model.named_parameters():
        if not parameter.requires_grad:
            assert torch.equal(parameter, frozen[name]), name
    rows = [p for name, p in loaded.model.named_parameters() if "trainable_tokens" in name and p.requires_grad]
    assert [p.shape for p in rows] == [(len(MARKERS), 64)] * (1 if tied else 2)
    adapters = [p.numel() for name, p in loaded.model.named_parameters() if "lora_" in name]
    assert loaded.trained == sum(adapters) + sum(p.numel() for p in rows)


def test_saved_files_hold_no_full_embedding_and_are_the_same_each_time(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    loaded = load(config(write_model(tmp_path / "base")))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save_adapter(loaded.model, tmp_path / name)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert all(ROWS not in t.shape and t.dtype == torch.float32 for t in load_file(file_of(tmp_path / "one")).values())
    settings = json.loads((tmp_path / "one" / "adapter_config.json").read_text())
    assert settings["target_modules"] == sorted(LAYERS["llama"])
    assert settings["base_model_name_or_path"] == str(tmp_path / "base")


def file_of(folder: Path) -> Path:
    return folder / "adapter_model.safetensors"


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_saved_adapter_is_read_bit_for_bit(family: str, tmp_path: Path) -> None:
    settings = config(write_model(tmp_path / "base", family))
    one = load(settings)
    train(one.model)
    (tmp_path / "adapter").mkdir()
    save_adapter(one.model, tmp_path / "adapter")
    other = load(settings, seed=2)
    load_adapter(other.model, tmp_path / "adapter")
    theirs = dict(other.model.named_parameters())
    assert all(torch.equal(p, theirs[name]) for name, p in one.model.named_parameters())
    assert {name for name, p in theirs.items() if p.requires_grad} == {
        name for name, p in one.model.named_parameters() if p.requires_grad
    }


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """Of a Llama with rank 4."""
    loaded = load(config(write_model(tmp_path / "base")))
    folder = tmp_path / "adapter"
    folder.mkdir()
    save_adapter(loaded.model, folder)
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"r": 2}, "has rank 4, but this run has rank 2"),
        ({"alpha": 4}, "has alpha 8, but this run has alpha 4"),
        ({"use_rslora": True}, "has use_rslora False, but this run has use_rslora True"),
        ({"target_modules": ["q_proj"]}, "but this run has adapters on q_proj"),
    ],
)
def test_an_adapter_of_other_settings_is_refused(
    adapter: Path, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    other = load(config(tmp_path / "base", **change))
    before = {name: p.detach().clone() for name, p in other.model.named_parameters()}
    with pytest.raises(UsageError, match=said):
        load_adapter(other.model, adapter)
    assert all(torch.equal(p, before[name]) for name, p in other.model.named_parameters())


def test_an_adapter_of_another_base_is_refused(adapter: Path, tmp_path: Path) -> None:
    other = load(config(write_model(tmp_path / "other", seed=1)))
    with pytest.raises(UsageError, match="was trained on another base model than this one"):
        load_adapter(other.model, adapter)


def test_an_adapter_of_another_shape_is_refused(adapter: Path, tmp_path: Path) -> None:
    (adapter / "base.json").unlink()
    other = load(config(write_model(tmp_path / "other", hidden_size=32, head_dim=8)))
    with pytest.raises(UsageError, match=r"does not fit this model: .* is missing or of another shape"):
        load_adapter(other.model, adapter)


def test_an_adapter_of_other_markers_is_refused(adapter: Path, tmp_path: Path) -> None:
    fewer = {**MANIFEST, "tokenizer": {"vocab_size": ROWS + 1, "markers": {"<|FILE_START|>": ROWS}}}
    other = load(config(tmp_path / "base"), manifest=fewer)
    with pytest.raises(UsageError, match="has rows for 3 markers, but this run has rows for 1 markers"):
        load_adapter(other.model, adapter)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_damaged_adapter_is_one_sentence(adapter: Path, tmp_path: Path, name: str, damage: str) -> None:
    file = adapter / name
    content = file.read_bytes()
    file.unlink()
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    with pytest.raises(UsageError, match=f"{name} (cannot be read|is not JSON)") as caught:
        load_adapter(load(config(tmp_path / "base")).model, adapter)
    assert "\n" not in caught.value.message


def test_where_it_cannot_be_written_it_is_one_sentence(tmp_path: Path) -> None:
    loaded = load(config(write_model(tmp_path / "base")))
    with pytest.raises(OutputError, match="cannot write the adapter to"):
        save_adapter(loaded.model, tmp_path / "missing")

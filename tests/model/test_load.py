"""Loading models: rows for markers, what is frozen, what is said when it cannot be done."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from longctx.errors import UsageError
from longctx.model.load import add_marker_rows, check_lengths, count
from tests.model.conftest import load
from tests.model.families import FAMILIES, MANIFEST, MARKERS, ROWS, config, model_config, write_model

SIZE = ROWS + len(MARKERS)


def rows_of(model: Any) -> torch.Tensor:
    weight: torch.Tensor = model.get_input_embeddings().weight.detach()
    return weight


def built(**changes: Any) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_config(model_config("llama", **changes))


def test_the_rows_of_markers_are_the_mean_of_the_others() -> None:
    model = built(tie_word_embeddings=False)
    before = rows_of(model).clone(), model.lm_head.weight.detach().clone()
    add_marker_rows(model, MANIFEST)
    for old, new in zip(before, (rows_of(model), model.lm_head.weight), strict=True):
        assert new.shape == (SIZE, 64)
        assert torch.equal(new[:ROWS], old)
        torch.testing.assert_close(new[ROWS:], old.mean(dim=0).expand(3, -1))
    assert model.config.vocab_size == SIZE


def test_rows_that_are_there_already_are_taken() -> None:
    model = built(vocab_size=128)
    add_marker_rows(model, MANIFEST)
    assert rows_of(model).shape[0] == 128
    torch.testing.assert_close(rows_of(model)[ROWS:SIZE], rows_of(model)[:ROWS].mean(dim=0).expand(3, -1))


def test_rows_of_markers_that_the_model_has_learnt_are_kept(tmp_path: Path) -> None:
    base = write_model(tmp_path / "base", vocab_size=SIZE)
    learnt = [{"id": 97, "content": "<|FILE_END|>"}]
    (base / "tokenizer.json").write_text(json.dumps({"added_tokens": learnt}))
    found = load(config(base)).model.get_input_embeddings().token_adapter.base_layer.weight
    mean = found[:ROWS].mean(dim=0)
    torch.testing.assert_close(found[96], mean)
    assert not torch.allclose(found[97], mean, atol=0.01)


def test_a_model_with_fewer_rows_than_the_datasets_ids_is_refused() -> None:
    with pytest.raises(UsageError, match="has ids up to 95, but the model knows only 95"):
        add_marker_rows(built(vocab_size=95), MANIFEST)
    add_marker_rows(built(vocab_size=96), MANIFEST)


def test_markers_in_the_middle_of_a_vocabulary_are_left_as_they_are() -> None:
    manifest = {"tokenizer": {"vocab_size": ROWS, "markers": {"<file_sep>": 5}}}
    model = built()
    before = rows_of(model).clone()
    add_marker_rows(model, manifest)
    assert torch.equal(rows_of(model), before)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_base_drops_nothing_and_caches_nothing(family: str, tmp_path: Path) -> None:
    model = load(config(write_model(tmp_path / "base", family), dropout=0.0)).model
    ids = torch.arange(20).unsqueeze(0)
    with torch.no_grad():
        first, second = model(input_ids=ids), model(input_ids=ids)
    assert model.training
    assert torch.equal(first.logits, second.logits)
    assert first.past_key_values is None


def test_the_same_seed_gives_the_same_model_and_leaves_random_numbers_alone(tmp_path: Path) -> None:
    settings = config(write_model(tmp_path / "base"))
    before = torch.random.get_rng_state()
    one, two, other = load(settings), load(settings), load(settings, seed=2)
    assert torch.equal(torch.random.get_rng_state(), before)
    theirs, others = dict(two.model.named_parameters()), dict(other.model.named_parameters())
    assert all(torch.equal(p, theirs[name]) for name, p in one.model.named_parameters())
    assert any(not torch.equal(p, others[name]) for name, p in one.model.named_parameters())


def test_numbers_are_counted(tmp_path: Path) -> None:
    model = built()
    loaded = load(config(write_model(tmp_path / "base")))
    assert loaded.total == count(model) + 2 * 3 * 64 + loaded.trained
    assert (loaded.device.type, loaded.dtype, loaded.notes) == ("cpu", torch.float32, [])


def test_weights_are_the_same_whichever_type_computes(tmp_path: Path) -> None:
    base = write_model(tmp_path / "base")
    half = load(config(base, dtype="bfloat16"), dtype=torch.bfloat16)
    full = load(config(base, dtype="bfloat16"), dtype=torch.float32)
    theirs = dict(full.model.named_parameters())
    for name, parameter in half.model.named_parameters():
        assert theirs[name].dtype == torch.float32
        assert torch.equal(parameter.float(), theirs[name]), name


def test_gradient_checkpointing_changes_no_gradient(tmp_path: Path) -> None:
    from longctx.config import Config
    from longctx.model.computation import summed_loss

    base = config(write_model(tmp_path / "base"), dropout=0.1)
    gradients = []
    for checkpointing in (False, True):
        values = base.to_dict()
        values["training"]["use_gradient_checkpointing"] = checkpointing
        model = load(Config.from_dict(values)).model
        assert model.is_gradient_checkpointing == checkpointing
        torch.manual_seed(5)
        summed_loss(model, torch.arange(20).unsqueeze(0), torch.arange(20).unsqueeze(0)).backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.requires_grad})
    assert all(torch.equal(gradients[0][name], gradients[1][name]) for name in gradients[0])


@pytest.mark.parametrize(
    ("longest", "allowed", "own", "said"),
    [
        (2048, 2048, 2048, None),
        (4096, 2048, 8192, r"up to 4096 tokens .* model\.max_position_embeddings is 2048"),
        (4096, 4096, 2048, r"up to 4096 tokens .* reads at most 2048 \(max_position_embeddings of its own"),
        (4096, 4096, None, None),
    ],
)
def test_longer_sequences_than_the_model_reads_are_refused(
    longest: int, allowed: int, own: int | None, said: str | None
) -> None:
    from longctx.config import Config

    settings = Config.from_dict({"model": {"max_position_embeddings": allowed}})
    description = model_config("gpt2", n_positions=own) if own else object()
    if said is None:
        check_lengths(settings, description, longest)
        return
    with pytest.raises(UsageError, match=said):
        check_lengths(settings, description, longest)


@pytest.mark.parametrize("damage", ["cut", "noise", "other shape", "unknown type"])
def test_what_cannot_be_loaded_is_one_sentence(damage: str, tmp_path: Path) -> None:
    base = write_model(tmp_path / "base")
    weights, settings = base / "model.safetensors", base / "config.json"
    values = json.loads(settings.read_text())
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif damage == "noise":
        weights.write_bytes(bytes(range(256)) * 100)
    elif damage == "other shape":
        settings.write_text(json.dumps({**values, "hidden_size": 32, "head_dim": 8}))
    else:
        settings.write_text(json.dumps({**values, "model_type": "unheard-of"}))
    with pytest.raises(UsageError, match=r"the model .* cannot be loaded: ") as caught:
        load(config(base))
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400 + len(str(base))


def test_code_of_a_model_is_never_run(tmp_path: Path) -> None:
    base = write_model(tmp_path / "base")
    values = json.loads((base / "config.json").read_text())
    values |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine", "AutoModelForCausalLM": "mine.Mine"}}
    (base / "config.json").write_text(json.dumps(values))
    (base / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Mine: pass\n")
    with pytest.raises(UsageError, match="cannot be loaded"):
        load(config(base))
    assert not (tmp_path / "ran").exists()


def test_loading_says_nothing(tmp_path: Path) -> None:
    base = write_model(tmp_path / "base")
    code = (
        "from tests.model.conftest import load; from tests.model.families import config\n"
        f"for four in (True, False): load(config({str(base)!r}, four=four, dtype='bfloat16'))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", code], check=False, timeout=120, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("four", [False, True])
def test_a_gguf_file_is_loaded_with_the_weights_that_it_has(four: bool, tmp_path: Path) -> None:
    from longctx.config import Config

    base = write_model(tmp_path / "base")
    write_gguf(base, tmp_path / "small.gguf")
    values = {**config(tmp_path, four=four).to_dict()["model"], "gguf_file": "small.gguf"}
    by_file = load(Config.from_dict({"model": values}))
    by_folder = dict(load(config(base, four=four)).model.named_parameters())
    for name, parameter in by_file.model.named_parameters():
        torch.testing.assert_close(parameter, by_folder[name], rtol=0, atol=0)


def write_gguf(base: Path, file: Path) -> None:
    """Writes a Llama in the form that llama.cpp reads."""
    from gguf import GGUFWriter
    from safetensors.numpy import load_file

    writer = GGUFWriter(file, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(64)
    writer.add_block_count(2)
    writer.add_feed_forward_length(128)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_key_length(16)
    writer.add_value_length(16)
    writer.add_rope_dimension_count(16)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(ROWS)
    parts = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    tops = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    for name, weight in load_file(base / "model.safetensors").items():
        stem = name.removesuffix(".weight")
        if stem in tops:
            writer.add_tensor(f"{tops[stem]}.weight", weight)
            continue
        number, part = stem.removeprefix("model.layers.").split(".", 1)
        if part in {"self_attn.q_proj", "self_attn.k_proj"}:
            # llama.cpp has the two halves that positions rotate interleaved.
            stored = weight.reshape(-1, 2, 8, 64).swapaxes(1, 2).reshape(weight.shape).copy()
        else:
            stored = weight
        writer.add_tensor(f"blk.{number}.{parts[part]}.weight", stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_damaged_gguf_file_is_one_sentence(tmp_path: Path, own_cache: Path) -> None:
    from longctx.config import Config

    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(UsageError, match=r"the model in .*bad\.gguf cannot be read: ") as caught:
        load(Config.from_dict({"model": {"name": str(tmp_path), "gguf_file": "bad.gguf"}}))
    assert "\n" not in caught.value.message
    assert list((own_cache / "gguf").iterdir()) == []

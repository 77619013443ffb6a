"""The recipe of `longctx train` in plain transformers `Trainer` and PEFT: what it is compared with.

    python trainer_peft.py DATASET --adapter FOLDER --order ROWS.npy [--base FOLDER] [--steps N] [--accumulation N]
        [--learning-rate X] [--warmup N] [--weight-decay X] [--max-grad-norm X] [--dropout X]
        [--dtype float32|bfloat16] [--no-checkpointing] [--device cpu|cuda|mps] [--seed N]

Nothing here comes from longctx: the dataset is read with numpy as docs/format.md describes it, the adapter's settings
and initial weights are read by PEFT, and the rest is the Trainer's, which is used as its users do, but that it does not
shuffle: the rows are taken in the order of the file. It gets a batch of one sequence and so no padding and no mask.

Prints one JSON line a step (loss, norm, learning_rate, tokens, learnt, seconds), and at the end one with the highest
use of a GPU's memory, in bytes. The seconds of a step are those since the line before, so all that the Trainer does
between steps counts.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from peft import LoraConfig, PeftModel
from torch.optim.lr_scheduler import LambdaLR

IGNORED = -100
BASE_DROPOUTS = (
    "attention_dropout",
    "attn_pdrop",
    "embd_pdrop",
    "resid_pdrop",
    "residual_dropout",
    "embedding_dropout",
)


class Sequences(torch.utils.data.Dataset):
    """Sequences of a dataset in a given order: ids, and labels where they are learnt."""

    def __init__(self, folder: Path, rows: np.ndarray[Any, Any]) -> None:
        self.manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        stems = [folder / shard["split"] / shard["name"] for shard in self.manifest["shards"]]
        self._tokens = [np.load(f"{stem}.tokens.npy", mmap_mode="r") for stem in stems]
        self._index = [np.load(f"{stem}.index.npy") for stem in stems]
        self._places = [(shard, place) for shard, index in enumerate(self._index) for place in range(len(index))]
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        shard, place = self._places[int(self._rows[number])]
        offset, length, start = (int(self._index[shard][place][name]) for name in ("offset", "length", "loss_start"))
        ids = torch.from_numpy(self._tokens[shard][offset : offset + length].astype(np.int64))
        labels = ids.clone()
        # Nothing predicts the first token, so it must not count in the number of labels either.
        labels[: max(start, 1)] = IGNORED
        return {"input_ids": ids, "labels": labels}

    def counts(self, number: int) -> tuple[int, int]:
        """Tokens, and those that carry loss."""
        labels = self[number]["labels"]
        return len(labels), int((labels != IGNORED).sum())


class InOrder(transformers.Trainer):
    """A Trainer that takes its dataset as it comes."""

    def _get_train_sampler(self, *_: Any) -> torch.utils.data.Sampler[int]:
        return torch.utils.data.SequentialSampler(self.train_dataset)


class Printer(transformers.TrainerCallback):
    """Prints a line a step."""

    def __init__(self, data: Sequences, accumulation: int) -> None:
        self._data, self._accumulation = data, accumulation
        self._last = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Starts the clock."""
        self._last = time.monotonic()

    def on_log(self, _args: Any, state: Any, _control: Any, logs: dict[str, Any], **_: Any) -> None:
        """Prints what the Trainer logs after each step; the summary at the end has no norm."""
        if "grad_norm" not in logs:
            return
        now = time.monotonic()
        first = (state.global_step - 1) * self._accumulation
        counts = [self._data.counts(number) for number in range(first, first + self._accumulation)]
        line = {
            "step": state.global_step,
            "loss": logs["loss"],
            "norm": logs["grad_norm"],
            "learning_rate": logs["learning_rate"],
            "tokens": sum(tokens for tokens, _ in counts),
            "learnt": sum(learnt for _, learnt in counts),
            "seconds": now - self._last,
        }
        print(json.dumps(line), flush=True)
        self._last = time.monotonic()


def load(arguments: argparse.Namespace, manifest: dict[str, Any], dtype: torch.dtype) -> Any:
    """The base model with the adapter."""
    settings = LoraConfig.from_pretrained(str(arguments.adapter))
    base = str(arguments.base or settings.base_model_name_or_path)
    config = transformers.AutoConfig.from_pretrained(base)
    for name in BASE_DROPOUTS:
        if hasattr(config, name):
            setattr(config, name, 0.0)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, config=config, dtype=dtype)
    model.config.use_cache = False
    if manifest["tokenizer"]["vocab_size"] > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(manifest["tokenizer"]["vocab_size"], mean_resizing=False)
    settings.lora_dropout = arguments.dropout
    return PeftModel.from_pretrained(
        model, str(arguments.adapter), is_trainable=True, config=settings, torch_device="cpu"
    )


def main() -> None:
    """Trains, and prints a line a step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--adapter", type=Path, required=True, help="settings and initial weights, as PEFT saves them")
    parser.add_argument("--order", type=Path, required=True, help="rows of the dataset, as .npy")
    parser.add_argument("--base", type=Path, help="the base model; default: the one that the adapter names")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--accumulation", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--warmup", type=int, default=1, help="steps in which the learning rate rises")
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--max-grad-norm", type=float, default=1.0)
    parser.add_argument("--dropout", type=float, default=0.0, help="of the adapters")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--no-checkpointing", action="store_true", help="keep activations for the backward pass")
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu")
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    rows = np.load(arguments.order)[: arguments.steps * arguments.accumulation]
    if len(rows) < arguments.steps * arguments.accumulation:
        sys.exit(f"error: {len(rows)} rows are too few for {arguments.steps} steps of {arguments.accumulation}")
    data = Sequences(arguments.dataset, rows)
    model = load(arguments, data.manifest, getattr(torch, arguments.dtype))
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.data = parameter.data.float()
    optimizer = torch.optim.AdamW(
        trained, lr=arguments.learning_rate, weight_decay=arguments.weight_decay, fused=arguments.device != "mps"
    )
    schedule = LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / arguments.warmup))
    with tempfile.TemporaryDirectory() as folder:
        settings = transformers.TrainingArguments(
            output_dir=folder,
            max_steps=arguments.steps,
            per_device_train_batch_size=1,
            gradient_accumulation_steps=arguments.accumulation,
            max_grad_norm=arguments.max_grad_norm,
            gradient_checkpointing=not arguments.no_checkpointing,
            gradient_checkpointing_kwargs=None if arguments.no_checkpointing else {"use_reentrant": False},
            bf16=arguments.dtype == "bfloat16",
            use_cpu=arguments.device == "cpu",
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=False,
            seed=arguments.seed,
        )
        trainer = InOrder(
            model=model,
            args=settings,
            train_dataset=data,
            data_collator=lambda batch: {name: torch.stack([one[name] for one in batch]) for name in batch[0]},
            optimizers=(optimizer, schedule),
            callbacks=[Printer(data, arguments.accumulation)],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    cuda = torch.cuda.is_available()
    print(json.dumps({"device_memory": torch.cuda.max_memory_allocated() if cuda else None}), flush=True)


if __name__ == "__main__":
    main()

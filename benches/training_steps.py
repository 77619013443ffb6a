"""Steps of longctx's training on given rows, as `peers/trainer_peft.py` does them; part of `training_vs_trainer.py`.

    python training_steps.py DATASET --config FILE --order ROWS.npy --steps N --accumulation N --dtype bfloat16
        [--warmup N] [--device cpu] [--save-adapter FOLDER]

The steps are those of a run of `longctx train`, in the type of number that is given: a run on a processor might take
another, after timing both. Prints what the peer prints.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from longctx.config_file import load_config
from longctx.data.shards import open_dataset
from longctx.model.device import choose_device
from longctx.model.load import load_model
from longctx.model.lora import save_adapter
from longctx.model.source import find_model
from longctx.train.processes import Processes
from longctx.train.step import Stepper


def main() -> None:
    """Prints a line a step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--order", type=Path, required=True, help="rows of the dataset, as .npy")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--accumulation", type=int, required=True)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), required=True)
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu")
    parser.add_argument("--save-adapter", type=Path, help="write the adapter as it is before the first step")
    arguments = parser.parse_args()
    config = load_config(arguments.config)
    training = config.training
    dataset = open_dataset(arguments.dataset)
    dtype = getattr(torch, arguments.dtype)
    device = choose_device(arguments.device)
    loaded = load_model(config, find_model(config.model), device, dataset.manifest, dtype=dtype, seed=training.seed)
    if arguments.save_adapter is not None:
        arguments.save_adapter.mkdir(parents=True)
        save_adapter(loaded.model, arguments.save_adapter)
    lengths = dataset.column("length").astype(np.int64)
    optimizer = torch.optim.AdamW(
        [parameter for parameter in loaded.model.parameters() if parameter.requires_grad],
        lr=training.base_learning_rate,
        weight_decay=training.weight_decay,
        fused=True,
    )
    stepper = Stepper(
        loaded,
        dataset,
        optimizer,
        lengths=lengths,
        learnt=lengths - np.maximum(dataset.column("loss_start").astype(np.int64), 1),
        batch_size=1,
        max_norm=training.max_grad_norm,
        seed=training.seed,
        processes=Processes(device),
        pad_to=[band["max"] for band in dataset.manifest["bands"]] if device.type == "mps" else (),
    )
    rows = np.load(arguments.order)
    last = time.monotonic()
    for step in range(arguments.steps):
        rate = training.base_learning_rate * min(1.0, (step + 1) / arguments.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        first = step * arguments.accumulation
        done = stepper.step(rows[first : first + arguments.accumulation], 1, first)
        now = time.monotonic()
        line = {
            "step": step + 1,
            "loss": done.loss,
            "norm": done.norm,
            "learning_rate": rate,
            "tokens": done.tokens,
            "learnt": done.learnt,
            "seconds": now - last,
        }
        print(json.dumps(line), flush=True)
        last = time.monotonic()
    cuda = torch.cuda.is_available()
    print(json.dumps({"device_memory": torch.cuda.max_memory_allocated() if cuda else None}), flush=True)


if __name__ == "__main__":
    main()

"""Training beside the same recipe in transformers' Trainer and PEFT: are the losses the same, and which is faster?

    python benches/training_vs_trainer.py DATASET --model MODEL [--config FILE] [--device cpu] [--only losses|speed]
        [--steps 20] [--accumulation 2] [--learning-rate X]
        [--lengths 1024 2048] [--rounds 3] [--speed-steps 3] [--speed-accumulation 2] [--dtype bfloat16] [--json FILE]

**Losses.** `longctx train` runs in fp32 without dropout until `--steps` steps of its first epoch are done. Then the
peer (`peers/trainer_peft.py`, which shares no code with longctx) starts from the adapter of the run's first checkpoint
and takes the rows of the run's order. `--max-sequences` is chosen so that the epoch is not much longer than the steps
compared, for the learning rate to have risen meanwhile. The losses of a step must not differ by more than 1e-3 nats.
`--sensitivity` repeats the peer with a learning rate 2 % higher and shows how far apart its losses are then: what a
small mistake in the recipe would look like.

**Speed.** Both read the same rows, whose lengths are from 90 to 100 % of each of `--lengths`, drawn with a seed, in
processes of their own, in turn, longctx first; the first step of each is left out. Both with dropout 0.05 and gradient
checkpointing. Ours is driven by `training_steps.py`, which does the steps of a run without its probe and validation.
Tokens are all that were read; the share that carries loss is shown, since longctx makes logits only there. The ratio is
the median over the rounds of ours to the peer's. Memory is the most that the process had: resident (ru_maxrss), and
what of it is not of files (RssAnon, sampled, Linux only).

Both have OMP_WAIT_POLICY=PASSIVE, which `longctx train` sets and which is faster where other programs run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from step_lines import Outcome, outcome
from train_runs import add_options, environment, events_of, train_command, write_config, write_json

HERE = Path(__file__).parent
PEER = HERE / "peers" / "trainer_peft.py"
OURS = HERE / "training_steps.py"
LIMIT = 1e-3
"""Greatest difference of losses, in nats a token."""


def main() -> None:
    """Prints both comparisons; exits with 1 if the losses differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add_options(parser)
    parser.add_argument("--only", choices=("losses", "speed"))
    parser.add_argument("--steps", type=int, default=20, help="steps whose losses are compared")
    parser.add_argument("--accumulation", type=int, default=2, help="sequences in a step whose loss is compared")
    parser.add_argument("--learning-rate", type=float, help="base learning rate; default: the configuration's")
    parser.add_argument("--sensitivity", action="store_true", help="repeat the peer with a slightly other recipe")
    parser.add_argument("--lengths", type=int, nargs="+", default=[1024, 2048], help="of the sequences that are timed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--speed-steps", type=int, default=3, help="timed steps in each round")
    parser.add_argument("--speed-accumulation", type=int, default=2, help="sequences in a timed step")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16", help="of the timed steps")
    parser.add_argument("--seed", type=int, default=0, help="of the rows that are timed")
    arguments = parser.parse_args()
    if arguments.steps < 2:
        parser.error("--steps must be at least 2")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    figures: dict[str, Any] = {"environment": environment(), "model": arguments.model, "device": arguments.device}
    agree = True
    with tempfile.TemporaryDirectory() as folder:
        if arguments.only != "speed":
            figures["losses"] = compare_losses(arguments, Path(folder))
            agree = figures["losses"]["difference"] <= LIMIT
        if arguments.only != "losses":
            figures["speed"] = compare_speed(arguments, Path(folder))
    write_json(arguments.json, figures)
    sys.exit(0 if agree else 1)


# Losses


def compare_losses(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The first steps of a run, and the peer's."""
    steps, accumulation = arguments.steps, arguments.accumulation
    changes: dict[str, Any] = {
        "model.dtype": "float32",
        "model.lora.dropout": 0.0,
        "training.gradient_accumulation_steps": accumulation,
        "training.batch_size_reference": 1,
        "training.max_validation_sequences": 1,
        # This checkpoint is written within the epoch and so has its order; the one at step 0 has the initial weights.
        "training.save_interval": max(1, steps // 2),
        "training.keep_checkpoints": 1000,
    }
    if arguments.learning_rate is not None:
        changes["training.base_learning_rate"] = arguments.learning_rate
    path = write_config(arguments, changes, folder / "losses.yaml")
    config, options, sequences = plan(arguments, path)
    if sequences < steps * accumulation:
        sys.exit(f"error: the first epoch has {sequences} sequences, too few for {steps} steps of {accumulation}")
    run = folder / "run"
    begun = time.monotonic()
    ours = run_until(
        train_command(run, "--data", arguments.dataset, "--config", path, "--device", arguments.device, *options),
        run,
        steps,
    )
    seconds = time.monotonic() - begun
    checkpoint = run / "checkpoints" / f"step-{max(1, steps // 2):06d}"
    state = json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))
    if state["epoch"] != 1:
        sys.exit(f"error: the checkpoint {checkpoint.name} is of epoch {state['epoch']}")
    training = config.training
    warmup = min(
        max(round(training.warmup_ratio * state["phase_steps"]), training.warmup_min_steps),
        training.warmup_max_steps,
        state["phase_steps"],
    )

    def peer(rate: float) -> list[dict[str, Any]]:
        return outcome(
            sys.executable, PEER, arguments.dataset, *peer_options(arguments, config),
            "--adapter", run / "checkpoints" / "step-000000" / "adapter", "--order", checkpoint / "order.npy",
            "--steps", steps, "--accumulation", accumulation, "--learning-rate", rate, "--warmup", warmup,
            "--dtype", "float32",
        ).lines  # fmt: skip

    base = training.base_learning_rate
    theirs = peer(base)
    print(
        f"losses in nats a learnt token: fp32, no dropout, {accumulation} sequences a step, warm-up of {warmup} steps"
    )
    print(
        f"{'step':>4} {'learnt':>7} {'rate':>9} {'longctx':>11} {'Trainer':>11} {'differ':>9} {'norm':>9} {'norm':>9}"
    )
    for left, right in zip(ours, theirs, strict=True):
        same = left["learnt"] == right["learnt"] and left["tokens"] == right["tokens"]
        if not same or not math.isclose(left["learning_rate"], right["learning_rate"], rel_tol=1e-9):
            sys.exit(f"error: step {left['step']} is not the same:\n  longctx {left}\n  Trainer {right}")
        print(
            f"{left['step']:4} {left['learnt']:7} {left['learning_rate']:9.2e} {left['loss']:11.7f} "
            f"{right['loss']:11.7f} {abs(left['loss'] - right['loss']):9.1e} {left['norm']:9.5f} {right['norm']:9.5f}"
        )
    worst = greatest(ours, theirs)
    verdict = "within" if worst <= LIMIT else "MORE THAN"
    print(f"greatest difference {worst:.1e}, {verdict} the limit of {LIMIT:.0e} ({seconds:.0f} s for longctx)")
    figures = {"steps": steps, "accumulation": accumulation, "learning_rate": base, "warmup": warmup}
    figures |= {"difference": worst, "limit": LIMIT, "longctx": ours, "trainer": theirs}
    if arguments.sensitivity:
        figures["difference_of_2_percent"] = greatest(theirs, peer(base * 1.02))
        print(f"a learning rate 2 % higher would differ by {figures['difference_of_2_percent']:.1e}")
    return figures


def greatest(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> float:
    """The greatest difference between losses of the same step."""
    return max(abs(float(one["loss"]) - float(other["loss"])) for one, other in zip(left, right, strict=True))


def plan(arguments: argparse.Namespace, path: Path) -> tuple[Any, list[object], int]:
    """The configuration, options that make the first epoch hardly longer than the steps, and its sequences."""
    from longctx.config_file import load_config
    from longctx.data.shards import open_dataset
    from longctx.schedule import LongContextPhaseScheduler
    from longctx.train.plan import Plan

    config, dataset = load_config(path), open_dataset(arguments.dataset, checksums=False)
    phases = len(LongContextPhaseScheduler(config).phases)
    scheduler = LongContextPhaseScheduler(config, phases)

    def pool(limit: int) -> int:
        return len(Plan(dataset, scheduler, seed=config.training.seed, max_sequences=limit).pool(1))

    wanted = arguments.steps * arguments.accumulation
    low, high = wanted, len(dataset)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if pool(middle) >= wanted else (middle + 1, high)
    return config, ["--epochs", phases, "--max-sequences", low], pool(low)


def run_until(command: list[str], run: Path, steps: int) -> list[dict[str, Any]]:
    """Runs a training until so many steps of its first epoch are done; returns what it told of them."""
    with (run.with_suffix(".log")).open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while process.poll() is None and len(steps_of(run)) < steps:
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            process.wait()
        finally:
            process.kill()
            process.wait()
    told = steps_of(run)[:steps]
    if len(told) < steps:
        sys.exit(f"error: {' '.join(command)} did {len(told)} steps:\n{run.with_suffix('.log').read_text()}")
    return told


def steps_of(run: Path) -> list[dict[str, Any]]:
    """The steps of a run's first epoch."""
    return [event for event in events_of(run) if event["event"] == "step" and event["epoch"] == 1]


# Speed


def compare_speed(arguments: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Both sides in turn, at each length."""
    from longctx.config_file import load_config

    path = write_config(
        arguments,
        {
            "model.dtype": arguments.dtype,
            "model.lora.dropout": 0.05,
            "training.use_gradient_checkpointing": True,
        },
        folder / "speed.yaml",
    )
    config, adapter = load_config(path), folder / "adapter"
    none = folder / "none.npy"
    np.save(none, np.empty(0, dtype=np.int64))
    common = ["--accumulation", arguments.speed_accumulation, "--dtype", arguments.dtype]
    ours: list[object] = [
        sys.executable,
        OURS,
        arguments.dataset,
        "--config",
        path,
        "--device",
        arguments.device,
        *common,
    ]
    outcome(*ours, "--order", none, "--steps", 0, "--save-adapter", adapter)
    theirs: list[object] = [
        sys.executable, PEER, arguments.dataset, *peer_options(arguments, config), *common, "--adapter", adapter,
        "--learning-rate", config.training.base_learning_rate, "--dropout", 0.05,
    ]  # fmt: skip
    print(f"\ntokens a second, {arguments.dtype} on {arguments.device}, dropout 0.05, gradient checkpointing")
    return [compare_at(length, arguments, folder, ours, theirs) for length in arguments.lengths]


def compare_at(
    length: int, arguments: argparse.Namespace, folder: Path, ours: list[object], theirs: list[object]
) -> dict[str, Any]:
    """Both sides in turn, at one length."""
    steps = arguments.speed_steps + 1
    order = folder / f"{length}.npy"
    np.save(order, draw(arguments.dataset, length, steps * arguments.speed_accumulation, arguments.seed))
    rounds: dict[str, list[Outcome]] = {"longctx": [], "Trainer": []}
    for number in range(arguments.rounds):
        for name, command in (("longctx", ours), ("Trainer", theirs)):
            done = outcome(*command, "--order", order, "--steps", steps)
            rounds[name].append(done)
            print(f"  {length} tokens, round {number + 1}, {name}: {done.pace():.1f}", file=sys.stderr, flush=True)
    pairs = list(zip(rounds["longctx"], rounds["Trainer"], strict=True))
    if any([line["tokens"] for line in a.lines] != [line["tokens"] for line in b.lines] for a, b in pairs):
        sys.exit("error: the two sides did not read the same tokens")
    tokens, learnt = (sum(line[name] for line in pairs[0][0].lines[1:]) for name in ("tokens", "learnt"))
    ratios = [left.pace() / right.pace() for left, right in pairs]
    figures: dict[str, Any] = {"length": length, "mean_length": tokens / arguments.speed_accumulation / (steps - 1)}
    figures |= {"learnt_share": learnt / tokens, "ratio": statistics.median(ratios), "ratios": ratios}
    print(f"\n{length} tokens (mean {figures['mean_length']:.0f}, {figures['learnt_share']:.0%} learnt)")
    print(f"{'':10} {'tokens/s':>9} {'least':>9} {'most':>9} {'RSS MiB':>9} {'anon MiB':>9} {'GPU MiB':>9}")
    for name, outcomes in rounds.items():
        paces = [one.pace() for one in outcomes]
        figures[name.lower()] = {
            "tokens_per_second": statistics.median(paces),
            "rounds": paces,
            "resident": max(one.resident for one in outcomes),
            "anonymous": max((one.anonymous for one in outcomes if one.anonymous is not None), default=None),
            "device": max((one.device for one in outcomes if one.device is not None), default=None),
        }
        memory = [mebibytes(figures[name.lower()][kind]) for kind in ("resident", "anonymous", "device")]
        shown = [statistics.median(paces), min(paces), max(paces)]
        print(f"{name:10} {' '.join(f'{pace:9.1f}' for pace in shown)} {' '.join(memory)}")
    spread = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"ratio {figures['ratio']:.2f} (rounds: {spread})")
    return figures


def mebibytes(count: int | None) -> str:
    """A column of a table."""
    return f"{'-':>9}" if count is None else f"{count / (1 << 20):9.0f}"


def draw(dataset: Path, length: int, count: int, seed: int) -> np.ndarray[Any, Any]:
    """Rows of `train` from 90 to 100 % as long as `length`; repeated if there are too few."""
    from longctx.data.shards import open_dataset

    opened = open_dataset(dataset, checksums=False)
    lengths = opened.column("length")
    rows = np.flatnonzero((opened.splits() == 0) & (lengths <= length) & (lengths >= 0.9 * length))
    if not len(rows):
        sys.exit(f"error: the dataset has no sequences of nearly {length} tokens")
    return np.resize(np.random.default_rng(seed).permutation(rows), count)


def peer_options(arguments: argparse.Namespace, config: Any) -> list[object]:
    """What the peer needs to know of the configuration."""
    training = config.training
    options: list[object] = ["--device", arguments.device, "--seed", training.seed]
    options += ["--weight-decay", training.weight_decay, "--max-grad-norm", training.max_grad_norm]
    return options if training.use_gradient_checkpointing else [*options, "--no-checkpointing"]


if __name__ == "__main__":
    main()

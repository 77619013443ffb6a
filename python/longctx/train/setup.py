"""From what a user asked for to everything that a run needs; all that can be refused is refused here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from longctx.config import Config
from longctx.data.shards import Dataset, open_dataset
from longctx.errors import UsageError
from longctx.model.device import choose_device
from longctx.model.load import LoadedModel, check_lengths, load_model
from longctx.model.lora import load_adapter
from longctx.model.source import DEMO, ModelSource, find_model
from longctx.model.tokenizer_match import check_tokenizer
from longctx.schedule import LongContextPhaseScheduler
from longctx.tokenizers import find_tokenizer
from longctx.train.budget import Pace
from longctx.train.checkpoint import Checkpoints, latest_checkpoint, read_checkpoint
from longctx.train.costs import EpochCost, epoch_costs
from longctx.train.identity import check_identity, identity
from longctx.train.optimizer_state import load_optimizer
from longctx.train.plan import Plan
from longctx.train.processes import Processes
from longctx.train.request import Request
from longctx.train.state import RunState
from longctx.train.step import Stepper

CHECKPOINTS = "checkpoints"
"""Folder of the run's checkpoints."""
ADAPTER = "adapter"
OPTIMIZER = "optimizer.safetensors"
"""Names inside a checkpoint."""

_CPU_STEP = 64
"""Tokens between the lengths that a processor computes with."""

Notify = Callable[[str, Mapping[str, Any]], None]
"""Called with the name of an event and its values; `docs/training.md` lists them."""


@dataclass
class Setup:
    """Everything that a run works with."""

    request: Request
    dataset: Dataset
    source: ModelSource
    scheduler: LongContextPhaseScheduler
    plan: Plan
    loaded: LoadedModel
    stepper: Stepper
    processes: Processes
    checkpoints: Checkpoints | None
    """None where nothing is written: in a dry run, and in all processes but the first."""
    state: RunState
    continued: Path | None
    """The checkpoint that the run goes on from."""

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.request.config

    @property
    def batch(self) -> int:
        """Sequences in one optimiser step, of all processes together."""
        return self.config.training.batch_size_reference * self.config.training.gradient_accumulation_steps

    def costs(self, pace: Pace) -> list[EpochCost]:
        """What each epoch of the run would take, were there no budget."""
        return epoch_costs(
            self.plan,
            pace,
            sequences_per_step=self.batch,
            validation_limit=self.state.validated,
            processes=self.processes.size,
        )

    def reschedule(self, epochs: dict[int, int]) -> None:
        """Takes over another number of epochs by phase."""
        self.scheduler = LongContextPhaseScheduler(self.config, epochs)
        self.plan = make_plan(self.request, self.dataset, self.scheduler)
        self.state.epochs = epochs


def make_plan(request: Request, dataset: Dataset, scheduler: LongContextPhaseScheduler) -> Plan:
    """Which sequences are taught when.

    Raises:
        UsageError: A phase has nothing to teach.
    """
    return Plan(dataset, scheduler, seed=request.config.training.seed, max_sequences=request.max_sequences)


def set_up(request: Request, notify: Notify) -> Setup:
    """Opens and loads everything.

    Raises:
        LongctxError: Something that was asked for cannot be had, or does not fit together.
    """
    config = request.config
    processes = Processes(choose_device(request.device))
    device = processes.device
    dataset = open_dataset(request.data)
    source = find_model(config.model)
    tokenizer = _tokenizer(source)
    check_tokenizer(tokenizer, source.name, dataset)
    checkpoints = _checkpoints(request, processes)
    continued, state = _continued(request)
    if request.resume and continued is None and processes.main:
        notify("note", {"text": "the run saved no checkpoint yet, so it begins anew"})
    scheduler = LongContextPhaseScheduler(config, state.epochs if state else request.epochs)
    plan = make_plan(request, dataset, scheduler)
    now = identity(config, request.data, source.fingerprint, epochs=request.epochs, max_sequences=request.max_sequences)
    if state is not None:
        check_identity(state.identity, now)
    longest = max(phase.max_length for phase in scheduler.phases)
    check_lengths(config, None, longest)
    if processes.main:
        notify("loading", {"model": source.name, "device": str(device)})
    loaded = load_model(
        config,
        source,
        device,
        dataset.manifest,
        dtype=getattr(torch, state.dtype) if state else None,
        seed=config.training.seed,
        verbose=request.verbose,
    )
    check_lengths(config, loaded.model.config, longest)
    if tokenizer is None:
        loaded.notes.append("the model has no tokenizer.json, so that of the dataset could not be compared with it")
    dtype = processes.from_main(str(loaded.dtype).removeprefix("torch."))
    if state is None:
        state = RunState(
            identity=now,
            epochs={phase.number: phase.epochs for phase in scheduler.phases},
            validated=config.training.max_validation_sequences,
            dtype=dtype,
        )
    stepper = _stepper(config, loaded, dataset, plan, processes)
    if continued is not None:
        load_adapter(loaded.model, continued / ADAPTER)
        load_optimizer(stepper.optimizer, continued / OPTIMIZER)
    elif request.checkpoint is not None:
        load_adapter(loaded.model, adapter_folder(request.checkpoint))
    return Setup(request, dataset, source, scheduler, plan, loaded, stepper, processes, checkpoints, state, continued)


def adapter_folder(path: Path) -> Path:
    """The folder of the adapter that `path` means: itself, a checkpoint, or a run with a best or final one.

    Raises:
        UsageError: There is no adapter.
    """
    for folder in (path, path / ADAPTER, path / "best", path / "final"):
        if (folder / "adapter_config.json").is_file():
            return folder
    raise UsageError(
        f"there is no adapter in {path}", "give a folder with adapter_config.json, a checkpoint, or the output of a run"
    )


def _checkpoints(request: Request, processes: Processes) -> Checkpoints | None:
    """The checkpoints of the run, put right if it was killed while it wrote one."""
    found = None
    if processes.main and not request.dry_run:
        found = Checkpoints(request.output / CHECKPOINTS, request.config.training.keep_checkpoints)
    processes.wait()
    return found


def _continued(request: Request) -> tuple[Path | None, RunState | None]:
    """The checkpoint to go on from, whole and verified, with its state; none where the run saved none yet."""
    if not request.resume:
        return None, None
    path = request.checkpoint or latest_checkpoint(request.output / CHECKPOINTS)
    if path is None:
        return None, None
    read_checkpoint(path)
    return path, RunState.read(path)


def _tokenizer(source: ModelSource) -> Path | None:
    """The model's own tokenizer.json, if it has one."""
    try:
        found = find_tokenizer(DEMO if source.name == DEMO else source.location).path
    except UsageError:
        return None
    return Path(found) if found else None


def _shapes(device: torch.device, longest: list[int]) -> list[int]:
    """Lengths that sequences are filled up to, given the bands' maxima; empty leaves them as they are.

    With few shapes an allocator stays small that keeps a pool for each, as Apple's does. On a processor it is oneDNN
    that keeps code and room for each shape, so that memory grows with every new length.
    """
    if device.type == "mps":
        return longest
    if device.type == "cpu":
        return [*range(_CPU_STEP, max(longest), _CPU_STEP), max(longest)]
    return []


def _stepper(config: Config, loaded: LoadedModel, dataset: Dataset, plan: Plan, processes: Processes) -> Stepper:
    training = config.training
    parameters = [p for p in loaded.model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters,
        lr=training.base_learning_rate,
        weight_decay=training.weight_decay,
        fused=True,
    )
    return Stepper(
        loaded,
        dataset,
        optimizer,
        lengths=plan.lengths,
        learnt=plan.learnt,
        batch_size=training.batch_size_reference,
        max_norm=training.max_grad_norm,
        seed=training.seed,
        processes=processes,
        pad_to=_shapes(loaded.device, [band["max"] for band in dataset.manifest["bands"]]),
    )

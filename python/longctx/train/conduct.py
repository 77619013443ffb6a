"""Conducts a run from its set-up to its summary."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from longctx.errors import UsageError
from longctx.model.lora import save_adapter
from longctx.schedule import LongContextPhaseScheduler
from longctx.train.budget import Budget, Pace, decide_epochs
from longctx.train.metrics import Metrics
from longctx.train.outputs import recover_adapter, replace_adapter, write_run
from longctx.train.overview import overview
from longctx.train.probe import probe
from longctx.train.request import Request
from longctx.train.run import Interrupted, Run
from longctx.train.setup import Notify, Setup, set_up

_VALIDATION_SHARE = 0.15
"""Of a time budget, for validations."""
_LEAST_VALIDATED = 4
"""Sequences of each sort in a validation, however short the time."""


def conduct(request: Request, begun: float, notify: Notify | None) -> dict[str, Any]:
    """Trains as `longctx.training.train` says.

    Args:
        request: What is asked for.
        begun: When the run began, on the monotonic clock: the time budget counts from there.
        notify: Told of every event; None is nobody.
    """
    notify = _deaf if notify is None else notify
    setup = set_up(request, notify)
    processes = setup.processes
    try:
        return _conduct(setup, begun, notify if processes.main else _deaf)
    except Interrupted:
        if processes.main:
            notify("interrupted", {"output": str(request.output)})
        raise KeyboardInterrupt from None
    finally:
        processes.close()


def _conduct(setup: Setup, begun: float, notify: Notify) -> dict[str, Any]:
    request, processes = setup.request, setup.processes
    pace = Pace.from_state(setup.state.pace) if setup.state.pace else Pace()
    probed = probe(setup, pace, lambda tokens, phase: notify("probing", {"tokens": tokens, "phase": phase}))
    pace = processes.from_main(pace)
    budget = _budget(setup, pace, begun) if request.time_budget is not None else None
    first = overview(setup, setup.costs(pace), probed)
    notify("overview", first)
    if request.dry_run:
        return {"dry_run": True, "overview": first}
    metrics = None
    if processes.main:
        for name in ("best", "final"):
            recover_adapter(request.output / name)
        _write_run(setup, finished=False)
        metrics = Metrics(
            request.output, keep_until_step=setup.state.step if setup.continued else None, tensorboard=True
        )
        metrics.write("overview", **first)
    run = Run(setup, pace, budget, metrics, notify, begun)
    try:
        run.go()
        summary = _summary(setup, first, run.elapsed)
        if processes.main:
            tokenizer = setup.dataset.path / "tokenizer"
            replace_adapter(request.output / "final", lambda to: save_adapter(setup.loaded.model, to), tokenizer)
            _write_run(setup, finished=True)
            if metrics is not None:
                metrics.write("end", elapsed=round(run.elapsed, 3), step=setup.state.step)
        notify("end", summary)
    finally:
        if metrics is not None:
            metrics.close()
    return summary


def _deaf(_event: str, _values: Mapping[str, Any]) -> None:
    """Listens to nothing."""


def _budget(setup: Setup, pace: Pace, begun: float) -> Budget:
    """The time budget; a run that begins gets the epochs that fit in it."""
    total = setup.request.time_budget or 0.0
    configured = {phase.number: phase.epochs for phase in setup.scheduler.phases}
    if setup.continued is None:
        epochs, setup.state.validated = setup.processes.from_main(_fitted(setup, pace, total, time.monotonic() - begun))
        setup.reschedule(epochs)
    else:
        configured = {p.number: p.epochs for p in LongContextPhaseScheduler(setup.config, setup.request.epochs).phases}
    budget = Budget(total, setup.costs(pace), configured=configured)
    if setup.state.budget:
        budget.restore(setup.state.budget)
    return budget


def _fitted(setup: Setup, pace: Pace, total: float, elapsed: float) -> tuple[dict[int, int], int]:
    """Epochs by phase, and sequences of a validation, that fit in a time budget.

    Validations get smaller rather than take more than their share of it.
    """
    while True:
        costs = setup.costs(pace)
        refused = None
        try:
            epochs = decide_epochs(total, elapsed, costs)
        except UsageError as error:
            epochs, refused = {cost.phase: 1 for cost in costs}, error
        each = {cost.phase: cost.validation for cost in costs}
        seconds = sum(each[phase] * (count + 1) for phase, count in epochs.items())
        if setup.state.validated <= _LEAST_VALIDATED or (refused is None and seconds <= _VALIDATION_SHARE * total):
            if refused is not None:
                raise refused
            return epochs, setup.state.validated
        setup.state.validated = max(setup.state.validated // 2, _LEAST_VALIDATED)


def _write_run(setup: Setup, *, finished: bool) -> None:
    request = setup.request
    write_run(
        request.output,
        {
            "data": str(request.data.resolve()),
            "model": setup.source.name,
            "options": {
                "epochs": request.epochs,
                "max_sequences": request.max_sequences,
                "time_budget": request.time_budget,
            },
            "config": request.config.to_dict(),
            "finished": finished,
        },
    )


def _summary(setup: Setup, first: Mapping[str, Any], elapsed: float) -> dict[str, Any]:
    """What the run did, as `--json` prints it."""
    output, state = setup.request.output, setup.state
    best = output / "best"
    taught = state.used > 0
    return {
        "model": first["model"],
        "output": str(output),
        "best": str(best) if best.exists() else None,
        "final": str(output / "final"),
        "steps": state.step,
        "steps_left_out": state.skipped,
        "seconds": round(elapsed, 3),
        "time_budget": setup.request.time_budget,
        "sequences_taught": int(taught.sum()),
        "sequences_never_taught": int((setup.dataset.splits() == 0).sum() - taught.sum()),
        "tokens": sum(record["tokens"] for record in state.history),
        "epochs": state.history,
    }

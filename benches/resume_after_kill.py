"""A run that is killed with `kill -9` again and again, beside one that nothing interrupted: are the weights the same?

    python benches/resume_after_kill.py DATASET --model MODEL [--kills 10] [--config FILE] [--device cpu] [--seed 0]
        [--epochs N] [--max-sequences 24] [--accumulation 2] [--save-interval 2] [--validation 2] [--dtype float32]
        [--keep FOLDER] [--json FILE]

The first run is left alone and says what happens when. Then moments are drawn with the seed, so many while the program
loads as while it steps, saves and validates: each is a place between two events of the first run, and a share of the
time that passed between them. The second run is killed when it has come as far, and continued with `--resume`, until it
is done. A run that was killed before it wrote its first checkpoint begins anew; one that left nothing is started again.

The table says what each part of the run was at when it was killed, by what it had told, its last step, the checkpoint
that the next part goes on from, and what half-written folders it left. The adapters `best` and `final` must be the same
byte for byte, the losses of all steps and validations the same number, each step told once, and nothing half-written
left. Exits with 1 if something differs. Where the machine is busy with other things the times of the first run do not
hold for the second: a kill may then meet another stage than the one wanted, or the run may end before the last kills.

`--dtype` is fp32 unless said otherwise, since a run in bf16 on a processor first times which type is faster, and two
runs may then not choose the same one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from train_runs import add_options, environment, events_of, lines_of, train_command, write_config, write_json

STAGES = ("loading", "stepping", "saving", "validating")
UNDER_WAY = {"step": "stepping", "checkpoint": "saving", "best": "saving", "end": "saving", "validation": "validating"}
"""What a run is at before it tells an event."""
POLL = 0.002
"""Seconds between two looks at what a run has told."""
WEIGHTS = "adapter_model.safetensors"

Key = tuple[Any, ...]
"""An event's name, the steps told before it or by it, and its phase and epoch: no two of a run are the same."""


@dataclass(frozen=True)
class Moment:
    """When a run is to be killed."""

    stage: str
    after: int
    """Number of the event in the undisturbed run after which the clock starts; -1 is the start of the process."""
    seconds: float


@dataclass(frozen=True)
class Kill:
    """What a killed run was at."""

    wanted: str
    found: str
    seconds: float
    """That this part of the run had lived."""
    step: int
    """The last step that it told, 0 if none."""
    checkpoint: int | None
    """Step of the newest whole checkpoint, which the next part goes on from."""
    leftovers: list[str]


def main() -> None:
    """Prints the table and whether both runs came to the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add_options(parser)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--epochs", type=int, help="default: two for each phase")
    parser.add_argument("--max-sequences", type=int, default=24)
    parser.add_argument("--accumulation", type=int, default=2)
    parser.add_argument("--save-interval", type=int, default=2)
    parser.add_argument("--validation", type=int, default=2, help="sequences of each sort in one validation")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--keep", type=Path, help="put both runs here and leave them; default: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("undisturbed", "killed"):
            if (folder / name).exists():
                sys.exit(f"error: {folder / name} exists already")
        sys.exit(compare(arguments, folder))


def compare(arguments: argparse.Namespace, folder: Path) -> int:
    """Does both runs, and says how they differ; 1 if they do."""
    changes = {
        "model.dtype": arguments.dtype,
        "training.gradient_accumulation_steps": arguments.accumulation,
        "training.save_interval": arguments.save_interval,
        "training.max_validation_sequences": arguments.validation,
    }
    path = write_config(arguments, changes, folder / "config.yaml")
    options = ["--device", arguments.device, "--data", arguments.dataset, "--config", path]
    options += ["--epochs", arguments.epochs or 2 * phases(path), "--max-sequences", arguments.max_sequences]
    whole, killed = folder / "undisturbed", folder / "killed"
    begun = time.monotonic()
    loading = undisturbed(options, whole)
    events = list(keyed(events_of(whole)))
    steps = sum(event["event"] == "step" for _, event in events)
    saves = sum(event["event"] == "checkpoint" for _, event in events)
    print(
        f"undisturbed: {time.monotonic() - begun:.0f} s, {loading:.0f} s of them until its first event; {steps} steps, "
        f"{saves} checkpoints, {sum(event['event'] == 'validation' for _, event in events)} validations",
        flush=True,
    )
    moments = draw(arguments.kills, events, loading, random.Random(arguments.seed))  # noqa: S311 - no secret
    print(f"\n{'':>4} {'wanted':>10} {'killed while':>13} {'after s':>8} {'step':>5} {'goes on from':>13}  left behind")
    kills: list[Kill] = []
    begun = time.monotonic()
    numbers = {key: number for number, (key, _) in enumerate(events)}
    for moment in moments:
        if finished(killed):
            break
        kill = part(options, killed, moment, events, numbers)
        if kill is None:
            break
        kills.append(kill)
        place = "the beginning" if kill.checkpoint is None else f"step {kill.checkpoint}"
        print(
            f"{len(kills):4} {kill.wanted:>10} {kill.found:>13} {kill.seconds:8.2f} {kill.step:5} {place:>13}  "
            f"{', '.join(kill.leftovers) or '-'}",
            flush=True,
        )
    while not finished(killed):
        part(options, killed, None, events, numbers)
    met = ", ".join(f"{count} while {stage}" for stage, count in Counter(kill.found for kill in kills).items())
    print(f"\nkilled {len(kills)} times of {len(moments)} ({met}), done after {time.monotonic() - begun:.0f} s")
    checks = differences(whole, killed)
    for name, wrong in checks.items():
        print(f"{name:40} {wrong or 'equal'}")
    figures: dict[str, Any] = {"environment": environment(), "model": arguments.model, "device": arguments.device}
    figures |= {"steps": steps, "kills": [asdict(kill) for kill in kills], "checks": checks}
    write_json(arguments.json, figures)
    return int(any(checks.values()))


def phases(path: Path) -> int:
    """How many phases a configuration has."""
    from longctx.config_file import load_config
    from longctx.schedule import LongContextPhaseScheduler

    return len(LongContextPhaseScheduler(load_config(path)).phases)


def undisturbed(options: Sequence[object], run: Path) -> float:
    """Does a whole run; returns the seconds until it told its first event."""
    process = start(options, run)
    begun = time.monotonic()
    while not lines_of(run) and process.poll() is None:
        time.sleep(POLL)
    loading = time.monotonic() - begun
    fail_unless(process.wait() == 0, run)
    return loading


def start(options: Sequence[object], run: Path) -> subprocess.Popen[bytes]:
    """Starts a run, or goes on with it if there is one."""
    going_on = (run / "run.json").is_file()
    # All but the device is known to a run that is continued.
    command = train_command(run, *([*options[:2], "--resume"] if going_on else options))
    with run.with_suffix(".log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def fail_unless(good: bool, run: Path) -> None:
    """Ends the bench with what a run said, if it failed of itself."""
    if not good:
        sys.exit(f"error: a run failed:\n{run.with_suffix('.log').read_text(encoding='utf-8')}")


def finished(run: Path) -> bool:
    """Whether a run says that it is done."""
    path = run / "run.json"
    return path.is_file() and bool(json.loads(path.read_text(encoding="utf-8"))["finished"])


def keyed(events: Sequence[dict[str, Any]], steps: int = 0) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Events with what tells them apart.

    Args:
        events: In the order in which they were told.
        steps: Done before the first of them.
    """
    for event in events:
        steps = event["step"] if event["event"] == "step" else steps
        yield (event["event"], steps, event.get("phase"), event.get("epoch")), event


def draw(count: int, events: list[tuple[Key, dict[str, Any]]], loading: float, source: random.Random) -> list[Moment]:
    """Moments in the order in which a run comes to them, as many of each stage as of the others."""
    stages = [STAGES[number % len(STAGES)] for number in range(count)]
    source.shuffle(stages)
    places = {
        stage: [number for number in range(len(events) - 1) if UNDER_WAY.get(events[number + 1][1]["event"]) == stage]
        for stage in STAGES
    }
    drawn: list[tuple[float, Moment]] = []
    for number, stage in enumerate(stages):
        # One from each of `count` equal parts of the run, so that every part is met.
        part_of_run = (number + source.random()) / count
        if stage == "loading":
            drawn.append((part_of_run * len(events), Moment(stage, -1, source.random() * loading)))
            continue
        if not places[stage]:
            sys.exit(f"error: the run has no moment of {stage}")
        place = min(places[stage], key=lambda at: abs(at - part_of_run * len(events)))
        pause = events[place + 1][1].get("elapsed", 0.0) - events[place][1].get("elapsed", 0.0)
        # The first event has no time of its own; what comes after it is soon told.
        pause = pause if "elapsed" in events[place][1] else 0.05
        drawn.append((place, Moment(stage, place, source.random() * pause)))
    return [moment for _, moment in sorted(drawn, key=lambda pair: pair[0])]


def part(
    options: Sequence[object],
    run: Path,
    moment: Moment | None,
    events: list[tuple[Key, dict[str, Any]]],
    numbers: dict[Key, int],
) -> Kill | None:
    """Starts or continues a run and kills it at a moment; None if it came to its end before."""
    known = lines_of(run)
    from_step = newest(run)
    process = start(options, run)
    begun = time.monotonic()
    reached: float | None = None
    last = -1
    while process.poll() is None:
        now = time.monotonic()
        told = lines_of(run)
        same = next(
            (at for at, (a, b) in enumerate(zip(known, told, strict=False)) if a != b), min(len(known), len(told))
        )
        known, new = known[:same], told[same:]
        last = furthest(new, from_step, numbers)
        if moment is not None and reached is None and last >= moment.after:
            reached = begun if moment.after < 0 else now
        if moment is not None and reached is not None and now >= reached + moment.seconds:
            process.kill()
        else:
            time.sleep(POLL)
    if process.wait() == 0:
        return None
    fail_unless(process.returncode == -9 and moment is not None, run)
    new = lines_of(run)[len(known) :]
    last = furthest(new, from_step, numbers)
    found = "loading" if not new else UNDER_WAY.get(events[min(last + 1, len(events) - 1)][1]["event"], "between")
    step = max((event["step"] for event in events_of(run) if event["event"] == "step"), default=0)
    assert moment is not None  # noqa: S101 - seen above
    return Kill(moment.stage, found, now - begun, step, newest(run), leftovers(run))


def furthest(lines: list[bytes], steps: int | None, numbers: dict[Key, int]) -> int:
    """Number of the undisturbed run's event that a continued run has come to; -1 if it told nothing yet."""
    if not lines:
        return -1
    # What a run tells first is its overview: it has then come as far as its checkpoint, if it has one.
    come = [number for key, number in numbers.items() if key[0] == "checkpoint" and key[1] == steps]
    told = keyed([json.loads(line) for line in lines], steps or 0)
    return max([numbers[key] for key, _ in told if key in numbers] + come)


def newest(run: Path) -> int | None:
    """Step of the newest whole checkpoint."""
    steps = [int(path.name.partition("-")[2]) for path in (run / "checkpoints").glob("step-*")]
    return max(steps, default=None)


def leftovers(run: Path) -> list[str]:
    """Names of what is half written, or was about to be removed."""
    hidden = [*run.glob(".*.new"), *run.glob(".*.old"), *run.glob(".*.tmp*"), *(run / "checkpoints").glob(".*")]
    return sorted(path.name for path in hidden)


def differences(whole: Path, killed: Path) -> dict[str, str]:
    """What was compared, and what is wrong with it; empty where nothing is."""
    checks = {}
    for name in ("final", "best"):
        left, right = whole / name / WEIGHTS, killed / name / WEIGHTS
        if not left.exists() and not right.exists():
            continue  # No validation was better than the first.
        both = left.exists() and right.exists()
        same = both and left.read_bytes() == right.read_bytes()
        checks[f"{name} adapter, byte for byte"] = "" if same else differing(left, right) if both else "MISSING"
    for event, keys in (("step", ("loss", "norm", "learning_rate")), ("validation", ("losses",))):
        ours, theirs = ([one for one in keyed(events_of(run)) if one[0][0] == event] for run in (whole, killed))
        ours_told, theirs_told = (
            [[key, *(one[name] for name in keys)] for key, one in side] for side in (ours, theirs)
        )
        wrong = sum(left != right for left, right in zip(ours_told, theirs_told, strict=False))
        counts = "" if len(ours) == len(theirs) else f"{len(ours)} AND {len(theirs)} TOLD; "
        checks[f"{event}s: {', '.join(keys)}"] = f"{counts}{wrong} DIFFER" if wrong or counts else ""
    checks["nothing half-written left"] = ", ".join(leftovers(killed))
    return checks


def differing(left: Path, right: Path) -> str:
    """How far apart two adapters are."""
    import numpy as np
    from safetensors.numpy import load_file

    ours, theirs = load_file(left), load_file(right)
    if ours.keys() != theirs.keys():
        return "OTHER NAMES"
    wrong = {
        name: float(np.abs(ours[name] - theirs[name]).max()) for name in ours if (ours[name] != theirs[name]).any()
    }
    return f"{len(wrong)} OF {len(ours)} MATRICES DIFFER, by up to {max(wrong.values(), default=0):.1e}"


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    main()

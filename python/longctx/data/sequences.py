"""One training example, and the public builder of single ones."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longctx._core import Tokenizer, build_commit_chain_sequence, build_file_sequence, build_qa_sequence

IGNORED_LABEL = -100
"""The label that PyTorch's cross-entropy leaves out."""


@dataclass(frozen=True)
class Segment:
    """A slice of a sequence's tokens that came from one document."""

    path: str
    """The document's path; bytes that are not UTF-8 are percent-encoded."""
    role: str
    """`file`, `redacted`, `definition` and so on."""
    tokens: tuple[int, int]
    """Start and end in the sequence, of the text alone."""
    bytes: tuple[int, int]
    """Start and end of that text in the document decoded to UTF-8."""
    blob: str | None = None
    """The document's git object id."""
    commit: str | None = None
    """The commit it was taken from; None is the one that was packed."""
    why: str | None = None
    """Why it is there: `target`, `named`, `sibling` and so on."""
    name: str | None = None
    """The definition that it shows, if it is one."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Segment:
        """A segment of a line of meta.jsonl."""
        (first, last), (start, end) = value["tokens"], value["bytes"]
        optional = (value.get(key) for key in ("blob", "commit", "why", "name"))
        return cls(value["path"], value["role"], (first, last), (start, end), *optional)


@dataclass(frozen=True, eq=False)
class LongContextSequence:
    """One training example: tokens of which those from `loss_start` on are learnt and those before are context."""

    tokens: NDArray[np.integer[Any]]
    """The ids, one-dimensional. Of a dataset this is a view into its file: copy before writing."""
    loss_start: int
    """Position of the first token that is learnt."""
    segments: tuple[Segment, ...]
    """What came from documents, in order."""
    kind: str
    """`hierarchical`, `commits` or `qa`."""
    decode: Callable[[NDArray[Any]], str] = field(repr=False)
    """Turns ids into text."""
    id: str | None = None
    """Its name in a dataset."""
    dropped: tuple[str, ...] = ()
    """Paths of earlier files, or ids of earlier commits, that had no room, front to back."""
    truncated_tokens: int = 0
    """Tokens of the target that had no room, at its end."""
    padding: int = 0
    """Tokens at the end that only fill the sequence up."""

    def __len__(self) -> int:
        return len(self.tokens)

    def text(self) -> str:
        """The sequence as text, markers spelled out, without padding."""
        return self.decode(self.tokens[: len(self.tokens) - self.padding])

    def padded(self, length: int, pad_token_id: int = 0) -> LongContextSequence:
        """The sequence filled up to `length` tokens.

        Raises:
            ValueError: It is longer than that.
        """
        room = _room(len(self.tokens), length)
        filler = np.full(room, pad_token_id, dtype=self.tokens.dtype)
        return replace(self, tokens=np.concatenate([self.tokens, filler]), padding=self.padding + room)

    def to_training_example(self, pad_to: int | None = None, pad_token_id: int = 0) -> dict[str, NDArray[np.int64]]:
        """`input_ids`, `labels` (-100 where nothing is learnt) and `attention_mask`, each of shape [length].

        Args:
            pad_to: Length to fill up to; None adds nothing.
            pad_token_id: The id to fill up with; it is masked and never learnt.

        Raises:
            ValueError: The sequence is longer than `pad_to`.
        """
        content = self.tokens[: len(self.tokens) - self.padding]
        length = len(self.tokens) if pad_to is None else pad_to
        _room(len(content), length)
        return training_example(content, self.loss_start, length, pad_token_id)


def training_example(
    tokens: NDArray[np.integer[Any]], loss_start: int, length: int, pad_token_id: int = 0
) -> dict[str, NDArray[np.int64]]:
    """As `LongContextSequence.to_training_example`, for ids of which there are at most `length`."""
    end = len(tokens)
    input_ids = np.full(length, pad_token_id, dtype=np.int64)
    input_ids[:end] = tokens
    labels = np.full(length, IGNORED_LABEL, dtype=np.int64)
    labels[loss_start:end] = tokens[loss_start:]
    attention_mask = np.zeros(length, dtype=np.int64)
    attention_mask[:end] = 1
    return {"input_ids": input_ids, "labels": labels, "attention_mask": attention_mask}


def _room(used: int, length: int) -> int:
    if used > length:
        raise ValueError(f"a sequence of {used} tokens does not fit in {length}")
    return length - used


class LongContextSequenceBuilder:
    """Builds single sequences by the rules that `longctx pack` follows.

    Args:
        tokenizer: A tokenizer, the path of a tokenizer.json, or None for the built-in one. The markers are added to
            it where it lacks them; `tokenizer` of the builder is the result.
        max_length: Most tokens of a sequence, markers and paths counted.

    Raises:
        LongctxError: The tokenizer cannot be read.
        ValueError: `max_length` is not positive.
    """

    def __init__(self, tokenizer: Tokenizer | str | os.PathLike[str] | None = None, max_length: int = 2048) -> None:
        if max_length < 1:
            raise ValueError(f"max_length is {max_length}; expected a positive number of tokens")
        if tokenizer is None:
            tokenizer = Tokenizer.default()
        elif not isinstance(tokenizer, Tokenizer):
            tokenizer = Tokenizer.from_file(os.fspath(tokenizer))
        self.tokenizer = tokenizer.with_markers()
        self.max_length = max_length

    def build_hierarchical_sequence(self, files: Sequence[tuple[str, str]], pad: bool = False) -> LongContextSequence:
        """One sequence of several files; the last is the target, the others are its context.

        The target is never cut to make room for the others: those are dropped from the front until the rest fits, and
        named in `dropped`. A target too long by itself keeps its first tokens up to `max_length`, markers and path
        counted; `truncated_tokens` says how many it lost.

        Args:
            files: Pairs of path and text, least important first.
            pad: Fill the sequence up to `max_length`.

        Raises:
            ValueError: There are no files.
            LongctxError: `max_length` has no room for the target's path.
        """
        if not files:
            raise ValueError("a sequence needs at least one file, its target")
        return self._built("hierarchical", build_file_sequence(self.tokenizer, list(files), self.max_length), pad)

    def build_commit_chain_sequence(
        self, path: str, versions: Sequence[tuple[str, str, str]], pad: bool = False
    ) -> LongContextSequence:
        """One sequence of versions of a file, as whole texts: a state, then what each commit made of it.

        The oldest versions are dropped until the rest fits, and their ids named in `dropped`. Learning starts at the
        file of the first commit block.

        Args:
            path: The file's path.
            versions: Commit id as it is to be shown, subject, and the file's whole text after it; oldest first.
            pad: Fill the sequence up to `max_length`.

        Raises:
            ValueError: There are no versions.
            LongctxError: `max_length` has no room for the newest version.
        """
        if not versions:
            raise ValueError("a sequence needs at least one version")
        built = build_commit_chain_sequence(self.tokenizer, path, list(versions), self.max_length)
        return self._built("commits", built, pad)

    def build_qa_sequence(
        self, snippets: Sequence[tuple[str, str]], question: str, answer: str | Sequence[int], pad: bool = False
    ) -> LongContextSequence:
        """One question about snippets with its answer, which alone is learnt.

        Args:
            snippets: Pairs of path and text, 1 to 16.
            question: The question, without "Question:".
            answer: Text, or the numbers of the snippets to point to, counted from 1.
            pad: Fill the sequence up to `max_length`.

        Raises:
            ValueError: There are no snippets.
            LongctxError: Too many snippets, an empty answer or one that names no snippet, or all of it is too long.
        """
        if not snippets:
            raise ValueError("a question needs at least one snippet")
        given = answer if isinstance(answer, str) else list(answer)
        built = build_qa_sequence(self.tokenizer, list(snippets), question, given, self.max_length)
        return self._built("qa", built, pad)

    def _built(self, kind: str, built: tuple[NDArray[np.uint32], int, str], pad: bool) -> LongContextSequence:
        tokens, loss_start, details = built
        described = json.loads(details)
        sequence = LongContextSequence(
            tokens=tokens,
            loss_start=loss_start,
            segments=tuple(Segment.from_json(segment) for segment in described["segments"]),
            kind=kind,
            decode=self.tokenizer.decode,
            dropped=tuple(described["dropped"]),
            truncated_tokens=described["truncated_tokens"],
        )
        return sequence.padded(self.max_length) if pad else sequence

"""A dataset as PyTorch's DataLoader wants it. Importing this module imports torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.utils.data import Dataset as _TorchBase

from longctx.data.sequences import IGNORED_LABEL, training_example
from longctx.data.shards import Dataset


class TorchDataset(_TorchBase[dict[str, torch.Tensor]]):
    """Items are `input_ids`, `labels` (-100 before `loss_start`) and `attention_mask`, int64, shape [length].

    Nothing is padded here: give the DataLoader a `BandCollator`.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        tokens = self.dataset.tokens(index)
        example = training_example(tokens, self.dataset.loss_start(index), len(tokens))
        return {name: torch.from_numpy(values) for name, values in example.items()}


class BandCollator:
    """Stacks items to shape [batch, length], filled up to the shortest of `lengths` that holds them all.

    Batches then have few different shapes: an allocator that keeps a pool for each, as Apple's does, stays small.

    Args:
        lengths: The bands' maxima, in tokens.
        pad_token_id: The id to fill up with; it is masked and never learnt.
    """

    def __init__(self, lengths: Sequence[int], pad_token_id: int = 0) -> None:
        if not lengths:
            raise ValueError("a collator needs at least one length to fill up to")
        self.lengths = sorted(lengths)
        self._filler = {"input_ids": pad_token_id, "labels": IGNORED_LABEL, "attention_mask": 0}

    @classmethod
    def of(cls, dataset: Dataset, pad_token_id: int = 0) -> BandCollator:
        """A collator for the bands of `dataset`."""
        return cls([band["max"] for band in dataset.manifest["bands"]], pad_token_id)

    def __call__(self, items: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Stacks `items`.

        Raises:
            ValueError: An item is longer than every length.
        """
        longest = max(len(item["input_ids"]) for item in items)
        length = next((length for length in self.lengths if length >= longest), None)
        if length is None:
            raise ValueError(f"a sequence of {longest} tokens does not fit in {self.lengths[-1]}")
        batch = {}
        for name, filler in self._filler.items():
            batch[name] = torch.full((len(items), length), filler, dtype=torch.int64)
            for row, item in enumerate(items):
                batch[name][row, : len(item[name])] = item[name]
        return batch

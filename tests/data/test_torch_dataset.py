from __future__ import annotations

from pathlib import Path

import pytest

from longctx import open_dataset
from tests.data.handmade import Row, write_dataset

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")


def test_batches_are_padded_to_the_shortest_band_that_holds_them(tmp_path: Path) -> None:
    from longctx.data.torch_dataset import BandCollator, TorchDataset

    rows = [
        Row("train", [("a.py", "a = 1\n"), ("b.py", "b = 2\n")]),
        Row("train", [("c.py", "c = 3\n")]),
        Row("train", [("d.py", "d = 4\n" * 15)], band=2),
    ]
    dataset = open_dataset(write_dataset(tmp_path / "d.longctx", rows), checksums=False)
    items = TorchDataset(dataset)
    collate = BandCollator.of(dataset, pad_token_id=5)
    loader = torch.utils.data.DataLoader(items, batch_size=2, collate_fn=collate)
    short, long = list(loader)
    assert short["input_ids"].shape == (2, 64)
    assert long["input_ids"].shape == (1, 128)
    length, start = len(dataset.tokens(0)), dataset.loss_start(0)
    assert short["input_ids"][0, :length].tolist() == dataset.tokens(0).tolist()
    assert set(short["input_ids"][0, length:].tolist()) == {5}
    assert set(short["labels"][0, :start].tolist()) == {-100}
    assert short["labels"][0, start:length].tolist() == dataset.tokens(0)[start:].tolist()
    assert short["attention_mask"].sum(dim=1).tolist() == [length, len(dataset.tokens(1))]
    with pytest.raises(ValueError, match="does not fit in 10"):
        BandCollator([10])([items[0]])

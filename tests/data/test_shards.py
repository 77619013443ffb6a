from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import longctx
from longctx import LongctxError, open_dataset
from longctx.data.shards import INDEX_DTYPE
from tests.data.handmade import Row, index_dtype, write_dataset

ROWS = [
    Row("train", [("a.py", "import b\n"), ("c.py", "x = 'é'\n")]),
    Row("train", [("d.py", "d = 1\n")], difficulty="hard", band=2),
    Row("train", [("e.py", "e = 1\n")], kind="qa"),
    Row("val", [("f.py", "print('<|FILE_START|>')\n")], difficulty="hard"),
]
TEXTS = [
    "<|FILE_START|>a.py\nimport b\n<|FILE_END|><|FILE_START|>c.py\nx = 'é'\n<|FILE_END|>",
    "<|FILE_START|>d.py\nd = 1\n<|FILE_END|>",
    "<|FILE_START|>e.py\ne = 1\n<|FILE_END|>",
    "<|FILE_START|>f.py\nprint('<|FILE_START|>')\n<|FILE_END|>",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "hand.longctx", ROWS)


@pytest.fixture
def dataset(folder: Path) -> longctx.Dataset:
    return open_dataset(folder, checksums=False)


def test_the_index_has_the_published_fields_without_gaps() -> None:
    assert index_dtype() == INDEX_DTYPE
    assert INDEX_DTYPE.itemsize == 8 + 4 + 4 + 1 + 1 + 1 + 1 + 4 + 2


def test_every_sequence_reads_back(dataset: longctx.Dataset) -> None:
    assert len(dataset) == 4
    assert [dataset.text(number) for number in range(4)] == TEXTS
    assert [sequence.text() for sequence in dataset] == TEXTS
    assert [dataset.split(number) for number in range(4)] == ["train", "train", "train", "val"]
    assert dataset.meta(1)["difficulty"] == "hard"
    assert dataset.loss_start(0) == int(dataset.tokens(0).tolist().index(50257, 1))
    assert dataset.manifest["repository"]["name"] == "handmade"


def test_a_sequence_knows_its_segments(dataset: longctx.Dataset) -> None:
    sequence = dataset[0]
    assert [(segment.path, segment.role, segment.bytes) for segment in sequence.segments] == [
        ("a.py", "file", (0, 9)),
        ("c.py", "file", (0, 9)),
    ]
    assert [(segment.why, segment.name) for segment in sequence.segments] == [("sibling", None), ("target", None)]
    start, end = sequence.segments[1].tokens
    assert sequence.decode(sequence.tokens[start:end]) == "x = 'é'\n"
    assert (sequence.id, sequence.kind) == ("train-00000-0", "hierarchical")


def test_tokens_are_views_of_the_file_and_cannot_be_written(dataset: longctx.Dataset) -> None:
    tokens = dataset.tokens(2)
    assert tokens.dtype == np.uint16
    assert isinstance(tokens, np.memmap)
    assert not tokens.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        tokens[0] = 1


def test_indexing_works_from_both_ends_and_refuses_what_is_outside(dataset: longctx.Dataset) -> None:
    assert dataset[-1].text() == TEXTS[3]
    for outside in (4, -5):
        with pytest.raises(IndexError, match=f"sequence {outside} of 4"):
            dataset.tokens(outside)


def test_filters_combine(dataset: longctx.Dataset) -> None:
    assert [sequence.text() for sequence in dataset.filter(split="val")] == [TEXTS[3]]
    assert len(dataset.filter(difficulty="hard")) == 2
    assert len(dataset.filter(difficulty="hard").filter(split="train")) == 1
    assert [sequence.text() for sequence in dataset.filter(band=2)] == [TEXTS[1]]
    assert [sequence.kind for sequence in dataset.filter(kind="qa", split="train")] == ["qa"]
    assert len(dataset.filter(kind="commits")) == 0
    assert len(dataset.filter()) == 4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"split": "test"}, "no split 'test' in this dataset; it has train, val"),
        ({"kind": "poem"}, "it has hierarchical, commits, qa"),
        ({"band": 3}, "it has 1, 2"),
        ({"difficulty": "nightmare"}, "very_hard"),
    ],
)
def test_a_filter_for_what_does_not_exist_is_an_error(
    dataset: longctx.Dataset, wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        dataset.filter(**wrong)  # type: ignore[arg-type]


def test_columns_follow_the_view(dataset: longctx.Dataset) -> None:
    assert dataset.column("band").tolist() == [1, 2, 1, 1]
    assert dataset.filter(split="val").column("files").tolist() == [1]
    with pytest.raises(ValueError, match="no field 'weight'"):
        dataset.column("weight")


def test_ids_are_those_of_the_view_in_its_order(dataset: longctx.Dataset) -> None:
    assert dataset.ids() == [sequence.id for sequence in dataset]
    assert dataset.filter(difficulty="hard").ids() == ["train-00000-1", "val-00000-0"]


def test_an_id_is_found_wherever_it_stands_in_its_line(tmp_path: Path) -> None:
    row = Row("train", [("a.py", "a\n")], extra={"id": 'späť "q"'})
    assert open_dataset(write_dataset(tmp_path / "d.longctx", [row]), checksums=False).ids() == ['späť "q"']


def test_a_pickled_view_opens_the_same_sequences(dataset: longctx.Dataset) -> None:
    view = dataset.filter(difficulty="hard")
    copy = pickle.loads(pickle.dumps(view))
    assert [sequence.text() for sequence in copy] == [sequence.text() for sequence in view]


def test_nothing_of_the_metadata_is_read_to_filter_and_get_tokens(folder: Path) -> None:
    dataset = open_dataset(folder, checksums=False)
    for path in folder.glob("*/*.meta.jsonl"):
        path.write_bytes(b"x" * path.stat().st_size)
    assert len(dataset.filter(split="train").tokens(0)) > 0
    with pytest.raises(LongctxError, match=r"00000\.meta\.jsonl: line 1 is missing or not JSON"):
        dataset.meta(0)


def test_an_index_of_another_layout_is_refused(folder: Path) -> None:
    path = folder / "train" / "00001.index.npy"
    np.save(path, np.zeros(1, dtype="<u8"))
    manifest = json.loads((folder / "manifest.json").read_text())
    for shard in manifest["shards"]:
        if (shard["split"], shard["name"]) == ("train", "00001"):
            shard["files"]["index"]["bytes"] = path.stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(LongctxError, match=r"train/00001\.index\.npy"):
        open_dataset(folder, checksums=False)


def test_a_dataset_of_no_sequences_opens(tmp_path: Path) -> None:
    assert list(open_dataset(write_dataset(tmp_path / "empty.longctx", []), checksums=False)) == []


@pytest.mark.parametrize("victim", ["manifest.json", "train/00000.tokens.npy", "val/00000.index.npy"])
def test_a_missing_file_is_named(folder: Path, victim: str) -> None:
    (folder / victim).unlink()
    with pytest.raises(LongctxError, match=victim.replace(".", r"\.")):
        open_dataset(folder, checksums=False)


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LongctxError, match=str(tmp_path)):
        open_dataset(tmp_path)

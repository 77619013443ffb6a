from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longctx import LongContextSequenceBuilder, LongctxError
from tests.conftest import GPT2

FILES = [
    ("a.py", "def a():\n    return 1\n"),
    ("b.py", "from a import a\n"),
    ("c.py", "from b import a\n\nprint(a())\n"),
]


@pytest.fixture(scope="module")
def builder() -> LongContextSequenceBuilder:
    return LongContextSequenceBuilder(GPT2)


def block(path: str, text: str) -> str:
    return f"<|FILE_START|>{path}\n{text}<|FILE_END|>"


def test_files_stand_in_order_and_the_target_comes_last(builder: LongContextSequenceBuilder) -> None:
    sequence = builder.build_hierarchical_sequence(FILES)
    assert sequence.text() == "".join(block(path, text) for path, text in FILES)
    assert sequence.kind == "hierarchical"
    assert (sequence.dropped, sequence.truncated_tokens, sequence.padding) == ((), 0, 0)
    assert [segment.path for segment in sequence.segments] == ["a.py", "b.py", "c.py"]
    learnt = sequence.decode(sequence.tokens[sequence.loss_start :])
    assert learnt.endswith("from b import a\n\nprint(a())\n<|FILE_END|>")
    assert "<|FILE_END|>" not in learnt.removesuffix("<|FILE_END|>")


def test_earlier_files_are_dropped_from_the_front_and_named() -> None:
    whole = LongContextSequenceBuilder(GPT2).build_hierarchical_sequence(FILES)
    builder = LongContextSequenceBuilder(GPT2, max_length=len(whole) - 1)
    sequence = builder.build_hierarchical_sequence(FILES)
    assert sequence.dropped == ("a.py",)
    assert sequence.text() == block(*FILES[1]) + block(*FILES[2])


def test_a_target_that_is_too_long_keeps_its_beginning_and_says_what_it_lost() -> None:
    text = "".join(f"value_{number} = {number}\n" for number in range(100))
    sequence = LongContextSequenceBuilder(GPT2, max_length=50).build_hierarchical_sequence(
        [FILES[0], ("long.py", text)]
    )
    assert len(sequence) == 50
    assert sequence.dropped == ("a.py",)
    (segment,) = sequence.segments
    kept = sequence.decode(sequence.tokens[slice(*segment.tokens)])
    assert text.startswith(kept)
    builder = LongContextSequenceBuilder(GPT2)
    assert (
        sequence.truncated_tokens == len(builder.tokenizer.encode(text)) - (segment.tokens[1] - segment.tokens[0]) > 0
    )


def test_markers_spelled_in_a_file_are_text(builder: LongContextSequenceBuilder) -> None:
    sequence = builder.build_hierarchical_sequence([("m.py", "'<|FILE_START|>'\n")])
    start = builder.tokenizer.token_to_id("<|FILE_START|>")
    assert sequence.tokens.tolist().count(start) == 1
    assert sequence.text() == block("m.py", "'<|FILE_START|>'\n")


def test_padding_is_neither_read_nor_learnt(builder: LongContextSequenceBuilder) -> None:
    small = LongContextSequenceBuilder(GPT2, max_length=128)
    padded = small.build_hierarchical_sequence(FILES, pad=True)
    plain = small.build_hierarchical_sequence(FILES)
    assert len(padded) == 128
    assert padded.padding == 128 - len(plain)
    assert padded.text() == plain.text()
    for name, values in padded.to_training_example().items():
        assert values.tolist() == plain.to_training_example(pad_to=128)[name].tolist()


def test_a_training_example_learns_from_loss_start_on(builder: LongContextSequenceBuilder) -> None:
    sequence = builder.build_hierarchical_sequence(FILES)
    length, start = len(sequence), sequence.loss_start
    example = sequence.to_training_example(pad_to=length + 3, pad_token_id=7)
    assert {values.shape for values in example.values()} == {(length + 3,)}
    assert {values.dtype for values in example.values()} == {np.dtype(np.int64)}
    assert example["input_ids"].tolist() == [*sequence.tokens.tolist(), 7, 7, 7]
    assert example["labels"].tolist() == [-100] * start + sequence.tokens[start:].tolist() + [-100] * 3
    assert example["attention_mask"].tolist() == [1] * length + [0] * 3
    with pytest.raises(ValueError, match=f"of {length} tokens does not fit in 5"):
        sequence.to_training_example(pad_to=5)


def test_requests_that_make_no_sense_are_refused(builder: LongContextSequenceBuilder) -> None:
    with pytest.raises(ValueError, match="at least one file"):
        builder.build_hierarchical_sequence([])
    with pytest.raises(ValueError, match="max_length is 0"):
        LongContextSequenceBuilder(GPT2, max_length=0)
    with pytest.raises(LongctxError, match="nowhere"):
        LongContextSequenceBuilder("nowhere.json")


@settings(max_examples=50, deadline=None)
@given(
    files=st.lists(st.tuples(st.text("abc/.é", min_size=1, max_size=8), st.text(max_size=60)), min_size=1, max_size=4),
    max_length=st.integers(min_value=40, max_value=120),
)
def test_whatever_the_files_the_rules_hold(
    builder: LongContextSequenceBuilder, files: list[tuple[str, str]], max_length: int
) -> None:
    sequence = LongContextSequenceBuilder(builder.tokenizer, max_length).build_hierarchical_sequence(files)
    assert len(sequence) <= max_length
    assert 0 <= sequence.loss_start < len(sequence)
    kept = files[len(sequence.dropped) :]
    assert sequence.dropped == tuple(path for path, _ in files[: len(sequence.dropped)])
    assert [segment.path for segment in sequence.segments] == [path for path, _ in kept]
    for segment, (_, text) in zip(sequence.segments, kept, strict=True):
        ids = sequence.tokens[slice(*segment.tokens)].tolist()
        content = b"".join(builder.tokenizer.token_bytes(token) for token in ids)
        assert content == text.encode()[slice(*segment.bytes)]


def test_a_commit_chain_learns_what_commits_make_of_a_state(builder: LongContextSequenceBuilder) -> None:
    versions = [("c1", "first", "x = 1\n"), ("c2", "second", "x = 2\n"), ("c3", "third", "x = 3\n")]
    sequence = builder.build_commit_chain_sequence("m.py", versions)
    commit = "<|COMMIT_START|>{} {}\n" + block("m.py", "x = {}\n") + "<|COMMIT_END|>"
    assert sequence.text() == block("m.py", "x = 1\n") + commit.format("c2", "second", 2) + commit.format(
        "c3", "third", 3
    )
    assert sequence.kind == "commits"
    assert builder.tokenizer.decode(sequence.tokens[sequence.loss_start :]).startswith(block("m.py", "x = 2\n"))
    assert [segment.role for segment in sequence.segments] == ["version"] * 3


def test_the_oldest_versions_give_way_and_are_named() -> None:
    short = LongContextSequenceBuilder(max_length=64)
    sequence = short.build_commit_chain_sequence(
        "m", [("c1", "a", "word " * 40), ("c2", "b", "x\n"), ("c3", "c", "y\n")]
    )
    assert sequence.dropped == ("c1",)
    assert len(sequence) <= 64


def test_a_question_learns_its_answer_alone(builder: LongContextSequenceBuilder) -> None:
    sequence = builder.build_qa_sequence([("a.py", "x = 1\n"), ("b.py", "y = 2\n")], "Which defines y?", [2])
    learnt = builder.tokenizer.decode(sequence.tokens[sequence.loss_start :])
    assert learnt == "<|SNIPPET_2|>\n"
    assert sequence.text().endswith("Question: Which defines y?\nAnswer: <|SNIPPET_2|>\n")
    spoken = builder.build_qa_sequence([("a.py", "x = 1\n")], "What is x?", "1", pad=True)
    assert spoken.text().endswith("Answer: 1\n")
    assert len(spoken) == builder.max_length


def test_chains_and_questions_that_make_no_sense_are_refused(builder: LongContextSequenceBuilder) -> None:
    with pytest.raises(ValueError, match="at least one version"):
        builder.build_commit_chain_sequence("m.py", [])
    with pytest.raises(ValueError, match="at least one snippet"):
        builder.build_qa_sequence([], "?", "x")
    with pytest.raises(LongctxError, match="snippet 2"):
        builder.build_qa_sequence([("a", "x\n")], "?", [2])

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longctx import cli, open_dataset
from longctx.difficulty import TERMS
from longctx.explaining import CLUSTERS, EDGES, FORMS, PROOFS, REASONS, ROLES, explain
from tests.conftest import ROOT
from tests.data.handmade import Row, write_dataset

NEEDED = {"path": "src/\x1buser.py", "kind": "top-level", "line": 8}
CLUSTER = {"path": "g.py", "files": 3, "first": "e.py", "reasons": ["near-duplicate", "cycle"]}
COMMITS = [{"commit": "ab" * 20, "subject": "Say\nmore", "time": 1_700_000_000}]
QUESTION = {
    "type": "definition",
    "question": "Which snippet defines load?",
    "answer": "<|SNIPPET_2|>",
    "tokens": [40, 41],
    "proof": [
        {"path": "a.py", "line": 3, "kind": "defines", "name": "load", "snippet": 2},
        {"path": "a.py", "line": 4, "kind": "introduces", "name": "x = 1", "commit": "cd" * 20, "parent": "ef" * 20},
        {"path": "b.py", "line": 0, "kind": "absent", "name": "save"},
        {"path": "b.py", "line": 1, "kind": "yet-unknown", "name": "thing"},
    ],
}
SNIPPETS = [{"snippet": 1, "path": "b.py", "name": ""}, {"snippet": 2, "path": "a.py", "name": "load"}]
FEATURES = {"tokens": 2048, "files": 4, "references": 7, "distance_p90": 256, "hops": 1, "distractors": 3}
IDS = ["h-00aa00bb00cc0001", "h-00aa00bb00cc0002", "c-11aa00bb00cc0003", "q-22aa00bb00cc0004", "h-33aa00bb00cc0005"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = [("a.py", "def load():\n    pass\n"), ("b.py", "load()\n")]
    shown = {"role": "signature", "why": "named", "name": "load", "needed_by": NEEDED}
    rows = [
        Row(
            "train", files, difficulty="hard", segment=shown, extra={"id": IDS[0], "features": FEATURES, "score": 0.515}
        ),
        Row("train", files, extra={"id": IDS[1]}),
        Row("val", files[:1], kind="commits", seen=True, extra={"id": IDS[2], "form": "changes", "commits": COMMITS}),
        Row("train", files, kind="qa", extra={"id": IDS[3], "questions": [QUESTION], "snippets": SNIPPETS}),
        Row("val", files, segment={"why": "yet-unknown"}, extra={"id": IDS[4], "clusters": [CLUSTER]}),
    ]
    config = {"pack": {"order": "deps"}, "training": {"validation_split": 0.15, "seed": 42}}
    return write_dataset(tmp_path / "hand.longctx", rows, config=config)


def shown(folder: Path, wanted: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["explain", str(folder), wanted]) == 0
    return capsys.readouterr().out


def test_a_definition_is_explained_by_who_needs_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(folder, IDS[0], capsys)
    assert text.startswith(f"{IDS[0]}\n  hierarchical, phase 1, 8 to 64 tokens; ")
    assert "\n  a.py\n    src/\\u{1b}user.py:8 imports it (top-level)\n" in text
    assert "context  signature of load: the import lines of what is taught" in text
    assert "\x1b" not in text
    assert "definitions of the files that are needed" in text
    assert "a file stands after those that it needs" in text
    assert (
        "\nsplit: train\n  what it teaches was not drawn for validation (training.validation_split 0.15, seed 42)"
        in text
    )


def test_the_score_is_taken_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(folder, IDS[0], capsys).splitlines()
    assert "difficulty: hard, score 0.515" in lines
    features = {term.feature for term in TERMS}
    rows = {words[0]: words[1:] for words in map(str.split, lines) if words and words[0] in features}
    assert rows["tokens"] == ["2,048", "512", "4,096", "0.667", "0.35", "0.233"]
    assert rows["distance_p90"] == ["256", "64", "4,096", "0.333", "0.20", "0.067"]
    assert sum(float(row[-1]) for row in rows.values()) == pytest.approx(0.515, abs=0.002)
    assert "  easy below 0.25, medium below 0.5, hard below 0.75, very hard from there on" in lines


def test_what_is_learnt_is_told_from_context(folder: Path) -> None:
    dataset = open_dataset(folder, checksums=False)
    first, last = explain(dataset, 1)["segments"]
    assert first["learnt_from"] is None
    assert last["learnt_from"] == last["tokens"][0]
    assert (last["what"], last["because"]) == ("text of the file", "it is what the sequence teaches")


def test_commits_are_told_with_their_form(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(folder, "c-11", capsys)
    assert "the files, or parts of them, as they were, then what commits made of them" in text
    assert "told as changes: the parts of a file around what changed" in text
    assert "abababababab  2023-11-14  Say\\nmore" in text
    assert "its commits are among the newest, which are kept for validation" in text
    assert "split: val" in text


def test_questions_are_told_with_answer_and_proof(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(folder, "q-", capsys)
    assert "question 1: definition\n  Which snippet defines load?\n  answer: <|SNIPPET_2|>\n  proof\n" in text
    assert text.splitlines()[-4:] == [
        "    a.py:3: defines load (snippet 2)",
        "    a.py:4: the commit cdcdcdcdcdcd added the line x = 1",
        "    b.py: no snippet defines or calls save, whichever is asked for",
        "    b.py:1: yet-unknown thing",
    ]
    assert "\nsnippets\n    1  b.py\n    2  a.py  load\n" in text


def test_the_cluster_of_files_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(folder, "h-33", capsys)
    assert "was drawn for validation (training.validation_split 0.15, seed 42), and training never shows it" in text
    drawn = "g.py is one of 3 files that are drawn as one, e.py the first of them"
    assert f"{drawn}: nearly equal contents, they need each other" in text
    assert "text of the file: yet-unknown" in text


def test_json_holds_all_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", str(folder), IDS[3], "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == explain(open_dataset(folder, checksums=False), 2)
    proof = [{key: step[key] for key in step if key != "says"} for step in told["questions"][0]["proof"]]
    assert {**told["questions"][0], "proof": proof} == QUESTION
    assert told["snippets"] == SNIPPETS
    assert [term["term"] for term in told["difficulty"]["terms"]] == [term.name for term in TERMS]
    assert told["side"]["clusters"] == []


@pytest.mark.parametrize(
    ("wanted", "error", "hint"),
    [
        ("h-00aa", f"2 sequences have ids that begin with h-00aa: {IDS[0]}, {IDS[1]}", "give more of it"),
        ("h-00aa00bb00cd", "has no sequence 'h-00aa00bb00cd'", f"ids that are like it: {IDS[0]}, {IDS[1]}"),
        ("33aa00bb", "has no sequence '33aa00bb'", f"ids that are like it: {IDS[4]}"),
        ("zzz", "has no sequence 'zzz'", "longctx inspect"),
        ("", "has no sequence ''", "longctx inspect"),
    ],
)
def test_an_id_that_is_unknown_or_that_of_several_is_refused(
    folder: Path, wanted: str, error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["explain", str(folder), wanted]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    first, _, last = captured.err.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert last.startswith("hint: ")
    assert hint in last


def test_a_folder_that_is_no_dataset_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", str(tmp_path), "h-"]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert cli.main(["explain", str(tmp_path)]) == 2


def test_all_that_the_engine_knows_is_explained() -> None:
    def variants(path: str, enum: str) -> set[str]:
        text = (ROOT / "rust" / "longctx-core" / "src" / path).read_text(encoding="utf-8")
        body = text.partition(f"pub enum {enum} {{")[2].partition("\n}")[0]
        names = [line.strip().rstrip(",") for line in body.splitlines() if line.strip() and "///" not in line]
        return {"".join(f"-{char.lower()}" if char.isupper() else char for char in name).lstrip("-") for name in names}

    assert variants("sequence/segment.rs", "Role") == set(ROLES)
    assert variants("sequence/segment.rs", "Why") == set(REASONS)
    assert variants("graph/edge.rs", "EdgeKind") == set(EDGES)
    assert variants("pack/clusters.rs", "Reason") == set(CLUSTERS)
    assert variants("pack/commits/telling.rs", "Form") == set(FORMS)
    assert variants("pack/qa/question.rs", "Fact") == set(PROOFS)

"""Why a sequence of a dataset is what it is: which files, in which order, how hard, on which side of the split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from longctx.difficulty import TERMS, THRESHOLDS
from longctx.errors import UsageError

if TYPE_CHECKING:
    from longctx.data.shards import Dataset

ROLES = {
    "file": "text of the file",
    "redacted": "placeholder for a secret",
    "imports": "import lines",
    "head": "beginning of the file",
    "definition": "definition",
    "signature": "signature",
    "version": "version of the file",
    "change": "part of a version around what changed",
    "snippet": "part of the file",
}
"""What a segment is, by its role; of a definition, its name follows."""

REASONS = {
    "target": "it is what the sequence teaches",
    "overlap": "the window before teaches it; here it is context",
    "own-imports": "the file that is taught begins with them",
    "enclosing": "the window that is taught begins inside of it",
    "named": "the import lines of what is taught, or its text before what is learnt, name it",
    "member-of-named": "it is a member of something that is named there",
    "drawn": "it was drawn by the seed though nothing names it, so that not all that is shown is used",
    "sibling": "its file lies beside what is taught",
    "counterpart": "its file is the test, header or the like of what is taught: their names differ by an ending",
    "state": "so it was before the commits that follow",
    "changed": "a commit made it so",
    "outline": "it tells where the change stands",
    "answer": "it holds the answer",
    "question": "the question asks about it",
    "distractor": "it stands beside what is asked for",
}
"""Why a segment is there, by `why`."""

EDGES = {
    "package": "imports something below it",
    "signature": "calls what gives or takes its types",
    "main-guard": "imports it when run as a program",
    "type-checking": "imports it for the type checker only",
    "function-local": "imports it inside a function",
    "module": "declares it as a part of itself",
    "re-export": "passes on what it defines",
    "same-package": "uses a name that it declares in the same package",
    "top-level": "imports it",
    "include": "includes its text",
}
"""How one file needs another, by the kind of the edge."""

FORMS = {
    "versions": "whole versions of a file, one after the other",
    "changes": "the parts of a file around what changed, before and after",
    "commit": "one commit across several files",
}
"""How commits are told."""

CLUSTERS = {
    "same-content": "equal contents",
    "near-duplicate": "nearly equal contents",
    "renamed": "one was renamed to the other",
    "cycle": "they need each other",
}
"""Why files are on one side of the split."""

PROOFS = {
    "defines": "defines {name}",
    "calls": "calls {name}",
    "imports": "imports {name}",
    "introduces": "the commit {commit} added the line {name}",
    "absent": "no snippet defines or calls {name}, whichever is asked for",
    "not-imported": "no snippet's file imports {name}",
}
"""What a step of a proof says, by its kind."""

_ORDERS = {
    "deps": "a file stands after those that it needs, cycles opened at their weakest import",
    "path": "files stand by path",
    "random": "files are shuffled by the seed",
}
_STORIES = (
    "commits stand oldest first, those of one file together; the files of a commit that is told across its files stand "
    "after those that they need"
)
_PARTS = (
    (("named", "member-of-named", "drawn"), "definitions of the files that are needed"),
    (("sibling", "counterpart"), "files beside what is taught, the nearest last"),
    (("own-imports", "enclosing"), "import lines and heads of the file whose window is taught"),
    (("overlap", "target"), "what is taught, first the window with overlap if there is one"),
)


def find(dataset: Dataset, wanted: str) -> int:
    """The place of the sequence whose id is, or alone begins with, `wanted`.

    Raises:
        UsageError: There is no such sequence, or there are several.
    """
    ids = dataset.ids()
    found = [number for number, id_ in enumerate(ids) if id_.startswith(wanted)] if wanted else []
    exact = next((number for number in found if ids[number] == wanted), None)
    if exact is not None or len(found) == 1:
        return found[0] if exact is None else exact
    if found:
        shown = ", ".join(ids[number] for number in found[:3])
        more = ", ..." if len(found) > 3 else ""
        raise UsageError(
            f"{len(found):,} sequences have ids that begin with {wanted}: {shown}{more}", "give more of it"
        )
    near = _near(ids, wanted)
    raise UsageError(
        f"{dataset.path} has no sequence {wanted!r}",
        f"ids that are like it: {', '.join(near)}"
        if near
        else "`longctx inspect DIR --sequence 0` shows the first one's id",
    )


def _near(ids: Sequence[str], wanted: str) -> list[str]:
    """The few ids that have the most of `wanted`, with or without the letter of their kind, at their beginning."""

    def shared(id_: str) -> int:
        return max(_common(text, wanted) for text in (id_, id_.partition("-")[2]))

    least = 4
    close = sorted((id_ for id_ in ids if shared(id_) >= least), key=lambda id_: (-shared(id_), id_))
    return close[:3]


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common at the beginning."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def explain(dataset: Dataset, number: int) -> dict[str, Any]:
    """All that is known of why a sequence is what it is.

    Returns:
        id, kind, split, seen, band {id, min, max}, tokens, loss_start; difficulty {level, score, thresholds, terms
        [{term, feature, value, nothing, all, share, weight, adds}]}; order {rule, files}; segments, as in meta.jsonl,
        each with learnt_from (a token, or null), what, because and, if another file needs it, needed; side {because
        [text], clusters}; form and commits, or snippets and questions, as in meta.jsonl, where the kind has them; each
        step of a question's proof has says.
    """
    meta, manifest = dataset.meta(number), dataset.manifest
    loss_start, split = dataset.loss_start(number), dataset.split(number)
    seen = bool(dataset.column("seen")[number])
    config = manifest.get("config") or {}
    band = next((band for band in manifest["bands"] if band["id"] == meta["band"]), {"id": meta["band"]})
    explained = {
        "id": meta["id"],
        "kind": meta["kind"],
        "split": split,
        "seen": seen,
        "band": {key: band[key] for key in ("id", "min", "max") if key in band},
        "tokens": len(dataset.tokens(number)),
        "loss_start": loss_start,
        "difficulty": _difficulty(meta),
        "order": _order(meta, config.get("pack") or {}),
        "segments": [_segment(segment, loss_start) for segment in meta["segments"]],
        "side": _side(meta, split, seen, config.get("training") or {}),
    }
    if "questions" in meta:
        explained["questions"] = [_question(question) for question in meta["questions"]]
    return {**explained, **{key: meta[key] for key in ("form", "commits", "snippets") if key in meta}}


def _question(question: Mapping[str, Any]) -> dict[str, Any]:
    return {**question, "proof": [{**step, "says": _says(step)} for step in question.get("proof", [])]}


def _says(step: Mapping[str, Any]) -> str:
    """A step of a proof in words: where, what, and which snippet shows it."""
    said = PROOFS.get(step["kind"], f"{step['kind']} {{name}}")
    said = said.format(name=step.get("name", ""), commit=(step.get("commit") or "")[:12])
    where = f"{step['path']}:{step['line']}" if step.get("line") else step.get("path")
    shown = f" (snippet {step['snippet']})" if step.get("snippet") else ""
    return f"{where}: {said}{shown}" if where else f"{said}{shown}"


def _difficulty(meta: Mapping[str, Any]) -> dict[str, Any]:
    features = meta["features"]
    terms = []
    for term in TERMS:
        value = features.get(term.feature, 0)
        share = term.share(value)
        terms.append(
            {
                "term": term.name,
                "feature": term.feature,
                "value": value,
                "nothing": term.nothing,
                "all": term.all,
                "share": share,
                "weight": term.weight,
                "adds": term.weight * share,
            }
        )
    return {"level": meta["difficulty"], "score": meta["score"], "thresholds": list(THRESHOLDS), "terms": terms}


def _order(meta: Mapping[str, Any], pack: Mapping[str, Any]) -> dict[str, Any]:
    if meta["kind"] == "commits":
        return {"rule": ["the files, or parts of them, as they were", "what commits made of them"], "files": _STORIES}
    if meta["kind"] == "qa":
        return {"rule": ["the snippets, shuffled by the seed", "the questions, each with its answer"], "files": None}
    reasons = {segment.get("why") for segment in meta["segments"]}
    rule = [text for of_part, text in _PARTS if reasons.intersection(of_part)]
    order = pack.get("order")
    return {"rule": rule, "files": _ORDERS.get(order, order) if order else None}


def _segment(segment: Mapping[str, Any], loss_start: int) -> dict[str, Any]:
    name, needed = segment.get("name"), segment.get("needed_by")
    role, why = segment["role"], segment.get("why", "")
    # What has no name of its own is the heading, or the line indented less, above what is shown.
    what = "line above" if (role, name) == ("signature", None) else ROLES.get(role, role)
    told = {
        **segment,
        "learnt_from": max(segment["tokens"][0], loss_start) if segment["tokens"][1] > loss_start else None,
        "what": f"{what} {'with' if role == 'snippet' else 'of'} {name}" if name else what,
        "because": REASONS.get(why, why),
    }
    if needed:
        how = EDGES.get(needed["kind"], "needs it")
        told["needed"] = f"{needed['path']}:{needed['line']} {how} ({needed['kind']})"
    return told


def _side(meta: Mapping[str, Any], split: str, seen: bool, training: Mapping[str, Any]) -> dict[str, Any]:
    share, seed = training.get("validation_split"), training.get("seed")
    drawn = f" (training.validation_split {share}, seed {seed})" if share is not None else ""
    if split == "train":
        because = [f"what it teaches was not drawn for validation{drawn}"]
    elif seen:
        because = [
            f"its commits are among the newest, which are kept for validation{drawn}",
            "training teaches the same files as they are now, so it measures what was seen",
        ]
    else:
        because = [f"what it teaches was drawn for validation{drawn}, and training never shows it"]
    clusters = meta.get("clusters", [])
    for one in clusters:
        reasons = ", ".join(CLUSTERS.get(reason, reason) for reason in one.get("reasons", []))
        because.append(
            f"{one.get('path', '')} is one of {one.get('files', 0):,} files that are drawn as one, "
            f"{one.get('first', '')} the first of them" + (f": {reasons}" if reasons else "")
        )
    return {"because": because, "clusters": clusters}

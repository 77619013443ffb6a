"""What stands before the files that a hierarchical sequence teaches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longctx import Config, open_dataset, pack
from longctx.config_file import load_config
from tests.repositories import python_source, write_files

LIBRARY = (
    "import os\n\n\ndef wanted(path):\n    '''What others want.'''\n    return os.path.abspath(path)\n\n\n"
    "class Store:\n    size = 0\n\n    def keep(self, item):\n"
    + "".join(f"        self.size += {n} * len(item)\n" for n in range(40))
    + "        return item\n\n\n"
    + "".join(f"def other_{n}(value):\n    total = value * {n}\n    return total + {n}\n\n\n" for n in range(20))
)


def user(body: str) -> str:
    return f"from lib import Store, wanted\n\n\ndef run(path):\n    store = Store()\n{body}    return store\n"


def config(**pack_keys: Any) -> Config:
    keys = {"kinds": ["hierarchical"], "long_context_mode": False, "sequence_length": 512, "overlap": 64, **pack_keys}
    overrides = {f"pack.{key}": value for key, value in keys.items()}
    return load_config(None, {**overrides, "training.validation_split": 0.0})


def packed(folder: Path, files: dict[str, str], **pack_keys: Any) -> list[tuple[int, dict[str, Any]]]:
    """Where the learnt part begins, and the metadata, of every sequence."""
    repository, target = folder / "repository", folder / "d.longctx"
    write_files(repository, files)
    pack(repository, target, config=config(**pack_keys), overwrite=True)
    dataset = open_dataset(target)
    return [(dataset.loss_start(number), dataset.meta(number)) for number in range(len(dataset))]


def teaching(sequences: list[tuple[int, dict[str, Any]]], path: str) -> tuple[int, list[dict[str, Any]]]:
    """The first sequence that teaches `path`."""
    for loss_start, meta in sequences:
        if any(segment["path"] == path and segment["why"] == "target" for segment in meta["segments"]):
            return loss_start, meta["segments"]
    raise AssertionError(f"nothing teaches {path}")


FILES = {
    "lib.py": LIBRARY,
    "app/user.py": user("".join(f"    store.keep(wanted(path + '{n}'))\n" for n in range(12))),
    "app/beside.py": python_source(3, 3),
    "zoo/far.py": python_source(4, 9),
}


def test_what_the_import_lines_name_is_shown_with_its_members_and_why(tmp_path: Path) -> None:
    _, segments = teaching(packed(tmp_path, FILES, order="deps"), "app/user.py")
    shown = {segment["name"]: segment for segment in segments if segment["path"] == "lib.py"}
    assert (shown["wanted"]["why"], shown["Store"]["why"]) == ("named", "named")
    assert shown["keep"]["why"] == "member-of-named"
    assert {segment["why"] for name, segment in shown.items() if name.startswith("other_")} <= {"drawn"}
    for segment in shown.values():
        assert segment["needed_by"] == {"path": "app/user.py", "kind": "top-level", "line": 1}
        assert LIBRARY.encode()[segment["bytes"][0] : segment["bytes"][1]].endswith(b"\n")


def test_the_target_stands_last_and_whole(tmp_path: Path) -> None:
    loss_start, segments = teaching(packed(tmp_path, FILES), "app/user.py")
    targets = [segment for segment in segments if segment["why"] == "target"]
    assert segments[-len(targets) :] == targets
    assert [segment for segment in segments if segment["tokens"][0] < loss_start] == segments[: -len(targets)]
    (target,) = [segment for segment in targets if segment["path"] == "app/user.py"]
    assert target["bytes"] == [0, len(FILES["app/user.py"])]


def test_what_is_learnt_does_not_decide_what_is_shown(tmp_path: Path) -> None:
    def context(body: str) -> list[tuple[str, ...]]:
        files = {**FILES, "app/user.py": user(body)}
        folder = tmp_path / str(abs(hash(body)))
        _, segments = teaching(packed(folder, files), "app/user.py")
        return [(s["path"], s["role"], *map(str, s["bytes"])) for s in segments if s["why"] not in ("target",)]

    used = context("    store.keep(other_1(other_2(other_3(5))))\n")
    unused = context("    store.keep(local1(local2(local3(5))))\n")
    assert used == unused
    assert used


def test_a_later_window_shows_its_imports_and_what_it_begins_in(tmp_path: Path) -> None:
    long = "import os\nfrom lib import wanted\n\n\nclass Long:\n" + "".join(
        f"    def method_{n}(self):\n        return wanted(os.sep * {n})\n\n" for n in range(120)
    )
    sequences = packed(tmp_path, {**FILES, "long.py": long})
    is_own = {"path": "long.py", "why": "own-imports"}.items()
    later = [meta["segments"] for _, meta in sequences if any(is_own <= s.items() for s in meta["segments"])]
    assert later
    for segments in later:
        own = [segment for segment in segments if segment["path"] == "long.py"]
        assert [segment["name"] for segment in own if segment["why"] == "enclosing"][:1] == ["Long"]
        (imports,) = [segment for segment in own if segment["why"] == "own-imports"]
        assert long[imports["bytes"][0] : imports["bytes"][1]] == "import os\nfrom lib import wanted\n"


def test_without_context_nothing_stands_before(tmp_path: Path) -> None:
    for loss_start, meta in packed(tmp_path, FILES, context=[]):
        first = meta["segments"][0]
        assert {segment["why"] for segment in meta["segments"][1:]} <= {"target"}
        assert (first["why"], loss_start == 0) in {("target", True), ("overlap", False)}


@pytest.mark.parametrize("part", ["definitions", "siblings"])
def test_each_part_of_the_context_can_be_had_alone(tmp_path: Path, part: str) -> None:
    _, segments = teaching(packed(tmp_path, FILES, context=[part]), "app/user.py")
    reasons = {segment["why"] for segment in segments} - {"target"}
    wanted = {"definitions": {"named", "member-of-named", "drawn"}, "siblings": {"sibling", "counterpart"}}[part]
    assert reasons
    assert reasons <= wanted


def test_a_test_is_the_counterpart_of_its_file(tmp_path: Path) -> None:
    files = {**FILES, "checks/test_far.py": "from zoo import far\n\n\ndef test_it():\n    assert far\n" * 8}
    _, segments = teaching(packed(tmp_path, files), "zoo/far.py")
    assert [s["path"] for s in segments if s["why"] == "counterpart"] == ["checks/test_far.py"]


def test_files_stand_in_the_order_that_was_asked_for(tmp_path: Path) -> None:
    files = {
        f"pkg/{name}.py": f"from pkg.{needs} import x\n\nx = '{name}'\n" for name, needs in (("a", "b"), ("b", "c"))
    }
    files["pkg/c.py"] = "x = 'c'\n"

    def order(how: str) -> list[str]:
        (only,) = packed(tmp_path / how, files, order=how)
        return [segment["path"] for segment in only[1]["segments"]]

    assert order("deps") == ["pkg/c.py", "pkg/b.py", "pkg/a.py"]
    assert order("path") == ["pkg/a.py", "pkg/b.py", "pkg/c.py"]
    assert sorted(order("random")) == order("path")

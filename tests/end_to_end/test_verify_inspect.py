"""`longctx verify` and `longctx inspect` on datasets that `longctx pack` wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from longctx import LongctxError, open_dataset
from tests.conftest import Cli
from tests.end_to_end.outcome import refused
from tests.repositories import make_repository, python_source


def test_verify_finds_nothing_in_a_whole_dataset(packed: Path, repository: Path, cli: Cli) -> None:
    done = cli("verify", packed, "--repo", repository, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["defects"] == []
    assert result["segments_compared"] > 0
    assert "no defects" in cli("verify", packed).stdout


@pytest.mark.parametrize("victim", ["tokens.npy", "index.npy", "meta.jsonl"])
@pytest.mark.parametrize("harm", ["cut", "altered"])
def test_a_damaged_shard_is_named_and_not_opened(
    packed: Path, tmp_path: Path, cli: Cli, victim: str, harm: str
) -> None:
    target = tmp_path / "damaged.longctx"
    shutil.copytree(packed, target)
    path = target / "train" / f"00000.{victim}"
    content = bytearray(path.read_bytes())
    content[-2] ^= 0x5A
    path.write_bytes(content if harm == "altered" else content[:-2])
    done = cli("verify", target)
    assert done.returncode == 1
    assert f"00000.{victim}" in done.stderr
    with pytest.raises(LongctxError, match=rf"00000\.{victim}"):
        open_dataset(target)
    if harm == "cut":
        with pytest.raises(LongctxError, match=rf"00000\.{victim}"):
            open_dataset(target, checksums=False)


def test_verify_notices_a_file_that_changed_since(repository: Path, packed: Path, tmp_path: Path, cli: Cli) -> None:
    changed = tmp_path / "demo"
    shutil.copytree(repository, changed)
    path = changed / "src/pkg/module_3.py"
    path.write_text(path.read_text(encoding="utf-8").replace("left", "links"), encoding="utf-8")
    done = cli("verify", packed, "--repo", changed)
    assert done.returncode == 1
    assert "src/pkg/module_3.py" in done.stderr


def test_inspect_shows_the_dataset_and_one_sequence(packed: Path, cli: Cli) -> None:
    overview = cli("inspect", packed)
    assert overview.returncode == 0, overview.stderr
    assert "hierarchical" in overview.stdout
    dataset = open_dataset(packed)
    assert json.loads(cli("inspect", packed, "--json").stdout)["sequences"] == len(dataset)
    validation = dataset.filter(split="val")
    shown = json.loads(cli("inspect", packed, "--sequence", "0", "--split", "val", "--json").stdout)
    assert shown["id"] == validation[0].id
    assert shown["text"] == validation.text(0)
    plain = cli("inspect", packed, "--sequence", "0")
    assert str(dataset[0].id) in plain.stdout
    assert "\x1b" not in plain.stdout
    refused(cli("inspect", packed, "--sequence", "99999"), 2, "there is no sequence 99999")


def test_control_codes_in_a_file_cannot_act_when_shown(tmp_path: Path, cli: Cli) -> None:
    repository = make_repository(tmp_path / "evil", {"a.py": "x = '\x1b[2J\u202e'\n" + python_source(1, 3)})
    target = tmp_path / "evil.longctx"
    assert cli("pack", repository, "-o", target, "--validation-split", "0", "-q").returncode == 0
    shown = cli("inspect", target, "--sequence", "0").stdout
    assert "\\u{1b}[2J\\u{202e}" in shown
    assert not set(shown) & {"\x1b", "\u202e"}

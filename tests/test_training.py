"""What `longctx.training.train` finds out before anything heavy is imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from longctx.config import Config
from longctx.config_check import ConfigError
from longctx.config_file import override
from longctx.errors import UsageError
from longctx.training import default_output, train


def test_a_run_lies_beside_where_it_was_started() -> None:
    assert default_output("/data/flask.longctx") == Path("flask.run")
    assert default_output("other") == Path("other.run")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = importlib.util.find_spec
    missing = {"torch", "peft"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else found(name))
    with pytest.raises(UsageError, match="training needs peft, torch, which are not installed") as raised:
        train(tmp_path, tmp_path / "run", config=Config())
    assert raised.value.hint == "pip install 'longctx-code[train]'"


def test_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(UsageError, match="no dataset is given"):
        train()


def test_values_take_the_place_of_a_configurations_own() -> None:
    changed = override(Config(), {"model.name": "demo", "training.seed": 7})
    assert (changed.model.name, changed.training.seed) == ("demo", 7)
    assert changed.training.patience == Config().training.patience


@pytest.mark.parametrize(
    ("values", "message"),
    [({"training.seed": -1}, "training.seed: -1 is not allowed"), ({"model.nam": "x"}, "model.nam: unknown key")],
)
def test_values_that_make_no_sense_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override(Config(), values)

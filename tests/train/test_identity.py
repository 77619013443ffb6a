"""What a run and its continuation must have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longctx.errors import UsageError
from longctx.train.identity import check_identity, identity
from tests.train import tiny


@pytest.fixture
def made(tmp_path: Path) -> Any:
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")

    def make(model: str = "m", epochs: int | None = None, **changes: Any) -> dict[str, Any]:
        return identity(tiny.config(**changes), tmp_path, model, epochs=epochs, max_sequences=None)

    return make


def test_the_same_request_goes_on(made: Any) -> None:
    check_identity(made(), made())


def test_what_does_not_change_what_is_learnt_may_change(made: Any) -> None:
    check_identity(made(), made(training__save_interval=9, training__keep_checkpoints=5, training__memory_stop=1.0))


def test_every_key_that_differs_is_named_with_both_values(made: Any) -> None:
    other = made(model="n", epochs=3, training__patience=2, long_context__replay_share=0.5, model__lora__r=2)
    with pytest.raises(UsageError) as raised:
        check_identity(made(), other)
    message = raised.value.message
    assert "--epochs was not set and is 3" in message
    assert "training.patience was 8 and is 2" in message
    assert "long_context.replay_share was 0.2 and is 0.5" in message
    assert "model.lora.r was 4 and is 2" in message
    assert "the base model is another" in message


def test_another_dataset_is_noticed(made: Any, tmp_path: Path) -> None:
    before = made()
    (tmp_path / "manifest.json").write_text('{"seed": 1}', encoding="utf-8")
    with pytest.raises(UsageError, match="the dataset was packed anew"):
        check_identity(before, made())

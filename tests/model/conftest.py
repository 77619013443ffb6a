"""Keeps the user's cache out of the tests, and the demo model for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from longctx.config import Config
from longctx.model.source import find_model
from tests.model.families import MANIFEST

if TYPE_CHECKING:
    import torch

    from longctx.model.load import LoadedModel


@pytest.fixture(scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache, one for the whole session."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache))
    return _cache / "longctx"


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "longctx"


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    from longctx.model.quiet import quiet

    with quiet():
        yield


def load(
    config: Config, *, manifest: dict[str, Any] = MANIFEST, seed: int = 1, dtype: torch.dtype | None = None
) -> LoadedModel:
    """Loads on the processor."""
    import torch

    from longctx.model.load import load_model

    return load_model(config, find_model(config.model), torch.device("cpu"), manifest, seed=seed, dtype=dtype)

"""Keeps the user's cache out of the tests, and the demo model for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from longctx.config import Config
from longctx.model.source import find_model
from tests.model.families import MANIFEST


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


def load(config: Config, *, manifest: object = MANIFEST, seed: int = 1, **options: object) -> object:
    """Loads on the processor."""
    import torch

    from longctx.model.load import load_model

    return load_model(config, find_model(config.model), torch.device("cpu"), manifest, seed=seed, **options)  # type: ignore[arg-type]

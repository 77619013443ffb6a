"""Reads a configuration file, and puts options in place of its values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longctx.config_check import ConfigError, Problem, Source, config_of

if TYPE_CHECKING:
    from yaml import Node

    from longctx.config import Config


def load_config(path: str | os.PathLike[str] | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Reads the configuration in `path`; sections and keys that are missing take their defaults.

    Args:
        path: A YAML file, or None for the defaults.
        overrides: Values by key path (`pack.overlap`) that replace the file's, as options on the command line do.

    Raises:
        ConfigError: The file cannot be read or is not YAML, a key is unknown or given twice, or values are wrong or
            contradict each other.
    """
    source = Source() if path is None else _read(Path(path))
    for key, value in (overrides or {}).items():
        _set(source, key, value)
    return config_of(source)


def override(config: Config, values: Mapping[str, Any]) -> Config:
    """`config` with `values`, by key path, in place of its own.

    Raises:
        ConfigError: A key is unknown, or values are wrong or contradict each other.
    """
    source = Source(values=config.to_dict())
    for key, value in values.items():
        _set(source, key, value)
    return config_of(source)


def _read(path: Path) -> Source:
    # Here, since most commands read no file, and importing it takes as long as validating.
    import yaml

    source = Source(name=str(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), "", f"not UTF-8 at byte {error.start}")]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([Problem(str(path), "", f"cannot be read: {reason.lower()}")]) from None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        values = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([_not_yaml(path, error)]) from None
    if values is None:
        return source
    if not isinstance(values, dict):
        raise ConfigError([Problem(str(path), "", "holds no sections", "expected sections such as `pack:`")])
    _locate(source, node, "")
    source.values = values
    return source


def _not_yaml(path: Path, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = f"{path}:{mark.line + 1}" if mark else str(path)
    reason = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
    return Problem(place, "", f"not YAML: {reason}")


def _locate(source: Source, node: Node | None, prefix: str) -> None:
    """Notes the line of every key and reports keys given twice; sections nest as deep as the configuration's."""
    from yaml import MappingNode

    if not isinstance(node, MappingNode) or prefix.count(".") > 3:
        return
    for key_node, value_node in node.value:
        key = f"{prefix}{key_node.value}"
        place = f"{source.name}:{key_node.start_mark.line + 1}"
        if key in source.places:
            first = source.places[key].rpartition(":")[2]
            source.problems.append(Problem(place, key, f"given twice, first on line {first}", "keep one of them"))
        else:
            source.places[key] = place
        _locate(source, value_node, f"{key}.")


def _set(source: Source, key: str, value: object) -> None:
    *sections, last = key.split(".")
    target = source.values
    for section in sections:
        inner = target.get(section)
        if inner is None:
            inner = target[section] = {}
        if not isinstance(inner, dict):
            return
        target = inner
    target[last] = value
    source.places[key] = "--" + last.replace("_", "-")

"""Reads a configuration file and states every problem in it at once, with file, line, key, and what was expected."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from longctx.config import Config, contradictions_of
from longctx.errors import UsageError

if TYPE_CHECKING:
    from yaml import Node


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a configuration."""

    where: str
    """File and line, or the option on the command line."""
    key: str
    """Path of the key, as `training.base_learning_rate`; empty where the whole file is meant."""
    message: str
    expected: str | None = None

    def __str__(self) -> str:
        """One line without the place: key, what is wrong, what was expected."""
        text = f"{self.key}: {self.message}" if self.key else self.message
        return f"{text}; {self.expected}" if self.expected else text


class ConfigError(UsageError):
    """A configuration cannot be used; `problems` holds everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [f"{problem.where}: {problem}" for problem in problems]
        message = lines[0] if len(lines) == 1 else "\n  ".join([f"{len(lines)} problems in the configuration:", *lines])
        super().__init__(message, "training_config.yaml in the project's root names every key, its type and default")


@dataclass
class _Source:
    """Raw values with the places they came from."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    name: str = "configuration"

    def place(self, key: str) -> str:
        """Where `key`, or the nearest section that holds it, was set."""
        while key and key not in self.places:
            key = key.rpartition(".")[0]
        return self.places.get(key, self.name)


def load_config(path: str | os.PathLike[str] | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Reads the configuration in `path`; sections and keys that are missing take their defaults.

    Args:
        path: A YAML file, or None for the defaults.
        overrides: Values by key path (`pack.overlap`) that replace the file's, as options on the command line do.

    Raises:
        ConfigError: The file cannot be read or is not YAML, a key is unknown or given twice, or values are wrong or
            contradict each other.
    """
    source = _Source() if path is None else _read(Path(path))
    for key, value in (overrides or {}).items():
        _set(source, key, value)
    config = _validate(source)
    if config is None or source.problems:
        order = {key: number for number, key in enumerate(source.places)}
        raise ConfigError(sorted(source.problems, key=lambda problem: order.get(problem.key, len(order))))
    return config


def override(config: Config, values: Mapping[str, Any]) -> Config:
    """`config` with `values`, by key path, in place of its own.

    Raises:
        ConfigError: A key is unknown, or values are wrong or contradict each other.
    """
    source = _Source(values=config.model_dump(mode="json"))
    for key, value in values.items():
        _set(source, key, value)
    changed = _validate(source)
    if changed is None:
        raise ConfigError(source.problems)
    return changed


def _read(path: Path) -> _Source:
    # Here, since most commands read no file, and importing it takes as long as validating.
    import yaml

    source = _Source(name=str(path))
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


def _locate(source: _Source, node: Node | None, prefix: str) -> None:
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


def _set(source: _Source, key: str, value: object) -> None:
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


def _validate(source: _Source) -> Config | None:
    """The configuration, or None with the reasons added to `source.problems`."""
    values = {section: {} if content is None else content for section, content in source.values.items()}
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        wrong = [item for item in error.errors() if item["type"] != "contradiction"]
        clashes = contradictions_of(error)
    bad: set[str] = set()
    for item in wrong:
        # A key that may be of several types has a problem for each.
        if any(_below(item["loc"], key) for key in bad):
            continue
        key = _remove(values, item["loc"])
        bad.add(key)
        source.problems.append(_problem(source, key, item))
    if wrong:
        # With defaults in place of the wrong values, contradictions among the others are found in the same run.
        try:
            Config.model_validate(values)
        except ValidationError as error:
            clashes = [clash for clash in contradictions_of(error) if bad.isdisjoint(clash.keys)]
    for clash in clashes:
        place = _place_of_clash(source, clash.keys)
        source.problems.append(Problem(place, clash.keys[0], clash.message, clash.expected))
    return None


def _place_of_clash(source: _Source, keys: tuple[str, ...]) -> str:
    """The place of the first key that was set at all: the others hold defaults."""
    return source.place(next((key for key in keys if key in source.places), keys[0]))


def _below(location: tuple[int | str, ...], key: str) -> bool:
    """Whether the value at `location` is that of `key`, or a part of it."""
    parts = [str(part) for part in location]
    return parts[: key.count(".") + 1] == key.split(".")


def _remove(values: dict[Any, Any], location: tuple[int | str, ...]) -> str:
    """Takes the value at `location` out of `values`; an element of a list takes the list with it."""
    parts: list[str] = []
    target: Any = values
    for part in location:
        name = next((key for key in target if str(key) == str(part)), None)
        if name is None:
            break
        parts.append(str(part))
        inner = target[name]
        if len(parts) == len(location) or not isinstance(inner, dict):
            del target[name]
            break
        target = inner
    return ".".join(parts)


def _problem(source: _Source, key: str, item: ErrorDetails) -> Problem:
    if item["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key, _known_keys(), n=1, cutoff=0.6) or _same_name(key)
        return Problem(source.place(key), key, "unknown key", f"did you mean {close[0]}?" if close else None)
    return Problem(source.place(key), key, f"{_show(item['input'])} is not allowed", f"expected {_expected(key)}")


def _same_name(key: str) -> list[str]:
    """A known key with nearly the name of `key` in another section."""
    names = {known.rpartition(".")[2]: known for known in _known_keys()}
    close = difflib.get_close_matches(key.rpartition(".")[2], names, n=1, cutoff=0.75)
    return [names[name] for name in close]


def _known_keys() -> list[str]:
    return [key for key, _ in _walk(Config, "")]


def _walk(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, info in model.model_fields.items():
        yield prefix + name, info
        # Python 3.10 takes `tuple[str, ...]` for a class, until it is asked what of.
        annotation: Any = info.annotation
        plain = get_origin(annotation) is None and isinstance(annotation, type)
        if plain and issubclass(annotation, BaseModel):
            yield from _walk(annotation, f"{prefix}{name}.")


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _expected(key: str) -> str:
    """What `key` takes, from its JSON schema: type, limits, choices."""
    schema = Config.model_json_schema()
    node = schema
    for part in key.split("."):
        node = _resolve(schema, node)["properties"][part]
    return _describe(_resolve(schema, node))


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    reference: str | None = node.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else node


def _describe(node: dict[str, Any]) -> str:
    if "anyOf" in node:
        return " or ".join(_describe(choice) for choice in node["anyOf"])
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return "one of " + ", ".join(node["enum"])
    if node.get("format") == "date":
        return "a date such as 2024-01-31"
    if choices := node.get("items", {}).get("enum"):
        return "a list of " + ", ".join(choices)
    names = {
        "array": "a list of text",
        "boolean": "true or false",
        "integer": "a whole number",
        "null": "null",
        "number": "a number",
        "object": "a section with keys of its own",
        "string": "text",
    }
    limits = {
        "exclusiveMinimum": "above {}",
        "minimum": "at least {}",
        "exclusiveMaximum": "below {}",
        "maximum": "at most {}",
        "minItems": "not empty",
        "minLength": "not empty",
    }
    parts = [text.format(_plain(node[name])) for name, text in limits.items() if name in node]
    return names[node["type"]] + (f" ({' and '.join(parts)})" if parts else "")


def _plain(limit: float) -> float:
    """`limit` without a fraction of zero, which some versions of pydantic give it."""
    return int(limit) if limit == int(limit) else limit

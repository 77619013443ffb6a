"""States every problem of a configuration's values at once, with their place, key, and what was expected."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args, get_origin

from longctx.config import Config, ContradictionError, Section, keys_of, typed
from longctx.errors import UsageError


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
class Source:
    """Raw values with the places they came from."""

    values: dict[Any, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    name: str = "configuration"

    def place(self, key: str) -> str:
        """Where `key`, or the nearest section that holds it, was set."""
        while key and key not in self.places:
            key = key.rpartition(".")[0]
        return self.places.get(key, self.name)

    def place_of_clash(self, keys: tuple[str, ...]) -> str:
        """The place of the first key that was set at all: the others hold defaults."""
        return self.place(next((key for key in keys if key in self.places), keys[0]))


def config_of(source: Source) -> Config:
    """The configuration that the values make; sections and keys that are missing take their defaults.

    Raises:
        ConfigError: It has problems already, a key is unknown, or values are wrong or contradict each other.
    """
    known = len(source.problems)
    values = _values(source, Config, source.values, "")
    wrong = {problem.key for problem in source.problems[known:]}
    config, clashes = None, []
    try:
        config = Config(**values)
    except ContradictionError as error:
        # Defaults stand in place of the wrong values: what clashes with those is no problem of its own.
        clashes = [clash for clash in error.contradictions if wrong.isdisjoint(clash.keys)]
    for clash in clashes:
        place = source.place_of_clash(clash.keys)
        source.problems.append(Problem(place, clash.keys[0], clash.message, clash.expected))
    if config is None or source.problems:
        order = {key: number for number, key in enumerate(source.places)}
        raise ConfigError(sorted(source.problems, key=lambda problem: order.get(problem.key, len(order))))
    return config


def _values(source: Source, section: type[Section], values: dict[Any, Any], prefix: str) -> dict[str, Any]:
    """The values that are right, by key; the others are added to `source.problems`."""
    kinds = {key.name: key.type for key in keys_of(section)}
    found: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{prefix}{name}"
        if name not in kinds:
            source.problems.append(Problem(source.place(key), key, "unknown key", _meant(key)))
        elif _is_section(kinds[name]):
            # A section without keys is None in YAML.
            inner = {} if value is None else value
            if isinstance(inner, dict):
                found[name] = kinds[name](**_values(source, kinds[name], inner, f"{key}."))
            else:
                source.problems.append(_not_allowed(source, key, value))
        else:
            try:
                found[name] = typed(value, kinds[name])
            except ValueError:
                source.problems.append(_not_allowed(source, key, _culprit(value, kinds[name])))
    return found


def _is_section(kind: Any) -> bool:
    # Python 3.10 takes `tuple[str, ...]` for a class, until it is asked what of.
    return get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, Section)


def _culprit(value: object, kind: Any) -> object:
    """The element of a list that makes it wrong, or what is wrong as a whole."""
    elements = value if isinstance(value, list) else ()
    return next((element for element in elements if not _is_allowed([element], kind)), value)


def _is_allowed(value: object, kind: Any) -> bool:
    try:
        typed(value, kind)
    except ValueError:
        return False
    return True


def _not_allowed(source: Source, key: str, value: object) -> Problem:
    return Problem(source.place(key), key, f"{_show(value)} is not allowed", f"expected {_expected(key)}")


def _meant(key: str) -> str | None:
    """The known key that is nearest to `key`, or has nearly its name in another section, as a question."""
    # Here, since every command checks a configuration and few are wrong.
    import difflib

    known = list(_walk(Config, ""))
    names = {one.rpartition(".")[2]: one for one in known}
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    same = difflib.get_close_matches(key.rpartition(".")[2], names, n=1, cutoff=0.75)
    found = [*close, *(names[name] for name in same)]
    return f"did you mean {found[0]}?" if found else None


def _walk(section: type[Section], prefix: str) -> Iterator[str]:
    for key in keys_of(section):
        yield prefix + key.name
        if _is_section(key.type):
            yield from _walk(key.type, f"{prefix}{key.name}.")


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _expected(key: str) -> str:
    """What `key` takes: type, limits, choices."""
    kind: Any = Config
    for name in key.split("."):
        kind = next(key.type for key in keys_of(kind) if key.name == name)
    return _describe(kind)


_NAMES = {
    bool: "true or false",
    datetime.date: "a date such as 2024-01-31",
    float: "a number",
    int: "a whole number",
    str: "text",
    type(None): "null",
}
_LIMITS = {"gt": "above {}", "ge": "at least {}", "lt": "below {}", "le": "at most {}", "min_length": "not empty"}


def _describe(kind: Any) -> str:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        given = {name: getattr(parts[1], name) for name in _LIMITS}
        limits = [_LIMITS[name].format(limit) for name, limit in given.items() if limit is not None]
        return f"{_describe(parts[0])} ({' and '.join(limits)})"
    if origin is Literal:
        return "one of " + ", ".join(parts) if len(parts) > 1 else str(parts[0])
    if origin is tuple:
        choices = get_args(parts[0])
        return "a list of " + (", ".join(choices) if choices else _describe(parts[0]))
    if parts:
        return " or ".join(_describe(part) for part in parts)
    return "a section with keys of its own" if _is_section(kind) else _NAMES[kind]

"""Small programs in many languages, whose modules import and call each other; the same on every machine.

Nothing here may change: `test_frozen.py` holds digests of what is packed from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

MODULES = ("base", "reader", "parser", "store", "report", "main")
_VERBS = ("load", "merge", "parse", "count", "find", "split", "check", "write")
_NOUNS = ("token", "index", "graph", "shard", "window", "label", "commit")


@dataclass(frozen=True)
class Language:
    """How a language writes a module; the templates know `$module`, `$name`, `$call`, `$number` and `$word`."""

    path: str
    head: str
    importing: str
    function: str
    calling: str
    end: str = ""


LANGUAGES = {
    "python": Language(
        "app/$module.py",
        '"""The module $module."""\n\nfrom __future__ import annotations\n\n',
        "from app.$module import $name\n",
        '\n\ndef $name(left: int, right: int) -> int:\n    """Größe von $word, 日本語."""\n'
        "    total = $call + $number\n    if total > right:\n        total -= right\n    return total\n",
        "$name(left, right)",
    ),
    "typescript": Language(
        "web/$module.ts",
        "// The module $module.\n",
        'import { $name } from "./$module";\n',
        "\nexport function $name(left: number, right: number): number {\n  // $word 🎉\n"
        "  const total = $call + $number;\n  return total > right ? total - right : total;\n}\n",
        "$name(left, right)",
    ),
    "javascript": Language(
        "web/$module.js",
        '"use strict";\n',
        'const { $name } = require("./$module");\n',
        "\nexports.$name = function $name(left, right) {\n  let total = $call + $number; // $word\n"
        "  while (total > right) {\n    total -= right;\n  }\n  return total;\n};\n",
        "$name(left, right)",
    ),
    "go": Language(
        "go/$module/$module.go",
        "// Package $module is one of several.\npackage $module\n\n",
        'import "example.org/demo/go/$module"\n',
        "\n// $name tells the $word.\nfunc $name(left, right int) int {\n\ttotal := $call + $number\n"
        "\tif total > right {\n\t\ttotal -= right\n\t}\n\treturn total\n}\n",
        "$module.$name(left, right)",
    ),
    "rust": Language(
        "crate/src/$module.rs",
        "//! The module $module.\n\n",
        "use crate::$module::$name;\n",
        "\n/// The $word.\npub fn $name(left: u64, right: u64) -> u64 {\n    let total = $call + $number;\n"
        "    if total > right { total - right } else { total }\n}\n",
        "$name(left, right)",
    ),
    "java": Language(
        "java/src/org/example/$module.java",
        "package org.example;\n\n",
        "import static org.example.$module.$name;\n",
        "\n    /** The $word. */\n    static int $name(int left, int right) {\n        int total = $call + $number;\n"
        "        return total > right ? total - right : total;\n    }\n",
        "$name(left, right)",
        "}\n",
    ),
    "c": Language(
        "native/$module.c",
        '/* The module $module. */\n#include "$module.h"\n',
        '#include "$module.h" /* $name */\n',
        "\nint $name(int left, int right)\n{\n\tint total = $call + $number; /* $word */\n"
        "\treturn total > right ? total - right : total;\n}\n",
        "$name(left, right)",
    ),
    "ruby": Language(
        "lib/$module.rb",
        "# frozen_string_literal: true\n\n",
        "require_relative '$module' # $name\n",
        "\n# The $word.\ndef $name(left, right)\n  total = $call + $number\n"
        "  total > right ? total - right : total\nend\n",
        "$name(left, right)",
    ),
    "shell": Language(
        "bin/$module.sh",
        "#!/usr/bin/env bash\nset -eu\n",
        '. "$$(dirname "$$0")/$module.sh" # $name\n',
        "\n# The $word.\n$name() {\n    local total=$$(( $$1 + $number ))\n    $call\n    echo $$((total % $$2))\n}\n",
        "$name $$1 $$2",
    ),
}


def function_name(language: str, module: str, number: int) -> str:
    """The name of a module's function; some are the same in several languages, as in real repositories."""
    place = list(LANGUAGES).index(language) * 5 + MODULES.index(module) * 11 + number * 3
    return f"{_VERBS[place % len(_VERBS)]}_{_NOUNS[place // 2 % len(_NOUNS)]}_{module[0]}{number}"


def source(language: str, module: str, edition: int = 0) -> str:
    """A module as it is after so many edits: each adds to some numbers, every second one adds a function."""
    made = LANGUAGES[language]
    place = MODULES.index(module)
    count = 3 + 4 * place + edition // 2
    needed = MODULES[max(place - 2, 0) : place]
    parts = [Template(made.head).substitute(module=module)]
    for other in needed:
        for number in range(2):
            name = function_name(language, other, number)
            parts.append(Template(made.importing).substitute(module=other, name=name))
    if language == "java":
        parts.append(f"\nfinal class {module} {{\n")
    for number in range(count):
        called = needed[number % len(needed)] if needed else module
        callee = function_name(language, called, number % 2)
        call = Template(made.calling).substitute(module=called, name=callee) if needed and number % 3 else "$left"
        plain = ":" if language == "shell" else "left"
        parts.append(
            Template(made.function).substitute(
                name=function_name(language, module, number),
                call=plain if call == "$left" else call,
                number=1000 * place + number + sum((number + step) % 5 == 0 for step in range(edition)),
                word=_NOUNS[(number + place) % len(_NOUNS)],
            )
        )
    return "".join([*parts, made.end])


def path(language: str, module: str) -> str:
    """Where a module lies."""
    return Template(LANGUAGES[language].path).substitute(module=module)


def programs() -> dict[str, str | bytes]:
    """All modules of all languages, and what makes them find each other."""
    files: dict[str, str | bytes] = {
        path(language, module): source(language, module) for language in LANGUAGES for module in MODULES
    }
    for module in MODULES:
        names = [function_name("c", module, number) for number in range(3)]
        files[f"native/{module}.h"] = "#pragma once\n" + "".join(
            f"int {name}(int left, int right);\n" for name in names
        )
    files["app/__init__.py"] = ""
    files["go.mod"] = "module example.org/demo\n\ngo 1.22\n"
    files["crate/Cargo.toml"] = '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n'
    files["crate/src/lib.rs"] = "".join(f"pub mod {module};\n" for module in MODULES)
    return files

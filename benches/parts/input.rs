//! Source files made by rule: the same on every machine.

use std::fmt::Write;
use std::io;
use std::path::Path;

/// How a language writes a file of functions; `{module}`, `{name}`, `{call}` and `{number}` are filled in.
struct Language {
    suffix: &'static str,
    head: &'static str,
    import: &'static str,
    function: &'static str,
}

const LANGUAGES: [Language; 4] = [
    Language {
        suffix: "py",
        head: "\"\"\"The module {module}.\"\"\"\n\nfrom __future__ import annotations\n\n",
        import: "from .{module} import {name}\n",
        function: "\n\ndef {name}(left: int, right: int = {number}) -> int:\n    \"\"\"Größe, 日本語.\"\"\"\n    \
                   total = {call}(left, right) * {number}\n    if total > right:\n        total -= right\n    \
                   return total  # {number}\n",
    },
    Language {
        suffix: "ts",
        head: "// The module {module}.\n",
        import: "import { {name} } from \"./{module}\";\n",
        function: "\n/** Größe, 日本語. */\nexport function {name}(left: number, right: number): number {\n  \
                   const total = {call}(left, right) + {number};\n  \
                   return total > right ? total - right : `${total}`.length;\n}\n",
    },
    Language {
        suffix: "rs",
        head: "//! The module {module}.\n\n",
        import: "use super::{module}::{name};\n",
        function: "\n/// Größe, 日本語.\npub fn {name}(left: u64, right: u64) -> u64 {\n    \
                   let total = {call}(left, right) + 0x{number};\n    \
                   if total > right { total - right } else { total }\n}\n",
    },
    Language {
        suffix: "md",
        head: "# The module {module}\n\n",
        import: "See [{module}]({module}.md) about `{name}`.\n",
        function: "\n## {name}\n\nIt isn't what `{call}` does; it takes {number} steps, e.g. \"quoted\" ones…\n\n\
                   | left | right |\n|------|-------|\n| {number} | 🎉 |\n",
    },
];

const WORDS: [&str; 16] = [
    "load", "merge", "parse", "count", "find", "split", "check", "write", "token", "index", "graph", "shard",
    "window", "label", "commit", "value",
];

/// Numbers that look random: a linear congruence, whose high bits are taken.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

fn name(module: usize, number: usize) -> String {
    let mut numbers = Numbers((module * 1000 + number) as u64);
    let words: Vec<&str> = (0..3).map(|_| WORDS[numbers.below(WORDS.len())]).collect();
    format!("{}_{module}_{number}", words.join("_"))
}

/// Fills in a template.
fn fill(template: &str, module: &str, name: &str, call: &str, number: &str) -> String {
    template
        .replace("{module}", module)
        .replace("{name}", name)
        .replace("{call}", call)
        .replace("{number}", number)
}

fn file(language: &Language, module: usize, numbers: &mut Numbers) -> String {
    let mut text = fill(language.head, &format!("module_{module}"), "", "", "");
    let needed: Vec<usize> = (1..4).filter_map(|back| module.checked_sub(back)).collect();
    for &other in &needed {
        let import = fill(language.import, &format!("module_{other}"), &name(other, 0), "", "");
        text.push_str(&import);
    }
    // Most files are short, few are long.
    let functions = 2 + numbers.below(12) + if module.is_multiple_of(10) { 60 } else { 0 };
    for number in 0..functions {
        let call = needed.get(number % 4).map_or_else(|| "max".to_owned(), |&other| name(other, 0));
        let value = numbers.below(1_000_000).to_string();
        text.push_str(&fill(language.function, "", &name(module, number), &call, &value));
    }
    if language.suffix == "md" {
        // What tables and diagrams in documentation look like.
        let _ = writeln!(text, "\n{}\n{}", "─".repeat(200), " ".repeat(300));
    }
    text
}

/// All files: path and text.
pub fn files(modules: usize) -> Vec<(String, String)> {
    let mut numbers = Numbers(7);
    let mut files = Vec::new();
    for language in &LANGUAGES {
        for module in 0..modules {
            let path = format!("part_{}/{}/module_{module}.{1}", module / 20, language.suffix);
            files.push((path, file(language, module, &mut numbers)));
        }
    }
    files
}

/// Writes all files below `folder`, which is made.
pub fn write(folder: &Path, modules: usize) -> io::Result<()> {
    for (path, text) in files(modules) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    std::fs::write(folder.join(".gitignore"), "build/\n*.log\n!keep.log\n")
}

//! Which language a file is written in: by its name, its extension, its first line, and for a few extensions by its
//! content, with linguist's names.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Serialize, Serializer};

use super::languages::{LANGUAGES, TEXT};
use crate::path::RepoPath;

/// What a language is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Code.
    Programming,
    /// Structure and style of documents.
    Markup,
    /// Values without behaviour.
    Data,
    /// Text for readers.
    Prose,
}

/// A language; it is written out by its name.
#[derive(Debug, PartialEq, Eq)]
pub struct Language {
    /// Linguist's name.
    pub name: &'static str,
    /// What it is for.
    pub kind: Kind,
    /// What goes before and after a comment that ends with its line; none where there are no comments.
    pub line_comment: Option<(&'static str, &'static str)>,
    /// Extensions without the dot, in lower case.
    pub(super) extensions: &'static [&'static str],
    /// Whole names.
    pub(super) names: &'static [&'static str],
    /// What a `#!` line may call.
    pub(super) interpreters: &'static [&'static str],
}

impl Language {
    /// The language with this name, in any case.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        LANGUAGES.iter().find(|language| language.name.eq_ignore_ascii_case(name))
    }

    /// Its place among all, [`Self::by_number`] gives it back.
    pub fn number(&self) -> u16 {
        LANGUAGES.iter().position(|language| language.name == self.name).unwrap_or(LANGUAGES.len()) as u16
    }

    /// The language with this number.
    pub fn by_number(number: u16) -> &'static Self {
        LANGUAGES.get(usize::from(number)).unwrap_or(&TEXT)
    }

    /// `text` as a comment of one line; as it is where the language has no comments.
    pub fn comment(&self, text: &str) -> String {
        match self.line_comment {
            Some((before, after)) => format!("{before}{text}{after}"),
            None => text.to_owned(),
        }
    }
}

impl Serialize for &'static Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

type Index = HashMap<&'static [u8], &'static Language>;

fn index(keys: fn(&'static Language) -> &'static [&'static str]) -> Index {
    LANGUAGES.iter().flat_map(|l| keys(l).iter().map(move |key| (key.as_bytes(), l))).collect()
}

static BY_EXTENSION: LazyLock<Index> = LazyLock::new(|| index(|language| language.extensions));
static BY_NAME: LazyLock<Index> = LazyLock::new(|| index(|language| language.names));
static BY_INTERPRETER: LazyLock<Index> = LazyLock::new(|| index(|language| language.interpreters));

/// How much of a file is looked at where its name is not enough, in bytes.
const HEAD: usize = 16 * 1024;

/// The language of a text; plain text where nothing tells.
pub fn detect(path: &RepoPath, text: &str) -> &'static Language {
    let name = path.name();
    if let Some(&language) = BY_NAME.get(name) {
        return language;
    }
    let extension = super::generated::extension(name);
    if let Some(extension) = extension.strip_prefix(b".") {
        if let Some(language) = ambiguous(extension, text) {
            return language;
        }
        if let Some(&language) = BY_EXTENSION.get(extension) {
            return language;
        }
        let lower = extension.to_ascii_lowercase();
        if let Some(&language) = BY_EXTENSION.get(lower.as_slice()) {
            return language;
        }
    }
    if name.starts_with(b"Dockerfile.") || name.starts_with(b"Containerfile.") {
        return named("Dockerfile");
    }
    by_first_line(text).unwrap_or(&TEXT)
}

fn named(name: &str) -> &'static Language {
    LANGUAGES.iter().find(|language| language.name == name).unwrap_or(&TEXT)
}

fn by_first_line(text: &str) -> Option<&'static Language> {
    let line = text.lines().next()?;
    if let Some(call) = line.strip_prefix("#!") {
        let mut words = call.split_ascii_whitespace();
        let program = words.next()?.rsplit('/').next()?;
        let program = if program == "env" {
            words.find(|word| !word.starts_with('-') && !word.contains('='))?
        } else {
            program
        };
        let program = program.rsplit('/').next()?;
        let stem = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        return BY_INTERPRETER
            .get(program.as_bytes())
            .or_else(|| BY_INTERPRETER.get(stem.as_bytes()))
            .copied();
    }
    if line.starts_with("<?xml") {
        return Some(named("XML"));
    }
    if line.starts_with("<?php") {
        return Some(named("PHP"));
    }
    let lower = line.get(..15).unwrap_or(line).to_ascii_lowercase();
    (lower.starts_with("<!doctype html") || lower.starts_with("<html")).then(|| named("HTML"))
}

/// Extensions that several languages share.
fn ambiguous(extension: &[u8], text: &str) -> Option<&'static Language> {
    let head = &text.as_bytes()[..text.len().min(HEAD)];
    let lines = || head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_start);
    match extension {
        b"h" => Some(named(match header(lines()) {
            Some(Header::ObjectiveC) => "Objective-C",
            Some(Header::Cpp) => "C++",
            None => "C",
        })),
        b"m" => {
            let matlab = lines().any(|line| line.starts_with(b"%") || line.starts_with(b"function "));
            let objective = lines().any(is_objective_c);
            Some(named(if matlab && !objective { "MATLAB" } else { "Objective-C" }))
        }
        b"ts" => text.trim_start().starts_with("<?xml").then(|| named("XML")),
        b"pl" => lines().any(|line| line.starts_with(b":-")).then(|| named("Prolog")),
        b"v" => lines()
            .any(|line| {
                line.starts_with(b"Require ") || line.starts_with(b"Theorem ") || line.starts_with(b"Lemma ")
            })
            .then(|| named("Rocq Prover")),
        _ => None,
    }
}

enum Header {
    Cpp,
    ObjectiveC,
}

/// A header is C unless a line of it can only be C++ or Objective-C (the marks that linguist's heuristics use).
fn header<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Header> {
    let mut cpp = false;
    for line in lines {
        match line.first() {
            Some(b'@' | b'#') if is_objective_c(line) => return Some(Header::ObjectiveC),
            Some(b'#') => cpp |= includes_cpp(line),
            Some(b't') => {
                cpp |= line
                    .strip_prefix(b"template")
                    .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"<"));
                cpp |= line.starts_with(b"try ");
            }
            Some(b'c') => cpp |= line.starts_with(b"constexpr") || is_declared(line, b"class"),
            Some(b'n') => cpp |= is_declared(line, b"namespace"),
            Some(b'u') => cpp |= line.starts_with(b"using namespace "),
            Some(b'p') => {
                let line = line.trim_ascii_end();
                cpp |= matches!(line, b"public:" | b"private:" | b"protected:");
            }
            _ => {}
        }
        cpp = cpp
            || memchr::memmem::find(line, b"std::")
                .is_some_and(|at| line.get(at + 5).is_some_and(u8::is_ascii_alphabetic));
    }
    cpp.then_some(Header::Cpp)
}

fn is_declared(line: &[u8], word: &[u8]) -> bool {
    line.strip_prefix(word).is_some_and(|rest| {
        rest.first().is_some_and(u8::is_ascii_whitespace)
            && rest
                .trim_ascii_start()
                .first()
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    })
}

fn includes_cpp(line: &[u8]) -> bool {
    const HEADERS: &[&[u8]] = &[
        b"cstdint",
        b"string",
        b"vector",
        b"map",
        b"list",
        b"array",
        b"bitset",
        b"queue",
        b"stack",
        b"forward_list",
        b"unordered_map",
        b"unordered_set",
        b"iostream",
        b"istream",
        b"ostream",
        b"stream",
    ];
    let Some(rest) = line.strip_prefix(b"#").map(<[u8]>::trim_ascii_start) else { return false };
    let Some(rest) = rest.strip_prefix(b"include").map(<[u8]>::trim_ascii_start) else { return false };
    let Some(rest) = rest.strip_prefix(b"<") else { return false };
    memchr::memchr(b'>', rest).is_some_and(|end| HEADERS.contains(&&rest[..end]))
}

fn is_objective_c(line: &[u8]) -> bool {
    const MARKS: &[&[u8]] = &[
        b"interface",
        b"class",
        b"protocol",
        b"property",
        b"end",
        b"synchronised",
        b"selector",
        b"implementation",
    ];
    if let Some(rest) = line.strip_prefix(b"@") {
        return MARKS.iter().any(|mark| {
            rest.strip_prefix(*mark)
                .is_some_and(|rest| !rest.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_'))
        });
    }
    line.starts_with(b"#import ") && (line.ends_with(b".h>") || line.ends_with(b".h\""))
}

//! What one file says, before anything is known about the others: its imports, definitions and names used.

use serde::{Deserialize, Serialize};

use super::{EdgeKind, Lang};
use crate::symbols::{Definition, SymbolTable, SymbolTableWriter, Symbols, TableSlice};

/// How an import was written, where one language has several ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Form {
    /// The plain way of the language: `import a`, `use a::b`, `#include "a"`, `require_relative`.
    Plain,
    /// Python's `from a import b`; JavaScript's `import`.
    From,
    /// Rust's `mod a;`.
    Module,
    /// Rust's `use a::*`, Java's `import a.*`.
    Glob,
    /// A path used in an expression or type, without an import: never reported as unresolved.
    Path,
    /// Rust's `include!` and friends, C's `#include "a"`, PHP's `include`: names a file.
    File,
    /// C's `#include <a>`, Ruby's `require`: looked up in search folders.
    Search,
    /// Java's `import static`, C#'s `using static`.
    Static,
}

/// One import, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Import {
    /// Line, from 1.
    pub line: u32,
    pub kind: EdgeKind,
    pub form: Form,
    /// The module, path or file named, without quotes.
    pub path: Box<str>,
    /// The names taken from it, or the one name it gets; what they mean depends on the language.
    pub names: Vec<Box<str>>,
    /// The inline module it stands in (Rust).
    pub scope: Box<str>,
}

impl Import {
    pub fn new(line: u32, kind: EdgeKind, form: Form, path: impl Into<Box<str>>) -> Self {
        Self { line, kind, form, path: path.into(), names: Vec::new(), scope: "".into() }
    }
}

/// A name that a file uses, at its first line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Use {
    /// `Name`, or `qualifier.Name`.
    pub name: Box<str>,
    /// Line, from 1.
    pub line: u32,
}

/// The arity of a field, which is no method.
pub(crate) const FIELD: u16 = u16::MAX;

/// A method, constructor or field of a file's types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub name: Box<str>,
    /// How many parameters it has, or [`FIELD`].
    pub arity: u16,
    /// The types of what it takes and gives, erased.
    pub types: Vec<Box<str>>,
}

/// What a call is made on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Receiver {
    /// The type around the call, those above it, or a static import.
    Own,
    /// A type, or a variable of that type.
    Type(Box<str>),
    /// The result of an expression.
    Unknown,
}

/// A call of a method or constructor, or the use of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Call {
    pub on: Receiver,
    pub name: Box<str>,
    /// How many arguments, or [`FIELD`].
    pub arity: u16,
}

/// What types offer each other without naming it where it is used (Java).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Members {
    pub offered: Vec<Member>,
    /// Methods called and fields read, each with its first line.
    pub called: Vec<(Call, u32)>,
    /// The types that those of the file extend and implement.
    pub supers: Vec<Box<str>>,
}

/// Everything read from one file in one parse.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileFacts {
    /// The language it was read as.
    pub lang: Lang,
    /// Its definitions, in the order of their start.
    pub definitions: Vec<Definition>,
    /// The syntax tree has errors, or the parser gave up: the facts are what could be read.
    pub broken: bool,
    /// What leads to other files.
    pub(crate) links: Links,
}

/// What a file says that leads to other files, or others to it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Links {
    pub(crate) imports: Vec<Import>,
    /// The package or namespace that the file declares.
    pub(crate) package: Box<str>,
    /// Names used that may be declared in another file without an import that says so; sorted by name.
    pub(crate) uses: Vec<Use>,
    /// Folders that the file adds to its search path (Python's `sys.path`), relative to the repository.
    pub(crate) roots: Vec<Box<str>>,
    pub(crate) members: Option<Box<Members>>,
}

/// What stays known of a file once its imports are resolved.
#[derive(Debug, Clone, Copy)]
pub struct FileSummary {
    lang: Lang,
    broken: bool,
    /// Which of the tables has its definitions and the lines with its imports.
    table: u32,
    place: TableSlice,
}

impl FileSummary {
    /// Adds the definitions of a file to `writer`, whose table will be the one of this number.
    ///
    /// # Errors
    /// The disk is full.
    pub fn new(facts: &FileFacts, writer: &mut SymbolTableWriter, table: u32) -> std::io::Result<Self> {
        let imports = facts.links.imports.iter().filter(|import| import.form != Form::Path);
        let mut lines: Vec<u32> = imports.map(|import| import.line).collect();
        lines.sort_unstable();
        lines.dedup();
        Ok(Self {
            lang: facts.lang,
            broken: facts.broken,
            table,
            place: writer.add(&facts.definitions, &lines)?,
        })
    }

    /// The language it was read as.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// With its definitions, which one of `tables` has.
    pub(super) fn with<'g>(&self, tables: &'g [SymbolTable]) -> Known<'g> {
        let table = &tables[self.table as usize];
        Known {
            lang: self.lang,
            definitions: table.of(self.place),
            broken: self.broken,
            import_lines: table.lines_of(self.place),
        }
    }
}

/// What is known of a file of a graph.
#[derive(Debug, Clone, Copy)]
pub struct Known<'g> {
    /// The language it was read as.
    pub lang: Lang,
    /// Its definitions, in the order of their start.
    pub definitions: Symbols<'g>,
    /// The syntax tree has errors, or the parser gave up: the facts are what could be read.
    pub broken: bool,
    /// The lines, from 1, on which a statement that imports something begins; sorted, each once.
    pub(super) import_lines: &'g [u32],
}

impl FileFacts {
    pub(crate) fn empty(lang: Lang) -> Self {
        Self { lang, definitions: Vec::new(), broken: false, links: Links::default() }
    }
}

//! The definitions of a file by its syntax tree: what they are called, where they stand, how they begin.

pub mod calls;
mod collect;
mod incremental;
mod names;
mod rules;
mod table;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub(crate) use self::collect::collect;
pub(crate) use self::incremental::Definitions;
pub use self::table::{Symbol, SymbolTable, SymbolTableWriter, Symbols, TableSlice};
use crate::graph::Lang;
use crate::graph::parse::parse;
use crate::interrupt::Watch;

/// What a definition defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum SymbolKind {
    Function,
    Method,
    Class,
    Struct,
    Enum,
    Interface,
    Trait,
    /// Rust's `impl` block; its name is the type's.
    Impl,
    /// A module or namespace inside of a file.
    Module,
    Type,
    Constant,
    Variable,
    Macro,
}

impl SymbolKind {
    /// All kinds, in the order of their numbers.
    pub(crate) const ALL: [Self; 13] = [
        Self::Function,
        Self::Method,
        Self::Class,
        Self::Struct,
        Self::Enum,
        Self::Interface,
        Self::Trait,
        Self::Impl,
        Self::Module,
        Self::Type,
        Self::Constant,
        Self::Variable,
        Self::Macro,
    ];

    /// Definitions inside are members of it.
    fn has_members(self) -> bool {
        matches!(self, Self::Class | Self::Struct | Self::Enum | Self::Interface | Self::Trait | Self::Impl)
    }
}

/// One definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its own name, without those around it.
    pub name: Box<str>,
    /// What it is.
    pub kind: SymbolKind,
    /// The bytes of all of it, with decorators and `template<...>` in front.
    pub range: Range<u32>,
    /// The bytes of its head: everything before the body, without the space between.
    pub signature: Range<u32>,
    /// The line it begins on, from 1.
    pub line: u32,
    /// The definition around it, as a place in the same list.
    pub parent: Option<u32>,
}

/// The definitions of one text, in the order of their start. Empty where the language has no grammar in this build, or
/// the text could not be parsed.
pub fn definitions(lang: Lang, text: &str, watch: Watch<'_>) -> Vec<Definition> {
    parse(lang, text, watch).map(|tree| collect(lang, text, &tree)).unwrap_or_default()
}

#[cfg(test)]
mod tests;

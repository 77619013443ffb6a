//! What connects two files, and what an import that connects nothing failed for.

use serde::{Deserialize, Serialize};

/// A place in [`super::Graph::files`].
pub type FileIndex = u32;

/// How strongly one file needs another, weakest first: cycles are opened at the weakest kind they contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// No import names the file: Python runs the `__init__` of every package above a module that is imported.
    Package,
    /// No name at all: the type of what a method gives or takes that the file calls (Java).
    Signature,
    /// Only when the file is run as a program (`if __name__ == "__main__"`).
    MainGuard,
    /// Only for the type checker (`if TYPE_CHECKING`, `import type`).
    TypeChecking,
    /// Inside a function, or in code for tests only.
    FunctionLocal,
    /// The file declares the other as a part of itself (Rust's `mod a;`).
    Module,
    /// The file passes on what the other defines.
    ReExport,
    /// A name that the other file of the same package declares, used without an import.
    SamePackage,
    /// An import that always happens.
    TopLevel,
    /// The text of the other file becomes part of this one.
    Include,
}

impl EdgeKind {
    /// Weakest first.
    pub const ALL: [Self; 10] = [
        Self::Package,
        Self::Signature,
        Self::MainGuard,
        Self::TypeChecking,
        Self::FunctionLocal,
        Self::Module,
        Self::ReExport,
        Self::SamePackage,
        Self::TopLevel,
        Self::Include,
    ];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Signature => "signature",
            Self::MainGuard => "main-guard",
            Self::TypeChecking => "type-checking",
            Self::FunctionLocal => "function-local",
            Self::Module => "module",
            Self::ReExport => "re-export",
            Self::SamePackage => "same-package",
            Self::TopLevel => "top-level",
            Self::Include => "include",
        }
    }
}

/// `from` needs `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edge {
    /// The file that imports.
    pub from: FileIndex,
    /// The file that is imported.
    pub to: FileIndex,
    /// How strongly.
    pub kind: EdgeKind,
    /// Where `from` says so first, from 1.
    pub line: u32,
}

/// Why an import leads to no file of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It names something outside the tree: a standard library, a package of others.
    External,
    /// Several files fit equally well.
    Ambiguous,
    /// It names something of this tree that is not there.
    Missing,
}

impl Reason {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::External => "external",
            Self::Ambiguous => "ambiguous",
            Self::Missing => "missing",
        }
    }
}

/// An import that leads to no file of the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unresolved {
    /// The file that imports.
    pub from: FileIndex,
    /// The line, from 1.
    pub line: u32,
    /// What it names, as written.
    pub text: String,
    /// Why nothing was found.
    pub reason: Reason,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_listed_from_weak_to_strong_under_their_json_names() {
        assert!(EdgeKind::ALL.is_sorted());
        for kind in EdgeKind::ALL {
            assert_eq!(serde_json::to_value(kind).ok(), Some(kind.name().into()));
        }
    }
}

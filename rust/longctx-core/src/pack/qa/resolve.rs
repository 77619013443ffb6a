//! Which definition a call means.

use rustc_hash::FxHashSet;

use super::index::Item;
use crate::graph::{EdgeKind, Known, Lang};
use crate::pack::world::World;
use crate::symbols::calls::{Call, On};
use crate::symbols::{Symbol, SymbolKind};

/// How sure it is that a call means the one definition of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sure {
    /// The name may be something else's.
    No,
    /// By import, package, type or file.
    Yes,
    /// A method of something unknown, whose file is needed: unless others call the name without need.
    UnlessOthers,
    /// A method of something unknown, whose file is not needed: the name seems to belong to others as well.
    Others,
}

/// A file with a call, and what it knows.
pub struct Site<'s> {
    /// The document.
    pub document: u32,
    /// What it says.
    pub facts: Known<'s>,
    /// The words of its import lines.
    pub imported: FxHashSet<&'s str>,
}

/// How sure it is that `call`, made in the definition `caller`, means `target`, which alone has its name.
pub fn resolve(world: &World<'_>, site: &Site<'_>, call: &Call, caller: Option<u32>, target: Item) -> Sure {
    let documents = &world.corpus.documents;
    let home = documents.get(target.document);
    let Some(there) = world.facts(&home) else { return Sure::No };
    let Some(definition) = there.definitions.get(target.definition as usize) else { return Sure::No };
    let parent = parent_of(there, &definition);
    let parent = parent.as_ref();
    let is_member = parent.is_some_and(|parent| parent.kind != SymbolKind::Module);
    let same_file = site.document == target.document;
    let edge = edge_between(world, site.document, target.document);
    if site.facts.lang.family() != there.lang.family() || !(same_file || edge.is_some()) {
        // A bare name that nothing connects, a method of what nothing connects.
        return if matches!(call.on, On::Nothing | On::Own) { Sure::No } else { Sure::Others };
    }
    let sure = |yes: bool| if yes { Sure::Yes } else { Sure::No };
    match &call.on {
        On::Nothing if same_file => {
            let inside = caller.and_then(|at| outer_type(site.facts, at));
            sure(!is_member || has_implicit_self(there.lang) && inside == definition.parent)
        }
        On::Nothing => {
            let named = site.imported.contains(&*call.name)
                || matches!(edge, Some(EdgeKind::SamePackage | EdgeKind::Include))
                || imports_without_names(there.lang);
            sure(!is_member && named)
        }
        On::Own => {
            // `impl` blocks of one type are parents of their own; the name of the type tells.
            let inside = caller.and_then(|at| outer_type(site.facts, at));
            let inside = inside.and_then(|at| site.facts.definitions.get(at as usize));
            sure(same_file && is_member && inside.map(|one| one.name()) == parent.map(Symbol::name))
        }
        On::Name(on) if parent.is_some_and(|parent| parent.name() == &**on) => Sure::Yes,
        On::Name(on) if !is_member && is_module_name(home.name, on) => Sure::Yes,
        On::Name(_) | On::Other if is_member && is_telling(&call.name) => Sure::UnlessOthers,
        On::Name(_) | On::Other => Sure::No,
    }
}

/// The strongest way in which a document needs another.
pub fn edge_between(world: &World<'_>, from: u32, to: u32) -> Option<EdgeKind> {
    let file = |document: u32| world.corpus.documents.file(document);
    let edges = world.corpus.graph.between(file(from), file(to));
    edges.map(|edge| edge.kind).filter(|&kind| kind != EdgeKind::Package).max()
}

/// The definition around a definition.
fn parent_of<'f>(facts: Known<'f>, definition: &Symbol<'_>) -> Option<Symbol<'f>> {
    definition.parent.and_then(|at| facts.definitions.get(at as usize))
}

/// The type around a definition, as a place in the list: the nearest definition around it that is no function.
fn outer_type(facts: Known<'_>, definition: u32) -> Option<u32> {
    let mut at = facts.definitions.get(definition as usize)?.parent?;
    loop {
        let outer = facts.definitions.get(at as usize)?;
        if !matches!(outer.kind, SymbolKind::Function | SymbolKind::Method) {
            return Some(at);
        }
        at = outer.parent?;
    }
}

/// Languages in which a method calls another of its type by the bare name.
fn has_implicit_self(lang: Lang) -> bool {
    matches!(lang, Lang::Java | Lang::Kotlin | Lang::Cpp | Lang::CSharp | Lang::Ruby)
}

/// Languages whose imports bring in all that a file or package defines.
fn imports_without_names(lang: Lang) -> bool {
    matches!(
        lang,
        Lang::Ruby | Lang::Php | Lang::Shell | Lang::C | Lang::Cpp | Lang::CSharp | Lang::Java | Lang::Kotlin
    )
}

/// Whether code may call a file, or the folder that it speaks for, by this name.
fn is_module_name(path: &str, name: &str) -> bool {
    let mut parts = path.rsplit('/');
    let stem = parts.next().and_then(|file| file.split('.').next()).unwrap_or_default();
    let speaks_for_folder = matches!(stem, "mod" | "lib" | "__init__" | "index") || path.ends_with(".go");
    stem == name || speaks_for_folder && parts.next() == Some(name)
}

/// Whether a name has two words at least: single ones, as `get` or `insert`, are methods of everything.
pub fn is_telling(name: &str) -> bool {
    let bytes = name.as_bytes();
    let joins = |pair: &[u8]| {
        pair[0] == b'_' && pair[1].is_ascii_alphanumeric()
            || pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()
    };
    bytes.get(1..).is_some_and(|rest| rest.windows(2).any(joins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_two_words_tell() {
        for (name, tells) in [
            ("get", false),
            ("_get", false),
            ("get_all", true),
            ("getAll", true),
            ("Get", false),
            ("g", false),
        ] {
            assert_eq!(is_telling(name), tells, "{name}");
        }
    }

    #[test]
    fn files_are_called_by_their_names_or_their_folders() {
        assert!(is_module_name("a/b.py", "b"));
        assert!(is_module_name("a/b/mod.rs", "b"));
        assert!(is_module_name("a/b/c.go", "b"));
        assert!(!is_module_name("a/b/c.py", "b"));
    }
}

//! From syntax trees to imports: one extractor for each way of importing.

mod c;
mod ecma;
mod go;
mod jvm;
mod names;
mod python;
mod python_path;
mod rust;
mod rust_tokens;

use tree_sitter::Tree;

use super::facts::FileFacts;
use super::lang::Family;
use crate::interrupt::Watch;

/// Fills in everything but the definitions. Without a tree only what can be read line by line.
pub(super) fn extract(path: &str, text: &str, tree: Option<&Tree>, facts: &mut FileFacts, watch: Watch<'_>) {
    if facts.lang.family() == Family::C {
        return c::extract(text, facts);
    }
    let Some(tree) = tree else { return };
    match facts.lang.family() {
        Family::Python => python::extract(path, text, tree, facts, watch),
        Family::Rust => rust::extract(text, tree, facts),
        Family::Go => go::extract(text, tree, facts),
        Family::Jvm => jvm::extract(text, tree, facts),
        Family::Ecma => ecma::extract(text, tree, facts),
        _ => {}
    }
}

pub(super) fn name_package(_text: &str, _facts: &mut FileFacts) {}

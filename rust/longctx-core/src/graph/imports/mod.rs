//! From syntax trees to imports: one extractor for each way of importing.

mod c;
mod c_sharp;
mod ecma;
mod go;
mod java_members;
mod jvm;
mod names;
mod php;
mod python;
mod python_path;
mod ruby;
mod rust;
mod rust_tokens;
mod shell;

use tree_sitter::Tree;

use super::facts::FileFacts;
use super::lang::Family;
use crate::interrupt::Watch;

/// Fills in everything but the definitions. Without a tree only what can be read line by line.
pub(super) fn extract(path: &str, text: &str, tree: Option<&Tree>, facts: &mut FileFacts, watch: Watch<'_>) {
    let family = facts.lang.family();
    if family == Family::C {
        return c::extract(text, facts);
    }
    let Some(tree) = tree else { return };
    match family {
        Family::Python => python::extract(path, text, tree, facts, watch),
        Family::Rust => rust::extract(text, tree, facts),
        Family::Ecma => ecma::extract(text, tree, facts),
        Family::Go => go::extract(text, tree, facts),
        Family::Jvm => jvm::extract(text, tree, facts),
        Family::CSharp => c_sharp::extract(text, tree, facts),
        Family::Ruby => ruby::extract(text, tree, facts),
        Family::Php => php::extract(text, tree, facts),
        Family::Shell => shell::extract(text, tree, facts),
        Family::C => {}
    }
}

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

/// Finds what a file says of others. Without a tree only what can be read line by line.
pub(super) fn extract(path: &str, text: &str, tree: Option<&Tree>, facts: &mut FileFacts, watch: Watch<'_>) {
    let (family, links) = (facts.lang.family(), &mut facts.links);
    if family == Family::C {
        return c::extract(text, links);
    }
    let Some(tree) = tree else { return };
    match family {
        Family::Python => python::extract(path, text, tree, links, watch),
        Family::Rust => rust::extract(text, tree, links),
        Family::Ecma => ecma::extract(facts.lang, text, tree, links),
        Family::Go => go::extract(text, tree, links),
        Family::Jvm => jvm::extract(facts.lang, text, tree, links),
        Family::CSharp => c_sharp::extract(text, tree, links),
        Family::Ruby => ruby::extract(text, tree, links),
        Family::Php => php::extract(text, tree, links),
        Family::Shell => shell::extract(text, tree, links),
        Family::C => {}
    }
}

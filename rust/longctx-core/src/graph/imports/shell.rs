//! Shell's `source` and `.`, and scripts that are called by their path.

use std::sync::OnceLock;

use tree_sitter::{Node, Tree};

use crate::graph::EdgeKind;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::parse::{Kinds, Scopes, line_of, text_of, walk};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Command,
    Function,
}

fn kind(name: &str) -> Kind {
    match name {
        "command" => Kind::Command,
        "function_definition" => Kind::Function,
        _ => Kind::Other,
    }
}

pub(super) fn extract(text: &str, tree: &Tree, links: &mut Links) {
    static KINDS: OnceLock<Kinds<Kind>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| Kinds::new(&tree.language(), Kind::Other, kind));
    let mut scopes: Scopes<()> = Scopes::new();
    walk(tree.root_node(), |node| {
        match kinds.of(node, Kind::Other) {
            Kind::Other => {}
            Kind::Function => {
                scopes.at(node);
                scopes.push(node, ());
            }
            Kind::Command => {
                let edge =
                    if scopes.at(node).is_empty() { EdgeKind::TopLevel } else { EdgeKind::FunctionLocal };
                links.imports.extend(sourced(node, text, edge));
            }
        }
        true
    });
}

fn sourced(node: Node<'_>, text: &str, edge: EdgeKind) -> Option<Import> {
    let name = text_of(node.child_by_field_name("name")?, text);
    let argument = node.child_by_field_name("argument").map_or("", |argument| text_of(argument, text));
    let (form, kind, path) = match name {
        "source" | "." => (Form::File, edge, argument),
        // A script that is run: not part of this one, and never reported when it is not there.
        "bash" | "sh" | "zsh" if argument.ends_with(".sh") => (Form::Path, EdgeKind::FunctionLocal, argument),
        name if name.ends_with(".sh") && name.contains('/') => (Form::Path, EdgeKind::FunctionLocal, name),
        _ => return None,
    };
    let path = path.replace(['"', '\''], "");
    (!path.is_empty()).then(|| Import::new(line_of(node), kind, form, path))
}

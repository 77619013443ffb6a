//! Ruby's `require` and its kin, and the constants that an autoloader would look for.

use std::sync::OnceLock;

use tree_sitter::{Node, Tree};

use super::names::Names;
use crate::graph::EdgeKind;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::parse::{Kinds, Scopes, line_of, text_of, walk};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Call,
    Method,
    Constant,
    Scoped,
    Skip,
}

fn kind(name: &str) -> Kind {
    match name {
        "call" => Kind::Call,
        "method" | "singleton_method" => Kind::Method,
        "constant" => Kind::Constant,
        "scope_resolution" => Kind::Scoped,
        "comment" | "heredoc_body" => Kind::Skip,
        _ => Kind::Other,
    }
}

pub(super) fn extract(text: &str, tree: &Tree, links: &mut Links) {
    static KINDS: OnceLock<Kinds<Kind>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| Kinds::new(&tree.language(), Kind::Other, kind));
    let mut names = Names::default();
    let mut scopes: Scopes<()> = Scopes::new();
    walk(tree.root_node(), |node| match kinds.of(node, Kind::Other) {
        Kind::Other => true,
        Kind::Skip => false,
        Kind::Method => {
            scopes.at(node);
            scopes.push(node, ());
            true
        }
        Kind::Constant => {
            names.add(text_of(node, text), node);
            false
        }
        Kind::Scoped => {
            names.add(text_of(node, text).trim_start_matches("::"), node);
            false
        }
        Kind::Call => {
            let edge = if scopes.at(node).is_empty() { EdgeKind::TopLevel } else { EdgeKind::FunctionLocal };
            match required(node, text) {
                Some((form, path)) => {
                    links.imports.push(Import::new(line_of(node), edge, form, path));
                    false
                }
                None => true,
            }
        }
    });
    links.uses = names.into_uses();
}

fn required<'s>(node: Node<'_>, text: &'s str) -> Option<(Form, &'s str)> {
    if node.child_by_field_name("receiver").is_some_and(|receiver| text_of(receiver, text) != "Kernel") {
        return None;
    }
    let method = text_of(node.child_by_field_name("method")?, text);
    let arguments = node.child_by_field_name("arguments")?;
    let (form, argument) = match method {
        "require_relative" => (Form::Plain, arguments.named_child(0)?),
        "require" | "require_dependency" | "load" => (Form::Search, arguments.named_child(0)?),
        "autoload" => (Form::Search, arguments.named_child(1)?),
        _ => return None,
    };
    let mut cursor = argument.walk();
    let parts: Vec<Node<'_>> = argument.named_children(&mut cursor).collect();
    match (argument.kind(), parts.as_slice()) {
        ("string", [content]) if content.kind() == "string_content" => Some((form, text_of(*content, text))),
        // File.expand_path("../x", __FILE__) and File.join(__dir__, "x")
        ("call", _) => {
            let whole = text_of(argument, text);
            let inner = whole.split(['"', '\'']).nth(1)?;
            if whole.contains("__FILE__") {
                Some((Form::Plain, inner.strip_prefix("../").unwrap_or(inner)))
            } else {
                whole.contains("__dir__").then_some((Form::Plain, inner))
            }
        }
        _ => None,
    }
}

//! JavaScript's and TypeScript's `import`, `export ... from`, `require` and `import()`.

use std::sync::OnceLock;

use memchr::memmem;
use tree_sitter::{Node, Tree};

use crate::graph::facts::{Form, Import, Links};
use crate::graph::parse::{Kinds, Scopes, line_of, text_of, walk};
use crate::graph::{EdgeKind, Lang};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Import,
    Export,
    Call,
    Function,
    Comment,
    Skip,
}

fn kind(name: &str) -> Kind {
    match name {
        "import_statement" => Kind::Import,
        "export_statement" => Kind::Export,
        "call_expression" => Kind::Call,
        "function_declaration"
        | "function_expression"
        | "generator_function"
        | "generator_function_declaration"
        | "arrow_function"
        | "method_definition" => Kind::Function,
        "comment" => Kind::Comment,
        "string" | "regex" => Kind::Skip,
        _ => Kind::Other,
    }
}

pub(super) fn extract(lang: Lang, text: &str, tree: &Tree, links: &mut Links) {
    static KINDS: [OnceLock<Kinds<Kind>>; 3] = [const { OnceLock::new() }; 3];
    let table = match lang {
        Lang::TypeScript => 1,
        Lang::Tsx => 2,
        _ => 0,
    };
    let kinds = KINDS[table].get_or_init(|| Kinds::new(&tree.language(), Kind::Other, kind));
    // Statements stand at the top; calls may stand anywhere, but most files have none of interest.
    let has_calls =
        ["require", "import("].iter().any(|word| memmem::find(text.as_bytes(), word.as_bytes()).is_some());
    let mut scopes: Scopes<()> = Scopes::new();
    walk(tree.root_node(), |node| {
        let mut add = |kind, form, path: &str| {
            if !path.is_empty() {
                links.imports.push(Import::new(line_of(node), kind, form, path));
            }
        };
        match kinds.of(node, Kind::Other) {
            Kind::Other => has_calls || node.parent().is_none_or(|parent| parent.parent().is_none()),
            Kind::Skip => false,
            Kind::Function => {
                scopes.at(node);
                scopes.push(node, ());
                has_calls
            }
            Kind::Comment => {
                if let Some(path) = referenced(text_of(node, text)) {
                    add(EdgeKind::TypeChecking, Form::File, path);
                }
                false
            }
            Kind::Import => {
                let kind = if is_type(node) { EdgeKind::TypeChecking } else { EdgeKind::TopLevel };
                let source = node.child_by_field_name("source").or_else(|| {
                    let mut cursor = node.walk();
                    let clause = node
                        .named_children(&mut cursor)
                        .find(|child| child.kind() == "import_require_clause");
                    clause.and_then(|clause| clause.child_by_field_name("source"))
                });
                add(kind, Form::From, source.map_or("", |source| literal(source, text)));
                false
            }
            Kind::Export => {
                let Some(source) = node.child_by_field_name("source") else { return true };
                let kind = if is_type(node) { EdgeKind::TypeChecking } else { EdgeKind::ReExport };
                add(kind, Form::From, literal(source, text));
                false
            }
            Kind::Call => {
                if !has_calls {
                    return false;
                }
                let function = node.child_by_field_name("function").map_or("", |node| text_of(node, text));
                if !matches!(function, "require" | "import" | "require.resolve") {
                    return true;
                }
                let arguments = node.child_by_field_name("arguments");
                let path = arguments
                    .and_then(|arguments| arguments.named_child(0))
                    .map_or("", |node| literal(node, text));
                let local = function == "import" || !scopes.at(node).is_empty();
                let kind = if local { EdgeKind::FunctionLocal } else { EdgeKind::TopLevel };
                add(kind, if function == "import" { Form::From } else { Form::Plain }, path);
                true
            }
        }
    });
}

/// `import type ...`, `export type ...`.
fn is_type(node: Node<'_>) -> bool {
    node.child(1).is_some_and(|child| matches!(child.kind(), "type" | "typeof"))
}

/// A string, or a template without substitutions; bundlers' queries (`./a.svg?raw`) taken off.
fn literal<'s>(node: Node<'_>, text: &'s str) -> &'s str {
    let is_literal =
        node.kind() == "string" || (node.kind() == "template_string" && !text_of(node, text).contains("${"));
    if !is_literal {
        return "";
    }
    let inner = text_of(node, text);
    let inner = inner.get(1..inner.len().saturating_sub(1)).unwrap_or_default();
    inner.split('?').next().unwrap_or(inner)
}

/// The file of `/// <reference path="..." />`.
fn referenced(comment: &str) -> Option<&str> {
    let rest = comment.strip_prefix("///")?.trim_start().strip_prefix("<reference")?;
    let rest = &rest[rest.find("path=")? + "path=".len()..];
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    rest[1..].split(quote).next()
}

//! Go's imports, and the names that may come from other packages or other files of the same one.

use std::collections::HashSet;
use std::sync::OnceLock;

use tree_sitter::{Node, Tree};

use super::names::Names;
use crate::graph::EdgeKind;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::parse::{Kinds, line_of, text_of, walk};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Package,
    Import,
    /// A function: local names begin anew.
    Function,
    /// Declares local names.
    Local,
    Selector,
    QualifiedType,
    Name,
    KeyedElement,
    Skip,
}

fn kind(name: &str) -> Kind {
    match name {
        "package_clause" => Kind::Package,
        "import_spec" => Kind::Import,
        "function_declaration" | "method_declaration" => Kind::Function,
        "parameter_declaration"
        | "variadic_parameter_declaration"
        | "short_var_declaration"
        | "var_spec"
        | "const_spec"
        | "range_clause"
        | "type_parameter_declaration"
        | "receive_statement" => Kind::Local,
        "selector_expression" => Kind::Selector,
        "qualified_type" => Kind::QualifiedType,
        "identifier" | "type_identifier" => Kind::Name,
        "keyed_element" => Kind::KeyedElement,
        "comment" | "interpreted_string_literal" | "raw_string_literal" | "rune_literal" | "label_name" => {
            Kind::Skip
        }
        _ => Kind::Other,
    }
}

pub(super) fn extract(text: &str, tree: &Tree, links: &mut Links) {
    static KINDS: OnceLock<Kinds<Kind>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| Kinds::new(&tree.language(), Kind::Other, kind));
    let mut names = Names::default();
    let mut locals: HashSet<&str> = HashSet::new();
    let mut function_end = 0;
    // Nodes that declare and do not use: names of declarations, keys of struct literals.
    let mut declared: HashSet<usize> = HashSet::new();
    walk(tree.root_node(), |node| {
        match kinds.of(node, Kind::Other) {
            Kind::Other => return true,
            Kind::Skip => return false,
            Kind::Package => {
                links.package = node.named_child(0).map_or("", |name| text_of(name, text)).into();
                return false;
            }
            Kind::Import => {
                links.imports.extend(import(node, text));
                return false;
            }
            Kind::Function => {
                locals.clear();
                function_end = node.end_byte();
                declared.extend(node.child_by_field_name("name").map(|name| name.id()));
            }
            Kind::Local => {
                if node.start_byte() < function_end {
                    for name in declared_names(node) {
                        locals.insert(text_of(name, text));
                    }
                }
                declared.extend(declared_names(node).iter().map(Node::id));
            }
            Kind::KeyedElement => {
                let key = node.child_by_field_name("key").and_then(|key| key.named_child(0));
                declared.extend(key.filter(|key| key.kind() == "identifier").map(|key| key.id()));
            }
            Kind::Selector => {
                let operand =
                    node.child_by_field_name("operand").filter(|operand| operand.kind() == "identifier");
                if let Some(operand) = operand
                    && !locals.contains(text_of(operand, text))
                {
                    names.add(text_of(node, text), node);
                }
            }
            Kind::QualifiedType => {
                names.add(text_of(node, text), node);
                return false;
            }
            Kind::Name => {
                let name = text_of(node, text);
                let is_local = node.start_byte() < function_end && locals.contains(name);
                if !is_local && !declared.contains(&node.id()) {
                    names.add(name, node);
                }
            }
        }
        true
    });
    links.uses = names.into_uses();
}

fn import(node: Node<'_>, text: &str) -> Option<Import> {
    let path = text_of(node.child_by_field_name("path")?, text).trim_matches(['"', '`']);
    let mut import = Import::new(line_of(node), EdgeKind::TopLevel, Form::Plain, path);
    import.names.extend(node.child_by_field_name("name").map(|name| text_of(name, text).into()));
    Some(import)
}

/// The identifiers that a declaration introduces.
fn declared_names(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    if let Some(left) = node.child_by_field_name("left") {
        return left.named_children(&mut cursor).filter(|child| child.kind() == "identifier").collect();
    }
    node.children_by_field_name("name", &mut cursor).filter(|child| child.kind() == "identifier").collect()
}

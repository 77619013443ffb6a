//! What a defining node calls the thing it defines, and where its body begins.

use tree_sitter::Node;

use super::SymbolKind;
use crate::graph::Lang;
use crate::graph::parse::text_of;

/// A name that a node defines.
pub(super) struct Found<'t, 's> {
    pub name: &'s str,
    pub kind: SymbolKind,
    pub body: Option<Node<'t>>,
}

/// How many declarators may stand around a name in C.
const MAX_DECLARATORS: usize = 16;

/// The names that a node defines, as a rule one.
pub(super) fn names<'t, 's>(
    lang: Lang,
    kind: SymbolKind,
    node: Node<'t>,
    text: &'s str,
) -> Vec<Found<'t, 's>> {
    let one = |name: Option<Node<'t>>, kind, body| match name.map(|name| text_of(name, text).trim()) {
        Some(name) if !name.is_empty() => vec![Found { name, kind, body }],
        _ => Vec::new(),
    };
    let field = |name| node.child_by_field_name(name);
    let body = || field("body").or_else(|| body_by_kind(node));
    match (lang, node.kind()) {
        (Lang::Python, "assignment") => {
            let left = field("left").filter(|left| left.kind() == "identifier");
            let kind = value_kind(left.map_or("", |left| text_of(left, text)));
            one(left, kind, None)
        }
        (Lang::Python, "type_alias_statement") => one(field("left"), kind, None),
        (Lang::Rust, "impl_item") => one(field("type").map(bare_type), kind, body()),
        // `mod a;` declares a file; the file defines.
        (Lang::Rust, "mod_item") if field("body").is_none() => Vec::new(),
        (Lang::JavaScript | Lang::TypeScript | Lang::Tsx, "lexical_declaration" | "variable_declaration") => {
            declarators(node, text)
        }
        (Lang::Go, "type_spec") => {
            let kind = match field("type").map(|definition| definition.kind()) {
                Some("struct_type") => SymbolKind::Struct,
                Some("interface_type") => SymbolKind::Interface,
                _ => kind,
            };
            one(field("name"), kind, None)
        }
        (Lang::Go, "const_spec" | "var_spec") => {
            let mut cursor = node.walk();
            let names: Vec<Node<'t>> = node.children_by_field_name("name", &mut cursor).collect();
            let each = names.into_iter().map(|name| Found { name: text_of(name, text), kind, body: None });
            each.filter(|found| found.name != "_" && found.name != ",").collect()
        }
        (Lang::Kotlin, "companion_object") => {
            vec![Found {
                name: field("name").map_or("Companion", |name| text_of(name, text)),
                kind,
                body: body(),
            }]
        }
        (Lang::Kotlin, "class_declaration") => {
            let mut cursor = node.walk();
            let is_interface = node.children(&mut cursor).any(|child| child.kind() == "interface");
            one(field("name"), if is_interface { SymbolKind::Interface } else { kind }, body())
        }
        (Lang::Kotlin, "property_declaration") => {
            let variable =
                child_of_kind(node, &["variable_declaration"]).and_then(|child| child.named_child(0));
            let name = variable.filter(|name| name.kind() == "identifier");
            one(name, value_kind(name.map_or("", |name| text_of(name, text))), None)
        }
        (Lang::Kotlin, "type_alias") => one(field("type").or_else(|| node.named_child(0)), kind, None),
        (Lang::C | Lang::Cpp, _) => c_names(kind, node, text),
        (Lang::Ruby, "assignment") => {
            one(field("left").filter(|left| left.kind() == "constant"), SymbolKind::Constant, None)
        }
        (Lang::Php, "const_element") => one(node.named_child(0), kind, None),
        _ => one(
            field("name").or_else(|| child_of_kind(node, &["identifier", "type_identifier"])),
            kind,
            body(),
        ),
    }
}

fn child_of_kind<'t>(node: Node<'t>, kinds: &[&str]) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).find(|child| kinds.contains(&child.kind()))
}

/// Bodies that have no field of their own.
fn body_by_kind(node: Node<'_>) -> Option<Node<'_>> {
    child_of_kind(
        node,
        &["class_body", "enum_class_body", "function_body", "body_statement", "declaration_list"],
    )
}

fn value_kind(name: &str) -> SymbolKind {
    let constant = name.bytes().any(|byte| byte.is_ascii_uppercase())
        && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    if constant { SymbolKind::Constant } else { SymbolKind::Variable }
}

/// `Foo` of `Foo<T>` and `&mut Foo`.
fn bare_type(node: Node<'_>) -> Node<'_> {
    node.child_by_field_name("type").unwrap_or(node)
}

/// `const f = () => ...`, `let a = 1, b = 2`.
fn declarators<'t, 's>(node: Node<'t>, text: &'s str) -> Vec<Found<'t, 's>> {
    let mut cursor = node.walk();
    let declarators = node.named_children(&mut cursor).filter(|child| child.kind() == "variable_declarator");
    declarators
        .filter_map(|declarator| {
            let name = declarator.child_by_field_name("name").filter(|name| name.kind() == "identifier")?;
            let value = declarator.child_by_field_name("value");
            let name = text_of(name, text);
            let kind = match value.map(|value| value.kind()) {
                Some("arrow_function" | "function_expression" | "generator_function") => SymbolKind::Function,
                Some("class") => SymbolKind::Class,
                _ => value_kind(name),
            };
            let is_value = matches!(kind, SymbolKind::Constant | SymbolKind::Variable);
            let body = value.filter(|_| !is_value).and_then(|value| value.child_by_field_name("body"));
            Some(Found { name, kind, body })
        })
        .collect()
}

fn c_names<'t, 's>(kind: SymbolKind, node: Node<'t>, text: &'s str) -> Vec<Found<'t, 's>> {
    let field = |name| node.child_by_field_name(name);
    let (name, body) = match node.kind() {
        "function_definition" => (field("declarator").and_then(|at| declared(at, false)), field("body")),
        "struct_specifier" | "union_specifier" | "class_specifier" | "enum_specifier" => {
            // Without a body it is a use of the name.
            let body = field("body");
            (field("name").filter(|_| body.is_some()), body)
        }
        "type_definition" => (field("declarator").and_then(|at| declared(at, false)), None),
        // Prototypes are the definitions of a header; other declarations are variables.
        "declaration" | "field_declaration" => (field("declarator").and_then(|at| declared(at, true)), None),
        _ => (field("name"), field("body").or_else(|| field("value"))),
    };
    let name = name.map_or("", |name| text_of(name, text));
    // `Foo::bar` is `bar`.
    let name =
        if kind == SymbolKind::Module { name } else { name.rsplit("::").next().unwrap_or(name).trim() };
    if name.is_empty() { Vec::new() } else { vec![Found { name, kind, body }] }
}

/// The name inside a declarator: `*f(int)`, `(*p)[3]`. With `function` only that of a function.
fn declared(mut node: Node<'_>, function: bool) -> Option<Node<'_>> {
    let mut is_function = false;
    for _ in 0..MAX_DECLARATORS {
        match node.kind() {
            "function_declarator" => is_function = true,
            "parenthesized_declarator" | "reference_declarator" | "attributed_declarator" => {
                node = node.named_child(0)?;
                continue;
            }
            "identifier"
            | "field_identifier"
            | "type_identifier"
            | "qualified_identifier"
            | "destructor_name"
            | "operator_name"
            | "template_function"
            | "operator_cast" => return (is_function || !function).then_some(node),
            _ => {}
        }
        node = node.child_by_field_name("declarator")?;
    }
    None
}

//! Java's and Kotlin's packages and imports, and the names that may be types.

use std::sync::OnceLock;

use tree_sitter::{Node, Tree};

use super::java_members;
use super::names::Names;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::parse::{Kinds, line_of, text_of, walk};
use crate::graph::{EdgeKind, Lang};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Package,
    Import,
    Type,
    Name,
    Chain,
    Skip,
}

fn kind(name: &str) -> Kind {
    match name {
        "package_declaration" | "package_header" => Kind::Package,
        "import_declaration" | "import" => Kind::Import,
        "type_identifier" => Kind::Type,
        "identifier" => Kind::Name,
        "scoped_identifier"
        | "scoped_type_identifier"
        | "field_access"
        | "navigation_expression"
        | "user_type" => Kind::Chain,
        "line_comment" | "block_comment" | "string_literal" | "character_literal" => Kind::Skip,
        _ => Kind::Other,
    }
}

pub(super) fn extract(lang: Lang, text: &str, tree: &Tree, links: &mut Links) {
    static KINDS: [OnceLock<Kinds<Kind>>; 2] = [const { OnceLock::new() }; 2];
    let kotlin = lang == Lang::Kotlin;
    let kinds = KINDS[usize::from(kotlin)].get_or_init(|| Kinds::new(&tree.language(), Kind::Other, kind));
    let mut names = Names::default();
    let mut chain_end = 0;
    walk(tree.root_node(), |node| {
        match kinds.of(node, Kind::Other) {
            Kind::Other => {}
            Kind::Skip => return false,
            Kind::Package => {
                links.package = qualified(node, text).into();
                return false;
            }
            Kind::Import => {
                links.imports.extend(import(node, text));
                return false;
            }
            // In Kotlin any name may be a function of the package.
            Kind::Name if !kotlin && !starts_upper(text_of(node, text)) => {}
            Kind::Type | Kind::Name => names.add(text_of(node, text), node),
            Kind::Chain => {
                // `a.b.C.d()`: a type named in full. The outermost chain holds those inside.
                if node.end_byte() > chain_end {
                    chain_end = node.end_byte();
                    let path = text_of(node, text);
                    let plain =
                        path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._$".contains(&byte));
                    if plain
                        && path.contains('.')
                        && path.split('.').skip(1).any(starts_upper)
                        && !starts_upper(path)
                    {
                        let import = Import::new(line_of(node), EdgeKind::TopLevel, Form::Path, path);
                        links.imports.push(import);
                    }
                }
            }
        }
        true
    });
    links.uses = names.into_uses();
    if !kotlin {
        links.members = Some(Box::new(java_members::read(text, tree)));
    }
}

fn starts_upper(name: &str) -> bool {
    name.starts_with(|c: char| c.is_uppercase())
}

/// The dotted name inside a declaration of a package or an import.
fn qualified(node: Node<'_>, text: &str) -> String {
    let mut cursor = node.walk();
    let name = node
        .named_children(&mut cursor)
        .find(|child| matches!(child.kind(), "scoped_identifier" | "identifier" | "qualified_identifier"));
    name.map_or("", |name| text_of(name, text)).chars().filter(|c| !c.is_whitespace()).collect()
}

fn import(node: Node<'_>, text: &str) -> Option<Import> {
    let path = qualified(node, text);
    let whole = text_of(node, text);
    let form = if whole.trim_end_matches([';', ' ']).ends_with('*') {
        Form::Glob
    } else if whole.trim_start_matches("import").trim_start().starts_with("static ") {
        Form::Static
    } else {
        Form::Plain
    };
    let mut import = Import::new(line_of(node), EdgeKind::TopLevel, form, path);
    let alias = whole.split_once(" as ").map(|(_, alias)| alias.trim());
    import.names.extend(alias.map(Box::from));
    (!import.path.is_empty()).then_some(import)
}

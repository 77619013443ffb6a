//! PHP's `use`, `include` and `require`, and the names that an autoloader would look for.

use std::sync::OnceLock;

use tree_sitter::{Node, Tree};

use super::names::Names;
use crate::graph::EdgeKind;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::parse::{Kinds, Scopes, line_of, text_of, walk};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Namespace,
    Use,
    Include,
    Function,
    Name,
    Qualified,
    Skip,
}

fn kind(name: &str) -> Kind {
    match name {
        "namespace_definition" => Kind::Namespace,
        "namespace_use_declaration" => Kind::Use,
        "include_expression"
        | "include_once_expression"
        | "require_expression"
        | "require_once_expression" => Kind::Include,
        "function_definition" | "method_declaration" => Kind::Function,
        "name" => Kind::Name,
        "qualified_name" => Kind::Qualified,
        "comment" | "string" | "variable_name" => Kind::Skip,
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
        Kind::Namespace => {
            let name = node.child_by_field_name("name").map_or("", |name| text_of(name, text));
            links.package = name.into();
            true
        }
        Kind::Use => {
            used(node, text, &mut links.imports);
            false
        }
        Kind::Function => {
            scopes.at(node);
            scopes.push(node, ());
            true
        }
        Kind::Include => {
            let edge = if scopes.at(node).is_empty() { EdgeKind::Include } else { EdgeKind::FunctionLocal };
            if let Some(path) = node.named_child(0).and_then(|argument| included(text_of(argument, text))) {
                links.imports.push(Import::new(line_of(node), edge, Form::File, path));
            }
            true
        }
        Kind::Name => {
            names.add(text_of(node, text), node);
            false
        }
        Kind::Qualified => {
            names.add(text_of(node, text), node);
            false
        }
    });
    links.uses = names.into_uses();
}

/// `use A\B;`, `use A\{B, C as D};`, `use function A\f;`.
fn used(node: Node<'_>, text: &str, out: &mut Vec<Import>) {
    let whole = text_of(node, text).trim_end_matches(';').trim();
    let rest = whole.strip_prefix("use").unwrap_or(whole).trim_start();
    let rest = rest.strip_prefix("function ").or_else(|| rest.strip_prefix("const ")).unwrap_or(rest);
    let (prefix, items) = match rest.split_once('{') {
        Some((prefix, items)) => (prefix.trim(), items.trim_end().trim_end_matches('}')),
        None => ("", rest),
    };
    for item in items.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let item = item.strip_prefix("function ").or_else(|| item.strip_prefix("const ")).unwrap_or(item);
        let (path, alias) = match item.split_once(" as ") {
            Some((path, alias)) => (path.trim(), Some(alias.trim())),
            None => (item, None),
        };
        let path = format!("{prefix}{path}");
        let mut import =
            Import::new(line_of(node), EdgeKind::TopLevel, Form::Plain, path.trim_start_matches('\\'));
        import.names.extend(alias.map(Box::from));
        out.push(import);
    }
}

/// `'a.php'`, `__DIR__ . '/a.php'`, `dirname(__FILE__) . '/../a.php'`, `ANY_PATH . 'a.php'`: the text after what is
/// not known. What began at this file's folder begins with `./`.
fn included(argument: &str) -> Option<String> {
    let argument = argument.trim().trim_start_matches('(').trim_end_matches(')').trim();
    let quote = argument.find(['"', '\''])?;
    let mark = argument.as_bytes()[quote] as char;
    let literal = argument[quote + 1..].split(mark).next()?;
    let rest = &argument[quote + 1 + literal.len()..];
    if literal.contains('$') || rest.contains('.') {
        return None;
    }
    let head = &argument[..quote];
    let climbs = head.matches("dirname").count();
    let climbs = if head.contains("__FILE__") { climbs.saturating_sub(1) } else { climbs };
    let literal = literal.trim_start_matches('/');
    if head.contains("__DIR__") || head.contains("__FILE__") {
        return Some(format!("./{}{literal}", "../".repeat(climbs)));
    }
    Some(literal.to_owned())
}

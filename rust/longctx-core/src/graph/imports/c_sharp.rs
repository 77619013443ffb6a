//! C#'s `using`, and the names that may be types.

use std::sync::OnceLock;

use tree_sitter::{Node, Tree};

use super::names::Names;
use crate::graph::EdgeKind;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::parse::{Kinds, line_of, text_of, walk};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Using,
    Name,
    Qualified,
    Skip,
}

fn kind(name: &str) -> Kind {
    match name {
        "using_directive" => Kind::Using,
        "identifier" => Kind::Name,
        "qualified_name" => Kind::Qualified,
        "comment" | "string_literal" | "verbatim_string_literal" | "character_literal" => Kind::Skip,
        _ => Kind::Other,
    }
}

pub(super) fn extract(text: &str, tree: &Tree, links: &mut Links) {
    static KINDS: OnceLock<Kinds<Kind>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| Kinds::new(&tree.language(), Kind::Other, kind));
    let mut names = Names::default();
    walk(tree.root_node(), |node| match kinds.of(node, Kind::Other) {
        Kind::Other => true,
        Kind::Skip => false,
        Kind::Using => {
            links.imports.extend(using(node, text));
            false
        }
        Kind::Name => {
            let name = text_of(node, text);
            if name.starts_with(|c: char| c.is_uppercase()) {
                names.add(name, node);
            }
            false
        }
        Kind::Qualified => {
            let path = text_of(node, text);
            let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte));
            if plain {
                links.imports.push(Import::new(line_of(node), EdgeKind::TopLevel, Form::Path, path));
            }
            true
        }
    });
    links.uses = names.into_uses();
}

/// `using A.B;`, `using static A.B.C;`, `using X = A.B.C;`, `global using A.B;`.
fn using(node: Node<'_>, text: &str) -> Option<Import> {
    let whole = text_of(node, text).trim_end_matches(';');
    let (global, rest) = match whole.strip_prefix("global") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, whole),
    };
    let rest = rest.strip_prefix("using")?.trim_start();
    let (form, rest) = match rest.strip_prefix("static ") {
        Some(rest) => (Form::Static, rest),
        None => (Form::Glob, rest),
    };
    let (form, alias, path) = match rest.split_once('=') {
        Some((alias, path)) => (Form::Plain, Some(alias.trim()), path),
        None => (form, None, rest),
    };
    let path: String = path.trim().trim_start_matches("global::").split('<').next()?.trim().to_owned();
    let mut import = Import::new(line_of(node), EdgeKind::TopLevel, form, path);
    import.names.extend(alias.map(Box::from));
    if global {
        import.scope = "global".into();
    }
    Some(import)
}

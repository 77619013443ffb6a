//! Python's `import a` and `from a import b`, wherever they stand.

use std::sync::OnceLock;

use memchr::memmem;
use tree_sitter::{Node, Tree};

use super::python_path::SearchPath;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::parse::{Kinds, Scopes, line_of, parse, text_of, walk};
use crate::graph::{EdgeKind, Lang};
use crate::interrupt::Watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Import,
    From,
    If,
    Function,
    Expression,
    Skip,
}

fn kind(name: &str) -> Kind {
    match name {
        "import_statement" => Kind::Import,
        "import_from_statement" => Kind::From,
        "if_statement" => Kind::If,
        "function_definition" => Kind::Function,
        "expression_statement" => Kind::Expression,
        "return_statement"
        | "raise_statement"
        | "assert_statement"
        | "delete_statement"
        | "parameters"
        | "argument_list"
        | "string"
        | "comment"
        | "decorator"
        | "global_statement"
        | "future_import_statement" => Kind::Skip,
        _ => Kind::Other,
    }
}

pub(super) fn extract(path: &str, text: &str, tree: &Tree, links: &mut Links, watch: Watch<'_>) {
    collect(path, text, tree, links);
    if tree.root_node().has_error()
        && let Some(lines) = lost_lines(text, tree)
        && let Some(tree) = parse(Lang::Python, &lines, watch)
    {
        collect(path, &lines, &tree, links);
    }
}

/// The import lines that the parser gave up on, each on the line where it was, without its indent.
fn lost_lines(text: &str, tree: &Tree) -> Option<String> {
    let mut out = String::new();
    let mut any = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let start = at + line.len() - trimmed.len();
        if (trimmed.starts_with("import ") || trimmed.starts_with("from ")) && is_lost(tree, start) {
            any = true;
            out.push_str(trimmed.trim_end());
        }
        out.push('\n');
        at += line.len();
    }
    any.then_some(out)
}

fn is_lost(tree: &Tree, at: usize) -> bool {
    let found = tree.root_node().descendant_for_byte_range(at, at + 1);
    for node in std::iter::successors(found, Node::parent) {
        if node.is_error() {
            return true;
        }
        if matches!(node.kind(), "string" | "comment" | "import_statement" | "import_from_statement") {
            return false;
        }
    }
    false
}

fn collect(path: &str, text: &str, tree: &Tree, links: &mut Links) {
    static KINDS: OnceLock<Kinds<Kind>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| Kinds::new(&tree.language(), Kind::Other, kind));
    let edits_path = memmem::find(text.as_bytes(), b"sys.path").is_some();
    let mut search_path = SearchPath::new(path, text);
    let mut scopes: Scopes<EdgeKind> = Scopes::new();
    walk(tree.root_node(), |node| {
        let kind = kinds.of(node, Kind::Other);
        match kind {
            Kind::Other => return true,
            Kind::Skip => return false,
            Kind::Expression => {
                if edits_path {
                    search_path.statement(node);
                }
                return false;
            }
            Kind::Function => {
                scopes.at(node);
                scopes.push(node, EdgeKind::FunctionLocal);
                return true;
            }
            Kind::If => {
                scopes.at(node);
                if let (Some(guard), Some(body)) =
                    (guard(node, text), node.child_by_field_name("consequence"))
                {
                    scopes.push(body, guard);
                }
                return true;
            }
            Kind::Import | Kind::From => {}
        }
        let weakest = scopes.at(node).iter().map(|(_, kind)| *kind).min().unwrap_or(EdgeKind::TopLevel);
        if kind == Kind::From {
            links.imports.extend(from(node, text, weakest));
        } else {
            plain(node, text, weakest, &mut links.imports);
        }
        false
    });
    links.roots.extend(search_path.into_roots());
}

/// What an `if` says about the imports in its first branch.
fn guard(node: Node<'_>, text: &str) -> Option<EdgeKind> {
    let condition = text_of(node.child_by_field_name("condition")?, text);
    if condition == "TYPE_CHECKING" || condition.ends_with(".TYPE_CHECKING") {
        Some(EdgeKind::TypeChecking)
    } else if condition.contains("__name__") && condition.contains("__main__") {
        Some(EdgeKind::MainGuard)
    } else {
        None
    }
}

fn plain(node: Node<'_>, text: &str, kind: EdgeKind, out: &mut Vec<Import>) {
    let mut cursor = node.walk();
    for item in node.children_by_field_name("name", &mut cursor) {
        let path = dotted(imported(item), text);
        if !path.is_empty() {
            out.push(Import::new(line_of(item), kind, Form::Plain, path));
        }
    }
}

fn from(node: Node<'_>, text: &str, kind: EdgeKind) -> Option<Import> {
    let path = dotted(node.child_by_field_name("module_name")?, text);
    let mut import = Import::new(line_of(node), kind, Form::From, path);
    let mut cursor = node.walk();
    for item in node.children(&mut cursor) {
        if item.kind() == "wildcard_import" {
            import.form = Form::Glob;
        }
    }
    for item in node.children_by_field_name("name", &mut cursor) {
        import.names.push(text_of(imported(item), text).into());
    }
    Some(import)
}

/// The name in `name as alias`.
fn imported(item: Node<'_>) -> Node<'_> {
    item.child_by_field_name("name").filter(|_| item.kind() == "aliased_import").unwrap_or(item)
}

/// A dotted name, without the spaces and line ends that may stand around its dots.
fn dotted(node: Node<'_>, text: &str) -> String {
    text_of(node, text).chars().filter(|c| !c.is_whitespace() && *c != '\\').collect()
}

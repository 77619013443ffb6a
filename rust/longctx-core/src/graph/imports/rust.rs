//! Rust's `mod`, `use`, `extern crate`, `include!` and paths in code.

use std::collections::HashSet;
use std::sync::OnceLock;

use tree_sitter::{Node, Tree};

use super::rust_tokens::{self, leaves};
use crate::graph::EdgeKind;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::parse::{Kinds, Scopes, line_of, text_of, walk};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Use,
    Module,
    ExternCrate,
    Function,
    Macro,
    Path,
    Tokens,
    Skip,
}

fn kind(name: &str) -> Kind {
    match name {
        "use_declaration" => Kind::Use,
        "mod_item" => Kind::Module,
        "extern_crate_declaration" => Kind::ExternCrate,
        "function_item" => Kind::Function,
        "macro_invocation" => Kind::Macro,
        "scoped_identifier" | "scoped_type_identifier" => Kind::Path,
        "token_tree" => Kind::Tokens,
        "line_comment" | "block_comment" | "string_literal" | "visibility_modifier" | "attribute_item" => {
            Kind::Skip
        }
        _ => Kind::Other,
    }
}

/// Where a node stands.
#[derive(Debug, Clone)]
enum Scope {
    /// In an inline module of this name.
    Module(Box<str>),
    /// In a function.
    Function,
    /// In code that is compiled for tests only.
    Test,
}

/// Collects the imports of one file.
struct Extractor<'s, 'f> {
    text: &'s str,
    links: &'f mut Links,
    /// Paths in code, each once for a module.
    paths: HashSet<(Box<str>, &'s str)>,
}

pub(super) fn extract(text: &str, tree: &Tree, links: &mut Links) {
    static KINDS: OnceLock<Kinds<Kind>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| Kinds::new(&tree.language(), Kind::Other, kind));
    let mut extractor = Extractor { text, links, paths: HashSet::new() };
    let mut scopes: Scopes<Scope> = Scopes::new();
    walk(tree.root_node(), |node| {
        let kind = kinds.of(node, Kind::Other);
        match kind {
            Kind::Other => return true,
            Kind::Skip => return false,
            Kind::Function => {
                scopes.at(node);
                scopes.push(node, Scope::Function);
                return true;
            }
            _ => {}
        }
        let (module, edge) = place(scopes.at(node));
        match kind {
            Kind::Module if node.child_by_field_name("body").is_some() => {
                if attributes(node).any(|attribute| is_test_only(text_of(attribute, text))) {
                    scopes.push(node, Scope::Test);
                }
                scopes.push(node, Scope::Module(field(node, "name", text).into()));
                true
            }
            Kind::Module => {
                extractor.module(node, &module, edge);
                false
            }
            Kind::Use => {
                extractor.used(node, &module, edge);
                false
            }
            Kind::ExternCrate => {
                let name = format!("::{}", field(node, "name", text));
                extractor.add(line_of(node), edge, Form::Plain, name, &module);
                false
            }
            Kind::Macro => {
                extractor.included(node, &module);
                true
            }
            Kind::Path => {
                extractor.path(line_of(node), edge, text_of(node, text), &module);
                // Type arguments inside of it may hold paths of their own.
                node.named_child_count() > 0 && text_of(node, text).contains('<')
            }
            Kind::Tokens => {
                extractor.tokens(line_of(node), edge, text_of(node, text), &module);
                false
            }
            _ => true,
        }
    });
}

/// The inline module and the weakest kind of edge at a place.
fn place(scopes: &[(usize, Scope)]) -> (String, EdgeKind) {
    let mut module = String::new();
    let mut edge = EdgeKind::TopLevel;
    for (_, scope) in scopes {
        match scope {
            Scope::Module(name) => {
                if !module.is_empty() {
                    module.push_str("::");
                }
                module.push_str(name);
            }
            Scope::Function | Scope::Test => edge = EdgeKind::FunctionLocal,
        }
    }
    (module, edge)
}

fn field<'s>(node: Node<'_>, name: &str, text: &'s str) -> &'s str {
    node.child_by_field_name(name).map_or("", |child| text_of(child, text))
}

/// The attributes right before an item.
fn attributes<'t>(item: Node<'t>) -> impl Iterator<Item = Node<'t>> {
    let before = |node: &Node<'t>| node.prev_named_sibling();
    std::iter::successors(before(&item), before)
        .take_while(|node| matches!(node.kind(), "attribute_item" | "line_comment" | "block_comment"))
        .filter(|node| node.kind() == "attribute_item")
}

fn is_test_only(attribute: &str) -> bool {
    attribute.starts_with("#[cfg(test") || attribute.starts_with("#[cfg(all(test")
}

/// The value of `#[path = "..."]`.
fn path_attribute(attribute: &str) -> Option<&str> {
    let rest = attribute.strip_prefix("#[")?.trim_start();
    let inner = match rest.strip_prefix("path") {
        Some(rest) => rest.trim_start().strip_prefix('=')?,
        // #[cfg_attr(condition, path = "...")]
        None => {
            let at = rest.strip_prefix("cfg_attr").and_then(|rest| rest.rfind("path"))? + "cfg_attr".len();
            rest[at + "path".len()..].trim_start().strip_prefix('=')?
        }
    };
    let inner = inner.trim_start().strip_prefix('"')?;
    inner.split('"').next()
}

impl<'s> Extractor<'s, '_> {
    fn add(&mut self, line: u32, kind: EdgeKind, form: Form, path: impl Into<Box<str>>, scope: &str) {
        let mut import = Import::new(line, kind, form, path);
        import.scope = scope.into();
        self.links.imports.push(import);
    }

    /// `mod a;`, perhaps with `#[path]`.
    fn module(&mut self, node: Node<'_>, scope: &str, edge: EdgeKind) {
        let mut import = Import::new(
            line_of(node),
            edge.min(EdgeKind::Module),
            Form::Module,
            field(node, "name", self.text),
        );
        let paths = attributes(node).filter_map(|attribute| path_attribute(text_of(attribute, self.text)));
        import.names = paths.map(Box::from).collect();
        import.scope = scope.into();
        self.links.imports.push(import);
    }

    fn used(&mut self, node: Node<'_>, scope: &str, edge: EdgeKind) {
        let Some(argument) = node.child_by_field_name("argument") else { return };
        let public = node.named_child(0).is_some_and(|child| child.kind() == "visibility_modifier");
        let kind = if public { edge.min(EdgeKind::ReExport) } else { edge };
        self.use_tree(line_of(node), kind, text_of(argument, self.text), scope);
    }

    fn use_tree(&mut self, line: u32, kind: EdgeKind, tree: &str, scope: &str) {
        for leaf in leaves(tree) {
            let form = if leaf.glob { Form::Glob } else { Form::Plain };
            let mut import = Import::new(line, kind, form, leaf.path);
            import.names.push(leaf.name);
            import.scope = scope.into();
            self.links.imports.push(import);
        }
    }

    /// `include!("a.rs")` and its kin, with a literal path.
    fn included(&mut self, node: Node<'_>, scope: &str) {
        let name = field(node, "macro", self.text);
        if !matches!(name.rsplit("::").next(), Some("include" | "include_str" | "include_bytes")) {
            return;
        }
        let mut cursor = node.walk();
        let Some(tokens) = node.named_children(&mut cursor).find(|child| child.kind() == "token_tree") else {
            return;
        };
        let inner = text_of(tokens, self.text);
        let Some(inner) = inner.get(1..inner.len() - 1).map(str::trim) else { return };
        if let Some(path) =
            inner.trim_end_matches(',').trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'))
        {
            self.add(line_of(node), EdgeKind::Include, Form::File, path, scope);
        }
    }

    /// A path in code, without the last name: `a::b` of `a::b::c()`.
    fn path(&mut self, line: u32, edge: EdgeKind, path: &'s str, scope: &str) {
        let path = path.split(['<', '(', '!']).next().unwrap_or_default().trim_end_matches(':');
        if !path.contains("::") || path.starts_with("std::") || path.starts_with("Self::") {
            return;
        }
        let first = path.split("::").next().unwrap_or_default();
        // Types and enum variants: what they belong to came by `use`.
        if first.starts_with(char::is_uppercase) {
            return;
        }
        if self.paths.insert((scope.into(), path)) {
            self.add(line, edge, Form::Path, path, scope);
        }
    }

    /// The tokens of a macro call: items may hide in them, and paths.
    fn tokens(&mut self, line: u32, edge: EdgeKind, tokens: &'s str, scope: &str) {
        rust_tokens::scan(tokens, |row, modules, token| {
            let line = line + row;
            let inner =
                [scope].iter().chain(modules).filter(|part| !part.is_empty()).copied().collect::<Vec<_>>();
            let scope = inner.join("::");
            let scope = scope.as_str();
            match token {
                rust_tokens::Found::Module(name, path) => {
                    let mut import = Import::new(line, edge.min(EdgeKind::Module), Form::Module, name);
                    import.names = path.into_iter().map(Box::from).collect();
                    import.scope = scope.into();
                    self.links.imports.push(import);
                }
                rust_tokens::Found::Use(tree, public) => {
                    let kind = if public { edge.min(EdgeKind::ReExport) } else { edge };
                    self.use_tree(line, kind, tree, scope);
                }
                rust_tokens::Found::Path(path) => self.path(line, edge, path, scope),
            }
        });
    }
}

//! Java's methods and fields with the types in their signatures, and the calls of a file: a class depends on the types
//! of what it calls, named or not.

use std::collections::HashMap;
use std::sync::OnceLock;

use tree_sitter::{Node, Tree};

use crate::graph::facts::{FIELD, Member, Members};
use crate::graph::parse::{Kinds, line_of, text_of, walk};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Method,
    Field,
    Super,
    Call,
    New,
    Access,
    Reference,
    Skip,
}

fn kind(name: &str) -> Kind {
    match name {
        "method_declaration" | "constructor_declaration" => Kind::Method,
        "field_declaration" => Kind::Field,
        "superclass" | "super_interfaces" | "extends_interfaces" => Kind::Super,
        "method_invocation" => Kind::Call,
        "object_creation_expression" => Kind::New,
        "field_access" => Kind::Access,
        "method_reference" => Kind::Reference,
        "line_comment" | "block_comment" | "import_declaration" => Kind::Skip,
        _ => Kind::Other,
    }
}

pub(super) fn read(text: &str, tree: &Tree) -> Members {
    static KINDS: OnceLock<Kinds<Kind>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| Kinds::new(&tree.language(), Kind::Other, kind));
    let mut members = Members::default();
    let mut called: HashMap<(&str, u16), u32> = HashMap::new();
    let field =
        |node: Node<'_>, name| node.child_by_field_name(name).map_or("", |child| text_of(child, text));
    walk(tree.root_node(), |node| {
        let mut call = |name, arity| {
            called.entry((name, arity)).or_insert_with(|| line_of(node));
        };
        match kinds.of(node, Kind::Other) {
            Kind::Other => {}
            Kind::Skip => return false,
            Kind::Method => members.offered.extend(method(node, text)),
            Kind::Field => {
                let types: Vec<Box<str>> =
                    node.child_by_field_name("type").and_then(|it| erased(it, text)).into_iter().collect();
                let mut cursor = node.walk();
                for declarator in node.children_by_field_name("declarator", &mut cursor) {
                    let name = field(declarator, "name").into();
                    members.offered.push(Member { name, arity: FIELD, types: types.clone() });
                }
            }
            Kind::Super => {
                let mut cursor = node.walk();
                let listed = node.named_children(&mut cursor);
                for child in listed {
                    let mut inner = child.walk();
                    let types: Vec<Node<'_>> = if child.kind() == "type_list" {
                        child.named_children(&mut inner).collect()
                    } else {
                        vec![child]
                    };
                    members.supers.extend(types.into_iter().filter_map(|it| erased(it, text)));
                }
            }
            Kind::Call => call(field(node, "name"), arguments(node)),
            Kind::New => call(field(node, "type").split('<').next().unwrap_or_default(), arguments(node)),
            Kind::Access => call(field(node, "field"), FIELD),
            // A reference may stand for any of the methods of its name.
            Kind::Reference => {
                if let Some((_, name)) = text_of(node, text).rsplit_once("::") {
                    for arity in 0..4 {
                        call(name, arity);
                    }
                }
            }
        }
        true
    });
    let calls = called.into_iter().map(|((name, arity), line)| (name.into(), arity, line));
    members.called = calls.collect();
    members.called.sort_unstable();
    members
}

fn arguments(node: Node<'_>) -> u16 {
    let count = node.child_by_field_name("arguments").map_or(0, |arguments| arguments.named_child_count());
    u16::try_from(count).unwrap_or(FIELD - 1)
}

fn method(node: Node<'_>, text: &str) -> Option<Member> {
    let name = text_of(node.child_by_field_name("name")?, text).into();
    let parameters = node.child_by_field_name("parameters")?;
    let mut types: Vec<Box<str>> =
        node.child_by_field_name("type").and_then(|it| erased(it, text)).into_iter().collect();
    let mut arity = 0;
    let mut cursor = parameters.walk();
    for parameter in parameters.named_children(&mut cursor) {
        let kind = match parameter.kind() {
            "formal_parameter" => parameter.child_by_field_name("type"),
            "spread_parameter" => {
                parameter.named_children(&mut parameter.walk()).find(|it| it.kind() != "modifiers")
            }
            _ => continue,
        };
        arity += 1;
        types.extend(kind.and_then(|it| erased(it, text)));
    }
    Some(Member { name, arity, types })
}

/// `Map` of `Map<K, V>[]`, `Outer` of `Outer.Inner`; none for `int`.
fn erased(node: Node<'_>, text: &str) -> Option<Box<str>> {
    let whole = text_of(node, text).trim();
    let end = whole.find(['<', '[', '.', ' ', '&']).unwrap_or(whole.len());
    let name = &whole[..end];
    name.starts_with(|c: char| c.is_uppercase()).then(|| name.into())
}

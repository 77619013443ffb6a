//! Java's methods and fields with the types in their signatures, and the calls of a file: a class depends on the types
//! of what it calls, named or not.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use tree_sitter::{Node, Tree};

use crate::graph::facts::{Call, FIELD, Member, Members, Receiver};
use crate::graph::parse::{Kinds, line_of, text_of, walk};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    Method,
    Field,
    Variable,
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
        "local_variable_declaration"
        | "formal_parameter"
        | "spread_parameter"
        | "enhanced_for_statement"
        | "resource" => Kind::Variable,
        "superclass" | "super_interfaces" | "extends_interfaces" => Kind::Super,
        "method_invocation" => Kind::Call,
        "object_creation_expression" => Kind::New,
        "field_access" => Kind::Access,
        "method_reference" => Kind::Reference,
        "line_comment" | "block_comment" | "import_declaration" => Kind::Skip,
        _ => Kind::Other,
    }
}

/// What stands before the dot of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Before<'s> {
    Nothing,
    Name(&'s str),
    Expression,
}

pub(super) fn read(text: &str, tree: &Tree) -> Members {
    static KINDS: OnceLock<Kinds<Kind>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| Kinds::new(&tree.language(), Kind::Other, kind));
    let mut members = Members::default();
    let mut called: HashMap<(Before<'_>, &str, u16), u32> = HashMap::new();
    let mut variables: HashMap<&str, BTreeSet<Option<Box<str>>>> = HashMap::new();
    let field =
        |node: Node<'_>, name| node.child_by_field_name(name).map_or("", |child| text_of(child, text));
    walk(tree.root_node(), |node| {
        let mut call = |on, name, arity| {
            called.entry((on, name, arity)).or_insert_with(|| line_of(node));
        };
        match kinds.of(node, Kind::Other) {
            Kind::Other => {}
            Kind::Skip => return false,
            Kind::Method => members.offered.extend(method(node, text)),
            kind @ (Kind::Field | Kind::Variable) => {
                let declared = node.child_by_field_name("type").and_then(|it| erased(it, text));
                for name in declared_names(node) {
                    let name = text_of(name, text);
                    variables.entry(name).or_default().insert(declared.clone());
                    if kind == Kind::Field {
                        let types = declared.iter().cloned().collect();
                        members.offered.push(Member { name: name.into(), arity: FIELD, types });
                    }
                }
            }
            Kind::Super => {
                let mut cursor = node.walk();
                for child in node.named_children(&mut cursor) {
                    let mut inner = child.walk();
                    let types: Vec<Node<'_>> = if child.kind() == "type_list" {
                        child.named_children(&mut inner).collect()
                    } else {
                        vec![child]
                    };
                    members.supers.extend(types.into_iter().filter_map(|it| erased(it, text)));
                }
            }
            Kind::Call => call(before(node, text), field(node, "name"), arguments(node)),
            Kind::New => {
                let name = field(node, "type").split(['<', '.']).next().unwrap_or_default();
                call(Before::Name(name), name, arguments(node));
            }
            Kind::Access => call(before(node, text), field(node, "field"), FIELD),
            // A reference may stand for any of the methods of its name.
            Kind::Reference => {
                if let Some((on, name)) = text_of(node, text).rsplit_once("::") {
                    let on = if on.contains(['(', '.']) { Before::Expression } else { Before::Name(on) };
                    for arity in 0..4 {
                        call(on, name, arity);
                    }
                }
            }
        }
        true
    });
    let mut calls: HashMap<Call, u32> = HashMap::new();
    for ((on, name, arity), line) in called {
        for on in receivers(on, &variables) {
            let known = calls.entry(Call { on, name: name.into(), arity }).or_insert(line);
            *known = (*known).min(line);
        }
    }
    members.called = calls.into_iter().collect();
    members.called.sort_unstable();
    members
}

fn before<'s>(node: Node<'_>, text: &'s str) -> Before<'s> {
    let Some(object) = node.child_by_field_name("object") else { return Before::Nothing };
    match object.kind() {
        "this" | "super" => Before::Nothing,
        "identifier" => Before::Name(text_of(object, text)),
        "field_access" if object.child_by_field_name("object").is_some_and(|it| it.kind() == "this") => {
            Before::Name(object.child_by_field_name("field").map_or("", |it| text_of(it, text)))
        }
        _ => Before::Expression,
    }
}

/// The types that what stands before the dot may have.
fn receivers(on: Before<'_>, variables: &HashMap<&str, BTreeSet<Option<Box<str>>>>) -> Vec<Receiver> {
    match on {
        Before::Nothing => vec![Receiver::Own],
        Before::Expression => vec![Receiver::Unknown],
        Before::Name("this" | "super") => vec![Receiver::Own],
        Before::Name(name) => match variables.get(name) {
            Some(types) => types.iter().flatten().cloned().map(Receiver::Type).collect(),
            None if name.starts_with(char::is_uppercase) => vec![Receiver::Type(name.into())],
            None => vec![Receiver::Unknown],
        },
    }
}

/// The names that a field, variable or parameter declaration introduces.
fn declared_names(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let declarators: Vec<Node<'_>> = node.children_by_field_name("declarator", &mut cursor).collect();
    let own = node.child_by_field_name("name");
    declarators.iter().filter_map(|declarator| declarator.child_by_field_name("name")).chain(own).collect()
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

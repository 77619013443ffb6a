//! The calls in a file by its syntax tree: what is called, on what, and where.

use std::ops::Range;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use tree_sitter::{Node, Tree};

use crate::graph::Lang;
use crate::graph::parse::{Kinds, parse, text_of, walk};
use crate::interrupt::Watch;

/// How many nodes may stand around the name that is called.
const DEEPEST: usize = 16;

/// What a call is made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum On {
    /// Nothing: `f()`, `new F()`.
    Nothing,
    /// The object or type around it: `self.f()`, `this.f()`, `Self::f()`.
    Own,
    /// Something with a name, the last word of it: `a.f()`, `a::b::f()` has `b`.
    Name(Box<str>),
    /// Any other expression.
    Other,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The name that is called, the last one of a path.
    pub name: Box<str>,
    /// What it is called on.
    pub on: On,
    /// The byte where the name begins.
    pub at: u32,
}

/// Where a node that calls has what it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// It does not call.
    None,
    /// Nothing inside of it calls.
    Skip,
    /// In this field.
    Field(&'static str),
    /// The name in one field, what it is called on in the other.
    Split(&'static str, &'static str),
    /// In its first named child.
    First,
}

/// The calls of one text, in order. Empty where the language has no grammar in this build, or the text could not be
/// parsed.
pub fn calls(lang: Lang, text: &str, watch: Watch<'_>) -> Vec<Call> {
    parse(lang, text, watch).map(|tree| collect(lang, text, &tree)).unwrap_or_default()
}

/// For each call the innermost definition around it, as a place in the list of which `definitions` gives the ranges and
/// where the heads begin. Decorators, which stand before the head of a definition, are no part of it.
pub fn callers(calls: &[Call], definitions: impl Iterator<Item = (Range<u32>, u32)>) -> Vec<Option<u32>> {
    let definitions: Vec<(Range<u32>, u32)> = definitions.collect();
    // Definitions are sorted by their start: those around a call are among the open ones.
    let mut open: Vec<u32> = Vec::new();
    let mut next = 0;
    calls
        .iter()
        .map(|call| {
            while definitions.get(next).is_some_and(|(range, _)| range.start <= call.at) {
                open.push(next as u32);
                next += 1;
            }
            open.retain(|&at| definitions[at as usize].0.end > call.at);
            // Of two with the same start the later one is inside.
            let inside = open.iter().copied().filter(|&at| definitions[at as usize].1 <= call.at);
            inside.max_by_key(|&at| (definitions[at as usize].0.start, at))
        })
        .collect()
}

pub(crate) fn collect(lang: Lang, text: &str, tree: &Tree) -> Vec<Call> {
    static KINDS: [OnceLock<Kinds<Rule>>; Lang::COUNT] = [const { OnceLock::new() }; Lang::COUNT];
    let kinds = KINDS[lang as usize]
        .get_or_init(|| Kinds::new(&tree.language(), Rule::None, |name| rule(lang, name)));
    let mut out = Vec::new();
    walk(tree.root_node(), |node| {
        let found = match kinds.of(node, Rule::None) {
            Rule::None => return true,
            Rule::Skip => return false,
            Rule::Field(field) => node.child_by_field_name(field).and_then(|callee| split(callee, text)),
            Rule::First => node.named_child(0).and_then(|callee| split(callee, text)),
            Rule::Split(name, on) => node.child_by_field_name(name).and_then(last_name).map(|name| {
                let on = node.child_by_field_name(on);
                (name, on.map_or(On::Nothing, |on| receiver(on, text)))
            }),
        };
        if let Some((name, on)) = found
            && let Ok(at) = u32::try_from(name.start_byte())
        {
            let name = text_of(name, text);
            if !name.is_empty() {
                out.push(Call { name: name.into(), on, at });
            }
        }
        true
    });
    // A call on the result of another is visited before it and ends after it.
    out.sort_by_key(|call| call.at);
    out
}

fn rule(lang: Lang, node: &str) -> Rule {
    use Rule::{Field, First, None, Skip, Split};
    match (lang, node) {
        // What a macro is given need not be an expression.
        (Lang::Rust, "token_tree" | "attribute_item") => Skip,
        (Lang::Python, "call") => Field("function"),
        (Lang::Rust, "macro_invocation") => Field("macro"),
        (Lang::JavaScript | Lang::TypeScript | Lang::Tsx, "new_expression") => Field("constructor"),
        (
            Lang::Rust | Lang::JavaScript | Lang::TypeScript | Lang::Tsx | Lang::Go | Lang::C | Lang::Cpp,
            "call_expression",
        ) => Field("function"),
        (Lang::Cpp, "new_expression") => Field("type"),
        (Lang::Java, "method_invocation") => Split("name", "object"),
        (Lang::Java, "object_creation_expression") => Field("type"),
        (Lang::Kotlin, "call_expression") => First,
        (Lang::CSharp, "invocation_expression") => Field("function"),
        (Lang::CSharp, "object_creation_expression") => Field("type"),
        (Lang::Ruby, "call") => Split("method", "receiver"),
        (Lang::Php, "function_call_expression") => Field("function"),
        (Lang::Php, "member_call_expression" | "nullsafe_member_call_expression") => Split("name", "object"),
        (Lang::Php, "scoped_call_expression") => Split("name", "scope"),
        (Lang::Php, "object_creation_expression") => First,
        (Lang::Shell, "command") => Field("name"),
        _ => None,
    }
}

/// A called expression as the name that is called and what it is called on.
fn split<'t>(mut callee: Node<'t>, text: &str) -> Option<(Node<'t>, On)> {
    for _ in 0..DEEPEST {
        let (name, on) = match callee.kind() {
            // Type arguments stand around the name.
            "generic_function" => (callee.child_by_field_name("function")?, Option::None),
            "generic_type"
            | "template_function"
            | "template_type"
            | "generic_name"
            | "instantiation_expression"
            | "type_instantiation_expression"
            | "user_type"
            | "command_name"
            | "conditional_access_expression" => {
                // `a?.f()` of C#: what is called is the last part.
                let conditional = callee.kind() == "conditional_access_expression";
                let at = if conditional { callee.named_child_count().saturating_sub(1) } else { 0 };
                (callee.named_child(at as u32)?, Option::None)
            }
            "member_binding_expression" => return Some((last_name(callee)?, On::Other)),
            _ if is_name(callee) => return Some((callee, On::Nothing)),
            "attribute" => (callee.child_by_field_name("attribute")?, callee.child_by_field_name("object")),
            "field_expression" => (
                callee.child_by_field_name("field")?,
                callee.child_by_field_name("value").or_else(|| callee.child_by_field_name("argument")),
            ),
            "scoped_identifier" | "scoped_type_identifier" => {
                let count = callee.named_child_count();
                let name = callee.child_by_field_name("name");
                let name = name.or_else(|| callee.named_child(count.saturating_sub(1) as u32))?;
                let path = callee.child_by_field_name("path");
                (name, path.or_else(|| callee.named_child(0)).filter(|path| *path != name))
            }
            "qualified_identifier" => {
                let (name, scope) =
                    (callee.child_by_field_name("name")?, callee.child_by_field_name("scope"));
                if !is_name(name) && name.kind() == "qualified_identifier" {
                    callee = name;
                    continue;
                }
                (name, scope)
            }
            "member_expression" => {
                (callee.child_by_field_name("property")?, callee.child_by_field_name("object"))
            }
            "selector_expression" => {
                (callee.child_by_field_name("field")?, callee.child_by_field_name("operand"))
            }
            "qualified_type" => (callee.child_by_field_name("name")?, callee.child_by_field_name("package")),
            "member_access_expression" => {
                (callee.child_by_field_name("name")?, callee.child_by_field_name("expression"))
            }
            "qualified_name" if callee.child_by_field_name("name").is_some() => {
                (callee.child_by_field_name("name")?, callee.child_by_field_name("qualifier"))
            }
            "qualified_name" | "navigation_expression" => {
                let count = callee.named_child_count();
                let name = callee.named_child(count.checked_sub(1)? as u32)?;
                (name, callee.named_child(0).filter(|first| *first != name))
            }
            _ => return Option::None,
        };
        match on {
            Option::None => callee = name,
            Some(on) => return Some((last_name(name)?, receiver(on, text))),
        }
    }
    Option::None
}

/// The name that is left when type arguments are taken away.
fn last_name(mut node: Node<'_>) -> Option<Node<'_>> {
    for _ in 0..DEEPEST {
        if is_name(node) {
            return Some(node);
        }
        node = node.child_by_field_name("name").or_else(|| node.named_child(0))?;
    }
    Option::None
}

fn is_name(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "identifier"
            | "type_identifier"
            | "field_identifier"
            | "property_identifier"
            | "private_property_identifier"
            | "simple_identifier"
            | "constant"
            | "name"
            | "word"
    )
}

fn receiver(on: Node<'_>, text: &str) -> On {
    let word = |c: char| c == '_' || c.is_alphanumeric();
    let whole = text_of(on, text).trim();
    match whole.trim_start_matches('$') {
        "self" | "this" | "Self" | "static" | "cls" | "@" => return On::Own,
        _ => {}
    }
    // Plain paths only: `a`, `a.b`, `a::b<T>`; no calls, no indices.
    let bare = whole.split('<').next().unwrap_or(whole);
    if bare.is_empty() || !bare.chars().all(|c| word(c) || matches!(c, '.' | ':' | '\\' | '$' | '>' | '-')) {
        return On::Other;
    }
    match bare.rsplit(|c| !word(c)).find(|part| !part.is_empty()) {
        Some(last) => On::Name(last.into()),
        Option::None => On::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::definitions;
    use super::*;

    /// `caller>receiver.name` of every call.
    fn found(path: &str, text: &str) -> Vec<String> {
        let lang = Lang::of(path).unwrap();
        let (all, defined) = (calls(lang, text, Watch::none()), definitions(lang, text, Watch::none()));
        for call in &all {
            assert!(text[call.at as usize..].starts_with(&*call.name));
        }
        callers(&all, defined.iter().map(|one| (one.range.clone(), one.signature.start)))
            .into_iter()
            .zip(&all)
            .map(|(caller, call)| {
                let caller = caller.map_or("", |at| &*defined[at as usize].name);
                let on = match &call.on {
                    On::Nothing => String::new(),
                    On::Own => "own.".to_owned(),
                    On::Name(name) => format!("{name}."),
                    On::Other => "?.".to_owned(),
                };
                format!("{caller}>{on}{}", call.name)
            })
            .collect()
    }

    #[test]
    fn python_calls() {
        let text = "@deco(1)\nclass A:\n    def f(self):\n        self.g(h(2)).k()\n        return a.b.c()\n\nx = A()\n(lambda: 1)()\n";
        assert_eq!(found("a.py", text), [">deco", "f>own.g", "f>h", "f>?.k", "f>b.c", "x>A"]);
    }

    #[test]
    fn rust_calls_and_macros() {
        let text = "fn f() {\n    a::b::g::<u8>(1)?;\n    x.y.h().k();\n    Self::new();\n    vec![m()];\n    Foo::<T>::of();\n    self.z();\n    w::<T>();\n}\n";
        assert_eq!(
            found("a.rs", text),
            ["f>b.g", "f>y.h", "f>?.k", "f>own.new", "f>vec", "f>Foo.of", "f>own.z", "f>w"]
        );
    }

    #[test]
    fn ecma_calls() {
        let text = "export const f = (a) => { a.b(g(1)); return new C(a); };\nclass D { m() { this.n(); x?.o(); new e.E(); } }\n";
        let expected = ["f>a.b", "f>g", "f>C", "m>own.n", "m>x.o", "m>e.E"];
        assert_eq!(found("a.js", text), expected);
        assert_eq!(found("a.ts", &text.replace("g(1)", "g<T>(1)")), expected);
        assert_eq!(found("a.tsx", text), expected);
    }

    #[test]
    fn go_calls() {
        let text = "package a\n\nfunc F() {\n\tpkg.G(h())\n\ts.t.M()\n}\n";
        assert_eq!(found("a.go", text), ["F>pkg.G", "F>h", "F>t.M"]);
    }

    #[test]
    fn java_and_kotlin_calls() {
        let text = "class A { void f() { g(); this.h(); b.c.k(); new D<E>(1); new F.G(); i().j(); } }\n";
        assert_eq!(found("A.java", text), ["f>g", "f>own.h", "f>c.k", "f>D", "f>F.G", "f>i", "f>?.j"]);
        if cfg!(feature = "kotlin") {
            let text = "fun f() {\n  g()\n  this.h()\n  b.c.k(1)\n  D(1)\n  i().j { l() }\n}\n";
            assert_eq!(found("A.kt", text), ["f>g", "f>own.h", "f>c.k", "f>D", "f>i", "f>?.j", "f>l"]);
        }
    }

    #[test]
    fn c_calls() {
        assert_eq!(
            found("a.c", "int f(void) { g(1); p->h(2); (*q)(3); return k(l()); }\n"),
            ["f>g", "f>p.h", "f>k", "f>l"]
        );
        if cfg!(feature = "cpp") {
            let text = "int f() { a::b::g<int>(1); p->h(); this->k(); new D(1); E::m(); t<int>(); }\n";
            assert_eq!(found("a.cpp", text), ["f>b.g", "f>p.h", "f>own.k", "f>D", "f>E.m", "f>t"]);
        }
    }

    #[test]
    fn calls_of_other_languages() {
        if cfg!(feature = "c-sharp") {
            let text =
                "class A { void F() { G(); this.H(); b.C.K<int>(1); new D<E>(1); x?.L(); new N.M(); } }\n";
            assert_eq!(found("a.cs", text), ["F>G", "F>own.H", "F>C.K", "F>D", "F>?.L", "F>N.M"]);
        }
        assert_eq!(
            found("a.rb", "def f\n  g(1)\n  self.h\n  B::C.k(2)\n  x.y.z\nend\n"),
            ["f>g", "f>own.h", "f>C.k", "f>x.y", "f>y.z"]
        );
        assert_eq!(
            found(
                "a.php",
                "<?php\nfunction f() { g(1); $this->h(); B::k(); new D(1); \\N\\l(); $x->y->m(); self::n(); }\n"
            ),
            ["f>g", "f>own.h", "f>B.k", "f>D", "f>N.l", "f>y.m", "f>own.n"]
        );
        assert_eq!(found("a.sh", "f() {\n  g 1 | h\n}\nf x\n"), ["f>g", "f>h", ">f"]);
    }
}

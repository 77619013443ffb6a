use super::*;

fn outline(path: &str, text: &str) -> Vec<String> {
    let lang = Lang::of(path).expect("a language");
    let all = definitions(lang, text, Watch::none());
    all.iter()
        .map(|definition| {
            let mut name = definition.name.to_string();
            let mut parent = definition.parent;
            while let Some(at) = parent {
                name = format!("{}.{name}", all[at as usize].name);
                parent = all[at as usize].parent;
            }
            let head = &text[definition.signature.start as usize..definition.signature.end as usize];
            let kind = serde_json::to_value(definition.kind).expect("a name");
            format!("{} {name}: {head}", kind.as_str().expect("a string"))
        })
        .collect()
}

#[test]
fn python_definitions_have_names_kinds_and_heads() {
    let text = "X = 1\n\n@deco\nclass A(B):\n    y: int = 2\n    @property\n    def f(self) -> int:\n        z = 3\n        return z\n";
    assert_eq!(
        outline("a.py", text),
        [
            "constant X: X = 1",
            "class A: class A(B):",
            "variable A.y: y: int = 2",
            "method A.f: def f(self) -> int:"
        ]
    );
    let all = definitions(Lang::Python, text, Watch::none());
    assert!(text[all[1].range.start as usize..].starts_with("@deco"));
    assert!(text[all[3].range.start as usize..].starts_with("@property"));
}

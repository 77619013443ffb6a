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

#[test]
fn rust_definitions_stand_in_their_modules_and_impls() {
    let text = "pub mod m {\n    #[derive(Debug)]\n    pub struct S<T> { a: T }\n    impl<T> Tr for S<T> {\n        fn f(&self) -> u32 { 1 }\n    }\n}\npub trait Tr { fn f(&self) -> u32; }\nenum E { A }\nconst N: u32 = 1;\nmacro_rules! mac { () => {} }\ntype T = u32;\nmod other;\nfn outer() { fn inner() {} }\n";
    assert_eq!(
        outline("a.rs", text),
        [
            "module m: pub mod m",
            "struct m.S: pub struct S<T>",
            "impl m.S: impl<T> Tr for S<T>",
            "method m.S.f: fn f(&self) -> u32",
            "trait Tr: pub trait Tr",
            "method Tr.f: fn f(&self) -> u32;",
            "enum E: enum E",
            "constant N: const N: u32 = 1;",
            "macro mac: macro_rules! mac { () => {} }",
            "type T: type T = u32;",
            "function outer: fn outer()"
        ]
    );
}

#[test]
fn javascript_definitions_include_functions_in_variables() {
    let text = "export const add = (a, b) => {\n  const inner = 1;\n  return a;\n};\nexport class A extends B {\n  run(x) { return x; }\n}\nfunction* g() {}\nconst LIMIT = 3;\n";
    assert_eq!(
        outline("a.js", text),
        [
            "function add: const add = (a, b) =>",
            "class A: class A extends B",
            "method A.run: run(x)",
            "function g: function* g()",
            "constant LIMIT: const LIMIT = 3;"
        ]
    );
}

#[test]
fn typescript_definitions_include_types() {
    let text = "export interface I { f(x: number): void }\ntype T = string;\nenum E { A }\nnamespace N { export function f(): void {} }\nexport abstract class C<T> { abstract g(): T; }\ndeclare function d(a: string): void;\n";
    assert_eq!(
        outline("a.ts", text),
        [
            "interface I: interface I",
            "method I.f: f(x: number): void",
            "type T: type T = string;",
            "enum E: enum E",
            "module N: namespace N",
            "function N.f: function f(): void",
            "class C: abstract class C<T>",
            "method C.g: abstract g(): T",
            "function d: function d(a: string): void;"
        ]
    );
}

#[test]
fn go_definitions_are_found_in_groups_too() {
    let text = "package a\n\ntype (\n\tS struct{ A int }\n\tI interface{ F() }\n)\n\nconst A, B = 1, 2\n\nvar x = 1\n\nfunc (s *S) M(a int) error { return nil }\n\nfunc F[T any](t T) { y := 1 }\n";
    assert_eq!(
        outline("a.go", text),
        [
            "struct S: S struct{ A int }",
            "interface I: I interface{ F() }",
            "constant A: A, B = 1, 2",
            "constant B: A, B = 1, 2",
            "variable x: x = 1",
            "method M: func (s *S) M(a int) error",
            "function F: func F[T any](t T)"
        ]
    );
}

#[test]
fn java_and_kotlin_definitions_are_members_of_their_types() {
    let java = "package a;\n@Deprecated\npublic class A<T> extends B {\n  A(int x) {}\n  <R> R f(T t) throws E { return null; }\n  enum K { X }\n  record P(int a) {}\n}\ninterface I { void g(); }\n";
    assert_eq!(
        outline("A.java", java),
        [
            "class A: @Deprecated\npublic class A<T> extends B",
            "method A.A: A(int x)",
            "method A.f: <R> R f(T t) throws E",
            "enum A.K: enum K",
            "class A.P: record P(int a)",
            "interface I: interface I",
            "method I.g: void g();"
        ]
    );
    if cfg!(feature = "kotlin") {
        let kotlin = "package a\n\nclass A(val x: Int) : B() {\n  fun f(y: Int): Int = y\n  companion object { const val N = 1 }\n}\ninterface I\nobject O\nfun top() {}\nval v = 1\ntypealias T = Int\n";
        assert_eq!(
            outline("A.kt", kotlin),
            [
                "class A: class A(val x: Int) : B()",
                "method A.f: fun f(y: Int): Int",
                "class A.Companion: companion object",
                "constant A.Companion.N: const val N = 1",
                "interface I: interface I",
                "class O: object O",
                "function top: fun top()",
                "variable v: val v = 1",
                "type T: typealias T = Int"
            ]
        );
    }
}

#[test]
fn c_definitions_and_prototypes_are_found() {
    let text = "#define MAX 3\n#define SQ(x) ((x)*(x))\nstruct point { int x; };\ntypedef struct { int a; } pair_t;\nenum color { RED };\nstatic int *find(struct point *p, int n);\nint main(void)\n{\n  int local;\n  return 0;\n}\n";
    assert_eq!(
        outline("a.c", text),
        [
            "constant MAX: #define MAX",
            "macro SQ: #define SQ(x)",
            "struct point: struct point",
            "type pair_t: typedef struct { int a; } pair_t;",
            "enum color: enum color",
            "function find: static int *find(struct point *p, int n);",
            "function main: int main(void)"
        ]
    );
}

#[cfg(feature = "cpp")]
#[test]
fn cpp_definitions_stand_in_namespaces_and_classes() {
    let text = "namespace a::b {\ntemplate <class T>\nclass C : public D {\n public:\n  C();\n  ~C();\n  int f() const { return 1; }\n  T g(int x) const;\n};\n}\nint a::b::C<int>::h() { return 2; }\nusing I = int;\n";
    assert_eq!(
        outline("a.cpp", text),
        [
            "module a::b: namespace a::b",
            "class a::b.C: class C : public D",
            "method a::b.C.C: C();",
            "method a::b.C.~C: ~C();",
            "method a::b.C.f: int f() const",
            "method a::b.C.g: T g(int x) const;",
            "function h: int a::b::C<int>::h()",
            "type I: using I = int;"
        ]
    );
    let all = definitions(Lang::Cpp, text, Watch::none());
    assert!(text[all[1].range.start as usize..].starts_with("template <class T>"));
}

#[test]
fn other_languages_have_definitions_too() {
    if cfg!(feature = "c-sharp") {
        let text = "namespace A.B {\n  public class C : D { public int F(int x) { return x; } int P { get; set; } }\n  interface I {}\n  record R(int A);\n}\n";
        assert_eq!(
            outline("a.cs", text),
            [
                "module A.B: namespace A.B",
                "class A.B.C: public class C : D",
                "method A.B.C.F: public int F(int x)",
                "method A.B.C.P: int P { get; set; }",
                "interface A.B.I: interface I",
                "class A.B.R: record R(int A);"
            ]
        );
    }
    let ruby = "module M\n  class C < D\n    LIMIT = 1\n    def f(x)\n      x\n    end\n    def self.g; end\n  end\nend\n";
    assert_eq!(
        outline("a.rb", ruby),
        [
            "module M: module M",
            "class M.C: class C < D",
            "constant M.C.LIMIT: LIMIT = 1",
            "method M.C.f: def f(x)",
            "method M.C.g: def self.g; end"
        ]
    );
    let php = "<?php\nnamespace A;\nconst X = 1;\nclass C extends D { const Y = 2; public function f(int $a): int { return 1; } }\ninterface I {}\ntrait T {}\nfunction g() {}\n";
    assert_eq!(
        outline("a.php", php),
        [
            "constant X: X = 1",
            "class C: class C extends D",
            "constant C.Y: Y = 2",
            "method C.f: public function f(int $a): int",
            "interface I: interface I",
            "trait T: trait T",
            "function g: function g()"
        ]
    );
    assert_eq!(
        outline("a.sh", "f() {\n  x=1\n}\nfunction g { :; }\n"),
        ["function f: f()", "function g: function g"]
    );
}

#[test]
fn broken_files_give_what_they_can() {
    assert_eq!(
        outline("a.py", "def f(:\n    pass\n\ndef g():\n    return 1\n").last().map(String::as_str),
        Some("function g: def g():")
    );
}

proptest::proptest! {
    #[test]
    fn ranges_lie_on_characters_and_inside_their_parents(text in "[ -~\\n\u{e9}]{0,400}", which in 0_usize..14) {
        let path = ["a.py", "a.rs", "a.js", "a.ts", "a.tsx", "a.go", "a.java", "a.kt", "a.c", "a.cpp", "a.cs", "a.rb", "a.php", "a.sh"][which];
        let lang = Lang::of(path).expect("a language");
        let all = definitions(lang, &text, Watch::none());
        for definition in &all {
            let (range, head) = (&definition.range, &definition.signature);
            proptest::prop_assert!(text.get(range.start as usize..range.end as usize).is_some());
            proptest::prop_assert!(text.get(head.start as usize..head.end as usize).is_some());
            proptest::prop_assert!(range.start <= head.start && head.end <= range.end);
            if let Some(parent) = definition.parent {
                proptest::prop_assert!(all[parent as usize].range.end >= range.end);
            }
        }
    }
}

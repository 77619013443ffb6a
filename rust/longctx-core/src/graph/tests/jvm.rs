use crate::graph::testing::{edges, unresolved};

#[test]
fn java_types_are_found_by_package_and_by_use() {
    let files = [
        (
            "src/a/Main.java",
            "package a;\n\nimport b.Thing;\nimport static b.Util.run;\nimport b.deep.*;\nimport java.util.List;\nimport b.Gone;\n\nclass Main extends Base {\n  Other.Inner x = new Other.Inner();\n  Deep d;\n  c.Full f;\n}\n",
        ),
        ("src/a/Base.java", "package a;\nclass Base {}\n"),
        ("src/a/Other.java", "package a;\nclass Other { static class Inner {} }\n"),
        ("src/a/Unused.java", "package a;\nclass Unused {}\n"),
        ("src/b/Thing.java", "package b;\npublic class Thing {}\n"),
        ("src/b/Util.java", "package b;\npublic class Util { public static void run() {} }\n"),
        ("src/b/deep/Deep.java", "package b.deep;\npublic class Deep {}\n"),
        ("src/b/deep/Not.java", "package b.deep;\npublic class Not {}\n"),
        ("src/c/Full.java", "package c;\npublic class Full {}\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "src/a/Main.java -> src/a/Base.java (same-package)",
            "src/a/Main.java -> src/a/Other.java (same-package)",
            "src/a/Main.java -> src/b/Thing.java (top-level)",
            "src/a/Main.java -> src/b/Util.java (top-level)",
            "src/a/Main.java -> src/b/deep/Deep.java (top-level)",
            "src/a/Main.java -> src/c/Full.java (top-level)"
        ]
    );
    assert_eq!(
        unresolved(&files),
        ["src/a/Main.java:6 java.util.List (external)", "src/a/Main.java:7 b.Gone (missing)"]
    );
}

#[cfg(feature = "kotlin")]
#[test]
fn kotlin_functions_and_java_types_are_found() {
    let files = [
        (
            "a/Main.kt",
            "package a\n\nimport b.topLevel\nimport b.J as Renamed\n\nfun main() { topLevel(); helper(); Renamed(); Same() }\n",
        ),
        ("a/Helper.kt", "package a\n\nfun helper() {}\n"),
        ("a/Same.kt", "package a\n\nobject Same\n"),
        ("a/Unused.kt", "package a\n\nfun unused() {}\n"),
        ("b/Fun.kt", "package b\n\nfun topLevel() {}\n"),
        ("b/J.java", "package b;\npublic class J {}\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "a/Main.kt -> a/Helper.kt (same-package)",
            "a/Main.kt -> a/Same.kt (same-package)",
            "a/Main.kt -> b/Fun.kt (top-level)",
            "a/Main.kt -> b/J.java (top-level)"
        ]
    );
}

#[test]
fn java_types_of_what_is_called_are_reached_without_a_name() {
    let files = [
        ("a/Main.java", "package a;\nclass Main { void f(Maker m) { m.make(1).run(); } }\n"),
        ("a/Maker.java", "package a;\nclass Maker extends Base { int unrelated(Other o) { return 0; } }\n"),
        (
            "a/Base.java",
            "package a;\nclass Base { Made make(int x) { return null; } Other make() { return null; } }\n",
        ),
        ("a/Made.java", "package a;\nclass Made { void run() {} }\n"),
        ("a/Other.java", "package a;\nclass Other {}\n"),
    ];
    let ours = edges(&files);
    assert!(ours.contains(&"a/Main.java -> a/Made.java (signature)".to_owned()), "{ours:?}");
    assert!(!ours.iter().any(|edge| edge.starts_with("a/Main.java -> a/Other.java")), "{ours:?}");
}

use crate::graph::testing::{edges, unresolved};

const MANIFEST: &str = "[package]\nname = \"my-lib\"\n";

#[test]
fn modules_are_found_beside_below_and_by_path() {
    let files = [
        ("Cargo.toml", MANIFEST),
        (
            "src/lib.rs",
            "mod a;\npub mod b;\n#[path = \"odd/name.rs\"]\nmod c;\nmod gone;\nmod inline { mod deep; }\n",
        ),
        ("src/a.rs", "mod inner;\n"),
        ("src/a/inner.rs", ""),
        ("src/b/mod.rs", ""),
        ("src/odd/name.rs", ""),
        ("src/inline/deep.rs", ""),
    ];
    assert_eq!(
        edges(&files),
        [
            "src/a.rs -> src/a/inner.rs (module)",
            "src/lib.rs -> src/a.rs (module)",
            "src/lib.rs -> src/b/mod.rs (module)",
            "src/lib.rs -> src/inline/deep.rs (module)",
            "src/lib.rs -> src/odd/name.rs (module)"
        ]
    );
    assert_eq!(unresolved(&files), ["src/lib.rs:5 mod gone (missing)"]);
}

#[test]
fn use_goes_by_the_longest_prefix_that_is_a_module() {
    let files = [
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", "mod a;\nmod b;\npub struct Root;\n"),
        (
            "src/a.rs",
            "use crate::b::deep::{Thing, run as go};\nuse super::Root;\nuse std::fs;\nfn f() { use crate::b::X; }\n",
        ),
        ("src/b/mod.rs", "pub mod deep;\npub use self::deep::Thing;\npub struct X;\n"),
        ("src/b/deep.rs", "use super::super::Root;\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "src/a.rs -> src/b/deep.rs (top-level)",
            "src/a.rs -> src/b/mod.rs (function-local)",
            "src/a.rs -> src/lib.rs (top-level)",
            "src/b/deep.rs -> src/lib.rs (top-level)",
            "src/b/mod.rs -> src/b/deep.rs (re-export)",
            "src/b/mod.rs -> src/b/deep.rs (module)",
            "src/lib.rs -> src/a.rs (module)",
            "src/lib.rs -> src/b/mod.rs (module)"
        ]
        .into_iter()
        .map(String::from)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
    assert_eq!(unresolved(&files), ["src/a.rs:3 std::fs (external)"]);
}

#[test]
fn workspace_members_know_each_other_by_their_names() {
    let files = [
        (
            "Cargo.toml",
            "[workspace]\nmembers = ['*']\n[workspace.dependencies]\nshared = { path = 'shared', package = 'the-shared' }\n",
        ),
        (
            "app/Cargo.toml",
            "[package]\nname = 'app'\n[dependencies]\nother = { path = '../core', package = 'core-x' }\nshared.workspace = true\n",
        ),
        (
            "app/src/main.rs",
            "use other::deep::Item;\nuse shared::Thing;\nuse serde::Serialize;\nfn main() { app::go(); }\n",
        ),
        ("app/src/lib.rs", "pub fn go() {}\n"),
        ("core/Cargo.toml", "[package]\nname = 'core-x'\n"),
        ("core/src/lib.rs", "pub mod deep;\n"),
        ("core/src/deep.rs", "pub struct Item;\n"),
        ("shared/Cargo.toml", "[package]\nname = 'the-shared'\n[lib]\npath = 'entry.rs'\n"),
        ("shared/entry.rs", "pub struct Thing;\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "app/src/main.rs -> app/src/lib.rs (function-local)",
            "app/src/main.rs -> core/src/deep.rs (top-level)",
            "app/src/main.rs -> shared/entry.rs (top-level)",
            "core/src/lib.rs -> core/src/deep.rs (module)"
        ]
    );
    assert_eq!(unresolved(&files), ["app/src/main.rs:3 serde::Serialize (external)"]);
}

#[test]
fn modules_and_paths_inside_macro_calls_count() {
    let files = [
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", "cfg_net! {\n    pub mod net;\n    pub use net::Socket;\n}\nmod io;\n"),
        ("src/net.rs", "fn f() { println!(\"{}\", crate::io::NAME); }\n"),
        ("src/io.rs", "const DATA: &str = include_str!(\"data.txt\");\n"),
        ("src/data.txt", "x"),
    ];
    assert_eq!(
        edges(&files),
        [
            "src/io.rs -> src/data.txt (include)",
            "src/lib.rs -> src/io.rs (module)",
            "src/lib.rs -> src/net.rs (module)",
            "src/lib.rs -> src/net.rs (re-export)",
            "src/net.rs -> src/io.rs (function-local)"
        ]
    );
}

#[test]
fn code_for_tests_is_a_weaker_reason() {
    let files = [
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", "mod a;\nmod b;\n"),
        ("src/a.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n    use crate::b;\n}\n"),
        ("src/b.rs", ""),
        ("tests/it.rs", "mod common;\nuse my_lib::b;\n"),
        ("tests/common/mod.rs", ""),
    ];
    assert_eq!(
        edges(&files),
        [
            "src/a.rs -> src/b.rs (function-local)",
            "src/lib.rs -> src/a.rs (module)",
            "src/lib.rs -> src/b.rs (module)",
            "tests/it.rs -> src/b.rs (top-level)",
            "tests/it.rs -> tests/common/mod.rs (module)"
        ]
    );
}

#[test]
fn files_of_no_package_know_libraries_by_name_and_own_types_are_not_reported() {
    let files = [
        ("Cargo.toml", "[workspace]\nmembers = ['core']\n"),
        ("core/Cargo.toml", "[package]\nname = 'core-lib'\n"),
        ("core/src/lib.rs", "pub mod a;\nenum Kind { X }\nuse Kind::X;\n"),
        ("core/src/a.rs", ""),
        ("tests/loose.rs", "use core_lib::a::Thing;\n"),
    ];
    assert_eq!(
        edges(&files),
        ["core/src/lib.rs -> core/src/a.rs (module)", "tests/loose.rs -> core/src/a.rs (top-level)"]
    );
    assert_eq!(unresolved(&files), Vec::<String>::new());
}

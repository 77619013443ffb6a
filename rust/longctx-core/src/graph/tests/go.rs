use crate::graph::testing::{edges, unresolved};

#[test]
fn packages_are_narrowed_to_the_files_that_declare_what_is_used() {
    let files = [
        ("go.mod", "module example.com/app\n\ngo 1.22\n"),
        (
            "main.go",
            "package main\n\nimport (\n\t\"fmt\"\n\tu \"example.com/app/util\"\n\t\"example.com/app/v2/gone\"\n)\n\nfunc main() { fmt.Println(u.Name, helper()) }\n",
        ),
        ("helper.go", "package main\n\nfunc helper() int { return 1 }\n"),
        ("unused.go", "package main\n\nfunc unused() {}\n"),
        ("util/name.go", "package util\n\nconst Name = other\n"),
        ("util/other.go", "package util\n\nvar other = 1\n"),
        ("util/name_test.go", "package util\n\nfunc Name2() int { return other }\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "main.go -> helper.go (same-package)",
            "main.go -> util/name.go (top-level)",
            "util/name.go -> util/other.go (same-package)",
            "util/name_test.go -> util/other.go (same-package)"
        ]
    );
    assert_eq!(
        unresolved(&files),
        ["main.go:4 fmt (external)", "main.go:6 example.com/app/v2/gone (missing)"]
    );
}

#[test]
fn local_names_and_struct_keys_are_no_uses() {
    let files = [
        ("go.mod", "module m\n"),
        (
            "a.go",
            "package a\n\ntype T struct{ field int }\n\nfunc f(shadow int) T {\n\tlocal := shadow\n\treturn T{field: local}\n}\n\nfunc g() { x.method() }\n",
        ),
        ("b.go", "package a\n\nvar shadow, local, field, method = 1, 2, 3, 4\n"),
        ("c.go", "package a\n\nvar x = y\n"),
        ("ext_test.go", "package a_test\n\nvar z = x\n"),
    ];
    assert_eq!(edges(&files), ["a.go -> c.go (same-package)"]);
}

#[test]
fn replaced_modules_are_found_in_the_tree() {
    let files = [
        ("app/go.mod", "module app\n\nreplace example.com/lib v1.0.0 => ../lib\n"),
        ("app/main.go", "package main\n\nimport \"example.com/lib/deep\"\n\nvar _ = deep.X\n"),
        ("lib/deep/x.go", "package deep\n\nvar X = 1\n"),
    ];
    assert_eq!(edges(&files), ["app/main.go -> lib/deep/x.go (top-level)"]);
}

use crate::graph::testing::{edges, unresolved};

#[test]
fn includes_are_looked_for_beside_then_in_folders_then_by_suffix() {
    let files = [
        (
            "src/main.c",
            "#include \"util.h\"\n#include <api/all.h>\n#include \"deep/only.h\"\n#include <stdio.h>\n",
        ),
        ("src/util.h", ""),
        ("other/util.h", ""),
        ("include/api/all.h", "#include \"../util.h\"\n"),
        ("include/util.h", ""),
        ("vendor/x/deep/only.h", ""),
        ("vendor/stdio.h", ""),
    ];
    assert_eq!(
        edges(&files),
        [
            "include/api/all.h -> include/util.h (include)",
            "src/main.c -> include/api/all.h (include)",
            "src/main.c -> src/util.h (include)",
            "src/main.c -> vendor/x/deep/only.h (include)"
        ]
    );
    assert_eq!(unresolved(&files), ["src/main.c:4 stdio.h (external)"]);
}

#[test]
fn equal_candidates_are_ambiguous_and_absent_ones_missing() {
    let files = [
        ("app/a.cpp", "#include \"conf.hpp\"\n#include \"generated.hpp\"\n"),
        ("x/conf.hpp", ""),
        ("y/conf.hpp", ""),
    ];
    assert_eq!(edges(&files), Vec::<String>::new());
    assert_eq!(
        unresolved(&files),
        ["app/a.cpp:1 conf.hpp (ambiguous)", "app/a.cpp:2 generated.hpp (missing)"]
    );
}

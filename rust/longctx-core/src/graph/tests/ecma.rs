use crate::graph::testing::{edges, unresolved};

#[test]
fn relative_imports_find_sources_indices_and_what_js_is_compiled_from() {
    let files = [
        (
            "src/main.ts",
            "import { a } from './a.js'\nimport b from './b'\nexport * from './c'\nimport type { T } from './t'\nimport './style.css'\nimport fs from 'node:fs'\nimport gone from './gone'\n",
        ),
        ("src/a.ts", ""),
        ("src/b/index.tsx", ""),
        ("src/c.mjs", ""),
        ("src/t.d.ts", ""),
        ("src/style.css", ""),
    ];
    assert_eq!(
        edges(&files),
        [
            "src/main.ts -> src/a.ts (top-level)",
            "src/main.ts -> src/b/index.tsx (top-level)",
            "src/main.ts -> src/c.mjs (re-export)",
            "src/main.ts -> src/style.css (top-level)",
            "src/main.ts -> src/t.d.ts (type-checking)"
        ]
    );
    assert_eq!(unresolved(&files), ["src/main.ts:6 node:fs (external)", "src/main.ts:7 ./gone (missing)"]);
}

#[test]
fn a_module_of_its_own_kind_is_preferred_to_its_declaration() {
    let files = [
        ("a.cjs", "const b = require('./b.cjs');\n"),
        ("b.cjs", ""),
        ("b.d.cts", ""),
        ("m.mjs", "import './n.mjs';\n"),
        ("n.d.mts", ""),
    ];
    assert_eq!(edges(&files), ["a.cjs -> b.cjs (top-level)", "m.mjs -> n.d.mts (top-level)"]);
}

#[test]
fn calls_count_as_local_inside_functions() {
    let files = [
        (
            "a.js",
            "const b = require('./b');\nfunction f() { return require('./c'); }\nimport('./d').then(() => {});\nrequire(name);\n",
        ),
        ("b.js", ""),
        ("c.js", ""),
        ("d.js", ""),
    ];
    assert_eq!(
        edges(&files),
        ["a.js -> b.js (top-level)", "a.js -> c.js (function-local)", "a.js -> d.js (function-local)"]
    );
}

#[test]
fn tsconfig_paths_stay_inside_the_tree() {
    let files = [
        (
            "tsconfig.json",
            "{\n  // comments are allowed\n  \"compilerOptions\": {\"baseUrl\": \".\", \"paths\": {\"@app/*\": [\"src/app/*\"], \"etc/*\": [\"/etc/*\", \"../../etc/*\"]}}\n}",
        ),
        ("src/app/deep/x.ts", ""),
        ("src/main.ts", "import x from '@app/deep/x'\nimport p from 'etc/passwd'\n"),
    ];
    assert_eq!(edges(&files), ["src/main.ts -> src/app/deep/x.ts (top-level)"]);
    assert_eq!(unresolved(&files), ["src/main.ts:2 etc/passwd (external)"]);
}

#[test]
fn packages_of_a_workspace_find_each_other() {
    let files = [
        ("package.json", "{\"name\": \"root\", \"workspaces\": [\"packages/*\"]}"),
        ("packages/a/package.json", "{\"name\": \"@x/a\", \"main\": \"dist/index.js\"}"),
        ("packages/a/src/index.ts", ""),
        (
            "packages/b/package.json",
            "{\"name\": \"b\", \"exports\": {\".\": {\"import\": \"./entry.mjs\"}, \"./feature\": \"./lib/feature.js\"}}",
        ),
        ("packages/b/entry.mjs", "import a from '@x/a'\nimport react from 'react'\n"),
        ("packages/b/lib/feature.js", "import me from 'b'\n"),
        ("app/main.js", "import b from 'b'\nimport f from 'b/feature'\n"),
    ];
    assert_eq!(
        edges(&files),
        [
            "app/main.js -> packages/b/entry.mjs (top-level)",
            "app/main.js -> packages/b/lib/feature.js (top-level)",
            "packages/b/entry.mjs -> packages/a/src/index.ts (top-level)",
            "packages/b/lib/feature.js -> packages/b/entry.mjs (top-level)"
        ]
    );
    assert_eq!(unresolved(&files), ["packages/b/entry.mjs:2 react (external)"]);
}

//! Which calls are known to mean which definitions.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::packed;

/// A function long enough to be shown.
fn function(name: &str, call: &str) -> String {
    format!(
        "def {name}(rows, limit):\n    kept = [row for row in rows if len(row) < limit]\n    \
         total = sum(len(row) for row in kept)\n    {call}\n    return kept, total\n\n\n"
    )
}

/// Names that questions ask for by definition or caller.
fn asked(files: &[(&str, String)]) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path: &Path = &folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let packed = packed(folder.path(), |value| {
        value["qa_ratio"] = 100.0.into();
        value["validation_split"] = 0.0.into();
    });
    let names = packed.questions().flat_map(|(_, question)| &question.proof);
    let names = names.filter(|proof| matches!(&*proof.kind, "defines" | "calls"));
    names.map(|proof| proof.name.clone()).collect()
}

/// Files that make sequences possible: six functions, each imported and called.
fn others() -> Vec<(&'static str, String)> {
    let tools: String = (0..6).map(|n| function(&format!("sort_rows_{n}"), "pass")).collect();
    let names: Vec<String> = (0..6).map(|n| format!("sort_rows_{n}")).collect();
    let users: String =
        (0..6).map(|n| function(&format!("use_rows_{n}"), &format!("sort_rows_{n}(kept, limit)"))).collect();
    let import = format!("from tools import {}\n\n\n", names.join(", "));
    vec![("tools.py", tools), ("users.py", import + &users)]
}

#[test]
fn imported_names_are_asked_for() {
    let found = asked(&others());
    assert!((0..6).any(|n| found.contains(&format!("sort_rows_{n}"))), "{found:?}");
}

#[test]
fn names_that_two_files_define_are_not() {
    let mut files = others();
    files.push(("more.py", (0..6).map(|n| function(&format!("sort_rows_{n}"), "pass")).collect()));
    assert_eq!(asked(&files), BTreeSet::new());
}

#[test]
fn methods_are_asked_for_unless_files_that_need_nothing_call_them_too() {
    let keeper = |extra: &str| {
        let mut files = others();
        let body = function("keep_rows", "pass").trim_end().replace('\n', "\n    ");
        files.push(("keeper.py", format!("class Keeper:\n    {}\n", body.replace("(rows", "(self, rows"))));
        let import = "from keeper import Keeper\n\n\n";
        files.push(("a.py", import.to_owned() + &function("first_use", "Keeper().keep_rows(kept, limit)")));
        files.push(("b.py", extra.to_owned() + &function("other_use", "rows.keep_rows(kept, limit)")));
        asked(&files)
    };
    assert!(keeper("from keeper import Keeper\n\n\n").contains("keep_rows"));
    // Without an import this may be another method of the same name.
    assert!(!keeper("").contains("keep_rows"));
}

#[test]
fn bare_names_without_an_import_are_not_followed() {
    let mut files = others();
    files.push(("lost.py", function("lost_rows", "pass")));
    files.push(("finder.py", function("find_rows", "lost_rows(kept, limit)")));
    assert!(!asked(&files).contains("lost_rows"));
}

//! The graph as a whole: form of the output, determinism, what others ask of it.

use proptest::prelude::*;
use serde_json::json;

use crate::graph::testing::graph;
use crate::graph::{Lang, Project, SourceFile, build};
use crate::interrupt::Watch;

#[test]
fn json_lists_imports_edges_and_what_is_unresolved() {
    let graph = graph(&[
        ("pkg/__init__.py", ""),
        ("pkg/b.py", ""),
        ("a.py", "import os\nimport pkg.b\n"),
        ("notes.md", ""),
    ]);
    assert_eq!(
        serde_json::to_value(&graph).expect("JSON"),
        json!({
            "imports": {"a.py": ["pkg/b.py"], "pkg/__init__.py": [], "pkg/b.py": []},
            "edges": [
                {"from": "a.py", "to": "pkg/__init__.py", "kind": "package", "line": 2},
                {"from": "a.py", "to": "pkg/b.py", "kind": "top-level", "line": 2}
            ],
            "unresolved": [{"from": "a.py", "line": 1, "text": "os", "reason": "external"}]
        })
    );
    assert!(graph.to_dot().contains("\"a.py\" -> \"pkg/b.py\" [style=solid"));
    assert_eq!(graph.counts()["external"], 1);
}

#[test]
fn a_file_knows_what_it_needs_and_who_needs_it() {
    let graph = graph(&[("a.py", "import c\n"), ("b.py", "import c\nimport a\n"), ("c.py", "")]);
    let (a, c) = (graph.index_of("a.py").expect("a"), graph.index_of("c.py").expect("c"));
    assert_eq!(graph.needs(a).map(|edge| edge.to).collect::<Vec<_>>(), [c]);
    assert_eq!(graph.needed_by(c).map(|edge| edge.from).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(graph.hubs(1), [(c, 2)]);
    assert_eq!(graph.index_of("d.py"), None);
}

#[test]
fn paths_without_text_can_be_named() {
    let project = Project {
        files: vec![SourceFile { path: "a.js", text: "import './big.json'\n" }],
        listed: vec!["big.json"],
    };
    let graph = build(&project, Watch::none()).expect("a graph");
    assert_eq!(graph.edges().len(), 1);
}

#[test]
fn a_raised_flag_stops_the_build() {
    let stop = std::sync::atomic::AtomicBool::new(true);
    let project = Project { files: vec![SourceFile { path: "a.py", text: "" }], listed: Vec::new() };
    assert!(build(&project, Watch::new(&stop, &crate::interrupt::Silent)).is_err());
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let texts: Vec<(String, String)> = (0..60)
        .map(|at| {
            (
                format!("m{at}.py"),
                format!("import m{}\nimport m{}, gone{at}\n", (at * 7) % 60, (at * 13) % 60),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| serde_json::to_string(&graph(&files)).expect("JSON"))
    };
    assert_eq!(with(1), with(4));
}

proptest! {
    /// Whatever is in the files: no panic, and no edge or line that is not there.
    #[test]
    fn any_text_gives_a_graph(texts in prop::collection::vec("(import|from|use|mod|include|require|[ -~\\n\u{e9}]){0,40}", 14)) {
        let paths = ["a.py", "b.rs", "c.js", "d.ts", "e.tsx", "f.go", "g.java", "h.kt", "i.c", "j.cpp", "k.cs", "l.rb", "m.php", "n.sh"];
        let files: Vec<(&str, &str)> = paths.iter().copied().zip(texts.iter().map(String::as_str)).collect();
        let graph = graph(&files);
        for edge in graph.edges() {
            prop_assert!((edge.to as usize) < graph.files.len() && edge.line >= 1);
        }
        for import in &graph.unresolved {
            let text = files.iter().find(|(path, _)| *path == &graph.files[import.from as usize]).map(|(_, text)| *text);
            prop_assert!(import.line as usize <= text.unwrap_or_default().split('\n').count());
        }
        prop_assert!(paths.iter().all(|path| Lang::of(path).is_some()));
    }
}

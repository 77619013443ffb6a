use proptest::prelude::*;

use crate::graph::testing::graph;
use crate::graph::{EdgeKind, Graph, Order};

fn in_order(files: &[(&str, &str)]) -> Vec<String> {
    let graph = graph(files);
    graph.order(Order::Deps).into_iter().map(|file| graph.files[file as usize].to_string()).collect()
}

#[test]
fn dependencies_come_first() {
    let files = [("a.py", "import b\n"), ("b.py", "import c\n"), ("c.py", ""), ("d.py", "import b\n")];
    assert_eq!(in_order(&files), ["c.py", "b.py", "a.py", "d.py"]);
}

#[test]
fn a_cycle_is_opened_at_its_weakest_kind() {
    let files = [
        ("a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import c\n"),
        ("b.py", "import a\n"),
        ("c.py", "import b\n"),
    ];
    assert_eq!(in_order(&files), ["a.py", "b.py", "c.py"]);
    let local = [("a.py", "import b\n"), ("b.py", "def f():\n    import a\n")];
    assert_eq!(in_order(&local), ["b.py", "a.py"]);
    let graph = graph(&local);
    assert_eq!(graph.cycles(EdgeKind::FunctionLocal), [[0, 1]]);
    assert!(graph.cycles(EdgeKind::TopLevel).is_empty());
}

#[test]
fn a_cycle_that_strong_edges_hold_together_is_opened_too() {
    let files = [
        ("a.py", "import b\n\ndef f():\n    import c\n"),
        ("b.py", "import c\n"),
        ("c.py", "import a\n\ndef f():\n    import b\n"),
    ];
    assert_eq!(in_order(&files), ["a.py", "c.py", "b.py"]);
}

#[test]
fn a_cycle_of_one_kind_starts_with_what_most_need() {
    let files = [
        ("a.py", "import base\n"),
        ("b.py", "import base\n"),
        ("c.py", "import base\n"),
        ("base.py", "import a\n"),
    ];
    // Only base <-> a is a cycle; b and c wait for it.
    assert_eq!(in_order(&files)[..2], ["a.py", "base.py"].map(String::from));
    let hub = [
        ("a.py", "import hub\nimport b\n"),
        ("b.py", "import hub\nimport c\n"),
        ("c.py", "import hub\n"),
        ("hub.py", "import a\n"),
    ];
    assert_eq!(in_order(&hub), ["hub.py", "c.py", "b.py", "a.py"]);
}

#[test]
fn a_shuffle_is_seeded_and_keeps_relative_places() {
    let many: Vec<(String, &str)> = (0..40).map(|at| (format!("f{at}.py"), "")).collect();
    let all: Vec<(&str, &str)> = many.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let names = |graph: &Graph, seed| -> Vec<String> {
        graph
            .order(Order::Random(seed))
            .into_iter()
            .map(|file| graph.files[file as usize].to_string())
            .collect()
    };
    let whole = names(&graph(&all), 1);
    assert_ne!(whole, names(&graph(&all), 2));
    let without: Vec<String> = whole.iter().filter(|name| *name != "f7.py").cloned().collect();
    let fewer: Vec<(&str, &str)> = all.iter().copied().filter(|(path, _)| *path != "f7.py").collect();
    assert_eq!(names(&graph(&fewer), 1), without);
}

proptest! {
    #[test]
    fn every_order_is_a_permutation_and_acyclic_graphs_are_sorted(links in prop::collection::vec((0_usize..12, 0_usize..12, any::<bool>()), 0..40), acyclic: bool) {
        let mut texts = vec![String::new(); 12];
        for (from, to, local) in &links {
            let (from, to) = if acyclic { (*from.max(to), *from.min(to)) } else { (*from, *to) };
            let head = if *local { "def f():\n    " } else { "" };
            texts[from].push_str(&format!("{head}import m{to:02}\n"));
        }
        let paths: Vec<String> = (0..12).map(|at| format!("m{at:02}.py")).collect();
        let files: Vec<(&str, &str)> = paths.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
        let graph = graph(&files);
        let order = graph.order(Order::Deps);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(&sorted, &graph.order(Order::Path));
        if acyclic {
            let place = |file: u32| order.iter().position(|other| *other == file);
            for edge in graph.edges() {
                prop_assert!(place(edge.to) < place(edge.from));
            }
        }
    }
}

//! Small projects written in a test.

use super::{Graph, Project, SourceFile, build};
use crate::interrupt::Watch;

/// The graph of some files.
pub(crate) fn graph(files: &[(&str, &str)]) -> Graph {
    let files = files.iter().map(|&(path, text)| SourceFile { path, text }).collect();
    build(&Project { files, listed: Vec::new() }, Watch::none()).expect("a graph")
}

/// The edges of some files as `from -> to (kind)`, without the implied ones.
pub(crate) fn edges(files: &[(&str, &str)]) -> Vec<String> {
    let graph = graph(files);
    let path = |file: u32| &graph.files[file as usize];
    let named = graph.edges().filter(|edge| edge.kind != super::EdgeKind::Package);
    named.map(|edge| format!("{} -> {} ({})", path(edge.from), path(edge.to), edge.kind.name())).collect()
}

/// What could not be resolved, as `from:line text (reason)`.
pub(crate) fn unresolved(files: &[(&str, &str)]) -> Vec<String> {
    let graph = graph(files);
    let path = |file: u32| &graph.files[file as usize];
    let each = graph.unresolved.iter();
    each.map(|import| {
        format!("{}:{} {} ({})", path(import.from), import.line, import.text, import.reason.name())
    })
    .collect()
}

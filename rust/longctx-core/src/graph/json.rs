//! The graph as JSON and as a Graphviz file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::{Edge, EdgeKind, FileIndex, Graph, Reason, Unresolved};

/// `{"imports": {path: [path, ...]}, "edges": [...], "unresolved": [...]}`. Under `imports` stand the edges that an
/// import names; the kind `package` is among `edges` alone.
impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Graph", 3)?;
        out.serialize_field("imports", &Imports(self))?;
        out.serialize_field("edges", &List(self, || self.edges(), edge_row))?;
        out.serialize_field("unresolved", &List(self, || self.unresolved.iter(), unresolved_row))?;
        out.end()
    }
}

struct Imports<'g>(&'g Graph);

impl Serialize for Imports<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let graph = self.0;
        let mut out = serializer.serialize_map(None)?;
        for (file, path) in graph.files.iter().enumerate() {
            if graph.facts(file as FileIndex).is_none() {
                continue;
            }
            let named = graph.needs(file as u32).filter(|edge| edge.kind != EdgeKind::Package);
            let mut targets: Vec<&str> = named.map(|edge| &graph.files[edge.to as usize]).collect();
            targets.dedup();
            out.serialize_entry(path, &targets)?;
        }
        out.end()
    }
}

struct List<'g, F, T, R>(&'g Graph, F, fn(&'g Graph, T) -> R);

impl<F: Fn() -> I, I: Iterator<Item = T>, T, R: Serialize> Serialize for List<'_, F, T, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.1)().map(|item| (self.2)(self.0, item)))
    }
}

#[derive(Serialize)]
struct EdgeRow<'g> {
    from: &'g str,
    to: &'g str,
    kind: EdgeKind,
    line: u32,
}

fn edge_row(graph: &Graph, edge: Edge) -> EdgeRow<'_> {
    let path = |file: u32| &graph.files[file as usize];
    EdgeRow { from: path(edge.from), to: path(edge.to), kind: edge.kind, line: edge.line }
}

#[derive(Serialize)]
struct UnresolvedRow<'g> {
    from: &'g str,
    line: u32,
    text: &'g str,
    reason: Reason,
}

fn unresolved_row<'g>(graph: &'g Graph, import: &'g Unresolved) -> UnresolvedRow<'g> {
    UnresolvedRow {
        from: &graph.files[import.from as usize],
        line: import.line,
        text: &import.text,
        reason: import.reason,
    }
}

impl Graph {
    /// The graph for Graphviz: solid lines for edges that always hold, dashed ones for the weaker kinds.
    pub fn to_dot(&self) -> String {
        let mut out = String::from("digraph imports {\n  rankdir=LR;\n  node [shape=box];\n");
        let mut strongest: BTreeMap<(u32, u32), EdgeKind> = BTreeMap::new();
        for edge in self.edges() {
            let kind = strongest.entry((edge.from, edge.to)).or_insert(edge.kind);
            *kind = (*kind).max(edge.kind);
        }
        for ((from, to), kind) in strongest {
            let style = if kind >= EdgeKind::ReExport { "solid" } else { "dashed" };
            let (from, to) = (quote(&self.files[from as usize]), quote(&self.files[to as usize]));
            // Writing into a String cannot fail.
            let _ = writeln!(out, "  {from} -> {to} [style={style}, class=\"{}\"];", kind.name());
        }
        out.push_str("}\n");
        out
    }

    /// How many edges there are of each kind and unresolved imports for each reason, by their JSON names.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for edge in self.edges() {
            *counts.entry(edge.kind.name()).or_insert(0) += 1;
        }
        for import in &self.unresolved {
            *counts.entry(import.reason.name()).or_insert(0) += 1;
        }
        counts
    }
}

fn quote(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

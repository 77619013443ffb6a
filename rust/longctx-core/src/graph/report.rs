//! The graph as `longctx graph` shows it: options that come as JSON, and an answer that serde can write.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};

use super::project::{Choice, Skipped, graph_of};
use super::{Edge, EdgeKind, FileIndex, Graph, Reason, Unresolved};
use crate::interrupt::Watch;
use crate::walk::Tree;
use crate::{Error, Result};

/// How many hubs stand for the rest.
const HUBS: usize = 10;
/// How many files of a cycle, and imports for a reason, stand for the rest.
const EXAMPLES: usize = 5;
/// The weakest kind of edge that always holds.
const FIRM: EdgeKind = EdgeKind::ReExport;

/// What a caller may ask of [`report`].
#[derive(Debug, Clone, Deserialize)]
pub struct ReportOptions {
    /// Commit to read instead of the work tree.
    pub revision: Option<String>,
    /// Which files to read.
    #[serde(flatten)]
    pub choice: Choice,
    /// What to tell apart from the summary.
    pub tell: Tell,
}

/// What to tell apart from the summary.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tell {
    /// Nothing.
    Nothing,
    /// The whole graph.
    Graph,
    /// The whole graph, for Graphviz.
    Dot,
    /// One file: what it needs and who needs it.
    File(String),
}

impl ReportOptions {
    /// Parses options in JSON.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the first thing that makes no sense.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| Error::usage(format!("the options are not usable: {error}")))
    }
}

/// A graph and what of it is told.
#[derive(Debug)]
pub struct Report {
    name: String,
    commit: Option<String>,
    graph: Graph,
    skipped: Skipped,
    told: Told,
}

#[derive(Debug, Clone, Copy)]
enum Told {
    Nothing,
    Graph,
    Dot,
    File(FileIndex),
}

/// Makes the graph of `folder`, paths relative to it.
///
/// # Errors
/// [`Error::Usage`] if there is no such folder, revision or file; those of [`Tree::open`] and [`Tree::list`].
pub fn report(folder: &Path, options: &ReportOptions, watch: Watch<'_>) -> Result<Report> {
    let tree = Tree::open(folder, options.revision.as_deref())?;
    let (graph, skipped) = graph_of(&tree, &options.choice, watch)?;
    let told = match &options.tell {
        Tell::Nothing => Told::Nothing,
        Tell::Graph => Told::Graph,
        Tell::Dot => Told::Dot,
        Tell::File(file) => {
            let index = graph.index_of(&tree.path_of(file, tree.root()));
            Told::File(index.ok_or_else(|| unknown(&graph, file))?)
        }
    };
    let name = tree.root().file_name().map_or_else(|| "/".into(), |name| name.to_string_lossy());
    Ok(Report { name: name.into_owned(), commit: tree.commit().map(str::to_owned), graph, skipped, told })
}

fn unknown(graph: &Graph, file: &str) -> Error {
    let paths = graph.files.iter().map(Into::into);
    let hint = crate::path::of_same_name(paths, file).map_or_else(
        || "ignored, hidden, vendored and generated files are no part of it".to_owned(),
        |similar| format!("there is {similar}"),
    );
    Error::usage_hint(format!("{file} is not in the graph"), hint)
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let graph = &self.graph;
        let of_kind = |kind| graph.edges().filter(move |edge| edge.kind == kind).count();
        let kinds = EdgeKind::ALL.into_iter().rev();
        let facts = || (0..graph.files.len()).filter_map(|file| graph.facts(file as FileIndex));
        Overview {
            repository: &self.name,
            commit: self.commit.as_deref(),
            files: graph.files.len(),
            sources: facts().count(),
            broken: facts().filter(|facts| facts.broken).count(),
            edges: graph.edges().len(),
            kinds: kinds
                .map(|kind| Kind { kind, edges: of_kind(kind), firm: kind >= FIRM })
                .filter(|kind| kind.edges > 0)
                .collect(),
            hubs: graph
                .hubs(HUBS)
                .into_iter()
                .map(|(file, dependents)| Hub { path: graph.path(file), dependents })
                .collect(),
            cycles: Cycles::of(graph, EdgeKind::ALL[0]),
            firm_cycles: Cycles::of(graph, FIRM),
            unresolved: [Reason::Missing, Reason::Ambiguous, Reason::External]
                .into_iter()
                .filter_map(|reason| Failed::of(graph, reason))
                .collect(),
            skipped: self
                .skipped
                .iter()
                .map(|(reason, paths)| Row {
                    reason: reason.name(),
                    description: reason.description(),
                    paths: *paths,
                })
                .collect(),
            graph: matches!(self.told, Told::Graph).then_some(graph),
            dot: matches!(self.told, Told::Dot).then(|| graph.to_dot()),
            file: match self.told {
                Told::File(file) => Some(OneFile::of(graph, file)),
                _ => None,
            },
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct Overview<'g> {
    repository: &'g str,
    commit: Option<&'g str>,
    files: usize,
    sources: usize,
    broken: usize,
    edges: usize,
    kinds: Vec<Kind>,
    hubs: Vec<Hub<'g>>,
    cycles: Cycles<'g>,
    firm_cycles: Cycles<'g>,
    unresolved: Vec<Failed<'g>>,
    skipped: Vec<Row>,
    graph: Option<&'g Graph>,
    dot: Option<String>,
    file: Option<OneFile<'g>>,
}

#[derive(Serialize)]
struct Kind {
    kind: EdgeKind,
    edges: usize,
    firm: bool,
}

#[derive(Serialize)]
struct Hub<'g> {
    path: &'g str,
    dependents: usize,
}

#[derive(Serialize)]
struct Row {
    reason: &'static str,
    description: &'static str,
    paths: usize,
}

#[derive(Serialize)]
struct Cycles<'g> {
    groups: usize,
    largest: usize,
    examples: Vec<&'g str>,
}

impl<'g> Cycles<'g> {
    fn of(graph: &'g Graph, weakest: EdgeKind) -> Self {
        let cycles = graph.cycles(weakest);
        let largest = cycles.first().map_or(&[][..], Vec::as_slice);
        Self {
            groups: cycles.len(),
            largest: largest.len(),
            examples: largest.iter().take(EXAMPLES).map(|file| graph.path(*file)).collect(),
        }
    }
}

#[derive(Serialize)]
struct Failed<'g> {
    reason: Reason,
    imports: usize,
    examples: Vec<Import<'g>>,
}

#[derive(Serialize)]
struct Import<'g> {
    from: &'g str,
    line: u32,
    text: &'g str,
    reason: Reason,
}

impl<'g> Import<'g> {
    fn of(graph: &'g Graph, import: &'g Unresolved) -> Self {
        Self { from: graph.path(import.from), line: import.line, text: &import.text, reason: import.reason }
    }
}

impl<'g> Failed<'g> {
    fn of(graph: &'g Graph, reason: Reason) -> Option<Self> {
        let all = || graph.unresolved.iter().filter(move |import| import.reason == reason);
        let imports = all().count();
        // One example for each name, so that the same package does not take all places.
        let mut named = BTreeMap::new();
        for import in all() {
            named.entry(import.text.as_str()).or_insert(import);
            if named.len() == EXAMPLES {
                break;
            }
        }
        let mut examples: Vec<&Unresolved> = named.into_values().collect();
        examples.sort_unstable();
        let examples = examples.into_iter().map(|import| Import::of(graph, import)).collect();
        (imports > 0).then_some(Self { reason, imports, examples })
    }
}

#[derive(Serialize)]
struct OneFile<'g> {
    path: &'g str,
    needs: Vec<Link<'g>>,
    needed_by: Vec<Link<'g>>,
    unresolved: Vec<Import<'g>>,
}

/// An edge as seen from one of its ends; `line` is where the importing file says so.
#[derive(Serialize)]
struct Link<'g> {
    path: &'g str,
    kind: EdgeKind,
    line: u32,
}

impl<'g> OneFile<'g> {
    fn of(graph: &'g Graph, file: FileIndex) -> Self {
        let link = |other, edge: Edge| Link { path: graph.path(other), kind: edge.kind, line: edge.line };
        let own = graph.unresolved.iter().filter(|import| import.from == file);
        Self {
            path: graph.path(file),
            needs: graph.needs(file).map(|edge| link(edge.to, edge)).collect(),
            needed_by: graph.needed_by(file).map(|edge| link(edge.from, edge)).collect(),
            unresolved: own.map(|import| Import::of(graph, import)).collect(),
        }
    }
}

impl Graph {
    fn path(&self, file: FileIndex) -> &str {
        &self.files[file as usize]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(tell: &Value) -> Result<Value> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.py"), "import b\nimport os\n\ndef f():\n    import c\n")
            .unwrap();
        std::fs::write(folder.path().join("b.py"), "import os\n").unwrap();
        std::fs::write(folder.path().join("c.py"), "import a\n").unwrap();
        let options = json!({
            "revision": null, "include": [], "exclude": [], "hidden": false, "max_file_size": 1000, "tell": tell,
        });
        let options = ReportOptions::from_json(&options.to_string())?;
        Ok(serde_json::to_value(report(folder.path(), &options, Watch::none())?).unwrap())
    }

    #[test]
    fn the_summary_counts_edges_hubs_cycles_and_imports_that_lead_nowhere() {
        let told = told(&json!("nothing")).unwrap();
        assert_eq!((&told["files"], &told["edges"]), (&json!(3), &json!(3)));
        let kinds = json!([
            {"kind": "top-level", "edges": 2, "firm": true},
            {"kind": "function-local", "edges": 1, "firm": false},
        ]);
        assert_eq!(told["kinds"], kinds);
        assert_eq!(told["hubs"][0], json!({"path": "a.py", "dependents": 1}));
        assert_eq!(told["cycles"], json!({"groups": 1, "largest": 2, "examples": ["a.py", "c.py"]}));
        assert_eq!(told["firm_cycles"]["groups"], 0);
        let os = json!({"from": "a.py", "line": 2, "text": "os", "reason": "external"});
        assert_eq!(told["unresolved"], json!([{"reason": "external", "imports": 2, "examples": [os]}]));
        assert!(told["graph"].is_null() && told["dot"].is_null() && told["file"].is_null());
    }

    #[test]
    fn one_file_is_told_with_both_directions() {
        let told = told(&json!({"file": "./a.py"})).unwrap();
        let file = json!({
            "path": "a.py",
            "needs": [
                {"path": "b.py", "kind": "top-level", "line": 1},
                {"path": "c.py", "kind": "function-local", "line": 5},
            ],
            "needed_by": [{"path": "c.py", "kind": "top-level", "line": 1}],
            "unresolved": [{"from": "a.py", "line": 2, "text": "os", "reason": "external"}],
        });
        assert_eq!(told["file"], file);
    }

    #[test]
    fn a_file_that_is_not_there_is_refused_and_one_of_its_name_proposed() {
        let error = told(&json!({"file": "lib/b.py"})).unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Usage);
        assert_eq!(error.hint(), Some("there is b.py"));
    }
}

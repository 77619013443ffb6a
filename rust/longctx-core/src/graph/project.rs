//! From a repository to its graph: lists the files as packing does, reads those that matter, all threads at once.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Deserialize;

use super::{Graph, Lang, Project, SourceFile, build};
use crate::Result;
use crate::interrupt::Watch;
use crate::source::{self, SkipReason, SourceOptions};
use crate::walk::{Entry, Tree, WalkOptions};

/// Which files a graph is made of. Vendored, generated and minified files and lockfiles never are.
#[derive(Debug, Clone, Deserialize)]
pub struct Choice {
    /// Globs of files to read; all if empty.
    pub include: Vec<String>,
    /// Globs of files to leave out.
    pub exclude: Vec<String>,
    /// Read hidden files.
    pub hidden: bool,
    /// Larger files are part of the graph, but what they import is not known. In bytes.
    pub max_file_size: u64,
}

/// Files and folders that are no part of a graph, by reason.
pub type Skipped = BTreeMap<SkipReason, usize>;

/// The graph of a tree, paths relative to [`Tree::root`], and what is no part of it.
///
/// # Errors
/// Those of [`Tree::list`]. A file that cannot be read is part of the graph; what it imports is not known.
pub fn graph_of(tree: &Tree, choice: &Choice, watch: Watch<'_>) -> Result<(Graph, Skipped)> {
    let options = WalkOptions {
        include: choice.include.clone(),
        exclude: choice.exclude.clone(),
        hidden: choice.hidden,
        max_file_size: choice.max_file_size,
        ..WalkOptions::default()
    };
    let listing = tree.list(&options, watch)?;
    watch.progress.begin("reading", "files", listing.entries.len() as u64);
    let texts: Vec<(String, Result<String, SkipReason>)> = listing
        .entries
        .par_iter()
        .with_max_len(8)
        .map(|entry| {
            watch.check()?;
            let text = text(tree, entry, choice.max_file_size);
            watch.progress.advance(1);
            Ok((entry.path.text().into_owned(), text))
        })
        .collect::<Result<_>>()?;

    let mut skipped = Skipped::new();
    let mut leave_out = |reason| *skipped.entry(reason).or_insert(0) += 1;
    let mut project = Project::default();
    for (path, text) in &texts {
        match text {
            Ok(text) => project.files.push(SourceFile { path, text }),
            Err(reason) if may_be_named(*reason) => project.listed.push(path),
            Err(reason) => leave_out(*reason),
        }
    }
    let large: Vec<_> = listing
        .skipped
        .iter()
        .filter(|skipped| !skipped.directory && skipped.reason == SkipReason::TooLarge)
        .map(|skipped| skipped.path.text())
        .collect();
    project.listed.extend(large.iter().map(|path| &**path));
    for skipped in &listing.skipped {
        if skipped.directory || skipped.reason != SkipReason::TooLarge {
            leave_out(skipped.reason);
        }
    }
    Ok((build(&project, watch)?, skipped))
}

/// The text of a file, or why there is none. Files that tell nothing about imports are not read.
fn text(tree: &Tree, entry: &Entry, max_bytes: u64) -> Result<String, SkipReason> {
    let options = SourceOptions { redact_secrets: false, ..SourceOptions::default() };
    if let Some(reason) = source::skip_by_path(&entry.path, &options) {
        return Err(reason);
    }
    let path = entry.path.text();
    if Lang::of(&path).is_none() && !is_configuration(&path, entry.size as usize) {
        return Err(SkipReason::Binary);
    }
    let bytes = tree.read(entry, max_bytes)?;
    match source::classify(&entry.path, bytes, tree.object_hash(), &options) {
        Ok(document) => Ok(document.text),
        // An empty `__init__.py` makes a package.
        Err(SkipReason::Empty) => Ok(String::new()),
        Err(reason) => Err(reason),
    }
}

/// Whether a file tells resolvers about a project. Longer JSON is data.
pub fn is_configuration(path: &str, bytes: usize) -> bool {
    const LONGEST_JSON: usize = 1 << 16;
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "Cargo.toml" | "pyproject.toml" | "setup.cfg" | "setup.py" | "go.mod" => true,
        _ => name.ends_with(".json") && bytes <= LONGEST_JSON,
    }
}

/// Whether imports may name a file that has no text for this reason.
pub fn may_be_named(reason: SkipReason) -> bool {
    !matches!(
        reason,
        SkipReason::Vendored | SkipReason::Lockfile | SkipReason::Generated | SkipReason::Minified
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> (Graph, Skipped) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let choice = Choice { include: vec![], exclude: vec![], hidden: false, max_file_size: 1000 };
        graph_of(&Tree::open(folder.path(), None).unwrap(), &choice, Watch::none()).unwrap()
    }

    fn edges(graph: &Graph) -> Vec<(&str, &str)> {
        let path = |file: u32| &graph.files[file as usize];
        graph.edges().map(|edge| (path(edge.from), path(edge.to))).collect()
    }

    #[test]
    fn empty_files_make_packages_and_files_without_a_text_may_be_imported() {
        let long = format!("x = 1\n{}", "# long\n".repeat(200));
        let (graph, skipped) = graph(&[
            ("pkg/__init__.py", ""),
            ("pkg/long.py", &long),
            ("pkg/main.py", "import pkg.long\n"),
            ("pkg/data.bin", "\0\0"),
        ]);
        assert_eq!(
            graph.files.iter().collect::<Vec<_>>(),
            ["pkg/__init__.py", "pkg/data.bin", "pkg/long.py", "pkg/main.py"]
        );
        assert!(edges(&graph).contains(&("pkg/main.py", "pkg/long.py")));
        assert_eq!(skipped.len(), 0);
    }

    #[test]
    fn vendored_and_generated_files_are_no_part_of_the_graph() {
        let (graph, skipped) = graph(&[
            ("a.py", "import b_pb2\n"),
            ("b_pb2.py", "# Generated by the protocol buffer compiler.  DO NOT EDIT!\n"),
            ("node_modules/c.js", "x\n"),
            (".hidden.py", "x\n"),
        ]);
        assert_eq!(graph.files.iter().collect::<Vec<_>>(), ["a.py"]);
        assert!(edges(&graph).is_empty());
        assert_eq!(skipped.get(&SkipReason::Generated), Some(&1));
        assert_eq!(skipped.get(&SkipReason::Hidden), Some(&1));
    }

    #[test]
    fn configuration_files_are_read() {
        let (graph, _) = graph(&[
            ("Cargo.toml", "[package]\nname = \"demo\"\n[lib]\npath = \"odd/root.rs\"\n"),
            ("odd/root.rs", "mod part;\n"),
            ("odd/part.rs", "pub fn f() {}\n"),
        ]);
        assert_eq!(edges(&graph), [("odd/root.rs", "odd/part.rs")]);
    }
}

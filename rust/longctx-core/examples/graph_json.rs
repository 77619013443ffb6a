//! Writes the import graph of a folder as JSON: `graph_json FOLDER > graph.json`. With `--order` the files in reading
//! order, with `--symbols` the definitions of every file, with `--time` only how long it took.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use longctx_core::graph::{Order, Project, SourceFile, build};
use longctx_core::interrupt::Watch;

/// Folders that are no part of a project's own sources.
const SKIPPED: [&str; 5] = [".git", "target", "__pycache__", ".venv", ".hg"];

fn list(root: &Path, folder: PathBuf, out: &mut Vec<(String, String)>, keep_packages: bool) {
    let Ok(entries) = std::fs::read_dir(&folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if !SKIPPED.contains(&name.as_str()) && (keep_packages || name != "node_modules") {
                list(root, path, out, keep_packages);
            }
        } else if kind.is_file()
            && let Ok(relative) = path.strip_prefix(root)
        {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let text =
                if bytes.contains(&0) { String::new() } else { String::from_utf8_lossy(&bytes).into_owned() };
            out.push((relative.to_string_lossy().replace('\\', "/"), text));
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let root =
        PathBuf::from(arguments.iter().find(|argument| !argument.starts_with("--")).ok_or("which folder?")?);
    let mut files = Vec::new();
    list(&root, root.clone(), &mut files, has("--node-modules"));
    files.sort();
    let project = Project {
        files: files.iter().map(|(path, text)| SourceFile { path, text }).collect(),
        listed: Vec::new(),
    };
    let start = Instant::now();
    let graph = build(&project, Watch::none())?;
    let built = start.elapsed();
    let order = graph.order(Order::Deps);
    let ordered = start.elapsed() - built;
    if has("--time") {
        let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
        let definitions: usize = graph.facts.iter().flatten().map(|facts| facts.definitions.len()).sum();
        let broken = graph.facts.iter().flatten().filter(|facts| facts.broken).count();
        println!("{} files, {bytes} bytes: built in {built:?}, ordered in {ordered:?}", files.len());
        println!("{} edges, {definitions} definitions, {broken} files with errors", graph.edges.len());
        println!("{:?}", graph.counts());
    } else if has("--order") {
        for file in order {
            println!("{}", graph.files[file as usize]);
        }
    } else if has("--dot") {
        print!("{}", graph.to_dot());
    } else if has("--symbols") {
        for (path, facts) in graph.files.iter().zip(&graph.facts) {
            for definition in facts.iter().flat_map(|facts| &facts.definitions) {
                println!("{}", serde_json::json!({"path": path, "definition": definition}));
            }
        }
    } else {
        println!("{}", serde_json::to_string(&graph)?);
    }
    Ok(())
}

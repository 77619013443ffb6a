//! Go: modules, packages as folders, narrowed to the files that declare the names used.

use std::collections::{BTreeSet, HashMap};

use super::tree::{Tree, join, parent};
use super::{Found, Resolver, World};
use crate::Result;
use crate::graph::facts::Links;
use crate::graph::{EdgeKind, FileIndex, Reason};
use crate::symbols::SymbolKind;

/// A package: one folder's files of one package name.
#[derive(Default)]
struct Package<'a> {
    files: Vec<FileIndex>,
    /// The files that declare each name of the package.
    names: HashMap<&'a str, Vec<FileIndex>>,
    /// Files with an `init`, which a blank import is for.
    inits: Vec<FileIndex>,
}

pub(super) struct Go<'a> {
    tree: &'a Tree<'a>,
    /// By folder and package name.
    packages: HashMap<&'a str, HashMap<Box<str>, Package<'a>>>,
    /// The name of the package that others import from a folder.
    importable: HashMap<&'a str, Box<str>>,
    /// Module paths with their folders, longest path first.
    modules: Vec<(String, String)>,
}

impl<'a> Go<'a> {
    pub fn new(world: &'a World<'a>) -> Result<Self> {
        let tree = world.tree;
        let mut packages: HashMap<&str, HashMap<Box<str>, Package<'_>>> = HashMap::new();
        let mut importable: HashMap<&str, Box<str>> = HashMap::new();
        world.each(|file, links| {
            let path = tree.path(file);
            let package = packages.entry(parent(path)).or_default().entry(links.package.clone()).or_default();
            package.files.push(file);
            for definition in world.definitions(file).iter().filter(|definition| definition.parent.is_none())
            {
                match (definition.name(), definition.kind) {
                    ("init", SymbolKind::Function) => package.inits.push(file),
                    (_, SymbolKind::Method) => {}
                    (name, _) => {
                        let files = package.names.entry(name).or_default();
                        if files.last() != Some(&file) {
                            files.push(file);
                        }
                    }
                }
            }
            if !path.ends_with("_test.go") && &*links.package != "main" {
                importable.entry(parent(path)).or_insert_with(|| links.package.clone());
            }
            Ok(())
        })?;
        Ok(Self { tree, packages, importable, modules: modules(world) })
    }

    /// The folder that an import path means.
    fn folder(&self, from: &str, path: &str) -> Option<String> {
        if path.starts_with("./") || path.starts_with("../") {
            return join(parent(from), path);
        }
        for (module, folder) in &self.modules {
            let Some(rest) = path.strip_prefix(module.as_str()) else { continue };
            if rest.is_empty() || rest.starts_with('/') {
                return join(folder, rest.trim_start_matches('/'));
            }
        }
        // A vendor folder above the importing file.
        let mut above = parent(from);
        loop {
            let vendored =
                join(above, &format!("vendor/{path}")).filter(|folder| self.tree.is_folder(folder));
            if vendored.is_some() || above.is_empty() {
                return vendored;
            }
            above = parent(above);
        }
    }
}

/// The modules of the tree, and those that a `replace` puts there.
fn modules(world: &World<'_>) -> Vec<(String, String)> {
    let mut modules = Vec::new();
    for &file in world.tree.named("go.mod") {
        let path = world.tree.path(file);
        for line in world.text(path).unwrap_or_default().lines() {
            let line = line.split("//").next().unwrap_or_default().trim();
            if let Some(module) = line.strip_prefix("module ") {
                modules.push((module.trim().trim_matches('"').to_owned(), parent(path).to_owned()));
            } else if let Some((left, right)) = line.split_once("=>")
                && right.trim().starts_with('.')
            {
                let module = left.trim().trim_start_matches("replace ").split_whitespace().next();
                if let (Some(module), Some(folder)) = (module, join(parent(path), right.trim())) {
                    modules.push((module.to_owned(), folder));
                }
            }
        }
    }
    modules.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
    modules
}

impl Resolver for Go<'_> {
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found) {
        let path = self.tree.path(from);
        let is_test = path.ends_with("_test.go");
        let visible = |file: FileIndex| is_test || !self.tree.path(file).ends_with("_test.go");
        let mut dotted: Vec<&Package<'_>> = Vec::new();
        for import in &links.imports {
            let Some(folder) = self.folder(path, &import.path) else {
                found.unresolved(from, import.line, &*import.path, Reason::External);
                continue;
            };
            let known = self.importable.get(folder.as_str());
            let package = known.and_then(|package| self.packages.get(folder.as_str())?.get(package));
            let Some(package) = package else {
                found.unresolved(from, import.line, &*import.path, Reason::Missing);
                continue;
            };
            let package_name = known.map_or("", |package| package);
            let alias = import.names.first().map_or(package_name, |alias| alias);
            let mut targets: BTreeSet<FileIndex> = BTreeSet::new();
            match alias {
                "." => dotted.push(package),
                "_" if package.inits.is_empty() => targets.extend(package.files.first()),
                "_" => targets.extend(&package.inits),
                alias => {
                    let qualified =
                        |used: &str| used.strip_prefix(alias)?.strip_prefix('.').map(str::to_owned);
                    let start = links.uses.partition_point(|used| *used.name < *alias);
                    let near = links.uses[start..].iter().take_while(|used| used.name.starts_with(alias));
                    for used in near.filter_map(|used| qualified(&used.name)) {
                        targets.extend(package.names.get(used.as_str()).into_iter().flatten());
                    }
                }
            }
            for to in targets.into_iter().filter(|to| !self.tree.path(*to).ends_with("_test.go")) {
                found.edge(from, to, import.kind, import.line);
            }
        }
        let own = self.packages.get(parent(path)).and_then(|packages| packages.get(&links.package));
        for used in &links.uses {
            let mut link = |package: &Package<'_>, kind| {
                let Some(files) = package.names.get(&*used.name) else { return false };
                for &to in files.iter().filter(|to| visible(**to)) {
                    found.edge(from, to, kind, used.line);
                }
                true
            };
            let in_own =
                own.is_some_and(|own| !declares(own, &used.name, from) && link(own, EdgeKind::SamePackage));
            if !in_own {
                for package in &dotted {
                    link(package, EdgeKind::TopLevel);
                }
            }
        }
    }
}

/// The file declares the name itself, so that the same name elsewhere is for another platform.
fn declares(package: &Package<'_>, name: &str, file: FileIndex) -> bool {
    package.names.get(name).is_some_and(|files| files.contains(&file))
}

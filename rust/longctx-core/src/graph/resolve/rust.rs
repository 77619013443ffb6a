//! Rust: the module tree of each crate, then paths by their longest prefix that is a module.

use std::collections::HashMap;

use super::cargo::{Package, Packages};
use super::tree::{Tree, join, name, parent};
use super::{Found, Resolver, World};
use crate::Result;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::{EdgeKind, FileIndex, Reason};

/// A file may be part of many crates (`tests/common/mod.rs`); more than this add nothing new.
const MAX_PLACES: usize = 8;

/// A crate: its root and its modules.
struct Crate {
    /// The package it belongs to, if a manifest says so.
    package: Option<usize>,
    root: FileIndex,
    /// The file of every module, inline ones too, by its path from the root ("" for the root).
    modules: HashMap<String, FileIndex>,
}

/// Where a file stands: in which crate, as which module.
#[derive(Clone)]
struct Place {
    krate: usize,
    module: String,
}

pub(super) struct Rust<'a> {
    world: &'a World<'a>,
    tree: &'a Tree<'a>,
    packages: Packages,
    crates: Vec<Crate>,
    places: Vec<Vec<Place>>,
    by_root: HashMap<FileIndex, usize>,
}

impl<'a> Rust<'a> {
    pub fn new(world: &'a World<'a>) -> Result<Self> {
        let packages = Packages::read(world);
        let mut rust = Self {
            world,
            tree: world.tree,
            packages,
            crates: Vec::new(),
            places: vec![Vec::new(); world.listed.len()],
            by_root: HashMap::new(),
        };
        let roots: Vec<(FileIndex, usize)> = rust
            .packages
            .all
            .iter()
            .enumerate()
            .flat_map(|(at, package)| package.crates.iter().map(move |&root| (root, at)))
            .collect();
        for (root, package) in roots {
            rust.grow(root, Some(package))?;
        }
        // Files that no crate reached: roots by name first, then each for itself.
        for by_name in [true, false] {
            for &file in &world.members {
                let is_root = matches!(name(rust.tree.path(file)), "lib.rs" | "main.rs" | "build.rs");
                if rust.places[file as usize].is_empty() && (is_root || !by_name) {
                    let package = rust.package_above(rust.tree.path(file));
                    rust.grow(file, package)?;
                }
            }
        }
        Ok(rust)
    }

    /// The package in whose folder a file lies.
    fn package_above(&self, path: &str) -> Option<usize> {
        let holds = |package: &Package| {
            package.folder.is_empty()
                || path.strip_prefix(package.folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        let all = self.packages.all.iter().enumerate().filter(|(_, package)| holds(package));
        all.max_by_key(|(_, package)| package.folder.len()).map(|(at, _)| at)
    }

    /// Follows `mod` from a crate's root.
    fn grow(&mut self, root: FileIndex, package: Option<usize>) -> Result<()> {
        if self.by_root.contains_key(&root) {
            return Ok(());
        }
        let krate = self.crates.len();
        self.by_root.insert(root, krate);
        let mut modules = HashMap::new();
        let mut work = vec![(root, String::new())];
        while let Some((file, module)) = work.pop() {
            if modules.contains_key(&module) || self.places[file as usize].len() >= MAX_PLACES {
                // Two files for one module under different conditions: both are part of the crate.
                let known =
                    modules.get(&module) == Some(&file) || self.places[file as usize].len() >= MAX_PLACES;
                if known || self.places[file as usize].iter().any(|place| place.krate == krate) {
                    continue;
                }
            } else {
                modules.insert(module.clone(), file);
            }
            self.places[file as usize].push(Place { krate, module: module.clone() });
            for import in &self.world.links(file)?.imports {
                // Every inline module on the way belongs to this file.
                let mut inline = module.clone();
                for part in import.scope.split("::").filter(|part| !part.is_empty()) {
                    push(&mut inline, part);
                    modules.entry(inline.clone()).or_insert(file);
                }
                if import.form == Form::Module {
                    for child in self.module_files(file, root == file, import) {
                        let mut module = inline.clone();
                        push(&mut module, &import.path);
                        work.push((child, module));
                    }
                }
            }
        }
        self.crates.push(Crate { package, root, modules });
        Ok(())
    }

    /// The files that `mod a;` may stand for: `a.rs`, `a/mod.rs`, or what `#[path]` says.
    fn module_files(&self, file: FileIndex, is_root: bool, import: &Import) -> Vec<FileIndex> {
        let path = self.tree.path(file);
        let folder = parent(path);
        let stem = name(path).strip_suffix(".rs").unwrap_or(name(path));
        let owns_folder = is_root || stem == "mod";
        let scope = import.scope.replace("::", "/");
        let children = if owns_folder { folder.to_owned() } else { format!("{folder}/{stem}") };
        let children = format!("{children}/{scope}");
        let at = |folder: &str, rest: &str| join(folder, rest).and_then(|path| self.tree.file(&path));
        let mut found: Vec<FileIndex> = Vec::new();
        for given in &import.names {
            let base = if scope.is_empty() { folder } else { children.as_str() };
            found.extend(at(base, given));
        }
        if found.is_empty() {
            found.extend(
                at(&children, &format!("{}.rs", import.path))
                    .or_else(|| at(&children, &format!("{}/mod.rs", import.path))),
            );
        }
        found
    }

    /// The file that a path leads to from a place: `Ok(None)` for the outside, an error where a `super` climbs too
    /// far.
    fn path(
        &self,
        place: &Place,
        scope: &str,
        path: &str,
        strict: bool,
        aliases: &Aliases<'_>,
    ) -> Option<FileIndex> {
        let krate = &self.crates[place.krate];
        let mut module = place.module.clone();
        for part in scope.split("::").filter(|part| !part.is_empty()) {
            push(&mut module, part);
        }
        let mut parts: Vec<&str> = path.trim_start_matches("$").split("::").collect();
        let mut depth = 0;
        loop {
            match *parts.first()? {
                "crate" => {
                    parts.remove(0);
                    return Some(self.longest(krate, String::new(), &parts));
                }
                "self" => {
                    parts.remove(0);
                    return Some(self.longest(krate, module, &parts));
                }
                "super" => {
                    while parts.first() == Some(&"super") {
                        parts.remove(0);
                        if module.is_empty() {
                            return None;
                        }
                        module.truncate(module.rfind("::").unwrap_or(0));
                    }
                    return Some(self.longest(krate, module, &parts));
                }
                "" => {
                    parts.remove(0);
                    return self.outside(krate, parts.first()?, &parts[1..]);
                }
                first => {
                    let mut child = module.clone();
                    push(&mut child, first);
                    if krate.modules.contains_key(&child) {
                        return Some(self.longest(krate, module, &parts));
                    }
                    if let Some(file) = self.outside(krate, first, &parts[1..]) {
                        return Some(file);
                    }
                    // The name may have come by another `use` of the same module.
                    if let Some(target) = aliases.get(&(scope, first))
                        && depth < 4
                        && *target != path
                    {
                        depth += 1;
                        parts.remove(0);
                        let rest = std::mem::take(&mut parts);
                        parts = target.split("::").chain(rest).collect();
                        continue;
                    }
                    // Rust 2015: paths of `use` begin at the root.
                    if strict && krate.modules.contains_key(first) {
                        return Some(self.longest(krate, String::new(), &parts));
                    }
                    return None;
                }
            }
        }
    }

    fn outside(&self, krate: &Crate, first: &str, rest: &[&str]) -> Option<FileIndex> {
        let other = match krate.package {
            Some(at) => self.packages.called(&self.packages.all[at], first)?,
            // No manifest says what the file depends on.
            None => self.packages.library(first)?,
        };
        let root = other.library?;
        if root == krate.root {
            return None;
        }
        let other = &self.crates[*self.by_root.get(&root)?];
        Some(self.longest(other, String::new(), rest))
    }

    fn longest(&self, krate: &Crate, mut module: String, rest: &[&str]) -> FileIndex {
        let mut file = krate.modules.get(&module).copied().unwrap_or(krate.root);
        for part in rest {
            push(&mut module, part);
            match krate.modules.get(&module) {
                Some(&deeper) => file = deeper,
                None => break,
            }
        }
        file
    }
}

/// Names that `use` brings into each inline module of a file, with their full paths.
type Aliases<'f> = HashMap<(&'f str, &'f str), &'f str>;

fn push(module: &mut String, part: &str) {
    if !module.is_empty() {
        module.push_str("::");
    }
    module.push_str(part);
}

impl Resolver for Rust<'_> {
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found) {
        let path = self.tree.path(from);
        let mut aliases: Aliases<'_> = HashMap::new();
        for import in links.imports.iter().filter(|import| import.form == Form::Plain) {
            if let Some(name) = import.names.first() {
                aliases.insert((&import.scope, name), &import.path);
            }
        }
        for import in &links.imports {
            match import.form {
                Form::File => match join(parent(path), &import.path).and_then(|path| self.tree.file(&path)) {
                    Some(to) => found.edge(from, to, EdgeKind::Include, import.line),
                    None => found.unresolved(from, import.line, &*import.path, Reason::Missing),
                },
                Form::Module => {
                    let is_root = self.by_root.contains_key(&from);
                    let files = self.module_files(from, is_root, import);
                    if files.is_empty() {
                        found.unresolved(from, import.line, format!("mod {}", import.path), Reason::Missing);
                    }
                    for to in files {
                        found.edge(from, to, import.kind, import.line);
                    }
                }
                _ => {
                    let strict = import.form != Form::Path;
                    let mut any = false;
                    for place in &self.places[from as usize] {
                        if let Some(to) = self.path(place, &import.scope, &import.path, strict, &aliases) {
                            any = true;
                            found.edge(from, to, import.kind, import.line);
                        }
                    }
                    let first = import.path.split("::").next().unwrap_or_default();
                    let mut own = self.world.definitions(from).iter();
                    let mut is_own = || own.any(|definition| definition.name() == first);
                    if !any && strict && !is_own() {
                        let own = ["crate", "self", "super"].iter().any(|word| {
                            import
                                .path
                                .strip_prefix(word)
                                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
                        });
                        let reason = if own { Reason::Missing } else { Reason::External };
                        found.unresolved(from, import.line, &*import.path, reason);
                    }
                }
            }
        }
    }
}

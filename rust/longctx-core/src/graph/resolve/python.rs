//! Python: source roots, packages with and without `__init__`, `from a import b` to module or package.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::python_roots;
use super::tree::{Tree, join, name, parent, shared_folders};
use super::{Found, Resolver, World};
use crate::Result;
use crate::graph::facts::{Form, Import, Links};
use crate::graph::{EdgeKind, FileIndex, Reason};

pub(super) struct Python<'a> {
    tree: &'a Tree<'a>,
    /// Folders below which a Python file lies.
    folders: HashSet<&'a str>,
    /// Folders that modules are looked for in, in this order, for every file.
    roots: Vec<String>,
    /// More such folders, found because packages begin there, with what begins there.
    inferred: HashMap<&'a str, Vec<&'a str>>,
    /// Folders that `conftest.py` adds for the files below its own.
    shared: BTreeMap<&'a str, Vec<Box<str>>>,
    world: &'a World<'a>,
}

/// What a dotted name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Module {
    File(FileIndex),
    /// A folder without `__init__`: a namespace package.
    Folder,
}

/// What looking for a dotted name gave.
enum Outcome {
    Found(Module, String),
    /// A part of it is there, the rest is not.
    Broken,
    Ambiguous,
    Nothing,
}

impl<'a> Python<'a> {
    pub fn new(world: &'a World<'a>) -> Result<Self> {
        let tree = world.tree;
        let mut folders = HashSet::from([""]);
        for &file in &world.members {
            let mut folder = parent(tree.path(file));
            while folders.insert(folder) {
                folder = parent(folder);
            }
        }
        let mut python = Self {
            tree,
            folders,
            roots: python_roots::configured(world),
            inferred: HashMap::new(),
            shared: BTreeMap::new(),
            world,
        };
        for &file in &world.members {
            let path = tree.path(file);
            if name(path) == "__init__.py" || name(path) == "__init__.pyi" {
                let package = parent(path);
                let above = parent(package);
                if !package.is_empty() && !python.is_package(above) {
                    let starts = python.inferred.entry(name(package)).or_default();
                    if !starts.contains(&above) {
                        starts.push(above);
                    }
                }
            }
            if name(path) == "conftest.py" {
                let roots = &world.links(file)?.roots;
                if !roots.is_empty() {
                    python.shared.insert(parent(path), roots.clone());
                }
            }
        }
        Ok(python)
    }

    fn is_package(&self, folder: &str) -> bool {
        self.init(folder).is_some()
    }

    fn init(&self, folder: &str) -> Option<FileIndex> {
        self.source(&within(folder, "__init__"))
    }

    /// The file of a module: the source, or else the stub.
    fn source(&self, stem: &str) -> Option<FileIndex> {
        self.tree.file(&format!("{stem}.py")).or_else(|| self.tree.file(&format!("{stem}.pyi")))
    }

    /// The module at a path without extension.
    fn module_at(&self, stem: &str) -> Option<Module> {
        if let Some(init) = self.init(stem) {
            return Some(Module::File(init));
        }
        if let Some(file) = self.source(stem) {
            return Some(Module::File(file));
        }
        self.folders.contains(stem).then_some(Module::Folder)
    }

    /// Looks for a dotted name in one folder.
    fn look(&self, root: &str, dotted: &str) -> Outcome {
        let mut at = root.to_owned();
        let mut parts = dotted.split('.').peekable();
        let mut regular = false;
        while let Some(part) = parts.next() {
            at = within(&at, part);
            match self.module_at(&at) {
                Some(module) if parts.peek().is_none() => return Outcome::Found(module, at),
                Some(Module::File(_)) => regular = true,
                Some(Module::Folder) => {}
                None => return if regular { Outcome::Broken } else { Outcome::Nothing },
            }
        }
        Outcome::Nothing
    }

    /// Looks for a dotted name in all folders that count for the file.
    fn absolute(&self, from: &str, links: &Links, dotted: &str) -> Outcome {
        let first = dotted.split('.').next().unwrap_or(dotted);
        let mut roots: Vec<&str> = links.roots.iter().map(|root| &**root).collect();
        let shared = self.shared.iter().filter(|(folder, _)| below(from, folder));
        roots.extend(shared.flat_map(|(_, roots)| roots.iter().map(|root| &**root)));
        let own = self.own_root(from);
        roots.push(own);
        roots.extend(self.roots.iter().map(String::as_str));
        let mut folder = None;
        for root in roots {
            match self.look(root, dotted) {
                Outcome::Found(Module::Folder, at) => folder = folder.or(Some(at)),
                Outcome::Nothing => {}
                // A script's own folder comes first at run time, but it may as well be a folder of modules that are
                // never run: names of the standard library are left alone.
                _ if root == own
                    && !own.is_empty()
                    && self.is_loose(from)
                    && python_roots::is_standard(first) => {}
                outcome => return outcome,
            }
        }
        let mut candidates: Vec<(usize, String, Module)> = Vec::new();
        let mut broken = false;
        for root in self.inferred.get(first).into_iter().flatten() {
            match self.look(root, dotted) {
                Outcome::Found(module @ Module::File(_), at) => {
                    candidates.push((shared_folders(&within(root, "x"), from), at, module));
                }
                Outcome::Broken => broken = true,
                _ => {}
            }
        }
        if python_roots::is_standard(first) {
            candidates.clear();
            broken = false;
        }
        candidates.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        match candidates.as_slice() {
            [] if broken => Outcome::Broken,
            [] => match folder {
                Some(at) => Outcome::Found(Module::Folder, at),
                None => Outcome::Nothing,
            },
            [(_, at, module)] => Outcome::Found(*module, at.clone()),
            [(best, at, module), (next, _, _), ..] if best > next => Outcome::Found(*module, at.clone()),
            _ => Outcome::Ambiguous,
        }
    }

    /// The folder above the topmost package of a file; its own folder when it is in none.
    fn own_root<'p>(&self, path: &'p str) -> &'p str {
        let mut folder = parent(path);
        while !folder.is_empty() && self.is_package(folder) {
            folder = parent(folder);
        }
        folder
    }

    /// The file is in no package.
    fn is_loose(&self, path: &str) -> bool {
        !self.is_package(parent(path))
    }

    /// Edges for a module found, and for the packages above it.
    fn link(&self, from: FileIndex, module: Module, at: &str, import: &Import, found: &mut Found) {
        if let Module::File(to) = module {
            let init_of = parent(self.tree.path(to));
            let path = self.tree.path(from);
            let own_package = name(path).starts_with("__init__.") && below(init_of, parent(path));
            let passes_on = own_package && import.kind == EdgeKind::TopLevel && import.form != Form::Plain;
            let kind = if passes_on { EdgeKind::ReExport } else { import.kind };
            found.edge(from, to, kind, import.line);
            // The stub beside the source says what the source offers.
            let stub = format!("{}i", self.tree.path(to));
            if let Some(stub) = self.tree.file(&stub) {
                found.edge(from, stub, kind, import.line);
            }
        }
        let mut above = parent(at);
        while !above.is_empty() && self.is_package(above) {
            if let Some(init) = self.init(above) {
                found.edge(from, init, EdgeKind::Package, import.line);
            }
            above = parent(above);
        }
    }

    /// `from a import b, c`, with `a` found: each name is a module of the package, or something the package defines.
    fn members(&self, from: FileIndex, module: Module, at: &str, import: &Import, found: &mut Found) {
        let is_init = match module {
            Module::File(file) => name(self.tree.path(file)).starts_with("__init__."),
            Module::Folder => true,
        };
        if import.form == Form::Glob || import.names.is_empty() || !is_init {
            self.link(from, module, at, import, found);
            return;
        }
        for name in &import.names {
            let inner = within(at, name);
            let child = match self.module_at(&inner) {
                Some(Module::Folder) | None => None,
                Some(child) if self.defines(module, name) => {
                    let _ = child;
                    None
                }
                child => child,
            };
            match (child, module) {
                (Some(child), _) => self.link(from, child, &inner, import, found),
                (None, Module::File(_)) => self.link(from, module, at, import, found),
                (None, Module::Folder) if self.folders.contains(inner.as_str()) => {}
                (None, Module::Folder) => {
                    let text = format!("{}.{name}", import.path);
                    found.unresolved(from, import.line, text, Reason::Missing);
                }
            }
        }
    }

    /// The package itself defines the name, so that a submodule of that name is hidden.
    fn defines(&self, package: Module, name: &str) -> bool {
        let Module::File(file) = package else { return false };
        let mut definitions = self.world.definitions(file).iter();
        definitions.any(|definition| definition.parent.is_none() && definition.name() == name)
    }
}

/// `path` lies below `folder` or is it.
fn below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn within(folder: &str, part: &str) -> String {
    if folder.is_empty() { part.to_owned() } else { format!("{folder}/{part}") }
}

impl Resolver for Python<'_> {
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found) {
        let path = self.tree.path(from);
        for import in &links.imports {
            let dots = import.path.bytes().take_while(|byte| *byte == b'.').count();
            let rest = &import.path[dots..];
            let outcome = if dots == 0 {
                self.absolute(path, links, rest)
            } else {
                match join(parent(path), &"../".repeat(dots - 1)) {
                    None => Outcome::Broken,
                    Some(folder) if rest.is_empty() => match self.module_at(&folder) {
                        Some(module) => Outcome::Found(module, folder),
                        None => Outcome::Found(Module::Folder, folder),
                    },
                    Some(folder) => match self.look(&folder, rest) {
                        Outcome::Found(module, at) => Outcome::Found(module, at),
                        _ => Outcome::Broken,
                    },
                }
            };
            let reason = match outcome {
                Outcome::Found(module, at) if import.form == Form::Plain => {
                    self.link(from, module, &at, import, found);
                    continue;
                }
                Outcome::Found(module, at) => {
                    self.members(from, module, &at, import, found);
                    continue;
                }
                Outcome::Broken => Reason::Missing,
                Outcome::Ambiguous => Reason::Ambiguous,
                Outcome::Nothing => Reason::External,
            };
            found.unresolved(from, import.line, &*import.path, reason);
        }
    }
}

//! Cargo manifests: which packages the tree has, where their crates begin, and what they call each other.

use std::collections::HashMap;

use toml::{Table, Value};

use super::World;
use super::tree::{join, name, parent};
use crate::graph::FileIndex;

/// A package of the tree.
pub(super) struct Package {
    /// The folder of its manifest.
    pub folder: String,
    /// Its library's name in code.
    pub library_name: String,
    /// Where its library begins.
    pub library: Option<FileIndex>,
    /// Where all of its crates begin, the library first.
    pub crates: Vec<FileIndex>,
    /// The names by which its code calls other packages, with the package meant.
    dependencies: HashMap<String, Dependency>,
    /// The package's name in its manifest.
    name: String,
}

/// What a manifest says about a dependency.
#[derive(Default)]
struct Dependency {
    package: String,
    /// The folder of a path dependency.
    folder: Option<String>,
    /// The workspace's manifest says more.
    inherited: bool,
}

/// All packages of the tree.
pub(super) struct Packages {
    pub all: Vec<Package>,
    by_name: HashMap<String, usize>,
    by_folder: HashMap<String, usize>,
    /// The dependencies of each workspace, by the folder of its manifest.
    shared: Vec<(String, HashMap<String, Dependency>)>,
}

impl Packages {
    pub fn read(world: &World<'_>) -> Self {
        let mut packages =
            Self { all: Vec::new(), by_name: HashMap::new(), by_folder: HashMap::new(), shared: Vec::new() };
        for &manifest in world.tree.named("Cargo.toml") {
            let path = world.tree.path(manifest);
            let Some(table) = world.text(path).and_then(|text| text.parse::<Table>().ok()) else { continue };
            let folder = parent(path);
            if let Some(workspace) = table.get("workspace").and_then(Value::as_table) {
                let mut shared = HashMap::new();
                read_dependencies(workspace, folder, &mut shared);
                packages.shared.push((folder.to_owned(), shared));
            }
            if let Some(package) = package(world, folder, &table) {
                packages.by_folder.insert(folder.to_owned(), packages.all.len());
                packages.by_name.entry(package.name.clone()).or_insert(packages.all.len());
                packages.all.push(package);
            }
        }
        packages
    }

    /// The one package whose library has this name.
    pub fn library(&self, name: &str) -> Option<&Package> {
        let mut fitting =
            self.all.iter().filter(|package| package.library.is_some() && package.library_name == name);
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// The package that the code of `package` calls `name`.
    pub fn called<'p>(&'p self, package: &'p Package, name: &str) -> Option<&'p Package> {
        if name == package.library_name && package.library.is_some() {
            return Some(package);
        }
        let dependency = package.dependencies.get(name)?;
        let dependency = if dependency.inherited {
            let nearest = self
                .shared
                .iter()
                .filter(|(folder, _)| folder.is_empty() || package.folder.starts_with(folder.as_str()))
                .max_by_key(|(folder, _)| folder.len());
            nearest.and_then(|(_, shared)| shared.get(name)).unwrap_or(dependency)
        } else {
            dependency
        };
        let at = match &dependency.folder {
            Some(folder) => self.by_folder.get(folder),
            None => self.by_name.get(&dependency.package),
        };
        at.map(|&at| &self.all[at])
    }
}

fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Value::as_str)
}

fn package(world: &World<'_>, folder: &str, table: &Table) -> Option<Package> {
    let section = table.get("package").or_else(|| table.get("project"))?.as_table()?;
    let package_name = text(section, "name")?.to_owned();
    let file = |path: &str| join(folder, path).and_then(|path| world.tree.file(&path));
    let library_section = table.get("lib").and_then(Value::as_table);
    let library_path = library_section.and_then(|section| text(section, "path")).unwrap_or("src/lib.rs");
    let library = file(library_path);
    let library_name = library_section.and_then(|section| text(section, "name")).unwrap_or(&package_name);
    let mut crates: Vec<FileIndex> = library.into_iter().collect();
    crates.extend(file("src/main.rs"));
    match section.get("build").and_then(Value::as_str) {
        Some(path) => crates.extend(file(path)),
        None => crates.extend(file("build.rs")),
    }
    for key in ["bin", "example", "test", "bench"] {
        let targets = table.get(key).and_then(Value::as_array).into_iter().flatten();
        crates.extend(targets.filter_map(|target| text(target.as_table()?, "path")).filter_map(file));
    }
    let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let paths = world.tree.paths();
    for place in ["src/bin/", "examples/", "tests/", "benches/"] {
        let prefix = format!("{below}{place}");
        let start = paths.partition_point(|path| *path < prefix.as_str());
        for (at, path) in
            paths.iter().enumerate().skip(start).take_while(|(_, path)| path.starts_with(&prefix))
        {
            let rest = &path[prefix.len()..];
            let whole = match rest.matches('/').count() {
                0 => rest.ends_with(".rs"),
                1 => name(rest) == "main.rs",
                _ => false,
            };
            if whole {
                crates.push(at as FileIndex);
            }
        }
    }
    let mut seen = Vec::new();
    crates.retain(|file| {
        !seen.contains(file) && {
            seen.push(*file);
            true
        }
    });
    let mut dependencies = HashMap::new();
    read_dependencies(table, folder, &mut dependencies);
    for target in table.get("target").and_then(Value::as_table).into_iter().flatten() {
        if let Some(target) = target.1.as_table() {
            read_dependencies(target, folder, &mut dependencies);
        }
    }
    Some(Package {
        folder: folder.to_owned(),
        library_name: library_name.replace('-', "_"),
        library,
        crates,
        dependencies,
        name: package_name,
    })
}

fn read_dependencies(table: &Table, folder: &str, out: &mut HashMap<String, Dependency>) {
    for key in ["dependencies", "dev-dependencies", "dev_dependencies", "build-dependencies"] {
        for (name, value) in table.get(key).and_then(Value::as_table).into_iter().flatten() {
            let mut dependency = Dependency { package: name.clone(), ..Dependency::default() };
            if let Some(value) = value.as_table() {
                if let Some(package) = text(value, "package") {
                    package.clone_into(&mut dependency.package);
                }
                dependency.folder = text(value, "path").and_then(|path| join(folder, path));
                dependency.inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
            }
            out.insert(name.replace('-', "_"), dependency);
        }
    }
}

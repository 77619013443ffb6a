//! JavaScript and TypeScript: Node's and TypeScript's rules, through `oxc_resolver` on the listed files alone.

use std::path::Path;

use oxc_resolver::{ResolveOptions, ResolverGeneric, TsconfigDiscovery};

use super::ecma_files::{Listed, Packages};
use super::tree::{Tree, join, parent};
use super::{Found, Resolver, World};
use crate::graph::facts::{Form, Links};
use crate::graph::{FileIndex, Reason};

/// Sources, in the order in which they stand for a name without extension.
const EXTENSIONS: [&str; 12] =
    [".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json", ".vue", ".svelte"];

pub(super) struct Ecma<'a> {
    tree: &'a Tree<'a>,
    packages: Packages<'a>,
    /// For `import`.
    modules: ResolverGeneric<Listed>,
    /// For `require`.
    commonjs: ResolverGeneric<Listed>,
}

impl<'a> Ecma<'a> {
    pub fn new(world: &'a World<'a>) -> Self {
        let packages = Packages::read(world);
        let modules = ResolverGeneric::new_with_file_system(Listed::new(world, &packages), options("import"));
        let commonjs = modules.clone_with_options(options("require"));
        Self { tree: world.tree, packages, modules, commonjs }
    }

    fn find(&self, from: &str, form: Form, specifier: &str) -> Option<FileIndex> {
        let resolver = if form == Form::Plain { &self.commonjs } else { &self.modules };
        let path = format!("/{from}");
        let resolved = resolver.resolve_file(Path::new(&path), specifier);
        let resolved = resolved.ok().and_then(|found| self.packages.real(&found.path().to_string_lossy()));
        resolved.and_then(|path| self.tree.file(&path)).or_else(|| self.source_of(from, specifier))
    }

    /// Where a package of the tree or a relative path names what is yet to be built, the source it is built from.
    fn source_of(&self, from: &str, specifier: &str) -> Option<FileIndex> {
        let at = |folder: &str, rest: &str| -> Option<FileIndex> {
            let stem = join(folder, rest)?;
            let file = |suffix: &str| self.tree.file(&format!("{stem}{suffix}"));
            EXTENSIONS
                .iter()
                .find_map(|extension| file(extension))
                .or_else(|| EXTENSIONS.iter().find_map(|extension| file(&format!("/index{extension}"))))
        };
        if specifier.starts_with('.') {
            // `.js` written for what is compiled from `.vue.ts` and the like stays unresolved.
            return join(parent(from), specifier).and_then(|path| self.tree.file(&path));
        }
        let (folder, rest) = self.packages.within(specifier)?;
        let rest = rest.trim_start_matches('/');
        if rest.is_empty() {
            return at(folder, "src/index")
                .or_else(|| at(folder, "index"))
                .or_else(|| at(folder, "lib/index"));
        }
        let bare = rest.strip_suffix(".js").unwrap_or(rest);
        at(folder, bare).or_else(|| at(folder, &format!("src/{bare}"))).or_else(|| {
            let below = bare
                .split_once('/')
                .filter(|(head, _)| matches!(*head, "dist" | "lib" | "build" | "esm" | "cjs"));
            below.and_then(|(_, tail)| at(folder, &format!("src/{tail}")))
        })
    }
}

fn options(condition: &str) -> ResolveOptions {
    let texts = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect::<Vec<String>>();
    let alias = |from: &str, to: &[&str]| (from.to_owned(), texts(to));
    ResolveOptions {
        tsconfig: Some(TsconfigDiscovery::Auto),
        condition_names: texts(&["source", "development", "types", condition, "node", "default"]),
        extensions: texts(&EXTENSIONS),
        // What TypeScript compiles to `.js` is imported as `.js`.
        extension_alias: vec![
            alias(".js", &[".ts", ".tsx", ".d.ts", ".js", ".jsx"]),
            alias(".jsx", &[".tsx", ".jsx"]),
            alias(".mjs", &[".mts", ".mjs", ".d.mts"]),
            alias(".cjs", &[".cts", ".cjs", ".d.cts"]),
        ],
        main_fields: texts(&["source", "module", "main", "types"]),
        symlinks: false,
        node_path: false,
        builtin_modules: false,
        ..ResolveOptions::default()
    }
}

impl Resolver for Ecma<'_> {
    fn file(&self, from: FileIndex, links: &Links, found: &mut Found) {
        let path = self.tree.path(from);
        for import in &links.imports {
            let specifier = match import.form {
                Form::File if !import.path.starts_with('.') => format!("./{}", import.path),
                _ => import.path.to_string(),
            };
            match self.find(path, import.form, &specifier) {
                Some(to) => {
                    found.edge(from, to, import.kind, import.line);
                    // A declaration file beside its source says what the source offers.
                    let source = self.tree.path(to);
                    if let Some(stem) = source.strip_suffix(".d.ts")
                        && let Some(source) = self.tree.file(&format!("{stem}.js"))
                    {
                        found.edge(from, source, import.kind, import.line);
                    }
                }
                None => {
                    let inside = specifier.starts_with('.') || self.packages.within(&specifier).is_some();
                    let reason = if inside { Reason::Missing } else { Reason::External };
                    found.unresolved(from, import.line, &*import.path, reason);
                }
            }
        }
    }
}

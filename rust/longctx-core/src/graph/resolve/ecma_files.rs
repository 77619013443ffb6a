//! The listed files as a file system for `oxc_resolver`: nothing else is there, whatever a `tsconfig.json` says. The
//! packages of the tree lie in a `node_modules` of the root, as a package manager would link them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oxc_resolver::{FileMetadata, FileSystem, ResolveError};

use super::World;
use super::tree::parent;

const LINKS: &str = "node_modules/";

/// The packages of the tree by name, with the folder of each.
pub(super) struct Packages<'a>(BTreeMap<String, &'a str>);

impl<'a> Packages<'a> {
    pub fn read(world: &World<'a>) -> Self {
        let mut packages = BTreeMap::new();
        for &file in world.tree.named("package.json") {
            let path = world.tree.path(file);
            if path.contains("node_modules/") {
                continue;
            }
            let document =
                world.text(path).and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
            if let Some(name) = document.as_ref().and_then(|document| document.get("name")?.as_str()) {
                packages.entry(name.to_owned()).or_insert(parent(path));
            }
        }
        Self(packages)
    }

    /// The folder of the package that a specifier names, and what it names inside.
    pub fn within<'s>(&self, specifier: &'s str) -> Option<(&'a str, &'s str)> {
        let mut ends = specifier.match_indices('/').map(|(at, _)| at).chain([specifier.len()]);
        let mut end = ends.next()?;
        if specifier.starts_with('@') {
            end = ends.next()?;
        }
        self.0.get(&specifier[..end]).map(|folder| (*folder, &specifier[end..]))
    }

    /// A path of the file system as a path of the repository.
    pub fn real(&self, path: &str) -> Option<String> {
        let path = path.strip_prefix('/')?;
        match path.strip_prefix(LINKS).and_then(|specifier| self.within(specifier)) {
            Some((folder, rest)) => Some(format!("{folder}{rest}").trim_start_matches('/').to_owned()),
            None => Some(path.to_owned()),
        }
    }
}

/// The file system.
pub(super) struct Listed {
    files: HashSet<String>,
    folders: HashSet<String>,
    /// The texts of configuration files.
    texts: HashMap<String, String>,
    /// Linked packages: name and folder.
    links: Arc<BTreeMap<String, String>>,
}

impl Listed {
    pub fn new(world: &World<'_>, packages: &Packages<'_>) -> Self {
        let links: BTreeMap<String, String> =
            packages.0.iter().map(|(name, folder)| (name.clone(), (*folder).to_owned())).collect();
        let mut folders: HashSet<String> = world.tree.folders().map(str::to_owned).collect();
        for name in links.keys() {
            let mut folder = format!("{LINKS}{name}");
            while folders.insert(folder.clone()) && !folder.is_empty() {
                folder = parent(&folder).to_owned();
            }
        }
        let configs = world.files.iter().filter(|file| file.path.ends_with(".json"));
        let texts = configs.map(|file| (file.path.to_owned(), file.text.to_owned())).collect();
        Self {
            files: world.tree.paths().iter().map(|&path| path.to_owned()).collect(),
            folders,
            texts,
            links: Arc::new(links),
        }
    }

    /// The listed path that a path of the resolver means; none outside of the tree.
    fn inside(&self, path: &Path) -> Option<String> {
        let path = path.to_str()?.strip_prefix('/')?;
        let path = super::join("", path)?;
        if self.files.contains(&path) || self.folders.contains(&path) {
            return Some(path);
        }
        let specifier = path.strip_prefix(LINKS)?;
        let (name, folder) = self.links.iter().find(|(name, _)| {
            specifier.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })?;
        super::join(folder, &specifier[name.len()..])
    }
}

impl FileSystem for Listed {
    fn new() -> Self {
        Self { files: HashSet::new(), folders: HashSet::new(), texts: HashMap::new(), links: Arc::default() }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.read_to_string(path).map(String::into_bytes)
    }

    fn read_to_string(&self, path: &Path) -> io::Result<String> {
        let path = self.inside(path).ok_or(io::ErrorKind::NotFound)?;
        self.texts.get(&path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        let path = self.inside(path).ok_or(io::ErrorKind::NotFound)?;
        let (is_file, is_folder) = (self.files.contains(&path), self.folders.contains(&path));
        if is_file || is_folder {
            Ok(FileMetadata::new(is_file, is_folder, false))
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        self.metadata(path)
    }

    fn read_link(&self, _path: &Path) -> Result<PathBuf, ResolveError> {
        Err(io::Error::from(io::ErrorKind::InvalidInput).into())
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        self.metadata(path).map(|_| path.to_path_buf())
    }
}

//! A dataset is built in a hidden folder beside its place and moved there when it is whole.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::manifest;
use super::syncing::{sync_all, sync_folder};
use crate::{Error, Result};

/// The folder in which a dataset is being built. It is removed when dropped; one that a killed process left is removed
/// by the next that packs to the same place.
pub struct Staging {
    folder: tempfile::TempDir,
    target: PathBuf,
    /// Locked as long as the process lives: tells a folder in use from one left behind.
    _lock: File,
}

impl Staging {
    /// Makes way for `target`: removes what killed runs left beside it. Nothing is made.
    ///
    /// # Errors
    /// [`Error::Usage`] if something is there already and `overwrite` is off, or if it is no dataset; [`Error::Io`] if
    /// there is no current folder.
    pub fn make_way(target: &Path, overwrite: bool) -> Result<()> {
        Place::cleared(target, overwrite).map(|_| ())
    }

    /// Prepares to build `target`.
    ///
    /// # Errors
    /// Those of [`Self::make_way`]; [`Error::Io`] if the folder beside it cannot be made.
    pub fn new(target: &Path, overwrite: bool) -> Result<Self> {
        let Place { absolute, parent, prefix } = Place::cleared(target, overwrite)?;
        let parent = parent.as_path();
        fs::create_dir_all(parent).map_err(|source| Error::io("create", parent, source))?;
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(parent)
            .map_err(|source| Error::io("create a folder in", parent, source))?;
        let lock = File::open(folder.path()).map_err(|source| Error::io("open", folder.path(), source))?;
        lock.lock().map_err(|source| Error::io("lock", folder.path(), source))?;
        // A temporary folder is private; a dataset is as readable as any folder the user makes.
        make_readable(folder.path())?;
        Ok(Self { folder, target: absolute, _lock: lock })
    }

    /// Where to build.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where it will lie.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Brings the finished dataset to the disk and moves it to its place; what lay there is removed afterwards.
    ///
    /// # Errors
    /// [`Error::Io`]; what lay there is then untouched. [`Error::Usage`] if something came to lie there meanwhile.
    pub fn publish(self, overwrite: bool) -> Result<()> {
        check_target(&self.target, overwrite)?;
        sync_all(self.path())?;
        let moved = |source| Error::io("move the finished dataset to", &self.target, source);
        let replaced = self.target.exists();
        match replaced {
            true => exchange(self.path(), &self.target).map_err(moved)?,
            false => fs::rename(self.path(), &self.target).map_err(moved)?,
        }
        let ((), synced) = rayon::join(
            || {
                if replaced {
                    // The temporary folder now holds the old dataset and goes with `self`.
                    remove_below(self.path());
                }
            },
            || self.target.parent().map_or(Ok(()), sync_folder),
        );
        synced
    }
}

/// Where a dataset is to lie.
struct Place {
    absolute: PathBuf,
    parent: PathBuf,
    /// What the names of folders begin with in which it is built.
    prefix: OsString,
}

impl Place {
    /// The place of a dataset that may be built there, without what killed runs left.
    fn cleared(target: &Path, overwrite: bool) -> Result<Self> {
        check_target(target, overwrite)?;
        let absolute = std::path::absolute(target).map_err(|source| Error::io("find", target, source))?;
        let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(Error::usage(format!("{} cannot be an output folder", target.display())));
        };
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".tmp-");
        remove_abandoned(parent, &prefix);
        Ok(Self { parent: parent.to_path_buf(), prefix, absolute })
    }
}

fn check_target(target: &Path, overwrite: bool) -> Result<()> {
    let metadata = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::io("look at", target, source)),
    };
    if !overwrite {
        return Err(Error::usage_hint(
            format!("{} exists already", target.display()),
            "choose another folder with -o, or replace it with --overwrite",
        ));
    }
    let is_empty = || fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
    if metadata.is_dir() && (target.join(manifest::FILE_NAME).is_file() || is_empty()) {
        return Ok(());
    }
    Err(Error::usage_hint(
        format!("{} is not a dataset, so it is not replaced", target.display()),
        "choose another folder with -o",
    ))
}

/// Removes folders of killed runs: those with our prefix that nobody holds locked.
fn remove_abandoned(parent: &Path, prefix: &OsString) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes())
            || !entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            continue;
        }
        let abandoned = File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if abandoned {
            // Another run may be removing it too; what is left then is its business.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Removes what is in a folder, on all threads: a large file takes a while, for the system gives back the memory that it is
/// cached in. What cannot be removed is left.
fn remove_below(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let entries: Vec<fs::DirEntry> = entries.flatten().collect();
    entries.par_iter().for_each(|entry| {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_below(&entry.path());
        } else {
            _ = fs::remove_file(entry.path());
        }
    });
}

#[cfg(unix)]
fn make_readable(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
        .map_err(|source| Error::io("open up", folder, source))
}

#[cfg(not(unix))]
fn make_readable(_folder: &Path) -> Result<()> {
    Ok(())
}

/// Swaps two folders in one step where the system can, else in two.
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut aside = new.as_os_str().to_owned();
    aside.push("-old");
    let aside = PathBuf::from(aside);
    fs::rename(old, &aside)?;
    if let Err(error) = fs::rename(new, old) {
        fs::rename(&aside, old)?;
        return Err(error);
    }
    fs::remove_dir_all(&aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(target: &Path, overwrite: bool, content: &str) -> Result<()> {
        let staging = Staging::new(target, overwrite)?;
        for folder in ["train", "val"] {
            fs::create_dir(staging.path().join(folder)).unwrap();
        }
        fs::write(staging.path().join("manifest.json"), content).unwrap();
        staging.publish(overwrite)
    }

    #[test]
    fn a_dataset_appears_whole_and_leaves_nothing_beside_it() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("a/b.longctx");
        build(&target, false, "1").unwrap();
        assert_eq!(fs::read_to_string(target.join("manifest.json")).unwrap(), "1");
        assert!(build(&target, false, "2").unwrap_err().to_string().contains("exists already"));
        build(&target, true, "2").unwrap();
        assert_eq!(fs::read_to_string(target.join("manifest.json")).unwrap(), "2");
        assert_eq!(fs::read_dir(parent.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_a_dataset_is_never_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("precious");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("thesis.txt"), "years").unwrap();
        assert!(build(&target, true, "x").unwrap_err().to_string().contains("not a dataset"));
        assert_eq!(fs::read_to_string(target.join("thesis.txt")).unwrap(), "years");
    }

    #[test]
    fn making_way_makes_nothing() {
        let parent = tempfile::tempdir().unwrap();
        Staging::make_way(&parent.path().join("a/b"), false).unwrap();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
        fs::create_dir(parent.path().join(".b.tmp-dead")).unwrap();
        Staging::make_way(&parent.path().join("b"), false).unwrap();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
        assert!(Staging::make_way(parent.path().join("..").as_path(), true).is_err());
    }

    #[test]
    fn only_folders_that_nobody_holds_are_cleaned_up() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("d");
        let abandoned = parent.path().join(".d.tmp-dead");
        fs::create_dir(&abandoned).unwrap();
        let running = Staging::new(&target, false).unwrap();
        assert!(!abandoned.exists());
        let second = Staging::new(&target, false).unwrap();
        assert!(running.path().exists() && second.path().exists());
    }
}

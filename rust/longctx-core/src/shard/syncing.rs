//! Brings files to the disk.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

use crate::{Error, Result};

/// So many files are brought to the disk at once; the threads do nothing but wait.
const AT_ONCE: usize = 64;

/// Calls `work` with a place to send the paths of files that are whole, or have more to bring: this is brought to the disk
/// meanwhile, one after the other. Those that are left when `work` ends are not.
///
/// # Errors
/// Those of `work`, [`Error::Io`].
pub fn while_syncing<T>(work: impl FnOnce(&Sender<PathBuf>) -> Result<T>) -> Result<T> {
    let (sender, whole) = channel::<PathBuf>();
    let has_ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| {
            let mut some = whole.into_iter().take_while(|_| !has_ended.load(Ordering::Relaxed));
            some.try_for_each(|path| sync_file(&path))
        });
        let result = work(&sender);
        has_ended.store(true, Ordering::Relaxed);
        drop(sender);
        let synced = syncing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.and_then(|done| synced.map(|()| done))
    })
}

/// Brings a folder and all that is in it to the disk. Many files at once: a disk brings them there together.
///
/// # Errors
/// [`Error::Io`].
pub fn sync_all(folder: &Path) -> Result<()> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| Error::io("write", path, source)
    };
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    let mut next = 0;
    while let Some(folder) = folders.get(next).cloned() {
        for entry in std::fs::read_dir(&folder).map_err(failed(&folder))? {
            let entry = entry.map_err(failed(&folder))?;
            let is_folder = entry.file_type().map_err(failed(&folder))?.is_dir();
            (if is_folder { &mut folders } else { &mut files }).push(entry.path());
        }
        next += 1;
    }
    std::thread::scope(|scope| {
        let part = files.len().div_ceil(AT_ONCE).max(1);
        let sync = |part: &[PathBuf]| part.iter().try_for_each(|path| sync_file(path));
        let syncing: Vec<_> = files.chunks(part).map(|part| scope.spawn(move || sync(part))).collect();
        syncing
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    folders.iter().rev().try_for_each(|folder| sync_folder(folder))
}

/// Brings the names in a folder to the disk.
///
/// # Errors
/// [`Error::Io`].
pub fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| Error::io("write", folder, source))
}

fn sync_file(path: &Path) -> Result<()> {
    let file = File::options().read(true).write(true).open(path);
    file.and_then(|file| file.sync_all()).map_err(|source| Error::io("write", path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_brought_to_the_disk_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let [file, none] = ["file", "none"].map(|name| folder.path().join(name));
        std::fs::write(&file, "text").unwrap();
        let done = while_syncing(|whole| {
            whole.send(file).unwrap();
            Ok(7)
        });
        assert_eq!(done.unwrap(), 7);
        let failed = while_syncing(|whole| {
            // Until nobody takes more.
            while whole.send(none.clone()).is_ok() {
                std::thread::yield_now();
            }
            Ok(7)
        });
        assert!(failed.unwrap_err().to_string().contains("none"));
    }

    #[test]
    fn the_error_of_the_work_comes_first() {
        let failed = while_syncing(|whole| {
            whole.send("/nowhere".into()).unwrap();
            Err::<(), _>(Error::Interrupted)
        });
        assert!(matches!(failed, Err(Error::Interrupted)));
    }
}

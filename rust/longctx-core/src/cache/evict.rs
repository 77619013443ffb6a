//! Keeps the folder small: the repositories that were packed longest ago go first.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What the files of repositories end with.
pub const EXTENSION: &str = "cache";
/// What unfinished files begin with.
pub const TEMPORARY: &str = ".unfinished-";

/// All repositories together keep at most so many bytes.
const LARGEST: u64 = 4 << 30;
/// An unfinished file that old belongs to no run any more.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Says that a file was of use.
pub fn touch(path: &Path) {
    // A file that cannot be touched is evicted earlier, that is all.
    _ = fs::File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Deletes what was left unfinished and, while all together are too large, the oldest other than `newest`.
pub fn evict(newest: &Path) {
    let Some(entries) = newest.parent().and_then(|folder| fs::read_dir(folder).ok()) else { return };
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else { continue };
        let Ok(modified) = metadata.modified() else { continue };
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            if modified.elapsed().is_ok_and(|age| age > ABANDONED) {
                _ = fs::remove_file(path);
            }
        } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push((modified, metadata.len(), path));
        }
    }
    files.sort();
    let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, size, path) in files.iter().filter(|(_, _, path)| path != newest) {
        if bytes <= LARGEST {
            break;
        }
        if fs::remove_file(path).is_ok() {
            bytes -= size;
        }
    }
}

//! What lies directly in a folder of the file system.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::source::SkipReason;

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
    /// A commit of another repository.
    Submodule,
    /// A FIFO, socket or device.
    Special,
    /// Something whose metadata cannot be had, and why.
    Unknown(SkipReason),
}

/// One name in a folder.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    /// In bytes; 0 for folders.
    pub(super) size: u64,
    /// The object, in a commit.
    pub(super) id: Option<gix::ObjectId>,
}

/// The names in a folder of the file system, in the system's order.
pub(super) fn in_folder(folder: &Path) -> io::Result<Vec<Child>> {
    let mut children = Vec::new();
    for item in fs::read_dir(folder)? {
        let item = item?;
        let (kind, size) = match item.file_type() {
            Ok(kind) if kind.is_dir() => (Kind::Folder, 0),
            Ok(_) => match item.metadata() {
                Ok(metadata) => (kind_of(&metadata), metadata.len()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(_) => (Kind::Unknown(SkipReason::Unreadable), 0),
            },
            Err(_) => (Kind::Unknown(SkipReason::Unreadable), 0),
        };
        children.push(Child { name: name_bytes(item.file_name()), kind, size, id: None });
    }
    Ok(children)
}

fn kind_of(metadata: &fs::Metadata) -> Kind {
    let kind = metadata.file_type();
    if kind.is_file() {
        Kind::File
    } else if kind.is_dir() {
        Kind::Folder
    } else if kind.is_symlink() {
        Kind::Symlink
    } else {
        Kind::Special
    }
}

/// Opens a regular file. A symbolic link is refused, and a FIFO that has taken the file's place does not block.
pub(super) fn open_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    options.open(path)
}

/// The first `limit` bytes of a regular file; none if it is not one or cannot be read.
pub(super) fn read_head(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let file = open_file(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The bytes of a file that was `size` bytes long when it was listed; never reads more than that and one byte more.
pub(super) fn read_whole(path: &Path, size: u64) -> Result<Vec<u8>, SkipReason> {
    let mut file = open_file(path).map_err(|error| reason_of(&error))?;
    let before = file.metadata().map_err(|_| SkipReason::Unreadable)?;
    if !before.is_file() || before.len() != size {
        return Err(SkipReason::Changed);
    }
    let capacity = usize::try_from(size).map_err(|_| SkipReason::TooLarge)?;
    let mut bytes = Vec::with_capacity(capacity + 1);
    (&mut file).take(size + 1).read_to_end(&mut bytes).map_err(|_| SkipReason::Unreadable)?;
    if bytes.len() != capacity {
        return Err(SkipReason::Changed);
    }
    let after = file.metadata().map_err(|_| SkipReason::Unreadable)?;
    if after.len() != size || after.modified().ok() != before.modified().ok() {
        return Err(SkipReason::Changed);
    }
    Ok(bytes)
}

/// What an error on opening means: a file that was listed and is gone, or is a link now, has changed.
pub(super) fn reason_of(error: &io::Error) -> SkipReason {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => SkipReason::Changed,
        _ if is_link(error) => SkipReason::Changed,
        _ => SkipReason::Unreadable,
    }
}

/// Whether a file could not be opened because it is a symbolic link.
#[cfg(unix)]
fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_link(_error: &io::Error) -> bool {
    false
}

#[cfg(unix)]
fn name_bytes(name: std::ffi::OsString) -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt;
    name.into_vec()
}

#[cfg(not(unix))]
fn name_bytes(name: std::ffi::OsString) -> Vec<u8> {
    name.to_string_lossy().into_owned().into_bytes()
}

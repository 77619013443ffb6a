//! Long lists that lie on disk, with the errors of this crate.

use std::path::{Path, PathBuf};

use bytemuck::{AnyBitPattern, NoUninit};
use longctx_column::{Column, ColumnWriter};

use crate::{Error, Result};

/// A [`ColumnWriter`] that knows its folder.
pub struct ListWriter<T> {
    writer: ColumnWriter<T>,
    folder: PathBuf,
}

impl<T: NoUninit + AnyBitPattern> ListWriter<T> {
    /// An empty list in a file without a name in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be made.
    pub fn new(folder: &Path) -> Result<Self> {
        let writer = ColumnWriter::in_folder(folder)
            .map_err(|source| Error::io("create a file in", folder, source))?;
        Ok(Self { writer, folder: folder.to_path_buf() })
    }

    /// The same, or an empty list in memory without a folder.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn in_folder_if_any(folder: Option<&Path>) -> Result<Self> {
        match folder {
            Some(folder) => Self::new(folder),
            None => Ok(Self { writer: ColumnWriter::in_memory(), folder: PathBuf::new() }),
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.writer.len()
    }

    /// Adds values at the end.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk is full.
    pub fn extend(&mut self, values: &[T]) -> Result<()> {
        self.writer.extend(values).map_err(|source| Error::io("write", &self.folder, source))
    }

    /// The values so far; more may be added after these.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk is full.
    pub fn so_far(&mut self) -> Result<Column<T>> {
        self.writer.so_far().map_err(|source| Error::io("write", &self.folder, source))
    }

    /// The finished list.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk is full.
    pub fn finish(self) -> Result<Column<T>> {
        let Self { writer, folder } = self;
        writer.finish().map_err(|source| Error::io("write", folder, source))
    }
}

/// Writes what an iterator gives, in memory without a folder.
///
/// # Errors
/// [`Error::Io`] if the disk is full.
pub fn list_of<T: NoUninit + AnyBitPattern>(
    folder: Option<&Path>,
    values: impl Iterator<Item = T>,
) -> Result<Column<T>> {
    let mut writer = ListWriter::in_folder_if_any(folder)?;
    for value in values {
        writer.extend(&[value])?;
    }
    writer.finish()
}

//! Long lists of plain values that lie on disk and are read as slices.
//!
//! A value takes no memory of the process but what the kernel keeps of its file, which it may drop whenever memory is
//! short. The file has no name and is the list's own from the first byte to the last, so nobody changes what is
//! mapped; it vanishes with the list.

use std::fs::File;
use std::io::{Result, Write as _};
use std::marker::PhantomData;
use std::ops::Deref;
use std::path::Path;

use bytemuck::{AnyBitPattern, NoUninit};
use memmap2::Mmap;

/// Bytes are written in pieces of about this many.
const BUFFER: usize = 1 << 16;

/// Collects the values of a [`Column`].
#[derive(Debug)]
pub struct ColumnWriter<T> {
    /// None: all values stay in memory.
    file: Option<File>,
    /// Values that are not in the file yet.
    waiting: Vec<T>,
    written: usize,
}

impl<T: NoUninit + AnyBitPattern> ColumnWriter<T> {
    /// An empty list in a file without a name in `folder`.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        Ok(Self { file: Some(tempfile::tempfile_in(folder)?), waiting: Vec::new(), written: 0 })
    }

    /// An empty list in memory, for few values.
    pub fn in_memory() -> Self {
        Self { file: None, waiting: Vec::new(), written: 0 }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.written + self.waiting.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds values at the end.
    ///
    /// # Errors
    /// The disk is full.
    pub fn extend(&mut self, values: &[T]) -> Result<()> {
        self.waiting.extend_from_slice(values);
        match &self.file {
            Some(_) if size_of_val(&self.waiting[..]) >= BUFFER => self.flush(),
            _ => Ok(()),
        }
    }

    /// The values so far; more may be added after these.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be mapped.
    pub fn so_far(&mut self) -> Result<Column<T>> {
        self.flush()?;
        match self.file.as_ref().filter(|_| self.written > 0) {
            Some(file) => Ok(Column { held: Held::Mapped(map(file)?, PhantomData) }),
            None => Ok(Column { held: Held::Memory(self.waiting.clone()) }),
        }
    }

    fn flush(&mut self) -> Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(bytemuck::cast_slice(&self.waiting))?;
            self.written += self.waiting.len();
            self.waiting.clear();
        }
        Ok(())
    }

    /// The finished list.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be mapped.
    pub fn finish(mut self) -> Result<Column<T>> {
        self.flush()?;
        match self.file.filter(|_| self.written > 0) {
            Some(file) => Ok(Column { held: Held::Mapped(map(&file)?, PhantomData) }),
            None => Ok(Column { held: Held::Memory(self.waiting) }),
        }
    }
}

#[allow(
    unsafe_code,
    reason = "the file was made here, without a name, and nobody else has it: what is in it stays as it is"
)]
fn map(file: &File) -> Result<Mmap> {
    unsafe { Mmap::map(file) }
}

/// A finished list of plain values.
#[derive(Debug)]
pub struct Column<T> {
    held: Held<T>,
}

#[derive(Debug)]
enum Held<T> {
    Memory(Vec<T>),
    Mapped(Mmap, PhantomData<T>),
}

impl<T: AnyBitPattern> Deref for Column<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.held {
            Held::Memory(values) => values,
            // A map begins at a page, so any value is aligned.
            Held::Mapped(map, _) => bytemuck::cast_slice(map),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn column(folder: Option<&Path>, parts: &[Vec<[u32; 2]>]) -> Column<[u32; 2]> {
        let mut writer = match folder {
            Some(folder) => ColumnWriter::in_folder(folder).expect("a file"),
            None => ColumnWriter::in_memory(),
        };
        for part in parts {
            writer.extend(part).expect("room");
        }
        assert_eq!(writer.len(), parts.iter().map(Vec::len).sum::<usize>());
        writer.finish().expect("a column")
    }

    proptest! {
        #[test]
        fn values_come_back_in_order(
            parts in prop::collection::vec(prop::collection::vec(any::<[u32; 2]>(), 0..6000), 0..6),
        ) {
            let folder = tempfile::tempdir()?;
            let all: Vec<[u32; 2]> = parts.concat();
            for mut writer in [ColumnWriter::in_folder(folder.path())?, ColumnWriter::in_memory()] {
                let mut seen = Vec::new();
                for part in &parts {
                    writer.extend(part)?;
                    seen.push((writer.len(), writer.so_far()?));
                }
                prop_assert!(seen.iter().all(|(count, column)| all[..*count] == **column));
            }
            let (on_disk, in_memory) = (column(Some(folder.path()), &parts), column(None, &parts));
            prop_assert_eq!(&*on_disk, &all[..]);
            prop_assert_eq!(&*in_memory, &all[..]);
            prop_assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
        }
    }

    #[test]
    fn values_may_be_read_from_many_threads_and_after_the_writer_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let column = column(Some(folder.path()), &[(0..100_000).map(|n| [n, !n]).collect()]);
        folder.close().expect("gone");
        std::thread::scope(|scope| {
            for from in 0..4_u32 {
                let column = &column;
                scope.spawn(move || {
                    let own = (from..100_000).step_by(4);
                    assert!(own.into_iter().all(|n| column[n as usize] == [n, !n]));
                });
            }
        });
    }

    #[test]
    fn an_empty_column_is_an_empty_slice() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(column(Some(folder.path()), &[]).is_empty());
    }
}

//! A file of values: a header, the values one after the other, then an index that is sorted by key, and where it begins.
//!
//! It is written beside its place and renamed, and the index has a hash of its own: a file that was cut short or
//! overwritten is known at once, and no length in it is believed before that.

use std::fs::File;
use std::io::{Error, ErrorKind, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::evict::TEMPORARY;
use super::key::Key;
use crate::positioned::read_exact_at;

const HEADER: &[u8; 16] = b"longctx cache 1\n";
/// Key, offset, length, age, checksum.
const ROW: usize = 16 + 8 + 4 + 1 + 8;
/// Where the index begins, how many rows it has, its hash.
const FOOTER: usize = 8 + 8 + 16;
/// Values are written in pieces of this many bytes.
const BUFFER: usize = 1 << 18;

#[derive(Clone, Copy)]
struct Row {
    key: Key,
    at: u64,
    size: u32,
    age: u8,
    check: [u8; 8],
}

/// A file that is there.
pub struct Reader {
    file: File,
    bytes: u64,
    rows: Vec<Row>,
}

impl Reader {
    /// Opens a file; `None` if there is none.
    ///
    /// # Errors
    /// What is wrong with it, as a clause.
    pub fn open(path: &Path) -> Result<Option<Self>, String> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("cannot be read: {}", super::plain(&error))),
        };
        match Self::read_index(file) {
            Ok(reader) => Ok(Some(reader)),
            Err(error) if error.kind() == ErrorKind::InvalidData => Err("is damaged".to_owned()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err("is damaged".to_owned()),
            Err(error) => Err(format!("cannot be read: {}", super::plain(&error))),
        }
    }

    fn read_index(file: File) -> std::io::Result<Self> {
        let damaged = || Error::from(ErrorKind::InvalidData);
        let bytes = file.metadata()?.len();
        let (mut header, mut footer) = ([0; HEADER.len()], [0; FOOTER]);
        read_exact_at(&file, &mut header, 0)?;
        let end = bytes.checked_sub(FOOTER as u64).ok_or_else(damaged)?;
        read_exact_at(&file, &mut footer, end)?;
        let (begin, count) = (number(&footer[..8]), number(&footer[8..16]));
        let size = count.checked_mul(ROW as u64).ok_or_else(damaged)?;
        if &header != HEADER || begin.checked_add(size) != Some(end) {
            return Err(damaged());
        }
        let mut index = vec![0; usize::try_from(size).map_err(|_| damaged())?];
        read_exact_at(&file, &mut index, begin)?;
        if footer[16..] != blake3::hash(&index).as_bytes()[..16] {
            return Err(damaged());
        }
        let rows: Vec<Row> = index.chunks_exact(ROW).map(Row::parse).collect();
        Ok(Self { file, bytes, rows })
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The size of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The place of a value.
    pub fn find(&self, key: &Key) -> Option<usize> {
        self.rows.binary_search_by_key(key, |row| row.key).ok()
    }

    /// A value by its place; `None` if it is damaged.
    pub fn read(&self, at: usize) -> Option<Vec<u8>> {
        let row = &self.rows[at];
        let mut value = Vec::new();
        self.read_raw(row.at, row.size as usize, &mut value)?;
        (check(&row.key, &value) == row.check).then_some(value)
    }

    /// Appends `size` bytes from byte `at` on to `out`, right or wrong; `None` if they are not there.
    fn read_raw(&self, at: u64, size: usize, out: &mut Vec<u8>) -> Option<()> {
        if at.checked_add(size as u64)? > self.bytes {
            return None;
        }
        let begin = out.len();
        out.resize(begin + size, 0);
        let read = read_exact_at(&self.file, &mut out[begin..], at);
        if read.is_err() {
            out.truncate(begin);
        }
        read.ok()
    }

    /// Whether a value begins where another one ends.
    pub fn is_next(&self, one: usize, next: usize) -> bool {
        let (one, next) = (&self.rows[one], &self.rows[next]);
        one.at.checked_add(u64::from(one.size)) == Some(next.at)
    }

    /// The places of all values in the order in which they lie in the file.
    pub fn in_file_order(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.rows.len()).collect();
        places.sort_unstable_by_key(|&at| self.rows[at].at);
        places
    }

    /// The size of a value in bytes.
    pub fn size(&self, at: usize) -> u32 {
        self.rows[at].size
    }

    /// For how many runs nobody asked for a value.
    pub fn age(&self, at: usize) -> u8 {
        self.rows[at].age
    }
}

/// A file in the making; it vanishes unless it is finished.
pub struct Writer {
    file: NamedTempFile,
    buffer: Vec<u8>,
    written: u64,
    rows: Vec<Row>,
}

impl Writer {
    /// A new one in `folder`.
    ///
    /// # Errors
    /// If no file can be made there.
    pub fn new(folder: &Path) -> std::io::Result<Self> {
        let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
        Ok(Self { file, buffer: HEADER.to_vec(), written: 0, rows: Vec::new() })
    }

    /// Whether it has no value yet.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Its size so far.
    pub fn bytes(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends a value.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn append(&mut self, key: Key, value: &[u8], age: u8) -> std::io::Result<()> {
        let size = u32::try_from(value.len()).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
        self.rows.push(Row { key, at: self.bytes(), size, age, check: check(&key, value) });
        self.buffer.extend_from_slice(value);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Appends values of another file as they are, which lie there one after the other: whether one is damaged shows when
    /// somebody asks for it. `age` tells the age of each.
    ///
    /// # Errors
    /// If the disk is full.
    pub fn copy(
        &mut self,
        from: &Reader,
        places: &[usize],
        age: impl Fn(usize) -> u8,
    ) -> std::io::Result<()> {
        let mut rest = places;
        while let Some(&first) = rest.first() {
            let (mut count, mut size) = (0, 0);
            while count < rest.len() && (count == 0 || size < BUFFER) {
                size += from.size(rest[count]) as usize;
                count += 1;
            }
            let (part, others) = rest.split_at(count);
            rest = others;
            let (begin, source) = (self.bytes(), from.rows[first].at);
            if from.read_raw(source, size, &mut self.buffer).is_none() {
                continue;
            }
            for &at in part {
                let row = from.rows[at];
                self.rows.push(Row { at: begin + (row.at - source), age: age(at), ..row });
            }
            if self.buffer.len() >= BUFFER {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the index and moves the file to its place; says how large it is.
    ///
    /// # Errors
    /// If the disk is full or the file cannot be moved.
    pub fn finish(mut self, path: &Path) -> std::io::Result<u64> {
        let begin = self.bytes();
        // The same key may come twice: from two threads at once, or where an old value was damaged.
        self.rows.sort_by_key(|row| row.key);
        self.rows.dedup_by_key(|row| row.key);
        let mut index = Vec::with_capacity(self.rows.len() * ROW);
        for row in &self.rows {
            row.write(&mut index);
        }
        self.buffer.extend_from_slice(&index);
        self.buffer.extend_from_slice(&begin.to_le_bytes());
        self.buffer.extend_from_slice(&(self.rows.len() as u64).to_le_bytes());
        self.buffer.extend_from_slice(&blake3::hash(&index).as_bytes()[..16]);
        self.flush()?;
        self.file.persist(path).map_err(|error| error.error)?;
        Ok(self.written)
    }
}

impl Row {
    fn parse(bytes: &[u8]) -> Self {
        let (mut key, mut size, mut check) = ([0; 16], [0; 4], [0; 8]);
        key.copy_from_slice(&bytes[..16]);
        size.copy_from_slice(&bytes[24..28]);
        check.copy_from_slice(&bytes[29..]);
        Self {
            key: Key(key),
            at: number(&bytes[16..24]),
            size: u32::from_le_bytes(size),
            age: bytes[28],
            check,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.key.0);
        out.extend_from_slice(&self.at.to_le_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
        out.push(self.age);
        out.extend_from_slice(&self.check);
    }
}

fn number(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    all.copy_from_slice(bytes);
    u64::from_le_bytes(all)
}

/// Of the key, too: a value that lies where another one should is damaged.
fn check(key: &Key, value: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&key.0).update(value);
    let mut check = [0; 8];
    check.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    check
}

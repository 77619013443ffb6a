//! The definitions of many files, and lines of theirs, in columns that lie on disk.

use std::io::Result;
use std::ops::Range;
use std::path::Path;

use longctx_column::{Column, ColumnWriter};

use super::{Definition, SymbolKind};

/// A definition as it lies in the table: the byte of its name among the names of its file, the name's length with the
/// kind in the highest byte, the ends of its range and of its signature, its line, and what is around it.
type Row = [u32; LINES];

/// As many lines as a row has numbers are noted in one; these rows come after those of the definitions.
const LINES: usize = 8;

/// Bits of the length of a name: texts are not parsed that could have a longer one.
const LENGTH_BITS: u32 = 24;
/// Stands for the place of the definition around one that has none.
const NO_PARENT: u32 = u32::MAX;

/// The definitions of one file in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableSlice {
    first: u64,
    names_at: u64,
    count: u32,
    /// How many lines were noted.
    lines: u32,
}

/// Collects the definitions of files.
#[derive(Debug)]
pub struct SymbolTableWriter {
    rows: ColumnWriter<Row>,
    names: ColumnWriter<u8>,
}

/// The definitions of files.
#[derive(Debug)]
pub struct SymbolTable {
    rows: Column<Row>,
    names: Column<u8>,
}

/// The definitions of one file, in the order of their start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Symbols<'t> {
    rows: &'t [Row],
    /// The names of these and all later ones.
    names: &'t [u8],
}

/// One definition, as [`Definition`] has it.
#[derive(Debug, Clone)]
pub struct Symbol<'t> {
    /// What it is.
    pub kind: SymbolKind,
    /// The bytes of all of it, with decorators and `template<...>` in front.
    pub range: Range<u32>,
    /// The bytes of its head: everything before the body, without the space between.
    pub signature: Range<u32>,
    /// The line it begins on, from 1.
    pub line: u32,
    /// The definition around it, as a place in the same list.
    pub parent: Option<u32>,
    name: &'t [u8],
}

impl SymbolTableWriter {
    /// A table whose columns lie in files without names in `folder`.
    ///
    /// # Errors
    /// A file cannot be made.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        Ok(Self { rows: ColumnWriter::in_folder(folder)?, names: ColumnWriter::in_folder(folder)? })
    }

    /// A table in memory.
    pub fn in_memory() -> Self {
        Self { rows: ColumnWriter::in_memory(), names: ColumnWriter::in_memory() }
    }

    /// Adds the definitions of a file, and numbers of lines to be noted with them.
    ///
    /// # Errors
    /// The disk is full.
    pub fn add(&mut self, definitions: &[Definition], lines: &[u32]) -> Result<TableSlice> {
        let names_at = self.names.len();
        let listed = TableSlice {
            first: self.rows.len() as u64,
            names_at: names_at as u64,
            count: definitions.len() as u32,
            lines: lines.len() as u32,
        };
        for definition in definitions {
            let name = (self.names.len() - names_at) as u32;
            let length = definition.name.len() as u32 | (definition.kind as u32) << LENGTH_BITS;
            self.names.extend(definition.name.as_bytes())?;
            let Range { start, end } = definition.range;
            let head = &definition.signature;
            let parent = definition.parent.unwrap_or(NO_PARENT);
            self.rows.extend(&[[name, length, start, end, head.start, head.end, definition.line, parent]])?;
        }
        for lines in lines.chunks(LINES) {
            let mut row = [0; LINES];
            row[..lines.len()].copy_from_slice(lines);
            self.rows.extend(&[row])?;
        }
        Ok(listed)
    }

    /// The finished table.
    ///
    /// # Errors
    /// The disk is full, or a file cannot be mapped.
    pub fn finish(self) -> Result<SymbolTable> {
        Ok(SymbolTable { rows: self.rows.finish()?, names: self.names.finish()? })
    }
}

impl SymbolTable {
    /// The definitions of a file.
    pub fn of(&self, file: TableSlice) -> Symbols<'_> {
        let first = file.first as usize;
        let rows = self.rows.get(first..first + file.count as usize).unwrap_or_default();
        Symbols { rows, names: self.names.get(file.names_at as usize..).unwrap_or_default() }
    }

    /// The lines that were noted of a file.
    pub fn lines_of(&self, file: TableSlice) -> &[u32] {
        let rows = self.rows.get((file.first as usize + file.count as usize)..).unwrap_or_default();
        rows.as_flattened().get(..file.lines as usize).unwrap_or_default()
    }
}

impl<'t> Symbols<'t> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The one at a place.
    pub fn get(&self, place: usize) -> Option<Symbol<'t>> {
        self.rows.get(place).map(|row| self.symbol(row))
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = Symbol<'t>> {
        self.rows.iter().map(move |row| self.symbol(row))
    }

    fn symbol(&self, row: &Row) -> Symbol<'t> {
        let [name, length, start, end, head_start, head_end, line, parent] = *row;
        let (name, count) = (name as usize, (length & ((1 << LENGTH_BITS) - 1)) as usize);
        Symbol {
            kind: SymbolKind::ALL[(length >> LENGTH_BITS) as usize],
            range: start..end,
            signature: head_start..head_end,
            line,
            parent: (parent != NO_PARENT).then_some(parent),
            name: self.names.get(name..name + count).unwrap_or_default(),
        }
    }
}

impl<'t> Symbol<'t> {
    /// The bytes of [`Self::name`], which cost nothing.
    pub fn name_bytes(&self) -> &'t [u8] {
        self.name
    }

    /// Its own name, without those around it.
    pub fn name(&self) -> &'t str {
        std::str::from_utf8(self.name).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_definition() -> impl Strategy<Value = Definition> {
        let kind = prop::sample::select(SymbolKind::ALL.to_vec());
        let ranges = (any::<Range<u32>>(), any::<Range<u32>>());
        ("\\PC{0,12}", kind, ranges, any::<u32>(), prop::option::of(0..NO_PARENT)).prop_map(
            |(name, kind, (range, signature), line, parent)| Definition {
                name: name.into(),
                kind,
                range,
                signature,
                line,
                parent,
            },
        )
    }

    fn owned(symbol: &Symbol<'_>) -> Definition {
        let Symbol { kind, ref range, ref signature, line, parent, .. } = *symbol;
        let (name, range, signature) = (symbol.name().into(), range.clone(), signature.clone());
        Definition { name, kind, range, signature, line, parent }
    }

    proptest! {
        #[test]
        fn what_is_added_comes_back(
            files in prop::collection::vec(
                (prop::collection::vec(any_definition(), 0..8), prop::collection::vec(any::<u32>(), 0..20)),
                0..8,
            ),
        ) {
            let folder = tempfile::tempdir()?;
            for mut writer in [SymbolTableWriter::in_folder(folder.path())?, SymbolTableWriter::in_memory()] {
                let add = |(definitions, lines): &(Vec<_>, Vec<_>)| writer.add(definitions, lines);
                let listed: Vec<TableSlice> = files.iter().map(add).collect::<Result<_>>()?;
                let table = writer.finish()?;
                for ((file, lines), listed) in files.iter().zip(listed) {
                    let symbols = table.of(listed);
                    prop_assert_eq!(table.lines_of(listed), lines);
                    prop_assert_eq!(&symbols.iter().map(|one| owned(&one)).collect::<Vec<_>>(), file);
                    prop_assert_eq!(symbols.len(), file.len());
                    prop_assert!(symbols.get(file.len()).is_none());
                }
            }
        }
    }
}

//! The graph of the documents, and of files without a text that imports may name.

use std::path::Path;
use std::sync::Arc;

use super::corpus::Rejected;
use super::documents::{Documents, Record};
use super::parsed::links_of;
use super::spool::SpoolReader;
use crate::graph::project::may_be_named;
use crate::graph::{self, Facts, FileSummary, Graph, Links, Listed, SourceFile};
use crate::interrupt::Watch;
use crate::source::SkipReason;
use crate::symbols::{SymbolTable, SymbolTableWriter};
use crate::walk::Skipped;
use crate::{Error, Result};

/// What is known of the documents.
pub struct Read<'r> {
    /// Sorted by path.
    pub documents: &'r Documents,
    /// What documents say.
    pub summaries: Vec<FileSummary>,
    /// For each document which of these is about it; none where its language has no grammar.
    pub summary_of: Vec<Option<u32>>,
    /// Their definitions.
    pub tables: Vec<SymbolTable>,
    /// By number, where all that documents say is written down.
    pub spools: &'r [[SpoolReader; 3]],
    /// Path and text of configuration files.
    pub configuration: &'r [(Box<str>, Box<str>)],
}

/// Resolves what the documents import. Of the files that were left out, empty ones count if `with_empty` says so.
///
/// # Errors
/// [`Error::Io`], [`Error::Interrupted`].
pub fn connect(
    read: Read<'_>,
    rejected: &[Rejected],
    skipped: &[Skipped],
    with_empty: bool,
    folder: &Path,
    watch: Watch<'_>,
) -> Result<Graph> {
    let Read { documents, mut summaries, summary_of, mut tables, spools, configuration } = read;
    let numbered = (0u32..).zip(documents.iter()).zip(summary_of);
    let mut files: Vec<Listed<'_>> = numbered
        .map(|((number, record), summary)| Listed { path: record.name.into(), summary, number })
        .collect();
    let mut empty: Vec<Arc<Links>> = Vec::new();
    let mut table = SymbolTableWriter::in_memory();
    for file in rejected {
        let path = file.path.text();
        let mut summary = None;
        let number = (documents.len() + empty.len()) as u32;
        if file.reason == SkipReason::Empty && with_empty {
            // An empty `__init__.py` makes a package.
            if let Some(facts) = graph::read(&path, "", watch) {
                let made = FileSummary::new(&facts, &mut table, tables.len() as u32);
                summary = Some(summaries.len() as u32);
                summaries.push(made.map_err(|source| Error::io("describe", &*path, source))?);
                empty.push(Arc::new(facts.links));
            }
        } else if !may_be_named(file.reason) {
            continue;
        }
        files.push(Listed { path, summary, number });
    }
    tables.push(table.finish().map_err(|source| Error::io("describe", "empty files", source))?);
    let large = skipped.iter().filter(|file| !file.directory && file.reason == SkipReason::TooLarge);
    files.extend(large.map(|file| Listed { path: file.path.text(), summary: None, number: 0 }));
    let links = |number: u32| match (number as usize).checked_sub(documents.len()) {
        None => links_in(spools, &documents.get(number)).map(Arc::new),
        Some(other) => Ok(empty.get(other).cloned().unwrap_or_default()),
    };
    let texts = configuration.iter().map(|(path, text)| SourceFile { path, text }).collect();
    let facts = Facts { summaries, tables, links: &links };
    graph::connect(files, facts, texts, Some(folder), watch)
}

/// What leads from a document to others; nothing where its language has no grammar.
fn links_in(spools: &[[SpoolReader; 3]], record: &Record<'_>) -> Result<Links> {
    if record.sizes.links_bytes == 0 {
        return Ok(Links::default());
    }
    let mut bytes = Vec::new();
    let spool = &spools[record.spool as usize][2];
    spool.read(record.sizes.said_at, record.sizes.links_bytes as usize, &mut bytes)?;
    links_of(&bytes).map_err(|error| {
        let broken = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
        Error::io("read back what is known of", record.name, broken)
    })
}

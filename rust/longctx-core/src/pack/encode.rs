//! Reads, classifies and tokenizes every file once, on all threads; tokens go to the spools.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::connect::{Read, connect};
use super::corpus::{Corpus, Rejected};
use super::documents::{Cuts, Documents, DocumentsWriter, NewDocument, Part as Stored, Sizes, window_limit};
use super::options::PackOptions;
use super::parsed::{Parsed, bytes_of_links, parsed};
use super::spool::{Spool, SpoolReader};
use crate::cache::Cache;
use crate::graph::FileSummary;
use crate::graph::project::is_configuration;
use crate::interrupt::Watch;
use crate::sequence::{Band, EncodedDocument, Kind, Kit, cut, encode_document, header_tokens};
use crate::shard::TokenWidth;
use crate::source::{self, Redaction, SkipReason, SourceOptions};
use crate::symbols::{SymbolTable, SymbolTableWriter};
use crate::tokenize::{Encoded, Scratch};
use crate::walk::{Entry, Listing, Tree};
use crate::{Error, Result};

/// What all threads share.
struct Work<'w> {
    tree: &'w Tree,
    entries: &'w [Entry],
    kit: Kit<'w>,
    options: &'w PackOptions,
    source: SourceOptions,
    width: TokenWidth,
    cache: &'w Cache,
    parses: bool,
    with_calls: bool,
    next: AtomicUsize,
    /// Largest first, so that no large file is left for the end.
    order: Vec<u32>,
    watch: Watch<'w>,
}

/// Encodes all files that are listed, takes them out of the listing, and finds out which needs which. Spools are made in
/// `folder`.
///
/// # Errors
/// [`crate::Error::Io`] if the disk fails, [`crate::Error::Interrupted`]. What is wrong with a file is in
/// [`Corpus::rejected`].
pub fn encode(
    tree: &Tree,
    listing: &mut Listing,
    kit: Kit<'_>,
    options: &PackOptions,
    folder: &Path,
    cache: &Cache,
    watch: Watch<'_>,
) -> Result<Corpus> {
    let entries = std::mem::take(&mut listing.entries);
    let mut order: Vec<u32> = (0..entries.len() as u32).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(entries[index as usize].size));
    let width = TokenWidth::for_vocabulary(kit.tokenizer.vocab_size_with_markers());
    let work = Work {
        tree,
        entries: &entries,
        kit,
        options,
        source: SourceOptions { redact_secrets: options.redact_secrets, ..SourceOptions::default() },
        width,
        cache,
        parses: options.needs_graph(),
        with_calls: options.kinds.contains(&Kind::Qa),
        next: AtomicUsize::new(0),
        order,
        watch,
    };
    watch.progress.begin("reading", "bytes", entries.iter().map(|entry| entry.size).sum());
    let threads = options.thread_count().min(entries.len()).max(1) as u32;
    let parts: Vec<Result<Part>> =
        (0..threads).into_par_iter().with_max_len(1).map(|spool| work.run(spool, folder)).collect();
    let (mut stored, mut spools, mut tables, mut all) =
        (Vec::new(), Vec::new(), Vec::new(), Notes::default());
    for part in parts {
        let part = part?;
        stored.push(part.documents);
        spools.push(part.spools);
        tables.push(part.table);
        all.summaries.extend(part.notes.summaries);
        all.rejected.extend(part.notes.rejected);
        all.configuration.extend(part.notes.configuration);
        for (kind, counts) in part.notes.secrets {
            let known = all.secrets.entry(kind).or_default();
            *known = [known[0] + counts[0], known[1] + counts[1]];
        }
    }
    drop(entries);
    let Notes { mut summaries, mut rejected, secrets, configuration } = all;
    rejected.sort_unstable_by(|a: &Rejected, b| a.path.cmp(&b.path));
    summaries.sort_unstable_by_key(|&(number, _)| number);
    let summary_of = |number: &u32| summaries.binary_search_by_key(number, |&(other, _)| other).ok();
    let (mut documents, numbers) = Documents::new(stored);
    let summary_of = numbers.iter().map(|number| summary_of(number).map(|at| at as u32)).collect();
    let read = Read {
        documents: &documents,
        summaries: summaries.into_iter().map(|(_, summary)| summary).collect(),
        summary_of,
        tables,
        spools: &spools,
        configuration: &configuration,
    };
    let graph = connect(read, &rejected, &listing.skipped, options.needs_graph(), folder, watch)?;
    let mut document_of = vec![None; graph.files.len()];
    for number in 0..documents.len() as u32 {
        if let Some(file) = graph.index_of(documents.get(number).name) {
            documents.set_file(number, file);
            document_of[file as usize] = Some(number);
        }
    }
    Ok(Corpus { documents, rejected, graph, secrets, document_of, spools, width })
}

/// What one thread did.
struct Part {
    documents: Stored,
    notes: Notes,
    /// Tokens, texts and all that they say.
    spools: [SpoolReader; 3],
    /// The definitions.
    table: SymbolTable,
}

/// What one thread keeps in memory.
#[derive(Default)]
struct Notes {
    /// What documents say, by their number in the listing.
    summaries: Vec<(u32, FileSummary)>,
    rejected: Vec<Rejected>,
    /// How many secrets of each kind, and in how many documents.
    secrets: BTreeMap<&'static str, [u64; 2]>,
    /// Path and text of configuration files.
    configuration: Vec<(Box<str>, Box<str>)>,
}

/// Where one thread writes what it reads.
struct Writers<'f> {
    folder: &'f Path,
    /// Which of the threads.
    number: u32,
    tokens: Spool,
    texts: Spool,
    said: Spool,
    table: SymbolTableWriter,
    documents: DocumentsWriter,
    notes: Notes,
}

/// Buffers of one thread.
#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    header: Encoded,
    document: EncodedDocument,
}

/// A document that was read and encoded; its tokens are in the buffers.
struct Encodable {
    source: source::Document,
    header: Box<[u32]>,
    header_shortened: bool,
    windows: Vec<Cuts>,
}

impl<'f> Writers<'f> {
    fn new(folder: &'f Path, number: u32) -> Result<Self> {
        Ok(Self {
            folder,
            number,
            tokens: Spool::new(folder)?,
            texts: Spool::new(folder)?,
            said: Spool::new(folder)?,
            table: SymbolTableWriter::in_folder(folder)
                .map_err(|source| Error::io("write a file in", folder, source))?,
            documents: DocumentsWriter::in_folder(folder)?,
            notes: Notes::default(),
        })
    }

    /// Writes a document and what it says; `index` is its number in the listing.
    fn add(
        &mut self,
        index: u32,
        encodable: Encodable,
        encoded: &EncodedDocument,
        said: Option<Parsed>,
        width: TokenWidth,
    ) -> Result<()> {
        let Encodable { source, header, header_shortened, windows } = encodable;
        let mut sizes = Sizes {
            bytes: source.bytes,
            tokens_at: self.tokens.append(|out| width.extend(out, &encoded.tokens.ids))?,
            text_at: self.texts.append(|out| out.extend_from_slice(source.text.as_bytes()))?,
            text_bytes: source.text.len() as u32,
            tokens: encoded.len(),
            ..Sizes::default()
        };
        if let Some(said) = said {
            let summary = FileSummary::new(&said.facts, &mut self.table, self.number)
                .map_err(|source| Error::io("write a file in", self.folder, source))?;
            self.notes.summaries.push((index, summary));
            let (links, calls) = (bytes_of_links(&said.facts.links), said.calls());
            sizes.links_bytes = links.len() as u32;
            sizes.calls_bytes = calls.len() as u32;
            sizes.said_at = self.said.append(|out| {
                out.extend_from_slice(&links);
                out.extend_from_slice(calls);
            })?;
        }
        let document = NewDocument {
            path: source.path.borrow(),
            blob: &source.blob,
            language: source.language,
            encoding: source.encoding,
            header: &header,
            header_shortened,
            redacted: &encoded.redacted,
            windows,
            sizes,
        };
        self.documents.add(index, &document)?;
        count_secrets(&source.redactions, &mut self.notes.secrets);
        let name = source.path.text();
        if is_configuration(&name, source.text.len()) {
            self.notes.configuration.push((Box::from(&*name), source.text.into_boxed_str()));
        }
        Ok(())
    }

    fn finish(self) -> Result<Part> {
        let table =
            self.table.finish().map_err(|source| Error::io("write a file in", self.folder, source))?;
        let spools = [self.tokens.finish()?, self.texts.finish()?, self.said.finish()?];
        Ok(Part { documents: self.documents.finish()?, notes: self.notes, spools, table })
    }
}

impl Work<'_> {
    fn run(&self, number: u32, folder: &Path) -> Result<Part> {
        let mut writers = Writers::new(folder, number)?;
        let mut buffers = Buffers::default();
        while let Some(&index) = self.order.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            self.watch.check()?;
            let entry = &self.entries[index as usize];
            match self.encode_file(entry, &mut buffers) {
                Ok(encodable) => {
                    let source::Document { path, text, .. } = &encodable.source;
                    let parse = || parsed(self.cache, &path.text(), text, self.with_calls, self.watch);
                    let said = self.parses.then(parse).flatten();
                    writers.add(index, encodable, &buffers.document, said, self.width)?;
                }
                Err(reason) => {
                    let (path, bytes) = (entry.path.clone(), entry.size);
                    writers.notes.rejected.push(Rejected { path, bytes, reason });
                }
            }
            self.watch.progress.advance(entry.size);
        }
        writers.finish()
    }

    fn encode_file(&self, entry: &Entry, buffers: &mut Buffers) -> Result<Encodable, SkipReason> {
        let Buffers { scratch, header, document } = buffers;
        let Kit { tokenizer, elisions, header_limit, .. } = self.kit;
        let raw = self.tree.read(entry, self.options.max_file_size)?;
        let source = source::classify(&entry.path, raw, self.tree.object_hash(), &self.source)?;
        let hidden: Vec<_> = source.redactions.iter().map(|redaction| redaction.range.clone()).collect();
        encode_document(tokenizer, &source.text, &hidden, scratch, document)
            .map_err(|_| SkipReason::Unencodable)?;
        let (header, header_shortened) =
            header_tokens(tokenizer, source.path.borrow(), header_limit, scratch, header);
        let elision = elisions.of(source.language.line_comment);
        let frame = 2 + header.len() as u32;
        let cut = |band: &Band| cut(document, &source.text, header.len() as u32, elision, band);
        let windows = self.options.bands.iter().map(|band| {
            let alone = cut(band);
            let is_long = document.len() + frame > band.max;
            let in_context = is_long.then(|| cut(&Band { max: window_limit(band), ..*band }));
            Cuts { alone, in_context }
        });
        let windows = windows.collect();
        Ok(Encodable { source, header, header_shortened, windows })
    }
}

/// Adds the secrets of one document, by kind.
fn count_secrets(redactions: &[Redaction], secrets: &mut BTreeMap<&'static str, [u64; 2]>) {
    for (at, redaction) in redactions.iter().enumerate() {
        let is_first = !redactions[..at].iter().any(|before| before.kind == redaction.kind);
        let counts = secrets.entry(redaction.kind).or_default();
        *counts = [counts[0] + 1, counts[1] + u64::from(is_first)];
    }
}

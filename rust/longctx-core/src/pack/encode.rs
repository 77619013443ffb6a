//! Reads, classifies and tokenizes every file once, on all threads; tokens go to the spools.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::connect::{Read, connect};
use super::corpus::{Corpus, Rejected};
use super::documents::{Cuts, Documents, DocumentsWriter, NewDocument, Part as Stored, Sizes, window_limit};
use super::options::PackOptions;
use super::parsed::{bytes_of_links, parsed};
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
    let parts: Vec<Result<Part>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|spool| {
                scope.spawn({
                    let work = &work;
                    move || work.run(spool, folder)
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let (mut stored, mut rejected, mut spools, mut tables, mut configuration) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut summaries: Vec<(u32, FileSummary)> = Vec::new();
    let mut secrets: BTreeMap<&'static str, [u64; 2]> = BTreeMap::new();
    for part in parts {
        let part = part?;
        stored.push(part.documents);
        summaries.extend(part.summaries);
        rejected.extend(part.rejected);
        spools.push(part.spools);
        tables.push(part.table);
        configuration.extend(part.configuration);
        for (kind, counts) in part.secrets {
            let known = secrets.entry(kind).or_default();
            *known = [known[0] + counts[0], known[1] + counts[1]];
        }
    }
    drop(entries);
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
    /// What documents say, by their number in the listing.
    summaries: Vec<(u32, FileSummary)>,
    rejected: Vec<Rejected>,
    /// How many secrets of each kind, and in how many documents.
    secrets: BTreeMap<&'static str, [u64; 2]>,
    /// Path and text of configuration files.
    configuration: Vec<(Box<str>, Box<str>)>,
    /// Tokens, texts and all that they say.
    spools: [SpoolReader; 3],
    /// The definitions.
    table: SymbolTable,
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

impl Work<'_> {
    fn run(&self, number: u32, folder: &Path) -> Result<Part> {
        let (mut tokens, mut texts, mut said) =
            (Spool::new(folder)?, Spool::new(folder)?, Spool::new(folder)?);
        let failed = |source| Error::io("write a file in", folder, source);
        let mut table = SymbolTableWriter::in_folder(folder).map_err(failed)?;
        let mut documents = DocumentsWriter::in_folder(folder)?;
        let mut buffers = Buffers::default();
        let (mut summaries, mut rejected, mut configuration) = (Vec::new(), Vec::new(), Vec::new());
        let mut secrets: BTreeMap<&'static str, [u64; 2]> = BTreeMap::new();
        while let Some(&index) = self.order.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            self.watch.check()?;
            let entry = &self.entries[index as usize];
            match self.encode_file(entry, &mut buffers) {
                Ok(Encodable { source, header, header_shortened, windows }) => {
                    let name = source.path.text();
                    let mut sizes = Sizes {
                        bytes: source.bytes,
                        text_bytes: source.text.len() as u32,
                        tokens: buffers.document.len(),
                        ..Sizes::default()
                    };
                    let parse = || parsed(self.cache, &name, &source.text, self.with_calls, self.watch);
                    if let Some(found) = self.parses.then(parse).flatten() {
                        let summary = FileSummary::new(&found.facts, &mut table, number).map_err(failed)?;
                        summaries.push((index, summary));
                        let (links, calls) = (bytes_of_links(&found.facts.links), found.calls());
                        sizes.links_bytes = links.len() as u32;
                        sizes.calls_bytes = calls.len() as u32;
                        sizes.said_at = said.append(|out| {
                            out.extend_from_slice(&links);
                            out.extend_from_slice(calls);
                        })?;
                    }
                    sizes.tokens_at =
                        tokens.append(|out| self.width.extend(out, &buffers.document.tokens.ids))?;
                    sizes.text_at = texts.append(|out| out.extend_from_slice(source.text.as_bytes()))?;
                    let document = NewDocument {
                        path: source.path.borrow(),
                        blob: &source.blob,
                        language: source.language,
                        encoding: source.encoding,
                        header: &header,
                        header_shortened,
                        redacted: &buffers.document.redacted,
                        windows,
                        sizes,
                    };
                    documents.add(index, &document)?;
                    count_secrets(&source.redactions, &mut secrets);
                    if is_configuration(&name, source.text.len()) {
                        configuration.push((Box::from(&*name), source.text.into_boxed_str()));
                    }
                }
                Err(reason) => {
                    rejected.push(Rejected { path: entry.path.clone(), bytes: entry.size, reason })
                }
            }
            self.watch.progress.advance(entry.size);
        }
        let spools = [tokens.finish()?, texts.finish()?, said.finish()?];
        let table = table.finish().map_err(failed)?;
        let documents = documents.finish()?;
        Ok(Part { documents, summaries, rejected, secrets, configuration, spools, table })
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

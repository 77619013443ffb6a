//! Reads, classifies and tokenizes every file once, on all threads; tokens go to the spools.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::connect::{Read, connect};
use super::corpus::{Corpus, Cuts, Record, Rejected, window_limit};
use super::options::PackOptions;
use super::parsed::parsed;
use super::spool::{Spool, SpoolReader};
use crate::cache::Cache;
use crate::graph::FileSummary;
use crate::graph::project::is_configuration;
use crate::interrupt::Watch;
use crate::sequence::{Band, EncodedDocument, Kind, Kit, cut, encode_document, header_tokens};
use crate::shard::TokenWidth;
use crate::source::{self, SkipReason, SourceOptions};
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

/// Encodes all files that are listed, and finds out which needs which. Spools are made in `folder`.
///
/// # Errors
/// [`crate::Error::Io`] if the disk fails, [`crate::Error::Interrupted`]. What is wrong with a file is in
/// [`Corpus::rejected`].
pub fn encode(
    tree: &Tree,
    listing: &Listing,
    kit: Kit<'_>,
    options: &PackOptions,
    folder: &Path,
    cache: &Cache,
    watch: Watch<'_>,
) -> Result<Corpus> {
    let entries = &listing.entries;
    let mut order: Vec<u32> = (0..entries.len() as u32).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(entries[index as usize].size));
    let width = TokenWidth::for_vocabulary(kit.tokenizer.vocab_size_with_markers());
    let work = Work {
        tree,
        entries,
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
    let (mut read, mut rejected, mut spools, mut tables, mut configuration) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        let part = part?;
        read.extend(part.documents);
        rejected.extend(part.rejected);
        spools.push(part.spools);
        tables.push(part.table);
        configuration.extend(part.configuration);
    }
    read.sort_unstable_by(|(a, _), (b, _)| a.path.cmp(&b.path));
    rejected.sort_unstable_by(|a: &Rejected, b| a.path.cmp(&b.path));
    let (mut documents, summaries): (Vec<Record>, Vec<_>) = read.into_iter().unzip();
    let read =
        Read { documents: &documents, summaries, tables, spools: &spools, configuration: &configuration };
    let graph = connect(read, &rejected, listing, options.needs_graph(), watch)?;
    let mut document_of = vec![None; graph.files.len()];
    for (number, document) in (0u32..).zip(&mut documents) {
        if let Some(file) = graph.index_of(&document.name) {
            document.file = file;
            document_of[file as usize] = Some(number);
        }
    }
    Ok(Corpus { documents, rejected, graph, document_of, spools, width })
}

/// What one thread did.
struct Part {
    /// Each with what it says.
    documents: Vec<(Record, Option<Box<FileSummary>>)>,
    rejected: Vec<Rejected>,
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

impl Work<'_> {
    fn run(&self, number: u32, folder: &Path) -> Result<Part> {
        let (mut tokens, mut texts, mut said) =
            (Spool::new(folder)?, Spool::new(folder)?, Spool::new(folder)?);
        let failed = |source| Error::io("write a file in", folder, source);
        let mut table = SymbolTableWriter::in_folder(folder).map_err(failed)?;
        let mut buffers = Buffers::default();
        let (mut documents, mut rejected, mut configuration) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(&index) = self.order.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            self.watch.check()?;
            let entry = &self.entries[index as usize];
            match self.encode_file(entry, &mut buffers) {
                Ok((mut record, text)) => {
                    let parse = || parsed(self.cache, &record.name, &text, self.with_calls, self.watch);
                    let mut summary = None;
                    record.spool = number;
                    if let Some(found) = self.parses.then(parse).flatten() {
                        summary = Some(FileSummary::new(&found.facts, &mut table, number).map_err(failed)?);
                        record.facts_bytes = found.facts_bytes as u32;
                        record.calls_bytes = (found.bytes.len() - found.facts_bytes) as u32;
                        record.parsed_at = said.append(|out| out.extend_from_slice(&found.bytes))?;
                    }
                    record.tokens_at =
                        tokens.append(|out| self.width.extend(out, &buffers.document.tokens.ids))?;
                    record.text_at = texts.append(|out| out.extend_from_slice(text.as_bytes()))?;
                    if is_configuration(&record.name, text.len()) {
                        configuration.push((Box::from(&*record.name), text.into_boxed_str()));
                    }
                    documents.push((record, summary.map(Box::new)));
                }
                Err(reason) => {
                    rejected.push(Rejected { path: entry.path.clone(), bytes: entry.size, reason })
                }
            }
            self.watch.progress.advance(entry.size);
        }
        let spools = [tokens.finish()?, texts.finish()?, said.finish()?];
        let table = table.finish().map_err(failed)?;
        Ok(Part { documents, rejected, configuration, spools, table })
    }

    fn encode_file(&self, entry: &Entry, buffers: &mut Buffers) -> Result<(Record, String), SkipReason> {
        let Buffers { scratch, header, document } = buffers;
        let Kit { tokenizer, elisions, header_limit, .. } = self.kit;
        let raw = self.tree.read(entry, self.options.max_file_size)?;
        let source = source::classify(&entry.path, raw, self.tree.object_hash(), &self.source)?;
        let hidden: Box<[_]> = source.redactions.iter().map(|redaction| redaction.range.clone()).collect();
        encode_document(tokenizer, &source.text, &hidden, scratch, document)
            .map_err(|_| SkipReason::Unencodable)?;
        let (path_tokens, header_shortened) =
            header_tokens(tokenizer, &source.path, header_limit, scratch, header);
        let elision = elisions.of(source.language.line_comment);
        let frame = 2 + path_tokens.len() as u32;
        let cut = |band: &Band| {
            cut(document, &source.text, path_tokens.len() as u32, elision, band).into_boxed_slice()
        };
        let windows = self.options.bands.iter().map(|band| {
            let alone = cut(band);
            let is_long = document.len() + frame > band.max;
            let in_context = is_long.then(|| cut(&Band { max: window_limit(band), ..*band }));
            Cuts { alone, in_context }
        });
        let windows = windows.collect();
        let mut secrets = BTreeMap::new();
        for redaction in &source.redactions {
            *secrets.entry(redaction.kind).or_insert(0) += 1;
        }
        let record = Record {
            name: source.path.text().into(),
            path: source.path,
            language: source.language,
            encoding: source.encoding,
            blob: source.blob.into(),
            bytes: source.bytes,
            text_bytes: source.text.len() as u32,
            tokens: document.len(),
            header: path_tokens,
            header_shortened,
            redacted: document.redacted.as_slice().into(),
            hidden,
            secrets,
            windows,
            file: 0,
            spool: 0,
            tokens_at: 0,
            text_at: 0,
            parsed_at: 0,
            facts_bytes: 0,
            calls_bytes: 0,
        };
        Ok((record, source.text))
    }
}

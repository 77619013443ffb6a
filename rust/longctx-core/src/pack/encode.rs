//! Reads, classifies and tokenizes every file once, on all threads; tokens go to the spools.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::corpus::{Corpus, Cuts, Record, Rejected, window_limit};
use super::options::PackOptions;
use super::parsed::{Parsed, facts_of, parsed};
use super::spool::{Spool, SpoolReader};
use crate::cache::Cache;
use crate::graph::project::{is_configuration, may_be_named};
use crate::graph::{self, FileFacts, Graph, SourceFile};
use crate::interrupt::Watch;
use crate::sequence::{Band, EncodedDocument, Kind, Kit, cut, encode_document, header_tokens};
use crate::shard::TokenWidth;
use crate::source::{self, SkipReason, SourceOptions};
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
    let (mut documents, mut rejected, mut spools, mut configuration) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        let part = part?;
        documents.extend(part.documents);
        rejected.extend(part.rejected);
        spools.push(part.spools);
        configuration.extend(part.configuration);
    }
    documents.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    rejected.sort_unstable_by(|a: &Rejected, b| a.path.cmp(&b.path));
    let files = documents.par_iter().map(|record| Ok((record.name.clone(), facts(record, &spools)?)));
    let files = files.collect::<Result<_>>()?;
    let graph = connect(files, &rejected, listing, &configuration, options.needs_graph(), watch)?;
    let mut document_of = vec![None; graph.files.len()];
    for (number, document) in (0u32..).zip(&mut documents) {
        if let Some(file) = graph.index_of(&document.name) {
            document.file = file;
            document_of[file as usize] = Some(number);
        }
    }
    Ok(Corpus { documents, rejected, graph, document_of, spools, width })
}

/// What a document says; none where its language has no grammar.
fn facts(record: &Record, spools: &[[SpoolReader; 3]]) -> Result<Option<Box<FileFacts>>> {
    if record.facts_bytes == 0 {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    spools[record.spool as usize][2].read(record.parsed_at, record.facts_bytes as usize, &mut bytes)?;
    facts_of(&bytes).map(|facts| Some(Box::new(facts))).map_err(|error| {
        let broken = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
        Error::io("read back what is known of", &*record.name, broken)
    })
}

/// The graph of the documents, and of files without a text that imports may name.
fn connect(
    mut files: Vec<(Arc<str>, Option<Box<FileFacts>>)>,
    rejected: &[Rejected],
    listing: &Listing,
    configuration: &[(Box<str>, Box<str>)],
    parses: bool,
    watch: Watch<'_>,
) -> Result<Graph> {
    for file in rejected {
        let path: Arc<str> = file.path.text().into();
        if file.reason == SkipReason::Empty && parses {
            // An empty `__init__.py` makes a package.
            let facts = graph::read(&path, "", watch).map(Box::new);
            files.push((path, facts));
        } else if may_be_named(file.reason) {
            files.push((path, None));
        }
    }
    let large = listing.skipped.iter().filter(|file| !file.directory && file.reason == SkipReason::TooLarge);
    files.extend(large.map(|file| (file.path.text().into(), None)));
    let texts = configuration.iter().map(|(path, text)| SourceFile { path, text }).collect();
    graph::connect(files, texts, watch)
}

/// What one thread did.
struct Part {
    documents: Vec<Record>,
    rejected: Vec<Rejected>,
    /// Path and text of configuration files.
    configuration: Vec<(Box<str>, Box<str>)>,
    /// Tokens, texts and what they say.
    spools: [SpoolReader; 3],
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
        let mut buffers = Buffers::default();
        let (mut documents, mut rejected, mut configuration) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(&index) = self.order.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            self.watch.check()?;
            let entry = &self.entries[index as usize];
            match self.encode_file(entry, &mut buffers) {
                Ok((mut record, text)) => {
                    let parse = || parsed(self.cache, &record.name, &text, self.with_calls, self.watch);
                    let found = self.parses.then(parse).flatten();
                    record.spool = number;
                    if let Some(Parsed { bytes, facts }) = found {
                        record.facts_bytes = facts as u32;
                        record.calls_bytes = (bytes.len() - facts) as u32;
                        record.parsed_at = said.append(|out| out.extend_from_slice(&bytes))?;
                    }
                    record.tokens_at =
                        tokens.append(|out| self.width.extend(out, &buffers.document.tokens.ids))?;
                    record.text_at = texts.append(|out| out.extend_from_slice(text.as_bytes()))?;
                    if is_configuration(&record.name, text.len()) {
                        configuration.push((Box::from(&*record.name), text.into_boxed_str()));
                    }
                    documents.push(record);
                }
                Err(reason) => {
                    rejected.push(Rejected { path: entry.path.clone(), bytes: entry.size, reason })
                }
            }
            self.watch.progress.advance(entry.size);
        }
        let spools = [tokens.finish()?, texts.finish()?, said.finish()?];
        Ok(Part { documents, rejected, configuration, spools })
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

//! Reads, classifies and tokenizes every file once, on all threads; tokens go to the spools.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::options::PackOptions;
use super::spool::{Spool, SpoolReader};
use crate::Result;
use crate::interrupt::Watch;
use crate::path::RepoPath;
use crate::sequence::{
    Elisions, EncodedDocument, RedactedTokens, Window, cut, encode_document, header_tokens,
};
use crate::shard::TokenWidth;
use crate::source::{self, Encoding, Language, SkipReason, SourceOptions};
use crate::tokenize::{Encoded, Scratch, Tokenizer};
use crate::walk::{Entry, Tree};

/// A document whose tokens lie in a spool.
pub struct Record {
    /// Its path.
    pub path: RepoPath,
    /// Its language.
    pub language: &'static Language,
    /// How its bytes became text.
    pub encoding: Encoding,
    /// Its git object id.
    pub blob: Box<str>,
    /// Size of the file.
    pub bytes: u64,
    /// Length of its text.
    pub tokens: u32,
    /// Path and newline.
    pub header: Box<[u32]>,
    /// The path did not fit and was shortened.
    pub header_shortened: bool,
    /// Its placeholders.
    pub redacted: Box<[RedactedTokens]>,
    /// How many secrets of each kind.
    pub secrets: BTreeMap<&'static str, u32>,
    /// Its windows, for each band.
    pub windows: Box<[Box<[Window]>]>,
    spool: u32,
    at: u64,
}

/// A file that was listed and then left out.
pub struct Rejected {
    /// Its path.
    pub path: RepoPath,
    /// In bytes.
    pub bytes: u64,
    /// Why.
    pub reason: SkipReason,
}

/// All documents, sorted by path, and where their tokens are.
pub struct Corpus {
    /// Sorted by path.
    pub documents: Vec<Record>,
    /// Sorted by path.
    pub rejected: Vec<Rejected>,
    spools: Vec<SpoolReader>,
}

impl Corpus {
    /// Appends the tokens of a window, as they lie on disk, to `out`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read_window(&self, document: &Record, window: &Window, out: &mut Vec<u8>) -> Result<()> {
        let at = document.at + u64::from(window.tokens.start);
        self.spools[document.spool as usize].read(at, window.tokens.len() as u32, out)
    }
}

/// What all threads share.
struct Work<'w> {
    tree: &'w Tree,
    entries: &'w [Entry],
    tokenizer: &'w Tokenizer,
    elisions: &'w Elisions,
    options: &'w PackOptions,
    source: SourceOptions,
    width: TokenWidth,
    header_limit: usize,
    next: AtomicUsize,
    /// Largest first, so that no large file is left for the end.
    order: Vec<u32>,
    watch: Watch<'w>,
}

/// Encodes all `entries`. Spools are made in `folder`; without one, tokens are counted and forgotten.
///
/// # Errors
/// [`Error::Io`] if the disk fails, [`Error::Interrupted`]. What is wrong with a file is in [`Corpus::rejected`].
pub fn encode(
    tree: &Tree,
    entries: &[Entry],
    tokenizer: &Tokenizer,
    elisions: &Elisions,
    options: &PackOptions,
    folder: Option<&std::path::Path>,
    watch: Watch<'_>,
) -> Result<Corpus> {
    let mut order: Vec<u32> = (0..entries.len() as u32).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(entries[index as usize].size));
    let shortest = options.bands.iter().map(|band| band.max).min().unwrap_or(0);
    let work = Work {
        tree,
        entries,
        tokenizer,
        elisions,
        options,
        source: SourceOptions { redact_secrets: options.redact_secrets, ..SourceOptions::default() },
        width: TokenWidth::for_vocabulary(tokenizer.vocab_size_with_markers()),
        header_limit: (shortest / 8) as usize,
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
    let mut corpus = Corpus { documents: Vec::new(), rejected: Vec::new(), spools: Vec::new() };
    for part in parts {
        let part = part?;
        corpus.documents.extend(part.documents);
        corpus.rejected.extend(part.rejected);
        corpus.spools.extend(part.spool);
    }
    corpus.documents.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    corpus.rejected.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(corpus)
}

/// What one thread did.
struct Part {
    documents: Vec<Record>,
    rejected: Vec<Rejected>,
    spool: Option<SpoolReader>,
}

/// Buffers of one thread.
#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    header: Encoded,
    document: EncodedDocument,
}

impl Work<'_> {
    fn run(&self, number: u32, folder: Option<&std::path::Path>) -> Result<Part> {
        let mut spool = folder.map(|folder| Spool::new(folder, self.width)).transpose()?;
        let mut buffers = Buffers::default();
        let (mut documents, mut rejected) = (Vec::new(), Vec::new());
        while let Some(&index) = self.order.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            self.watch.check()?;
            let entry = &self.entries[index as usize];
            match self.encode_file(entry, &mut buffers) {
                Ok(mut record) => {
                    if let Some(spool) = &mut spool {
                        record.spool = number;
                        record.at = spool.append(&buffers.document.tokens.ids)?;
                    }
                    documents.push(record);
                }
                Err(reason) => {
                    rejected.push(Rejected { path: entry.path.clone(), bytes: entry.size, reason })
                }
            }
            self.watch.progress.advance(entry.size);
        }
        Ok(Part { documents, rejected, spool: spool.map(Spool::finish).transpose()? })
    }

    fn encode_file(&self, entry: &Entry, buffers: &mut Buffers) -> Result<Record, SkipReason> {
        let Buffers { scratch, header, document } = buffers;
        let raw = self.tree.read(entry, self.options.max_file_size)?;
        let source = source::classify(&entry.path, raw, self.tree.object_hash(), &self.source)?;
        let hidden: Vec<_> = source.redactions.iter().map(|redaction| redaction.range.clone()).collect();
        encode_document(self.tokenizer, &source.text, &hidden, scratch, document)
            .map_err(|_| SkipReason::Unencodable)?;
        let (path_tokens, header_shortened) =
            header_tokens(self.tokenizer, &source.path, self.header_limit, scratch, header);
        let elision = self.elisions.of(source.language.line_comment);
        let windows = self.options.bands.iter();
        let windows = windows
            .map(|band| {
                cut(document, &source.text, path_tokens.len() as u32, elision, band).into_boxed_slice()
            })
            .collect();
        let mut secrets = BTreeMap::new();
        for redaction in &source.redactions {
            *secrets.entry(redaction.kind).or_insert(0) += 1;
        }
        Ok(Record {
            path: source.path,
            language: source.language,
            encoding: source.encoding,
            blob: source.blob.into_boxed_str(),
            bytes: source.bytes,
            tokens: document.len(),
            header: path_tokens,
            header_shortened,
            redacted: document.redacted.as_slice().into(),
            secrets,
            windows,
            spool: 0,
            at: 0,
        })
    }
}

//! What packing did: counted for people, scripts and the manifest.

mod documents;
mod skipped;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use self::documents::{
    DirectoryRow, LanguageRow, LargestRow, RedactionRow, directories, languages, largest, redactions,
};
pub use self::skipped::{SkippedRow, nothing_to_pack, skip_table};
use super::clock::{Clock, Stage};
use super::clusters::Reason;
use super::commits::CommitCounts;
use super::corpus::Corpus;
use super::finished::{Finished, Waiting};
use super::options::PackOptions;
use super::qa::QaCounts;
use super::split::Side;
use super::split::Sides;
use crate::cache::CacheReport;
use crate::difficulty::Difficulty;
use crate::sequence::Kind;
use crate::source::{Encoding, SkipReason};
use crate::tokenize::Tokenizer;
use crate::walk::Listing;

/// Everything that the summary is counted from.
pub struct Facts<'f> {
    pub options: &'f PackOptions,
    pub tokenizer: &'f Tokenizer,
    /// What was left out; the files themselves need not be there.
    pub listing: &'f Listing,
    /// How many files there were, those left out included.
    pub listed: u64,
    pub corpus: &'f Corpus,
    pub finished: &'f Finished,
    /// What was asked, if anything was to be.
    pub qa: Option<QaCounts>,
    pub skipped: Vec<SkippedRow>,
    pub history: Option<CommitCounts>,
    pub sides: &'f Sides,
    pub root: &'f Path,
}

/// The summary without what differs from run to run; also in the manifest.
#[derive(Debug, Clone, Serialize)]
pub struct Counted {
    #[serde(skip)]
    pub repository_name: String,
    commit: Option<String>,
    tokenizer: TokenizerRow,
    files: FilesRow,
    skipped: Vec<SkippedRow>,
    redactions: Vec<RedactionRow>,
    shortened_paths: u64,
    bands: Vec<BandRow>,
    kinds: Vec<KindRow>,
    repeated: u64,
    history: Option<CommitCounts>,
    qa: Option<QaCounts>,
    split: SplitRow,
    largest: Vec<LargestRow>,
    coverage: CoverageRow,
    directories: Vec<DirectoryRow>,
    languages: Vec<LanguageRow>,
    encodings: BTreeMap<Encoding, u64>,
    failures: Vec<FailureRow>,
}

/// What came of packing.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// A dataset, or what it would be.
    Made(Box<Counted>),
    /// One that was there need not be made again; this is what its manifest says.
    Kept(Value),
}

/// The whole summary.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    repository: String,
    output: Option<String>,
    dry_run: bool,
    /// The dataset was what it would become, and was left as it is.
    unchanged: bool,
    #[serde(flatten)]
    counted: Outcome,
    threads: usize,
    cache: Option<CacheReport>,
    seconds: f64,
    stages: Vec<Stage>,
}

#[derive(Debug, Clone, Serialize)]
struct TokenizerRow {
    name: String,
    vocab_size: u32,
    backend: String,
    sha256: String,
    embedded: bool,
}

#[derive(Debug, Clone, Serialize)]
struct FilesRow {
    listed: u64,
    packed: u64,
    bytes: u64,
    tokens: u64,
}

#[derive(Debug, Clone, Serialize)]
struct BandRow {
    id: u8,
    min: u32,
    max: u32,
    overlap: u32,
    train: SideRow,
    val: SideRow,
}

#[derive(Debug, Clone, Default, Serialize)]
struct SideRow {
    sequences: u64,
    tokens: u64,
    learnt_tokens: u64,
    below_min: u64,
}

/// Sequences of one kind in one band and part of the split.
#[derive(Debug, Clone, Serialize)]
struct KindRow {
    kind: Kind,
    band: u8,
    split: &'static str,
    seen: bool,
    #[serde(flatten)]
    totals: SideRow,
    difficulty: BTreeMap<Difficulty, u64>,
}

/// How the files were split.
#[derive(Debug, Clone, Default, Serialize)]
struct SplitRow {
    files_train: u64,
    files_val: u64,
    /// Of more than one file.
    clusters: u64,
    clustered_files: u64,
    largest_cluster: u64,
    /// Clusters that have a reason.
    reasons: BTreeMap<Reason, u64>,
}

#[derive(Debug, Clone, Serialize)]
struct CoverageRow {
    bytes_total: u64,
    bytes_packed: u64,
}

#[derive(Debug, Clone, Serialize)]
struct FailureRow {
    path: String,
    reason: SkipReason,
}

impl Facts<'_> {
    /// Counts.
    pub fn count(&self) -> Counted {
        let documents = &self.corpus.documents;
        let packed_bytes = documents.iter().map(|record| record.sizes.bytes).sum();
        let failures = self.corpus.rejected.iter().map(|file| (&file.path, file.reason));
        let failures = failures.chain(self.listing.skipped.iter().map(|file| (&file.path, file.reason)));
        let mut failures: Vec<FailureRow> = failures
            .filter(|(_, reason)| reason.is_failure())
            .map(|(path, reason)| FailureRow { path: path.to_string(), reason })
            .collect();
        failures.sort_by(|a, b| a.path.cmp(&b.path));
        let mut encodings = BTreeMap::new();
        for record in documents.iter() {
            *encodings.entry(record.encoding).or_insert(0) += 1;
        }
        Counted {
            repository_name: name_of(self.root),
            commit: self.listing.commit.clone(),
            tokenizer: TokenizerRow {
                name: self.tokenizer.name().to_owned(),
                vocab_size: self.tokenizer.vocab_size(),
                backend: self.tokenizer.backend(),
                sha256: self.tokenizer.sha256().to_owned(),
                embedded: self.tokenizer.is_embedded(),
            },
            files: FilesRow {
                listed: self.listed,
                packed: documents.len() as u64,
                bytes: packed_bytes,
                tokens: documents.iter().map(|record| u64::from(record.sizes.tokens)).sum(),
            },
            skipped: self.skipped.clone(),
            redactions: redactions(&self.corpus.secrets),
            shortened_paths: documents.iter().filter(|record| record.header_shortened).count() as u64,
            bands: self.bands(),
            kinds: self.kinds(),
            repeated: self.finished.repeated,
            history: self.history.clone(),
            qa: self.qa.clone(),
            split: self.split(),
            largest: largest(documents),
            coverage: CoverageRow {
                bytes_total: packed_bytes + self.skipped.iter().map(|row| row.bytes).sum::<u64>(),
                bytes_packed: packed_bytes,
            },
            directories: directories(documents),
            languages: languages(documents),
            encodings,
            failures,
        }
    }

    fn bands(&self) -> Vec<BandRow> {
        let mut rows: Vec<BandRow> = self
            .options
            .bands
            .iter()
            .map(|band| BandRow {
                id: band.id,
                min: band.min,
                max: band.max,
                overlap: band.overlap,
                train: SideRow::default(),
                val: SideRow::default(),
            })
            .collect();
        for one in self.finished.iter() {
            let row = &mut rows[usize::from(one.band)];
            let min = row.min;
            let side = if one.side == Side::Train { &mut row.train } else { &mut row.val };
            side.count(&one, min);
        }
        rows
    }

    fn split(&self) -> SplitRow {
        let mut row = SplitRow::default();
        for document in 0..self.corpus.documents.len() as u32 {
            match self.sides.of(document) {
                Side::Train => row.files_train += 1,
                Side::Val => row.files_val += 1,
            }
        }
        for cluster in self.sides.clusters().filter(|cluster| cluster.size > 1) {
            row.clusters += 1;
            row.clustered_files += u64::from(cluster.size);
            row.largest_cluster = row.largest_cluster.max(u64::from(cluster.size));
            for reason in cluster.reasons.iter() {
                *row.reasons.entry(reason).or_insert(0) += 1;
            }
        }
        row
    }

    fn kinds(&self) -> Vec<KindRow> {
        let mut rows: BTreeMap<(u8, u8, Side, bool), KindRow> = BTreeMap::new();
        for one in self.finished.iter() {
            let band = &self.options.bands[usize::from(one.band)];
            let row = rows.entry((one.kind as u8, one.band, one.side, !one.seen)).or_insert(KindRow {
                kind: one.kind,
                band: band.id,
                split: super::write::SPLITS[one.side as usize],
                seen: one.seen,
                totals: SideRow::default(),
                difficulty: BTreeMap::new(),
            });
            row.totals.count(&one, band.min);
            *row.difficulty.entry(one.difficulty).or_insert(0) += 1;
        }
        rows.into_values().collect()
    }
}

impl SideRow {
    fn count(&mut self, one: &Waiting, min: u32) {
        self.sequences += 1;
        self.tokens += u64::from(one.length);
        self.learnt_tokens += u64::from(one.length - one.loss_start);
        self.below_min += u64::from(one.length < min);
    }
}

impl Summary {
    /// Of an outcome, in so much time.
    pub fn new(counted: Outcome, options: &PackOptions, clock: Clock, cache: Option<CacheReport>) -> Self {
        let (seconds, stages) = clock.finish();
        let output = options.output.as_ref().filter(|_| !options.dry_run);
        Self {
            repository: options.repository.display().to_string(),
            output: output.map(|path| path.display().to_string()),
            dry_run: options.dry_run,
            unchanged: matches!(counted, Outcome::Kept(_)),
            counted,
            threads: options.thread_count(),
            cache,
            seconds,
            stages,
        }
    }
}

/// The name of the repository at `root`.
pub fn name_of(root: &Path) -> String {
    let absolute = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
    absolute.file_name().unwrap_or(absolute.as_os_str()).to_string_lossy().into_owned()
}

//! What a caller may ask of [`super::pack`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::history::Mode;
use crate::sequence::{Band, Kind};
use crate::{Error, Result};

/// Offsets within a document are 32 bits wide.
const LARGEST_FILE: u64 = 1 << 30;
/// No sequence shorter than this makes sense: a header alone may take an eighth.
const SHORTEST_BAND: u32 = 64;

/// Everything that decides what is packed and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackOptions {
    /// Folder or bare repository.
    pub repository: PathBuf,
    /// The dataset's folder; none only for a dry run.
    pub output: Option<PathBuf>,
    /// Commit to read instead of the work tree.
    pub revision: Option<String>,
    /// Globs of files to pack; all if empty.
    pub include: Vec<String>,
    /// Globs of files to leave out.
    pub exclude: Vec<String>,
    /// Pack hidden files.
    pub hidden: bool,
    /// In bytes.
    pub max_file_size: u64,
    /// Replace secrets by a placeholder.
    pub redact_secrets: bool,
    /// The tokenizer.
    pub tokenizer: TokenizerChoice,
    /// Length ranges, ascending.
    pub bands: Vec<Band>,
    /// Share of the files kept for validation.
    pub validation_split: f64,
    /// Which kinds of sequences to make.
    pub kinds: Vec<Kind>,
    /// What hierarchical sequences show before their targets; nothing if empty.
    pub context: Vec<Context>,
    /// In which order files stand in a hierarchical sequence.
    pub order: FileOrder,
    /// How the history is read for commit sequences.
    pub history: HistoryChoice,
    /// Tokens of commit sequences in a band, at most this multiple of those of hierarchical ones.
    pub commits_ratio: f64,
    /// The same for question sequences.
    pub qa_ratio: f64,
    /// Of every random choice.
    pub seed: u64,
    /// Where to keep what the next run can use; nothing is kept if not given.
    pub cache: Option<PathBuf>,
    /// All cores if not given.
    pub threads: Option<usize>,
    /// Replace an existing dataset.
    pub overwrite: bool,
    /// Write nothing.
    pub dry_run: bool,
    /// The caller's whole configuration, for the manifest.
    pub config: serde_json::Value,
}

/// What may stand before the targets of a hierarchical sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    /// Definitions of the files that the targets need.
    Definitions,
    /// The files beside the targets.
    Siblings,
    /// The import lines of a target whose window begins later, and the heads of the definitions around it.
    Outline,
}

/// In which order files stand in a hierarchical sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileOrder {
    /// What is needed comes before who needs it.
    Deps,
    /// By path.
    Path,
    /// Shuffled by the seed.
    Random,
}

/// How the history is read for commit sequences.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryChoice {
    /// Which commits are walked.
    pub mode: Mode,
    /// In seconds since 1970; see [`crate::history::HistoryOptions::since`].
    pub since: Option<i64>,
    /// The newest so many commits.
    pub max_commits: Option<usize>,
    /// Commits that touch more files are left out.
    pub max_files_per_commit: Option<usize>,
    /// Leave out commits of bots.
    pub skip_bots: bool,
    /// Leave out commits that change the layout only.
    pub skip_formatting: bool,
    /// The newest so many versions of a file are told.
    pub max_versions: usize,
}

/// Which tokenizer to use.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerChoice {
    /// A `tokenizer.json`; the embedded default if not given.
    pub path: Option<PathBuf>,
    /// The name to show.
    pub name: String,
}

impl PackOptions {
    /// Whether anything that is asked for depends on which file needs which.
    pub fn needs_graph(&self) -> bool {
        !self.context.is_empty()
            || self.order == FileOrder::Deps
            || self.kinds.iter().any(|kind| matches!(kind, Kind::Commits | Kind::Qa))
    }

    /// Parses and checks options in JSON.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the first thing that makes no sense.
    pub fn from_json(text: &str) -> Result<Self> {
        let options: Self = serde_json::from_str(text)
            .map_err(|error| Error::usage(format!("the options are not usable: {error}")))?;
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Result<()> {
        if self.output.is_none() && !self.dry_run {
            return Err(Error::usage("no output folder is given"));
        }
        if self.max_file_size > LARGEST_FILE {
            return Err(Error::usage(format!(
                "max_file_size is {} bytes, the largest possible is {LARGEST_FILE} (1 GiB)",
                self.max_file_size
            )));
        }
        if !(0.0..=0.9).contains(&self.validation_split) {
            return Err(Error::usage(format!(
                "validation_split is {}, it must be between 0 and 0.9",
                self.validation_split
            )));
        }
        for (key, ratio) in [("commits_ratio", self.commits_ratio), ("qa_ratio", self.qa_ratio)] {
            if !(0.0..=100.0).contains(&ratio) {
                return Err(Error::usage(format!("{key} is {ratio}, it must be between 0 and 100")));
            }
        }
        if !self.kinds.contains(&Kind::Hierarchical) {
            return Err(Error::usage("kinds must include hierarchical: only it covers every file"));
        }
        if self.threads == Some(0) {
            return Err(Error::usage("threads is 0, it must be at least 1"));
        }
        if self.bands.is_empty() {
            return Err(Error::usage(
                "there is no band: sequence_length is smaller than the first phase's maximum",
            ));
        }
        for band in &self.bands {
            let Band { id, min, max, overlap } = *band;
            if max < SHORTEST_BAND {
                return Err(Error::usage(format!(
                    "band {id} ends at {max} tokens, it must allow at least {SHORTEST_BAND}"
                )));
            }
            if min > max {
                return Err(Error::usage(format!("band {id} begins at {min} tokens and ends at {max}")));
            }
            if overlap >= max {
                return Err(Error::usage(format!(
                    "the overlap of band {id} is {overlap} tokens, it must be smaller than the length, {max}"
                )));
            }
        }
        Ok(())
    }

    /// How many threads to use.
    pub fn thread_count(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }
}

//! What a caller may ask of [`super::pack`].

use std::path::PathBuf;

use serde::Deserialize;

use crate::sequence::Band;
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
    /// Of every random choice.
    pub seed: u64,
    /// All cores if not given.
    pub threads: Option<usize>,
    /// Replace an existing dataset.
    pub overwrite: bool,
    /// Write nothing.
    pub dry_run: bool,
    /// The caller's whole configuration, for the manifest.
    pub config: serde_json::Value,
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

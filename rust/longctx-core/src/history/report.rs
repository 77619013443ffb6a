//! The history as `longctx history` shows it: options that come as JSON, and an answer that serde can write.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::{Chain, History, HistoryOptions, LeftOut, Mode, ObjectId, Reason};
use crate::interrupt::Watch;
use crate::walk::Tree;
use crate::{Error, Result};

/// How many files, commits or objects stand for the rest.
const EXAMPLES: usize = 10;

/// What a caller may ask of [`report`].
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportOptions {
    /// Commit, branch or tag where the walk begins; `HEAD` (in full mode: the branches) if none is given.
    #[serde(default)]
    pub revision: Option<String>,
    /// Which commits are walked.
    pub mode: Mode,
    /// In seconds since 1970; see [`HistoryOptions::since`].
    pub since: Option<i64>,
    /// See [`HistoryOptions::max_commits`].
    pub max_commits: Option<usize>,
    /// See [`HistoryOptions::max_files_per_commit`].
    pub max_files_per_commit: Option<usize>,
    /// See [`HistoryOptions::skip_bots`].
    pub skip_bots: bool,
    /// See [`HistoryOptions::skip_formatting`].
    pub skip_formatting: bool,
    /// Whose chains to tell.
    pub chains: Select,
}

/// Whose chains a report tells.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Select {
    /// Nobody's.
    None,
    /// Of all files that are there still.
    Live,
    /// Of all files, those that are gone included.
    All,
    /// Of one file, there still or gone.
    Path(String),
}

impl ReportOptions {
    /// Parses options in JSON.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the first thing that makes no sense.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| Error::usage(format!("the options are not usable: {error}")))
    }

    fn history(&self, start: Option<ObjectId>) -> HistoryOptions {
        HistoryOptions {
            mode: self.mode,
            start,
            since: self.since,
            max_commits: self.max_commits,
            max_files_per_commit: self.max_files_per_commit,
            skip_bots: self.skip_bots,
            skip_formatting: self.skip_formatting,
        }
    }
}

/// A history and what of it is told.
#[derive(Debug, Clone)]
pub struct Report {
    root: PathBuf,
    history: History,
    told: Vec<usize>,
}

/// Reads the history of the repository that `folder` lies in and chooses what to tell of it.
///
/// # Errors
/// [`Error::Usage`] if there is no such folder or no such file in its history; those of [`super::read`].
pub fn report(folder: &Path, options: &ReportOptions, watch: Watch<'_>) -> Result<Report> {
    let tree = Tree::open(folder, options.revision.as_deref())?;
    let root = tree.repository_root().to_path_buf();
    let start = options.revision.as_ref().and_then(|_| tree.commit());
    let start = start.and_then(|commit| ObjectId::from_hex(commit.as_bytes()).ok());
    let history = super::read(&root, &options.history(start), watch)?;
    let chains = || history.chains.iter().enumerate();
    let told = match &options.chains {
        Select::None => Vec::new(),
        Select::Live => chains().filter(|(_, chain)| chain.live).map(|(at, _)| at).collect(),
        Select::All => {
            // Where several chains have one path, the live or newest comes first.
            let mut all: Vec<usize> = chains().map(|(at, _)| at).collect();
            all.dedup_by_key(|at| history.chains[*at].path);
            all
        }
        Select::Path(file) => {
            let path = tree.path_of(file, &root);
            let found = chains().find(|(_, chain)| history.path(chain.path).text() == path);
            vec![found.ok_or_else(|| unknown(&history, file))?.0]
        }
    };
    Ok(Report { root, history, told })
}

fn unknown(history: &History, file: &str) -> Error {
    let paths = || history.chains.iter().map(|chain| history.path(chain.path).text());
    let hint = crate::path::of_same_name(paths(), file).map_or_else(
        || "paths are relative to the repository; `git log -- FILE` says whether git knows it".to_owned(),
        |similar| format!("there is {similar}"),
    );
    Error::usage_hint(format!("{file} is not in the history that was walked"), hint)
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let history = &self.history;
        let live = || history.chains.iter().filter(|chain| chain.live);
        let mut edited: Vec<Edited<'_>> = live()
            .map(|chain| Edited { path: history.path(chain.path).text(), versions: chain.versions.len() })
            .collect();
        edited.sort_by(|a, b| b.versions.cmp(&a.versions).then_with(|| a.path.cmp(&b.path)));
        let times = || history.commits.iter().map(|commit| commit.time);
        Overview {
            repository: self.root.file_name().map_or_else(|| "/".into(), |name| name.to_string_lossy()),
            commit: history.tip.to_string(),
            commits: history.commits.len(),
            merges: history.commits.iter().filter(|commit| commit.merge).count(),
            oldest: times().min(),
            newest: times().max(),
            files: edited.len(),
            files_with_versions: edited.iter().filter(|file| file.versions > 1).count(),
            files_gone: history.chains.len() - edited.len(),
            versions: live().map(|chain| chain.versions.len()).sum(),
            contents: history.blobs.len(),
            most_edited: edited.into_iter().take(EXAMPLES).collect(),
            left_out: history.left_out.iter().map(row).collect(),
            missing: Missing {
                objects: history.missing.len(),
                examples: history.missing.iter().take(EXAMPLES).map(ToString::to_string).collect(),
            },
            notes: history.notes.iter().map(ToString::to_string).collect(),
            chains: Chains(self),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct Overview<'h> {
    repository: Cow<'h, str>,
    commit: String,
    commits: usize,
    merges: usize,
    oldest: Option<i64>,
    newest: Option<i64>,
    files: usize,
    files_with_versions: usize,
    files_gone: usize,
    versions: usize,
    contents: usize,
    most_edited: Vec<Edited<'h>>,
    left_out: Vec<Row>,
    missing: Missing,
    notes: Vec<String>,
    chains: Chains<'h>,
}

#[derive(Serialize)]
struct Edited<'h> {
    path: Cow<'h, str>,
    versions: usize,
}

#[derive(Serialize)]
struct Missing {
    objects: usize,
    examples: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    reason: &'static str,
    description: &'static str,
    commits: usize,
    versions: usize,
    examples: Vec<String>,
}

fn row(left: &LeftOut) -> Row {
    Row {
        reason: left.reason.name(),
        description: describe(left.reason),
        commits: left.commits,
        versions: left.versions,
        examples: left.examples.iter().map(ToString::to_string).collect(),
    }
}

fn describe(reason: Reason) -> &'static str {
    match reason {
        Reason::Bot => "written by bots",
        Reason::Formatting => "changed the layout only",
        Reason::Mass => "touched more files than --max-files-per-commit",
        Reason::Merge => "merges, which the full history passes over",
        Reason::Since => "older than --since",
        Reason::MaxCommits => "beyond --max-commits",
        Reason::MissingTree => "folders that the repository lacks",
        Reason::MissingBlob => "contents that the repository lacks",
    }
}

struct Chains<'h>(&'h Report);

impl Serialize for Chains<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Report { history, told, .. } = self.0;
        let mut out = serializer.serialize_map(Some(told.len()))?;
        for chain in told.iter().map(|at| &history.chains[*at]) {
            out.serialize_entry(&history.path(chain.path).text(), &Versions(history, chain))?;
        }
        out.end()
    }
}

struct Versions<'h>(&'h History, &'h Chain);

#[derive(Serialize)]
struct Line<'h> {
    commit: String,
    path: Cow<'h, str>,
    blob: Option<String>,
    subject: &'h str,
    time: i64,
}

impl Serialize for Versions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(history, chain) = *self;
        serializer.collect_seq(chain.versions.iter().map(|version| {
            let commit = history.commit(version);
            Line {
                commit: commit.id.to_string(),
                path: history.path(version.path).text(),
                blob: version.blob.map(|blob| history.blob(blob).to_string()),
                subject: &commit.subject,
                time: commit.time,
            }
        }))
    }
}

//! Prints the chains of a repository's files as JSON, and what was left out on standard error.
//!
//! `history_json REPO [--defaults] [--full] [--deleted] [--contents]`: without `--defaults` nothing is left out; with
//! `--contents` every blob of a chain is read too, and its id computed anew from its bytes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use longctx_core::history::{self, Blob, Blobs, History, HistoryOptions, Mode};
use longctx_core::interrupt::Watch;

#[derive(serde::Serialize)]
struct Line<'a> {
    commit: String,
    path: String,
    blob: Option<String>,
    subject: &'a str,
    time: i64,
}

fn main() -> ExitCode {
    let mut repo = PathBuf::from(".");
    let mut options = HistoryOptions::everything();
    let (mut deleted, mut contents) = (false, false);
    for argument in std::env::args_os().skip(1) {
        match argument.to_str() {
            Some("--defaults") => {
                options = HistoryOptions { mode: options.mode, ..HistoryOptions::default() }
            }
            Some("--full") => options.mode = Mode::Full,
            Some("--deleted") => deleted = true,
            Some("--contents") => contents = true,
            _ => repo = PathBuf::from(argument),
        }
    }
    match run(&repo, &options, deleted, contents) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    repo: &std::path::Path,
    options: &HistoryOptions,
    deleted: bool,
    contents: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let history = history::read(repo, options, Watch::none())?;
    let mut log = std::io::stderr().lock();
    writeln!(
        log,
        "{} commits, {} chains, {} blobs in {:.3} s",
        history.commits.len(),
        history.chains.len(),
        history.blobs.len(),
        start.elapsed().as_secs_f64()
    )?;
    for left in &history.left_out {
        writeln!(log, "left out, {}: {} commits, {} versions", left.reason, left.commits, left.versions)?;
    }
    for object in history.missing.iter().take(20) {
        writeln!(log, "{object}")?;
    }
    for note in &history.notes {
        writeln!(log, "{note}")?;
    }
    if contents {
        let start = Instant::now();
        let bytes = AtomicU64::new(0);
        let wrong = AtomicU64::new(0);
        Blobs::open(repo)?.visit(&history.blobs, u64::MAX, Watch::none(), |place, blob| {
            if let Blob::Bytes(text) = blob {
                bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
                let id = history.blobs[place];
                let same =
                    gix::objs::compute_hash(id.kind(), gix::objs::Kind::Blob, text).is_ok_and(|is| is == id);
                wrong.fetch_add(u64::from(!same), Ordering::Relaxed);
            }
            Ok(())
        })?;
        writeln!(
            log,
            "{} bytes of contents in {:.3} s, {} blobs of another id",
            bytes.into_inner(),
            start.elapsed().as_secs_f64(),
            wrong.into_inner()
        )?;
    }
    print(&history, deleted)
}

fn print(history: &History, deleted: bool) -> Result<(), Box<dyn std::error::Error>> {
    let mut chains: BTreeMap<String, Vec<Line<'_>>> = BTreeMap::new();
    for chain in history.chains.iter().filter(|chain| chain.live || deleted) {
        let lines = chain.versions.iter().map(|version| {
            let commit = history.commit(version);
            Line {
                commit: commit.id.to_string(),
                path: history.path(version.path).to_string(),
                blob: version.blob.map(|blob| history.blob(blob).to_string()),
                subject: &commit.subject,
                time: commit.time,
            }
        });
        // Where several chains have one path, the live or newest comes first.
        chains.entry(history.path(chain.path).to_string()).or_insert_with(|| lines.collect());
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    serde_json::to_writer(&mut out, &chains)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

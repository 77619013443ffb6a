//! One run: read, load, a first pass, warm passes.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::engine::{self, Engine, Worker};
use crate::{Options, gigatoken};

const WARM_PASSES: usize = 5;
/// Longer files are left out, as `longctx pack` does by default.
const MAX_FILE: u64 = 4 << 20;

/// What a run found; times in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Reading the tokenizer.
    pub load: f64,
    /// First pass over all texts.
    pub first: f64,
    /// Median of the passes after it.
    pub warm: f64,
    /// Texts.
    pub files: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Their tokens.
    pub tokens: u64,
    /// Over the ids of all texts.
    pub digest: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, first, warm, files, bytes, tokens, digest } = self;
        write!(f, "{load} {first} {warm} {files} {bytes} {tokens} {digest}")
    }
}

impl Figures {
    /// What [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let mut number = || words.next()?.parse::<f64>().ok();
        let (load, first, warm) = (number()?, number()?, number()?);
        let mut whole = || words.next()?.parse::<u64>().ok();
        let (files, bytes) = (whole()? as usize, whole()? as usize);
        Some(Self { load, first, warm, files, bytes, tokens: whole()?, digest: whole()? })
    }

    /// One time of all runs, such as their [`median`]; what was counted is that of the last.
    pub fn of(runs: &[Self], choose: fn(Vec<f64>) -> f64) -> Self {
        let last = runs[runs.len() - 1];
        let of = |time: fn(&Self) -> f64| choose(runs.iter().map(time).collect());
        Self { load: of(|run| run.load), first: of(|run| run.first), warm: of(|run| run.warm), ..last }
    }
}

pub fn least(times: Vec<f64>) -> f64 {
    times.into_iter().fold(f64::INFINITY, f64::min)
}

pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Measures the engine that `options` names, in this process.
pub fn measure(options: &Options) -> Result<Figures, String> {
    let mut texts = Vec::new();
    read(&options.folder, &mut texts).map_err(|error| format!("{}: {error}", options.folder.display()))?;
    // Largest first, so that no large file is left for the end.
    texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    if options.engines[0] == "gigatoken" {
        return gigatoken::measure(options, &texts);
    }
    let begin = Instant::now();
    let engine = engine::load(&options.engines[0], options.tokenizer.as_deref())?;
    let load = begin.elapsed().as_secs_f64();
    let mut workers: Vec<_> = (0..options.threads[0]).map(|_| None).collect();
    let mut passes = Vec::new();
    for _ in 0..=WARM_PASSES {
        let begin = Instant::now();
        let counted = pass(&*engine, &mut workers, &texts);
        passes.push((begin.elapsed().as_secs_f64(), counted));
    }
    let (first, tokens) = passes.remove(0);
    let warm = median(passes.iter().map(|pass| pass.0).collect());
    let digest = digest(&*engine, &texts);
    let bytes = texts.iter().map(String::len).sum();
    Ok(Figures { load, first, warm, files: texts.len(), bytes, tokens, digest })
}

type Slot<'e> = Option<Box<dyn Worker + 'e>>;

/// Encodes all texts with a worker for each thread, and counts tokens.
fn pass<'e>(engine: &'e dyn Engine, workers: &mut [Slot<'e>], texts: &[String]) -> u64 {
    let next = AtomicUsize::new(0);
    let encode = |worker: &mut Slot<'e>| {
        let worker = worker.get_or_insert_with(|| engine.worker());
        let mut tokens = 0;
        while let Some(text) = texts.get(next.fetch_add(1, Ordering::Relaxed)) {
            worker.encode(text, &mut |ids| tokens += ids.len() as u64);
        }
        tokens
    };
    if let [worker] = workers {
        return encode(worker);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = workers.iter_mut().map(|worker| scope.spawn(|| encode(worker))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
    })
}

/// The beginning of SHA-256 over the ids of all texts, in little-endian order of bytes.
fn digest(engine: &dyn Engine, texts: &[String]) -> u64 {
    let mut digest = Sha256::new();
    let mut worker = engine.worker();
    for text in texts {
        worker.encode(text, &mut |ids| ids.iter().for_each(|id| digest.update(id.to_le_bytes())));
    }
    digest.finalize().iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// The files under `folder` that are UTF-8 without NUL; folders whose name begins with a dot are left out.
fn read(folder: &Path, texts: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden {
            read(&entry.path(), texts)?;
        } else if kind.is_file() && entry.metadata()?.len() <= MAX_FILE {
            texts.extend(
                String::from_utf8(std::fs::read(entry.path())?).ok().filter(|text| !text.contains('\0')),
            );
        }
    }
    Ok(())
}

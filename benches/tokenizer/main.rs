//! Tokenization of the text files of a folder, beside other libraries, each run in a process of its own.
//!
//! ```text
//! cargo bench -p longctx-benches --bench tokenizer -- FOLDER --tokenizer tokenizer.json [--runs 7] [--threads 1,2]
//!     [--peers splintr,huggingface,gigatoken] [--python PYTHON]
//! ```
//!
//! Without `--tokenizer` the embedded one is measured, which peers read as the `tokenizer.json` it writes. A run reads
//! the files and the tokenizer, then times the first pass over all texts and the median of five more. Runs of different
//! libraries take turns; printed are medians, the least of all runs (`min`), and the medians of the ratios to longctx's
//! run of the same turn (`x`). Every run must come to the same ids. gigatoken is a package of the Python that
//! `--python` names.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]

mod engine;
mod gigatoken;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use run::{Figures, least, median};

/// What the command line asks for.
pub struct Options {
    folder: PathBuf,
    tokenizer: Option<PathBuf>,
    runs: usize,
    threads: Vec<usize>,
    engines: Vec<String>,
    python: PathBuf,
    /// Set in the process that measures: run this engine once.
    child: bool,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut folder = None;
    let mut options = Options {
        folder: PathBuf::new(),
        tokenizer: None,
        runs: 7,
        threads: vec![1, 2],
        engines: vec!["longctx".to_owned(), "splintr".to_owned()],
        python: "python3".into(),
        child: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--tokenizer" => options.tokenizer = Some(value()?.into()),
            "--python" => options.python = value()?.into(),
            "--runs" => options.runs = value()?.parse().map_err(|_| "--runs needs a number")?,
            "--threads" => {
                let numbers: Result<_, _> = value()?.split(',').map(str::parse).collect();
                options.threads = numbers.map_err(|_| "--threads needs numbers")?;
            }
            "--peers" => {
                options.engines.truncate(1);
                options
                    .engines
                    .extend(value()?.split(',').filter(|peer| !peer.is_empty()).map(str::to_owned));
            }
            "--child" => {
                options.engines = vec![value()?];
                options.child = true;
            }
            _ if word.starts_with('-') => return Err(format!("unknown option {word}")),
            _ => folder = Some(PathBuf::from(word)),
        }
    }
    options.folder = folder.ok_or("which folder?")?;
    Ok(options)
}

/// One run in a process of its own.
fn run_apart(options: &Options, engine: &str, threads: usize) -> Result<Figures, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(own);
    command.arg(&options.folder).args(["--child", engine, "--threads", &threads.to_string()]);
    command.arg("--python").arg(&options.python);
    if let Some(tokenizer) = &options.tokenizer {
        command.arg("--tokenizer").arg(tokenizer);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{engine}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Figures::parse(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| format!("{engine}: no figures"))
}

fn compare(options: &Options) -> Result<(), String> {
    println!(
        "{:12} {:>7} {:>8} {:>9} {:>8} {:>6} {:>8} {:>8} {:>6} {:>8} {:>7}",
        "", "threads", "load ms", "first ms", "min", "MB/s", "warm ms", "min", "MB/s", "first x", "warm x"
    );
    let mut digests = BTreeMap::new();
    for &threads in &options.threads {
        let mut found: BTreeMap<&str, Vec<Figures>> = BTreeMap::new();
        for _ in 0..options.runs {
            for engine in &options.engines {
                let figures = run_apart(options, engine, threads)?;
                digests.insert(figures.digest, engine.clone());
                found.entry(engine).or_default().push(figures);
            }
        }
        let ours = &found[options.engines[0].as_str()];
        for engine in &options.engines {
            let runs = &found[engine.as_str()];
            let (usual, best) = (Figures::of(runs, median), Figures::of(runs, least));
            let rate = |seconds: f64| usual.bytes as f64 / 1e6 / seconds;
            let ratio = |time: fn(&Figures) -> f64| {
                median(runs.iter().zip(ours).map(|(run, our)| time(run) / time(our)).collect())
            };
            println!(
                "{engine:12} {threads:7} {:8.1} {:9.1} {:8.1} {:6.0} {:8.1} {:8.1} {:6.0} {:8.2} {:7.2}",
                usual.load * 1e3,
                usual.first * 1e3,
                best.first * 1e3,
                rate(usual.first),
                usual.warm * 1e3,
                best.warm * 1e3,
                rate(usual.warm),
                ratio(|run| run.first),
                ratio(|run| run.warm),
            );
        }
        println!("{} files, {} bytes, {} tokens", ours[0].files, ours[0].bytes, ours[0].tokens);
    }
    if digests.len() > 1 {
        return Err(format!("not all came to the same ids: {digests:?}"));
    }
    Ok(())
}

fn main() -> ExitCode {
    let outcome = parse(std::env::args().skip(1)).and_then(|options| {
        if options.child {
            println!("{}", run::measure(&options)?);
            Ok(())
        } else {
            compare(&options)
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

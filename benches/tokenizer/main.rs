//! Tokenization of the text files of a folder, beside other libraries, each run in a process of its own.
//!
//! ```text
//! cargo bench -p longctx-benches --bench tokenizer -- FOLDER --tokenizer tokenizer.json [--runs 7] [--threads 1,2]
//!     [--peers splintr,huggingface]
//! ```
//!
//! Without `--tokenizer` the embedded one is measured, which peers read as the `tokenizer.json` it writes. A run reads
//! the files and the tokenizer, then times the first pass over all texts and the median of five more. Runs of different
//! libraries take turns; printed are medians, and every run must come to the same ids.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]

mod engine;
mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use run::Figures;

/// What the command line asks for.
pub struct Options {
    folder: PathBuf,
    tokenizer: Option<PathBuf>,
    runs: usize,
    threads: Vec<usize>,
    engines: Vec<String>,
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
        child: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--tokenizer" => options.tokenizer = Some(value()?.into()),
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
        "{:12} {:>7} {:>9} {:>12} {:>8} {:>11} {:>8} {:>7} {:>7}",
        "", "threads", "load ms", "first ms", "MB/s", "warm ms", "MB/s", "first x", "warm x"
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
        let medians: Vec<(&str, Figures)> = options
            .engines
            .iter()
            .map(|engine| (engine.as_str(), Figures::median(&found[engine.as_str()])))
            .collect();
        let ours = medians[0].1;
        for (engine, figures) in medians {
            let rate = |seconds: f64| figures.bytes as f64 / 1e6 / seconds;
            println!(
                "{engine:12} {threads:7} {:9.1} {:12.1} {:8.0} {:11.1} {:8.0} {:7.2} {:7.2}",
                figures.load * 1e3,
                figures.first * 1e3,
                rate(figures.first),
                figures.warm * 1e3,
                rate(figures.warm),
                figures.first / ours.first,
                figures.warm / ours.warm,
            );
        }
        println!("{} files, {} bytes, {} tokens", ours.files, ours.bytes, ours.tokens);
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

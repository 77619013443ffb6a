//! The time that each part of `benches/instructions` takes, and its rate.
//!
//! ```text
//! cargo bench -p longctx-benches --bench parts [-- NAME]
//! ```
//!
//! What a part begins with is made before the clock starts: a rate is that of its own work alone.

#![allow(clippy::print_stderr, reason = "a bench prints its figures")]

mod input;
mod work;

use std::path::Path;
use std::process::ExitCode;

use criterion::{BatchSize, Criterion, Throughput};

/// What a part works on: bytes of the files, bytes written, or files listed, whose content is not read.
fn throughput(part: &str) -> Option<Throughput> {
    let files = input::files(work::MODULES);
    let bytes = || files.iter().map(|(_, text)| text.len() as u64).sum();
    match part {
        "load" => None,
        "walk" => Some(Throughput::Elements((work::WALKS * files.len()) as u64)),
        "shards" => Some(Throughput::Bytes(work::SEQUENCES * (2 * work::LENGTH + work::META as u64))),
        _ => Some(Throughput::Bytes(bytes())),
    }
}

fn measure(criterion: &mut Criterion, files: &Path) -> Result<(), String> {
    for (name, prepare) in work::PARTS {
        let work = prepare(files).map_err(|error| error.to_string())?;
        let mut group = criterion.benchmark_group("parts");
        if let Some(throughput) = throughput(name) {
            group.throughput(throughput);
        }
        let mut failure = None;
        group.bench_function(name, |bencher| {
            // A folder for each time, because work writes into an empty one; `_ref` deletes it after the clock stops.
            bencher.iter_batched_ref(
                tempfile::tempdir,
                |folder| {
                    let done = match folder {
                        Ok(folder) => work(folder.path()).map_err(|error| error.to_string()),
                        Err(error) => Err(error.to_string()),
                    };
                    if let Err(message) = done {
                        failure.get_or_insert(message);
                    }
                },
                BatchSize::PerIteration,
            );
        });
        group.finish();
        if let Some(message) = failure {
            return Err(format!("{name}: {message}"));
        }
    }
    Ok(())
}

fn run() -> Result<(), String> {
    let files = tempfile::tempdir().map_err(|error| error.to_string())?;
    input::write(files.path(), work::MODULES).map_err(|error| error.to_string())?;
    // Packing takes a large part of a second, so that criterion's hundred samples would take minutes.
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    measure(&mut criterion, files.path())?;
    criterion.final_summary();
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

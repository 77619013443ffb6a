//! Fixed work for `benches/instructions.py`, which counts the instructions it takes.
//!
//! ```text
//! instructions describe          the parts, and what of the processor the libraries choose their code by, as JSON
//! instructions write FOLDER      writes the files that the parts work on
//! instructions PART FILES OUT    does a part's work; OUT is an empty folder
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its figures")]

#[path = "../parts/input.rs"]
mod input;
#[path = "../parts/work.rs"]
mod work;

use std::path::Path;
use std::process::ExitCode;

/// What the processor offers, of what libraries ask for at run time.
fn features() -> Vec<&'static str> {
    let mut found = Vec::new();
    macro_rules! ask {
        ($ask:ident, $($feature:tt),*) => { $(if std::arch::$ask!($feature) { found.push($feature); })* };
    }
    #[cfg(target_arch = "x86_64")]
    ask!(
        is_x86_feature_detected,
        "sse4.1",
        "sse4.2",
        "ssse3",
        "popcnt",
        "avx",
        "avx2",
        "bmi1",
        "bmi2",
        "fma",
        "avx512f"
    );
    #[cfg(target_arch = "aarch64")]
    ask!(is_aarch64_feature_detected, "neon", "crc", "sha2", "sve");
    found
}

fn describe() -> String {
    serde_json::json!({
        "parts": work::PARTS.map(|(name, _)| name),
        "architecture": std::env::consts::ARCH,
        "features": features(),
    })
    .to_string()
}

fn run(words: &[&str]) -> Result<(), String> {
    match *words {
        ["describe"] => println!("{}", describe()),
        ["write", folder] => {
            input::write(Path::new(folder), work::MODULES).map_err(|error| error.to_string())?;
        }
        [part, files, output] => {
            let (_, prepare) =
                work::PARTS.into_iter().find(|(name, _)| *name == part).ok_or("there is no such part")?;
            let work = prepare(Path::new(files)).map_err(|error| error.to_string())?;
            work(Path::new(output)).map_err(|error| error.to_string())?;
        }
        _ => return Err("describe, write FOLDER, or PART FILES OUT".to_owned()),
    }
    Ok(())
}

fn main() -> ExitCode {
    // Cargo adds an option of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match run(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

//! gigatoken, which is published for Python alone: a process that is given the texts and tells its figures.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Options;
use crate::engine;
use crate::run::Figures;

/// Measures gigatoken with `options.threads[0]` threads on the texts, none of which has a NUL.
pub fn measure(options: &Options, texts: &[String]) -> Result<Figures, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/gigatoken_ids.py");
    let threads = options.threads[0].to_string();
    let failed = |error: std::io::Error| format!("{}: {error}", options.python.display());
    let mut process = Command::new(&options.python)
        .arg(script)
        .arg(&threads)
        .env("RAYON_NUM_THREADS", &threads)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut input = engine::json(options.tokenizer.as_deref())?;
    for text in texts {
        input.push(0);
        input.extend_from_slice(text.as_bytes());
    }
    let written = process.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(&input));
    let output = process.wait_with_output().map_err(failed)?;
    // Why it did not read to the end is on standard error already.
    written.map_err(failed)?;
    Figures::parse(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| "no figures".to_owned())
}

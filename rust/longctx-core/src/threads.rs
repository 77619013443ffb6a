//! Running work on as many threads as the user asked for.

use crate::{Error, Result};

/// Runs `work` with so many threads; with one for each core if none is given.
///
/// # Errors
/// [`Error::Usage`] if so many threads cannot be started; those of `work`.
pub fn on_threads<T: Send>(threads: Option<usize>, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .build()
        .map_err(|error| Error::usage(format!("the threads cannot be started: {error}")))?;
    pool.install(work)
}

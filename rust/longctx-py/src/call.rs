//! The one way from Python into the engine: the interpreter is released, Ctrl-C is heard, progress is told, errors
//! become exceptions.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use pyo3::prelude::*;
use serde::Serialize;

use crate::errors::to_python;
use longctx_core::interrupt::{Progress, Watch};
use longctx_core::{Error, Result};

/// How often signals are looked for and progress is told.
const TICK: Duration = Duration::from_millis(100);

/// What the engine says of its progress, for another thread to read.
#[derive(Default)]
struct Meter {
    /// Stage, unit, total.
    stage: Mutex<Option<(&'static str, &'static str, u64)>>,
    done: AtomicU64,
}

impl Progress for Meter {
    fn begin(&self, stage: &'static str, unit: &'static str, total: u64) {
        if let Ok(mut current) = self.stage.lock() {
            *current = Some((stage, unit, total));
        }
        self.done.store(0, Ordering::Relaxed);
    }

    fn advance(&self, amount: u64) {
        self.done.fetch_add(amount, Ordering::Relaxed);
    }
}

impl Meter {
    fn tell(&self, py: Python<'_>, progress: &Py<PyAny>) -> PyResult<()> {
        let stage = self.stage.lock().ok().and_then(|stage| *stage);
        if let Some((stage, unit, total)) = stage {
            progress.call1(py, (stage, unit, self.done.load(Ordering::Relaxed), total))?;
        }
        Ok(())
    }
}

/// Runs `work` on a thread of its own without the interpreter, and listens meanwhile.
///
/// # Errors
/// Those of `work` as exceptions; `KeyboardInterrupt`; whatever `progress` raises, which stops the work.
pub fn call<T: Send>(
    py: Python<'_>,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(Watch<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    let cancel = AtomicBool::new(false);
    let meter = Meter::default();
    let outcome = py.detach(|| {
        std::thread::scope(|scope| {
            let (done, finished) = mpsc::channel();
            let watch = Watch::new(&cancel, &meter);
            let worker = scope.spawn(move || {
                let result = work(watch);
                // The listener waits for this until it comes; it cannot have gone.
                let _ = done.send(());
                result
            });
            let mut stopped = None;
            while let Err(RecvTimeoutError::Timeout) = finished.recv_timeout(TICK) {
                if stopped.is_some() {
                    continue;
                }
                stopped = Python::attach(|py| {
                    py.check_signals()?;
                    progress.as_ref().map_or(Ok(()), |progress| meter.tell(py, progress))
                })
                .err();
                if stopped.is_some() {
                    cancel.store(true, Ordering::Relaxed);
                }
            }
            let result = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            stopped.map_or(Ok(result), Err)
        })
    })?;
    outcome.map_err(|error| to_python(py, &error))
}

/// The value as JSON.
///
/// # Errors
/// [`Error::Usage`] for a value that JSON cannot hold, which none of ours is.
pub fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::usage(error.to_string()))
}

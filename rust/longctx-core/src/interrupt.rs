//! Cancelling and watching long calls: a flag that any thread may raise, and a progress trait.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// Told how far a long call has come. Called from many threads; must be cheap.
pub trait Progress: Sync {
    /// A stage begins. `total` counts in `unit` ("files", "bytes", "sequences"); 0 means unknown.
    fn begin(&self, stage: &'static str, unit: &'static str, total: u64);
    /// `amount` more units of the stage are done.
    fn advance(&self, amount: u64);
}

/// A progress that nobody watches.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: &'static str, _unit: &'static str, _total: u64) {}
    fn advance(&self, _amount: u64) {}
}

/// What every long call carries: the cancel flag and where to report progress.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    cancel: &'a AtomicBool,
    /// Where progress is reported.
    pub progress: &'a dyn Progress,
}

impl<'a> Watch<'a> {
    /// Watches `cancel` and reports to `progress`.
    pub fn new(cancel: &'a AtomicBool, progress: &'a dyn Progress) -> Self {
        Self { cancel, progress }
    }

    /// Fails with [`Error::Interrupted`] once the flag is raised.
    pub fn check(&self) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// The flag itself, for libraries that take one.
    pub fn flag(&self) -> &'a AtomicBool {
        self.cancel
    }
}

/// A flag that is never raised, for calls that need no cancelling.
pub static NEVER: AtomicBool = AtomicBool::new(false);

impl Watch<'static> {
    /// Neither cancelled nor watched.
    pub fn none() -> Self {
        Self::new(&NEVER, &Silent)
    }
}

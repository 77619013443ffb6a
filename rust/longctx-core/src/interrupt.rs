//! Cancelling and watching long calls: a flag that any thread may raise, and a progress trait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// The progress of what is done beside something else, which is the one to be shown as long as it takes.
pub struct Beside<'p> {
    shown: &'p dyn Progress,
    /// The stage that began last, and how much of it is done; none once it is shown.
    waiting: Mutex<Option<(Option<Stage>, u64)>>,
}

/// A stage, its unit and its total.
type Stage = (&'static str, &'static str, u64);

impl<'p> Beside<'p> {
    /// Nothing is shown on `shown` before [`Self::show`].
    pub fn new(shown: &'p dyn Progress) -> Self {
        Self { shown, waiting: Mutex::new(Some((None, 0))) }
    }

    /// Shows how far it is, and all that comes.
    pub fn show(&self) {
        if let Some((Some((stage, unit, total)), done)) = self.waiting().take() {
            self.shown.begin(stage, unit, total);
            self.shown.advance(done);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Option<(Option<Stage>, u64)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Beside<'_> {
    fn begin(&self, stage: &'static str, unit: &'static str, total: u64) {
        match &mut *self.waiting() {
            Some(waiting) => *waiting = (Some((stage, unit, total)), 0),
            None => self.shown.begin(stage, unit, total),
        }
    }

    fn advance(&self, amount: u64) {
        match &mut *self.waiting() {
            Some((_, done)) => *done += amount,
            None => self.shown.advance(amount),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);

    impl Progress for Log {
        fn begin(&self, stage: &'static str, unit: &'static str, total: u64) {
            self.0.lock().unwrap().push(format!("{stage} {unit} {total}"));
        }

        fn advance(&self, amount: u64) {
            self.0.lock().unwrap().push(format!("+{amount}"));
        }
    }

    #[test]
    fn what_is_done_beside_is_shown_from_where_it_is_once_the_other_has_ended() {
        let log = Log::default();
        let beside = Beside::new(&log);
        beside.begin("one", "files", 3);
        beside.advance(3);
        beside.begin("two", "commits", 9);
        beside.advance(1);
        beside.advance(4);
        assert!(log.0.lock().unwrap().is_empty());
        beside.show();
        beside.advance(2);
        beside.begin("three", "bytes", 0);
        assert_eq!(*log.0.lock().unwrap(), ["two commits 9", "+5", "+2", "three bytes 0"]);
    }

    #[test]
    fn nothing_is_shown_of_what_has_not_begun() {
        let log = Log::default();
        let beside = Beside::new(&log);
        beside.show();
        beside.begin("one", "files", 3);
        assert_eq!(*log.0.lock().unwrap(), ["one files 3"]);
    }
}

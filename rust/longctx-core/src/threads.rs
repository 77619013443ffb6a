//! Running work on as many threads as the user asked for, and sharing it out among them.
//!
//! Rayon halves an iterator until there are some parts for each thread; a part that is begun cannot be taken over. Where
//! few pieces of work take long, or some longer than others, a thread may have nothing to do for a quarter of the time:
//! there the iterator has a small `with_max_len`, or [`spread`] and [`spread_each`] do it, whose parts are never too long.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

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

/// Which work a thread does next.
#[derive(Debug, Clone, Copy)]
pub enum Share {
    /// What comes first of all that nobody has begun: for little work that differs much.
    Next,
    /// What follows its last, so many pieces at a time, for neighbours have much in common; when it has done its part, the
    /// last of what another has not begun.
    Neighbours(u32),
}

/// Calls `work` with every number below `count`, on all threads, and leaves none with long work at the end while others
/// have nothing to do. `state` makes what a thread works with.
///
/// # Panics
/// For 2^32 numbers or more.
///
/// # Errors
/// One of those of `work`; then not all numbers have had their turn.
pub fn spread_each<S>(
    count: usize,
    share: Share,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<()> + Sync,
) -> Result<()> {
    spread_states(count, share, state, work, drop).map(|_| ())
}

/// The same, and gives back what `work` made, by number.
///
/// # Errors
/// Those of [`spread_each`], which also tells when it panics.
pub fn spread<S, T: Send>(
    count: usize,
    share: Share,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let state = || (state(), Vec::new());
    let work = |(state, made): &mut (S, Vec<(usize, T)>), number: usize| {
        made.push((number, work(state, number)?));
        Ok(())
    };
    let parts = spread_states(count, share, state, work, |(_, made)| made)?;
    let mut all: Vec<(usize, T)> = parts.into_iter().flatten().collect();
    all.sort_unstable_by_key(|&(number, _)| number);
    Ok(all.into_iter().map(|(_, made)| made).collect())
}

/// Does the work of [`spread_each`]; `end` takes what each thread worked with.
fn spread_states<S, R: Send>(
    count: usize,
    share: Share,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<()> + Sync,
    end: impl Fn(S) -> R + Sync,
) -> Result<Vec<R>> {
    let threads = rayon::current_num_threads().min(count);
    let queue = Queue::new(count, share, threads);
    let one_thread = |own: usize| {
        let mut state = state();
        while let Some(numbers) = queue.take(own) {
            // The others need not go on after an error.
            numbers
                .into_iter()
                .try_for_each(|number| work(&mut state, number))
                .inspect_err(|_| queue.clear())?;
        }
        Ok(end(state))
    };
    (0..threads).into_par_iter().with_max_len(1).map(one_thread).collect()
}

/// Numbers that wait for a thread.
struct Queue {
    /// Begin and end of ranges of them, in the higher and the lower half.
    parts: Vec<AtomicU64>,
    at_once: u32,
}

impl Queue {
    /// # Panics
    /// For 2^32 numbers or more.
    fn new(count: usize, share: Share, threads: usize) -> Self {
        let (parts, at_once) = match share {
            Share::Next => (1, 1),
            Share::Neighbours(at_once) => (threads.max(1), at_once),
        };
        assert!(u32::try_from(count).is_ok(), "so many pieces of work cannot be shared out");
        let end = |part: usize| (count * part / parts) as u64;
        let parts = (0..parts).map(|part| AtomicU64::new(end(part) << 32 | end(part + 1)));
        Self { parts: parts.collect(), at_once }
    }

    /// Some numbers for a thread; none if none are left.
    fn take(&self, thread: usize) -> Option<Range<usize>> {
        let own = thread % self.parts.len();
        if let Some(taken) = self.take_of(own, |waiting| {
            let middle = waiting.end.min(waiting.start + self.at_once);
            (waiting.start..middle, middle..waiting.end)
        }) {
            return Some(taken);
        }
        loop {
            let left = |part: &usize| Self::range(self.parts[*part].load(Ordering::Relaxed)).len();
            let most = (0..self.parts.len()).max_by_key(left).filter(|part| left(part) > 0)?;
            let taken = self.take_of(most, |waiting| {
                let middle = waiting.start.max(waiting.end.saturating_sub(self.at_once));
                (middle..waiting.end, waiting.start..middle)
            });
            if taken.is_some() {
                return taken;
            }
        }
    }

    /// Takes what `choose` says of a part, which is told first, and leaves the rest.
    fn take_of(
        &self,
        part: usize,
        choose: impl Fn(Range<u32>) -> (Range<u32>, Range<u32>),
    ) -> Option<Range<usize>> {
        let mut taken = None;
        let rest = self.parts[part].fetch_update(Ordering::Relaxed, Ordering::Relaxed, |both| {
            let waiting = Self::range(both);
            (!waiting.is_empty()).then(|| {
                let (chosen, rest) = choose(waiting);
                taken = Some(chosen.start as usize..chosen.end as usize);
                u64::from(rest.start) << 32 | u64::from(rest.end)
            })
        });
        rest.ok().and(taken)
    }

    fn clear(&self) {
        self.parts.iter().for_each(|part| part.store(0, Ordering::Relaxed));
    }

    fn range(both: u64) -> Range<u32> {
        (both >> 32) as u32..both as u32
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn what_was_made_comes_back_by_number_however_long_each_takes() {
        let shares = [Share::Next, Share::Neighbours(1), Share::Neighbours(7)];
        let all = [(0, 2), (1, 3), (100, 4), (50, 1)].into_iter();
        for ((count, threads), share) in all.flat_map(|one| shares.map(|share| (one, share))) {
            let work = |calls: &mut u32, number: usize| {
                *calls += 1;
                std::thread::sleep(std::time::Duration::from_micros((number as u64 * 37) % 90));
                Ok((number, *calls))
            };
            let made = on_threads(Some(threads), || spread(count, share, u32::default, work)).unwrap();
            assert_eq!(made.iter().map(|one| one.0).collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            // As many states as threads, at most.
            assert!(made.iter().filter(|one| one.1 == 1).count() <= threads);
        }
    }

    #[test]
    fn after_an_error_no_more_is_begun() {
        for share in [Share::Next, Share::Neighbours(5)] {
            let begun = AtomicUsize::new(0);
            let work = |(): &mut (), number: usize| {
                begun.fetch_add(1, Ordering::Relaxed);
                if number == 3 { Err(Error::Interrupted) } else { Ok(()) }
            };
            let result = on_threads(Some(2), || spread_each(1_000_000, share, <()>::default, work));
            assert!(matches!(result, Err(Error::Interrupted)));
            assert!(begun.into_inner() < 1_000_000);
        }
    }

    #[test]
    fn a_thread_works_on_neighbours_and_takes_the_last_of_others() {
        let queue = Queue::new(10, Share::Neighbours(2), 2);
        assert_eq!([0, 1, 0, 0].map(|thread| queue.take(thread).unwrap()), [0..2, 5..7, 2..4, 4..5]);
        assert_eq!([0, 1, 0].map(|thread| queue.take(thread)), [Some(8..10), Some(7..8), None]);
        let queue = Queue::new(3, Share::Next, 2);
        assert_eq!([1, 0, 0, 1].map(|thread| queue.take(thread)), [Some(0..1), Some(1..2), Some(2..3), None]);
    }
}

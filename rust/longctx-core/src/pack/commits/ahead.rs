//! Parses the versions of a file once for all that is told of them. A stretch of its history is told by itself, its
//! commits are told across files, and the stretch after it begins where it ends.
//!
//! What is found is the same whoever asks first: it depends on the stretch and on what is to be told altogether. A
//! version is parsed after the one before it; a stretch whose versions have no syntax errors may begin with the tree of
//! the stretch before it, any other begins by itself, for what a parser makes of an error depends on what it knew.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use super::align::Alignment;
use super::known::{self, Known, Notes};
use super::plan::{Class, Content, Plan, Step, Work};
use super::syntax::Syntax;
use super::version::{Library, Readings, Version};
use crate::pack::spool::Shelf;
use crate::{Error, Result};

/// Steps that are parsed in one go.
const MOST: usize = 32;
/// Tokens that a step makes, about: stretches that will hardly be told are not parsed before they are.
const TOKENS: u64 = 256;

/// Both versions of a step, as far as they can be shown, and what reading them found. A version that the next step
/// begins with is there once.
pub struct Frame {
    /// The older and the newer one.
    pub versions: [Option<Rc<Version>>; 2],
    /// What reading found.
    pub readings: Readings,
}

/// Reads the versions of a stretch.
pub fn frames(library: &Library<'_>, steps: &[Step]) -> Vec<Frame> {
    roll(steps, |content, readings| library.read(content, readings))
}

fn roll(steps: &[Step], mut read: impl FnMut(&Content, &mut Readings) -> Option<Version>) -> Vec<Frame> {
    let mut newest: Option<Rc<Version>> = None;
    let steps = steps.iter().map(|step| {
        let mut readings = Readings::default();
        let Some(content) = &step.before else { return Frame { versions: [None, None], readings } };
        let before = match newest.take().filter(|version| version.blob == content.blob) {
            Some(version) => Some(version),
            None => read(content, &mut readings).map(Rc::new),
        };
        newest = read(&step.after, &mut readings).map(Rc::new);
        Frame { versions: [before, newest.clone()], readings }
    });
    steps.collect()
}

/// All stretches.
pub struct Ahead {
    /// By chain and steps.
    stretches: Vec<Stretch>,
    runs: Vec<Run>,
    shelf: Shelf,
}

struct Stretch {
    chain: u32,
    steps: Range<usize>,
    run: usize,
}

/// Stretches that follow each other, and where what is known of each lies, once it is.
struct Run {
    stretches: Range<usize>,
    places: Mutex<Option<Vec<Range<u64>>>>,
}

impl Ahead {
    /// Decides which stretches are parsed in one go. So many tokens are wanted: `allowance` says it by band and side.
    pub fn new(plan: &Plan, allowance: &[[u64; 2]], shelf: Shelf) -> Self {
        let mut steps_of: BTreeMap<Class, u64> = BTreeMap::new();
        let mut found = Vec::new();
        for job in &plan.jobs {
            let Work::Stretch(chain, steps) = &job.work else { continue };
            let before = steps_of.entry(job.class).or_default();
            let most = allowance.iter().map(|sides| sides[job.class.side as usize]).max().unwrap_or(0);
            found.push((*chain, steps.clone(), *before * TOKENS <= most));
            *before += steps.len() as u64;
        }
        found.sort_unstable_by_key(|(chain, steps, _)| (*chain, steps.start));
        let mut stretches: Vec<Stretch> = Vec::with_capacity(found.len());
        let mut runs: Vec<Run> = Vec::new();
        // From the newest to the oldest of a chain, as they are told.
        let mut end = found.len();
        while let Some(newest) = end.checked_sub(1) {
            let mut begin = newest;
            while let Some(older) = begin.checked_sub(1) {
                let ((chain, steps, likely), (after, next, _)) = (&found[older], &found[begin]);
                let (_, last, _) = &found[newest];
                let is_next = chain == after && follows(plan, *chain, steps, next);
                if !is_next || !likely || last.end - steps.start > MOST {
                    break;
                }
                begin = older;
            }
            runs.push(Run { stretches: begin..end, places: Mutex::default() });
            end = begin;
        }
        let mut run_of = vec![0; found.len()];
        for (number, run) in runs.iter().enumerate() {
            run_of[run.stretches.clone()].fill(number);
        }
        stretches.extend(found.into_iter().zip(run_of).map(|((chain, steps, _), run)| Stretch {
            chain,
            steps,
            run,
        }));
        Self { stretches, runs, shelf }
    }

    /// What is known of each step of a stretch, the versions of which are in `frames`.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the disk is full, [`crate::Error::Interrupted`].
    pub fn stretch(
        &self,
        library: &Library<'_>,
        chain: u32,
        steps: &Range<usize>,
        frames: &[Frame],
    ) -> Result<Vec<Option<Known>>> {
        match self.find(chain, steps.start) {
            Some(at) => self.known(library, at, Some(frames)),
            None => Ok(Vec::new()),
        }
    }

    /// What is known of one step.
    ///
    /// # Errors
    /// As [`Self::stretch`].
    pub fn step(&self, library: &Library<'_>, chain: u32, step: usize) -> Result<Option<Known>> {
        let Some(at) = self.find(chain, step) else { return Ok(None) };
        let mut all = self.known(library, at, None)?;
        let place = step - self.stretches[at].steps.start;
        Ok(if place < all.len() { all.swap_remove(place) } else { None })
    }

    fn find(&self, chain: u32, step: usize) -> Option<usize> {
        let at = self.stretches.partition_point(|one| (one.chain, one.steps.end) <= (chain, step));
        let found = self.stretches.get(at)?;
        (found.chain == chain && found.steps.contains(&step)).then_some(at)
    }

    fn known(
        &self,
        library: &Library<'_>,
        at: usize,
        frames: Option<&[Frame]>,
    ) -> Result<Vec<Option<Known>>> {
        let run = &self.runs[self.stretches[at].run];
        let place = {
            let mut places = run.places.lock().unwrap_or_else(PoisonError::into_inner);
            let places = match &mut *places {
                Some(places) => places,
                empty => empty.insert(self.parse(library, run, (at, frames))?),
            };
            places[at - run.stretches.start].clone()
        };
        known::read(&self.shelf.take(place)?).map_err(|error| {
            let broken = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
            Error::io("read back the syntax of versions in", self.shelf.folder(), broken)
        })
    }

    fn parse(
        &self,
        library: &Library<'_>,
        run: &Run,
        (own, frames): (usize, Option<&[Frame]>),
    ) -> Result<Vec<Range<u64>>> {
        let mut places = Vec::with_capacity(run.stretches.len());
        let mut last: Option<(Rc<Version>, Rc<Syntax>)> = None;
        for at in run.stretches.clone() {
            library.watch.check()?;
            let stretch = &self.stretches[at];
            let read: Vec<Frame>;
            let frames = match frames {
                Some(frames) if at == own => frames,
                _ => {
                    let steps = &library.plan.chains[stretch.chain as usize].steps[stretch.steps.clone()];
                    read = roll(steps, |content, _| library.glance(content));
                    &read
                }
            };
            let begun = last.take().and_then(|(version, syntax)| {
                let first = frames.first()?.versions[0].as_ref()?;
                let same = version.blob == first.blob && version.lang == first.lang;
                (same && syntax.sound && version.text == first.text).then_some(syntax)
            });
            let follow_up = begun.is_some();
            let (mut notes, mut newest) = follow(library, frames, begun);
            if follow_up && !notes.is_sound() {
                (notes, newest) = follow(library, frames, None);
            }
            library.watch.check()?;
            places.push(self.shelf.put(&notes.write())?);
            last = newest.and_then(|syntax| Some((frames.last()?.versions[1].clone()?, syntax)));
        }
        Ok(places)
    }
}

/// Whether the newer of two stretches of a chain begins with the version that the older one ends with.
fn follows(plan: &Plan, chain: u32, older: &Range<usize>, newer: &Range<usize>) -> bool {
    let steps = &plan.chains[chain as usize].steps;
    let after = older.end.checked_sub(1).and_then(|last| steps.get(last)).map(|step| &step.after);
    let before = steps.get(newer.start).and_then(|step| step.before.as_ref());
    older.end == newer.start && after.zip(before).is_some_and(|(after, before)| after.blob == before.blob)
}

/// Parses the versions of a stretch one after the other; `begun` is the syntax of the first, if that is known. What is
/// known then, and the syntax of the last version.
fn follow(
    library: &Library<'_>,
    frames: &[Frame],
    mut begun: Option<Rc<Syntax>>,
) -> (Notes, Option<Rc<Syntax>>) {
    let watch = library.watch;
    let mut notes = Notes::default();
    let mut newest: Option<(&Rc<Version>, Rc<Syntax>)> = None;
    for Frame { versions: [before, after], .. } in frames {
        let begun = begun.take();
        let (Some(before), Some(after)) = (before, after) else {
            newest = None;
            notes.skip();
            continue;
        };
        if before.text == after.text {
            newest = newest.filter(|(version, _)| Rc::ptr_eq(version, after));
            notes.skip();
            continue;
        }
        let followed =
            newest.take().filter(|(version, _)| Rc::ptr_eq(version, before)).map(|(_, syntax)| syntax);
        let known = followed.or(begun);
        let fresh = known.is_none();
        let old = known.unwrap_or_else(|| Rc::new(Syntax::read(before.lang, before.source(), watch)));
        let alignment = Alignment::new(&before.text, &after.text);
        let new = Rc::new(if before.lang == after.lang {
            old.next(after.lang, [before.source(), after.source()], &alignment, watch)
        } else {
            Syntax::read(after.lang, after.source(), watch)
        });
        notes.push(alignment, [&old, &new], fresh || old.sound && new.sound);
        newest = Some((after, new));
    }
    (notes, newest.map(|(_, syntax)| syntax))
}

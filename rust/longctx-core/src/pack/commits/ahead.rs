//! Parses the versions of a file once for all that is told of them. A stretch of its history is told by itself, its
//! commits are told across files, and the stretch after it begins where it ends.
//!
//! What is found is the same whoever asks first: it depends on the stretch and on what is to be told altogether. A
//! version is parsed after the one before it. Where some were left out between, or a stretch begins, it may be parsed
//! after the last one that was seen if no version has a syntax error, and from its beginning otherwise, for what a
//! parser makes of an error depends on what it knew.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use super::align::Alignment;
use super::known::{self, Known, Notes};
use super::plan::{Class, Content, Plan, Step, Work};
use super::syntax::Syntax;
use super::version::{Library, Readings, Version};
use crate::interrupt::Watch;
use crate::pack::spool::Shelf;
use crate::{Error, Result};

/// Steps that are parsed in one go.
const MOST: usize = 32;
/// Tokens that a step makes, about: stretches that will hardly be told are not parsed before they are.
const TOKENS: u64 = 256;

/// Both versions of a step, as far as they can be shown, and what reading them found. A version that the next step
/// begins with is there once.
#[derive(Default)]
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

/// Reads from the newest to the oldest: git stores a version as what it takes from a newer one, and has that at hand then.
fn roll(steps: &[Step], mut read: impl FnMut(&Content, &mut Readings) -> Option<Version>) -> Vec<Frame> {
    let mut frames: Vec<Frame> = steps.iter().map(|_| Frame::default()).collect();
    // A newer step, and what it begins with: the version that the step before it led to, which is read next.
    let mut waiting: Option<(usize, &Content)> = None;
    for (at, step) in steps.iter().enumerate().rev() {
        let Some(content) = &step.before else { continue };
        let after = read(&step.after, &mut frames[at].readings).map(Rc::new);
        if let Some((newer, begun)) = waiting.take() {
            let Frame { versions: [before, _], readings } = &mut frames[newer];
            *before = after.clone().or_else(|| read(begun, readings).map(Rc::new));
        }
        frames[at].versions[1] = after;
        let older = steps[..at].iter().rfind(|older| older.before.is_some());
        if older.is_some_and(|older| older.after.blob == content.blob) {
            waiting = Some((at, content));
        } else {
            frames[at].versions[0] = read(content, &mut frames[at].readings).map(Rc::new);
        }
    }
    frames
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
    /// It will be asked for.
    likely: bool,
    run: usize,
}

/// Stretches that follow each other, and where what is known of each lies, once it is.
struct Run {
    stretches: Range<usize>,
    places: Mutex<Option<Vec<Range<u64>>>>,
}

impl Ahead {
    /// Decides which stretches are parsed in one go: not those of the jobs that an earlier run `kept`. So many tokens are
    /// wanted: `allowance` says it by band and side.
    pub fn new(plan: &Plan, allowance: &[[u64; 2]], kept: &[bool], shelf: Shelf) -> Self {
        let mut steps_of: BTreeMap<Class, u64> = BTreeMap::new();
        let mut stretches = Vec::new();
        for (job, &kept) in plan.jobs.iter().zip(kept) {
            let Work::Stretch(chain, steps) = &job.work else { continue };
            let before = steps_of.entry(job.class).or_default();
            let most = allowance.iter().map(|sides| sides[job.class.side as usize]).max().unwrap_or(0);
            let likely = !kept && *before * TOKENS <= most;
            stretches.push(Stretch { chain: *chain, steps: steps.clone(), likely, run: 0 });
            *before += steps.len() as u64;
        }
        stretches.sort_unstable_by_key(|one| (one.chain, one.steps.start));
        let mut runs: Vec<Run> = Vec::new();
        // From the newest to the oldest of a chain, as they are told.
        let mut end = stretches.len();
        while let Some(newest) = end.checked_sub(1) {
            let mut begin = newest;
            while let Some(older) = begin.checked_sub(1) {
                let [before, next, last] = [older, begin, newest].map(|at| &stretches[at]);
                let is_next = before.chain == next.chain && before.steps.end == next.steps.start;
                if !is_next || !before.likely || last.steps.end - before.steps.start > MOST {
                    break;
                }
                begin = older;
            }
            stretches[begin..end].iter_mut().for_each(|one| one.run = runs.len());
            runs.push(Run { stretches: begin..end, places: Mutex::default() });
            end = begin;
        }
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

    /// What is known of one step. Nothing, where that is as soon found out by itself.
    ///
    /// # Errors
    /// As [`Self::stretch`].
    pub fn step(&self, library: &Library<'_>, chain: u32, step: usize) -> Result<Option<Known>> {
        let Some(at) = self.find(chain, step).filter(|&at| self.stretches[at].likely) else {
            return Ok(None);
        };
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
        let mut last: Parsed = None;
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
            let (notes, newest) = match follow(frames, last, true, library.watch) {
                Some(found) => found,
                None => follow(frames, None, false, library.watch).unwrap_or_default(),
            };
            library.watch.check()?;
            places.push(self.shelf.put(&notes.write())?);
            last = newest;
        }
        Ok(places)
    }
}

/// A version and its syntax.
type Parsed = Option<(Rc<Version>, Rc<Syntax>)>;

/// Parses the versions of a stretch one after the other.
///
/// Where a step does not begin with what the step before made, `reuse` lets the parser begin with the version that it
/// saw last nevertheless, at first `newest`. What is known then, and the version that was parsed last; none if a version
/// has a syntax error after that.
fn follow(frames: &[Frame], mut newest: Parsed, reuse: bool, watch: Watch<'_>) -> Option<(Notes, Parsed)> {
    let mut notes = Notes::default();
    let mut reused = false;
    for Frame { versions: [before, after], .. } in frames {
        let (Some(before), Some(after)) = (before, after) else {
            notes.skip();
            continue;
        };
        if before.text == after.text {
            notes.skip();
            continue;
        }
        let known = match &newest {
            Some((version, syntax)) if Rc::ptr_eq(version, before) => Some(syntax.clone()),
            Some((version, syntax)) if reuse => {
                let across = across(version, syntax, before, watch);
                reused |= across.is_some();
                across
            }
            _ => None,
        };
        let fresh = known.is_none();
        let old = known.unwrap_or_else(|| Rc::new(Syntax::read(before.lang, before.source(), watch)));
        let alignment = Alignment::new(&before.text, &after.text);
        let new = Rc::new(if before.lang == after.lang {
            old.next(after.lang, [before.source(), after.source()], &alignment, watch)
        } else {
            Syntax::read(after.lang, after.source(), watch)
        });
        let sound = old.sound && new.sound;
        if reused && !sound {
            return None;
        }
        notes.push(alignment, [&old, &new], fresh || sound);
        newest = Some((after.clone(), new));
    }
    Some((notes, newest))
}

/// The syntax of a version, parsed after an older one that it was not directly made of; none if either has an error.
fn across(older: &Version, known: &Rc<Syntax>, version: &Version, watch: Watch<'_>) -> Option<Rc<Syntax>> {
    if !known.sound || older.lang != version.lang {
        return None;
    }
    if older.text == version.text {
        return Some(known.clone());
    }
    let alignment = Alignment::new(&older.text, &version.text);
    let syntax = known.next(version.lang, [older.source(), version.source()], &alignment, watch);
    syntax.sound.then(|| Rc::new(syntax))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A step from one text to another, which begins with the version of the step before if that has its text and
    /// `linked`.
    fn frames(steps: &[(String, String, bool)]) -> Vec<Frame> {
        let mut last: Option<Rc<Version>> = None;
        let frames = steps.iter().map(|(before, after, linked)| {
            let same = last.take().filter(|last| *linked && last.text == *before);
            let before = same.unwrap_or_else(|| Rc::new(Version::of_text("f.py", before)));
            let after = Rc::new(Version::of_text("f.py", after));
            last = Some(after.clone());
            Frame { versions: [Some(before), Some(after)], readings: Readings::default() }
        });
        frames.collect()
    }

    /// What is known, step by step.
    fn shown(notes: &Notes) -> Vec<Option<String>> {
        let known = known::read(&notes.write()).unwrap().into_iter();
        let show = |Known { alignment, syntax, anywhere }: Known| {
            let spans = syntax.each_ref().map(|one| &one.spans);
            format!("{:?} {spans:?} {anywhere}", alignment.hunks())
        };
        known.map(|known| known.map(show)).collect()
    }

    /// Functions by their numbers; 0 is one that no parser understands.
    fn module(numbers: &[u8]) -> String {
        let function = |&number: &u8| match number {
            0 => "def (:\n    )\n\n".to_owned(),
            _ => format!("def f{number}(x):\n    def g(y):\n        return {number}\n    return g\n\n"),
        };
        numbers.iter().map(function).collect()
    }

    proptest! {
        #[test]
        fn beginning_with_the_version_seen_last_finds_what_beginning_afresh_finds(
            texts in prop::collection::vec(prop::collection::vec(0u8..40, 1..8), 2..9),
            gaps in prop::collection::vec(any::<bool>(), 9),
            linked in any::<bool>(),
        ) {
            let texts: Vec<String> = texts.iter().map(|numbers| module(numbers)).collect();
            let pairs = texts.windows(2).zip(gaps).filter(|(_, gap)| !gap);
            let steps: Vec<_> =
                pairs.map(|(pair, _)| (pair[0].clone(), pair[1].clone(), linked)).collect();
            let frames = frames(&steps);
            let watch = Watch::none();
            let (afresh, _) = follow(&frames, None, false, watch).unwrap();
            if let Some((found, last)) = follow(&frames, None, true, watch) {
                prop_assert_eq!(shown(&found), shown(&afresh));
                if let Some((again, _)) = follow(&frames, last, true, watch) {
                    prop_assert_eq!(shown(&again), shown(&afresh));
                }
            }
        }
    }

    #[test]
    fn what_was_seen_is_forgotten_where_a_version_has_a_syntax_error() {
        let [one, two, broken] = [&[1, 2][..], &[1, 3], &[1, 0]].map(module);
        let sound = frames(&[(one.clone(), two.clone(), true), (one.clone(), two.clone(), true)]);
        let watch = Watch::none();
        assert!(follow(&sound, None, true, watch).is_some());
        let unsound = frames(&[(one.clone(), two.clone(), true), (one, broken, true)]);
        assert!(follow(&unsound, None, true, watch).is_none());
        assert!(follow(&unsound, None, false, watch).is_some());
    }
}

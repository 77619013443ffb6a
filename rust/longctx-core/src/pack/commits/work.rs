//! Does one piece of work: reads its versions and tells them in every band that has room.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;

use super::ahead::{self, Ahead};
use super::chain::Teller;
use super::joint::{self, Member};
use super::plan::{Job, Work};
use super::telling::{Desk, Form, Telling};
use super::version::{Library, Pair, Readings};
use crate::Result;
use crate::pack::world::World;
use crate::sequence::Draft;
use crate::source::SkipReason;

/// Where all threads work.
pub struct Workshop<'w> {
    /// What is known.
    pub world: &'w World<'w>,
    /// What is told.
    pub library: Library<'w>,
    /// What is known of the versions.
    pub ahead: Ahead,
    /// For each file of the graph its place in the order in which files are read.
    pub reading_order: Vec<u32>,
    /// Desks that nobody sits at, one for each band.
    pub idle: Mutex<Vec<Vec<Desk<'w>>>>,
}

/// What came of a piece of work.
#[derive(Default)]
pub struct Made {
    /// What is told.
    pub tellings: Vec<Telling>,
    /// What was read.
    pub readings: Readings,
    /// For each band, steps and commits that do not fit it.
    pub too_large: Vec<[u64; 2]>,
}

impl<'w> Workshop<'w> {
    /// Does a piece of work, in the `bands` that are marked.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`].
    pub fn run(&self, job: &Job, bands: &[bool]) -> Result<Made> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut desks = idle.unwrap_or_else(|| self.desks());
        let mut made = Made { too_large: vec![[0; 2]; bands.len()], ..Made::default() };
        let open = desks.iter_mut().zip(bands).filter_map(|(desk, &open)| open.then_some(desk));
        let result = match &job.work {
            Work::Stretch(chain, steps) => self.stretch(job, *chain, steps, open.collect(), &mut made),
            Work::Joint(members) => self.joint(job, members, open.collect(), &mut made),
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(desks);
        result.map(|()| made)
    }

    fn desks(&self) -> Vec<Desk<'w>> {
        let bands = self.world.options.bands.iter().enumerate();
        bands
            .map(|(band, &limits)| Desk { kit: self.world.kit, band, limits, draft: Draft::default() })
            .collect()
    }

    fn stretch(
        &self,
        job: &Job,
        chain: u32,
        range: &Range<usize>,
        desks: Vec<&mut Desk<'w>>,
        made: &mut Made,
    ) -> Result<()> {
        let watch = self.library.watch;
        let directory = self.world.corpus.documents.path(job.document).parent();
        let mut tellers: Vec<Teller<'_, 'w>> =
            desks.into_iter().map(|desk| Teller::new(desk, job.class, job.document, directory)).collect();
        let steps = &self.library.plan.chains[chain as usize].steps[range.clone()];
        let frames = ahead::frames(&self.library, steps);
        let known = self.ahead.stretch(&self.library, chain, range, &frames)?;
        for ((step, frame), known) in steps.iter().zip(frames).zip(known) {
            watch.check()?;
            made.readings.0.extend(frame.readings.0);
            let [Some(before), Some(after)] = &frame.versions else { continue };
            let pair = Pair::of_known(before, after, known, true, watch);
            let message = self.library.message(step.commit);
            for teller in &mut tellers {
                if teller.step(&pair, &message).is_err() {
                    made.readings.0.insert(after.blob, Err(SkipReason::Unencodable));
                }
            }
        }
        for mut teller in tellers {
            teller.finish();
            made.too_large[teller.band()][0] += teller.too_large;
            made.tellings.append(&mut teller.told);
        }
        Ok(())
    }

    fn joint(
        &self,
        job: &Job,
        members: &[(u32, usize)],
        desks: Vec<&mut Desk<'w>>,
        made: &mut Made,
    ) -> Result<()> {
        let Library { plan, watch, .. } = self.library;
        watch.check()?;
        let mut files = Vec::new();
        for &place in members {
            let (chain, step) = place;
            let chain = &plan.chains[chain as usize];
            let record = self.world.corpus.documents.get(chain.document);
            let step = &chain.steps[step];
            let before = step.before.as_ref().map(|before| self.library.read(before, &mut made.readings));
            let after = self.library.read(&step.after, &mut made.readings);
            // A file whose one version cannot be shown is passed over.
            let (Some(after), false) = (after, matches!(before, Some(None))) else { continue };
            let before = before.flatten();
            if before.as_ref().is_none_or(|before| before.text != after.text) {
                files.push((
                    self.reading_order[record.file as usize],
                    record.path.parent(),
                    before,
                    after,
                    place,
                ));
            }
        }
        if files.len() < 2 || files.iter().all(|(_, _, before, ..)| before.is_none()) {
            // New files alone are no edit: that is what they are in hierarchical sequences.
            return Ok(());
        }
        files.sort_by_key(|&(place, ..)| place);
        let directory = files[1..].iter().fold(files[0].1, |common, file| common_folder(common, file.1));
        let mut members = Vec::with_capacity(files.len());
        for (_, _, before, after, (chain, step)) in &files {
            members.push(match before {
                Some(before) => {
                    let known = self.ahead.step(&self.library, *chain, *step)?;
                    Member::Changed(Pair::of_known(before, after, known, false, watch))
                }
                None => Member::Added(after),
            });
        }
        let message = self.library.message(job.newest);
        for desk in desks {
            let distances = match joint::tell(desk, &members, &message) {
                Ok(distances) => distances,
                Err(_) => {
                    let blobs = files.iter().map(|file| file.3.blob);
                    made.readings.0.extend(blobs.map(|blob| (blob, Err(SkipReason::Unencodable))));
                    continue;
                }
            };
            let Some(distances) = distances else {
                made.too_large[desk.band][1] += 1;
                continue;
            };
            made.tellings.push(Telling {
                band: desk.band,
                part: desk.draft.part(),
                form: Form::Commit,
                class: job.class,
                document: job.document,
                directory: directory.to_vec(),
                commits: vec![job.newest],
                distances,
                distractors: 0,
            });
        }
        Ok(())
    }
}

/// The folder that holds two folders.
fn common_folder<'p>(one: &'p [u8], other: &[u8]) -> &'p [u8] {
    let mut end = one.len();
    loop {
        let folder = &one[..end];
        let rest = other.strip_prefix(folder);
        if end == 0 || rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/') {
            return folder;
        }
        end = memchr::memrchr(b'/', folder).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_folder_ends_at_a_slash() {
        let common = |one: &'static str, other: &str| {
            String::from_utf8(common_folder(one.as_bytes(), other.as_bytes()).to_vec()).unwrap()
        };
        assert_eq!(common("a/b", "a/b"), "a/b");
        assert_eq!(common("a/b", "a/bc"), "a");
        assert_eq!(common("a/b/c", "a/b"), "a/b");
        assert_eq!(common("a", "b"), "");
    }
}

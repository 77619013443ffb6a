//! Tells what happened to one file, commit after commit.

use std::ops::Range;

use super::align::Age;
use super::pieces::{self, places, state_pieces, whole};
use super::plan::Class;
use super::regions::{Extent, heads, regions};
use super::telling::{Desk, Form, Message, Telling};
use super::version::Pair;
use crate::history::BlobIndex;
use crate::sequence::Why;
use crate::tokenize::NotLossless;

/// A line that the sequence does not show.
const UNSEEN: u32 = u32::MAX;

/// Tells the steps of one chain in one band.
pub struct Teller<'t, 'd> {
    desk: &'t mut Desk<'d>,
    class: Class,
    document: u32,
    directory: &'t [u8],
    story: Option<Story>,
    /// What is told to its end.
    pub told: Vec<Telling>,
    /// Steps that do not fit the band.
    pub too_large: u64,
}

/// What is being told.
struct Story {
    commits: Vec<u32>,
    /// What the last commit made of the file.
    state: BlobIndex,
    shown: Shown,
    distances: Vec<u32>,
    distractors: u32,
}

/// What the sequence shows of the file as it is by now.
enum Shown {
    /// All of it, from that token on.
    Whole(u32),
    /// For each line the token that its part begins with, or [`UNSEEN`]; and how many parts there were.
    Lines(Vec<u32>, u32),
}

impl<'t, 'd> Teller<'t, 'd> {
    /// Nothing is told yet.
    pub fn new(desk: &'t mut Desk<'d>, class: Class, document: u32, directory: &'t [u8]) -> Self {
        Self { desk, class, document, directory, story: None, told: Vec::new(), too_large: 0 }
    }

    /// The number of the band, by place.
    pub fn band(&self) -> usize {
        self.desk.band
    }

    /// Tells one step.
    ///
    /// # Errors
    /// [`NotLossless`] if the tokenizer cannot represent some of it; then the step is passed over.
    pub fn step(&mut self, pair: &Pair<'_>, message: &Message) -> Result<(), NotLossless> {
        let state = pair.before.blob;
        if self.story.as_ref().is_some_and(|story| story.state != state) {
            self.finish();
        }
        if pair.before.text == pair.after.text {
            // Other bytes, the same text: another encoding.
            if let Some(story) = &mut self.story {
                story.state = pair.after.blob;
            }
            return Ok(());
        }
        let mark = self.desk.draft.mark();
        let result = self.tell(pair, message);
        if result.is_err() && self.story.is_some() {
            self.desk.draft.rewind(mark);
            self.finish();
        }
        result
    }

    fn tell(&mut self, pair: &Pair<'_>, message: &Message) -> Result<(), NotLossless> {
        if self.story.is_some() {
            if self.go_on(pair, message)? {
                return Ok(());
            }
            self.finish();
        }
        let wide = Extent::wide(self.desk.limits.max);
        let begun = match self.begin_whole(pair, message)? {
            Some(shown) => Some(shown),
            None => match self.begin_parts(pair, message, wide)? {
                Some(shown) => Some(shown),
                None => self.begin_parts(pair, message, Extent::narrow())?,
            },
        };
        match begun {
            Some((shown, distances)) => {
                let state = pair.after.blob;
                let commits = vec![message.commit];
                self.story = Some(Story { commits, state, shown, distances, distractors: 0 });
            }
            None => self.too_large += 1,
        }
        Ok(())
    }

    /// Ends the story, if there is one.
    pub fn finish(&mut self) {
        let Some(story) = self.story.take() else { return };
        self.told.push(Telling {
            band: self.desk.band,
            part: self.desk.draft.part(),
            form: if matches!(story.shown, Shown::Whole(_)) { Form::Versions } else { Form::Changes },
            class: self.class,
            document: self.document,
            directory: self.directory.to_vec(),
            commits: story.commits,
            distances: story.distances,
            distractors: story.distractors,
        });
    }

    /// Both versions whole, if they fit.
    fn begin_whole(
        &mut self,
        pair: &Pair<'_>,
        message: &Message,
    ) -> Result<Option<(Shown, Vec<u32>)>, NotLossless> {
        let desk = &mut *self.desk;
        if desk.is_hopeless(pair.before.text.len() + pair.after.text.len()) || !is_worth_all(desk, pair) {
            return Ok(None);
        }
        desk.draft.clear();
        let first = whole(desk, pair.before, Why::State)?;
        if !desk.fits() {
            return Ok(None);
        }
        desk.begin_commit(message)?;
        desk.draft.learn_from_here();
        let second = whole(desk, pair.after, Why::Changed)?;
        desk.draft.end_commit(&desk.kit);
        Ok(desk.fits().then(|| (Shown::Whole(second), vec![second - first])))
    }

    /// What changed, before and after, if it fits.
    fn begin_parts(
        &mut self,
        pair: &Pair<'_>,
        message: &Message,
        extent: Extent,
    ) -> Result<Option<(Shown, Vec<u32>)>, NotLossless> {
        let rows = regions(pair, extent);
        let before = pieces::lines(pair, Age::Before, &rows);
        let after = pieces::lines(pair, Age::After, &rows);
        let desk = &mut *self.desk;
        if desk.is_hopeless(pieces::bytes(pair, &before, &after)) {
            return Ok(None);
        }
        desk.draft.clear();
        let mut seen = vec![UNSEEN; pair.before.lines.count() as usize];
        show_state(desk, pair, &before, &heads(pair, &before, extent), &mut seen)?;
        if !desk.fits() {
            return Ok(None);
        }
        desk.begin_commit(message)?;
        desk.draft.learn_from_here();
        let parts = rows.len() as u32;
        let (seen, distances) = show_change(desk, pair, [&before, &after], &seen)?;
        desk.draft.end_commit(&desk.kit);
        Ok(desk.fits().then_some((Shown::Lines(seen, parts), distances)))
    }

    /// Adds a step to the story; `false` if it does not fit.
    fn go_on(&mut self, pair: &Pair<'_>, message: &Message) -> Result<bool, NotLossless> {
        let Self { desk, story, .. } = self;
        let Some(story) = story else { return Ok(false) };
        let mark = desk.draft.mark();
        let fits = match &mut story.shown {
            Shown::Whole(last) => {
                if desk.is_hopeless(pair.after.text.len()) || !is_worth_all(desk, pair) {
                    return Ok(false);
                }
                desk.begin_commit(message)?;
                let at = whole(desk, pair.after, Why::Changed)?;
                desk.draft.end_commit(&desk.kit);
                if desk.fits() {
                    story.distances.push(at - std::mem::replace(last, at));
                }
                desk.fits()
            }
            Shown::Lines(seen, parts) => {
                let extent = Extent::wide(desk.limits.max);
                let rows = regions(pair, extent);
                let before = pieces::lines(pair, Age::Before, &rows);
                let after = pieces::lines(pair, Age::After, &rows);
                if desk.is_hopeless(pieces::bytes(pair, &before, &after)) {
                    return Ok(false);
                }
                let is_new =
                    |lines: &&Range<u32>| seen[lines.start as usize..lines.end as usize].contains(&UNSEEN);
                let new: Vec<Range<u32>> = before.iter().filter(is_new).cloned().collect();
                let known = before.len() - new.len();
                let mut now = seen.clone();
                if !new.is_empty() {
                    let mut shown = visible(seen);
                    shown.extend(new.iter().cloned());
                    let extent = Extent { heads: extent.heads / 4, beside: false, ..extent };
                    let heads = heads(pair, &shown, extent);
                    show_state(desk, pair, &new, &heads, &mut now)?;
                }
                desk.begin_commit(message)?;
                let (now, distances) = show_change(desk, pair, [&before, &after], &now)?;
                desk.draft.end_commit(&desk.kit);
                if desk.fits() {
                    story.distractors = story.distractors.max(parts.saturating_sub(known as u32));
                    *parts += new.len() as u32;
                    *seen = now;
                    story.distances.extend(distances);
                }
                desk.fits()
            }
        };
        if fits {
            story.commits.push(message.commit);
            story.state = pair.after.blob;
        } else {
            desk.draft.rewind(mark);
        }
        Ok(fits)
    }
}

/// Whether what changed, with what is shown around it, is at least half of the newer version. Where it is less, whole
/// versions teach to copy: in vue only 5 % of their tokens were new.
fn is_worth_all(desk: &Desk<'_>, pair: &Pair<'_>) -> bool {
    let rows = regions(pair, Extent::wide(desk.limits.max));
    2 * pieces::bytes(pair, &[], &pieces::lines(pair, Age::After, &rows)) >= pair.after.text.len()
}

/// A file block with parts of the older version; notes in `seen` where its lines are shown.
fn show_state(
    desk: &mut Desk<'_>,
    pair: &Pair<'_>,
    parts: &[Range<u32>],
    heads: &[super::regions::Head],
    seen: &mut [u32],
) -> Result<(), NotLossless> {
    let (pieces, lines) = state_pieces(pair.before, parts, heads);
    let from = desk.draft.segments.len();
    desk.draft.file_block(&desk.kit, &pair.before.as_text(), &pieces)?;
    for (place, lines) in places(&desk.draft.segments[from..], &pieces).into_iter().zip(lines) {
        seen[lines.start as usize..lines.end as usize].fill(place);
    }
    Ok(())
}

/// A file block with parts of the newer version. Says where its lines are shown, those that it has in common with the
/// older one included, and how far each part is from the part before.
fn show_change(
    desk: &mut Desk<'_>,
    pair: &Pair<'_>,
    [before, after]: [&[Range<u32>]; 2],
    seen: &[u32],
) -> Result<(Vec<u32>, Vec<u32>), NotLossless> {
    let pieces = pieces::changes(pair.after, after, Why::Changed);
    let from = desk.draft.segments.len();
    desk.draft.file_block(&desk.kit, &pair.after.as_text(), &pieces)?;
    let mut now = vec![UNSEEN; pair.after.lines.count() as usize];
    for (first, second, count) in pair.alignment().same() {
        let [first, second, count] = [first, second, count].map(|number| number as usize);
        now[second..second + count].copy_from_slice(&seen[first..first + count]);
    }
    let places = places(&desk.draft.segments[from..], &pieces);
    let mut distances = Vec::new();
    let shown = before.iter().zip(after).filter(|(_, after)| !after.is_empty());
    for ((before, after), place) in shown.zip(places) {
        now[after.start as usize..after.end as usize].fill(place);
        let was = seen[before.start as usize..before.end as usize].iter().filter(|&&at| at != UNSEEN).max();
        distances.extend(was.map(|was| place - was));
    }
    Ok((now, distances))
}

/// The stretches of lines that are shown.
fn visible(seen: &[u32]) -> Vec<Range<u32>> {
    let mut out: Vec<Range<u32>> = Vec::new();
    for (line, _) in (0u32..).zip(seen).filter(|(_, at)| **at != UNSEEN) {
        match out.last_mut() {
            Some(last) if last.end == line => last.end += 1,
            _ => out.push(line..line + 1),
        }
    }
    out
}

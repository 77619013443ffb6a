//! What commits brought to files: read once for the sequences that show it, as long as there is room to keep it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::introduced::Place;
use super::new_lines::new_lines;
use crate::cache::{Cache, Key, KeyMaker};
use crate::pack::commits::{Library, Readings, Step, Version};
use crate::path::RepoPath;
use crate::sequence::{Comment, Text, words};

/// Lines that can be asked for, in bytes without the space around them.
const LINE: [usize; 2] = [12, 100];
/// Fewer different words tell nothing.
const WORDS: usize = 3;
/// Bytes of texts that are kept.
const KEPT: usize = 32 << 20;

/// A file after a commit, and what the commit brought.
pub struct Brought {
    /// The text of the file.
    pub text: String,
    /// Lines of it that can be asked for, from 0.
    pub asked: Box<[u32]>,
    /// What all lines say that the file had nowhere before, without the space around them: bytes of the text, sorted
    /// by what they say.
    added: Box<[Range<u32>]>,
    /// Where each line begins, and the end of the text.
    starts: Box<[u32]>,
    path: RepoPath,
    name: Arc<str>,
    blob: Arc<str>,
    commit: Arc<str>,
    hidden: Box<[Range<usize>]>,
    comment: Comment,
}

/// What reading a change found.
#[derive(Clone)]
pub enum Found {
    /// A version cannot be shown.
    Unreadable,
    /// No line can be asked for.
    Nothing,
    /// A change.
    Change(Arc<Brought>),
}

/// Changes that were read.
pub struct Changes<'c> {
    cache: &'c Cache,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    found: FxHashMap<Place, Found>,
    /// Those with a text, oldest first.
    order: VecDeque<Place>,
    bytes: usize,
}

impl<'c> Changes<'c> {
    /// None yet; `cache` knows what earlier runs found.
    pub fn new(cache: &'c Cache) -> Self {
        Self { cache, kept: Mutex::default() }
    }

    /// What the step at `place` brought.
    pub fn read(&self, library: &Library<'_>, place: Place, step: &Step) -> Found {
        if let Some(found) = self.known(place) {
            return found;
        }
        let found = self.compare(library, place, step).unwrap_or(Found::Unreadable);
        self.keep(place, &found);
        found
    }

    fn compare(&self, library: &Library<'_>, place: Place, step: &Step) -> Option<Found> {
        let key = self.cache.is_on().then(|| key(library, step)).flatten();
        if let Some(lines) = key.and_then(|key| Lines::parse(&self.cache.get(&key)?)) {
            if lines.asked.is_empty() {
                return Some(Found::Nothing);
            }
            let after = library.read(&step.after, &mut Readings::default())?;
            return Some(Found::Change(Arc::new(Brought::new(after, lines))));
        }
        // The newer one first: git stores the older as what it takes from it.
        let after = library.read(&step.after, &mut Readings::default())?;
        let before = match self.version_before(library, place, step) {
            Some(known) => Old::Known(known),
            None => Old::Read(library.text(step.before.as_ref()?)?),
        };
        let new = new_lines(before.text(), &after);
        let asked = new.iter().copied().filter(|&line| can_be_asked(&after, line)).collect();
        let lines = Lines { new, asked };
        if let (Some(key), Ok(value)) = (key, postcard::to_stdvec(&lines)) {
            self.cache.put(key, &value);
        }
        Some(match lines.asked.is_empty() {
            true => Found::Nothing,
            false => Found::Change(Arc::new(Brought::new(after, lines))),
        })
    }

    /// The version that a step began with, if it is what the step before it led to and was kept.
    fn version_before(&self, library: &Library<'_>, place: Place, step: &Step) -> Option<Arc<Brought>> {
        let older = (place.0, place.1.checked_sub(1)?);
        let chain = library.plan.chains.get(place.0 as usize)?;
        let (made, begun) = (&chain.steps.get(older.1 as usize)?.after, step.before.as_ref()?);
        match self.known(older)? {
            Found::Change(known) if made.blob == begun.blob && made.path == begun.path => Some(known),
            _ => None,
        }
    }

    fn known(&self, place: Place) -> Option<Found> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.found.get(&place).cloned()
    }

    fn keep(&self, place: Place, found: &Found) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { found: all, order, bytes } = &mut *kept;
        if all.insert(place, found.clone()).is_some() {
            // Another thread was faster.
            return;
        }
        let Found::Change(brought) = found else { return };
        order.push_back(place);
        *bytes += brought.text.len();
        while *bytes > KEPT
            && let Some(oldest) = order.pop_front()
        {
            if let Some(Found::Change(old)) = all.remove(&oldest) {
                *bytes -= old.text.len();
            }
        }
    }
}

/// Lines of a version, from 0, that the version before has nowhere.
#[derive(Serialize, Deserialize)]
struct Lines {
    new: Vec<u32>,
    /// Those that can be asked for.
    asked: Vec<u32>,
}

impl Lines {
    fn parse(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

/// Of all that decides which lines a step brought.
fn key(library: &Library<'_>, step: &Step) -> Option<Key> {
    let mut maker = KeyMaker::new("new lines");
    maker.number(library.largest).number(u64::from(library.options.redact_secrets));
    for content in [step.before.as_ref()?, &step.after] {
        maker.add(library.plan.history.blob(content.blob).as_slice());
        maker.add(library.plan.shown_path(content.path).as_bytes());
    }
    Some(maker.key())
}

/// The text before a change.
enum Old {
    Known(Arc<Brought>),
    Read(String),
}

impl Old {
    fn text(&self) -> &str {
        match self {
            Self::Known(known) => &known.text,
            Self::Read(text) => text,
        }
    }
}

impl Brought {
    fn new(after: Version, found: Lines) -> Self {
        let Text { path, blob, commit, hidden, comment, .. } = after.as_text();
        let (path, name, hidden) = (RepoPath::new(path.as_bytes()), after.name().into(), hidden.into());
        let starts = (0..=after.lines.count()).map(|line| after.lines.start(line) as u32).collect();
        let (text, lines) = (after.text, after.lines);
        let mut added: Vec<Range<u32>> = found
            .new
            .iter()
            .map(|&line| {
                let bytes = lines.bytes(&(line..line + 1));
                let says = text[bytes.clone()].trim_start();
                let start = bytes.end - says.len();
                start as u32..(start + says.trim_end().len()) as u32
            })
            .collect();
        let says = |bytes: &Range<u32>| &text[bytes.start as usize..bytes.end as usize];
        added.sort_unstable_by(|one, other| says(one).cmp(says(other)));
        added.dedup_by(|one, other| says(one) == says(other));
        let commit = commit.unwrap_or_default();
        let asked = found.asked.into();
        Self { asked, added: added.into(), starts, path, name, blob, commit, hidden, comment, text }
    }

    /// To cut pieces from.
    pub fn as_text(&self) -> Text<'_> {
        Text {
            path: self.path.borrow(),
            header: None,
            name: self.name.clone(),
            blob: self.blob.clone(),
            commit: Some(self.commit.clone()),
            text: &self.text,
            hidden: &self.hidden,
            comment: self.comment,
        }
    }

    /// Its path, as the dataset has it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bytes of some lines.
    pub fn bytes(&self, lines: &Range<u32>) -> Range<usize> {
        self.starts[lines.start as usize] as usize..self.starts[lines.end as usize] as usize
    }

    /// A line, without the space around it.
    pub fn line(&self, line: u32) -> &str {
        self.text[self.bytes(&(line..line + 1))].trim()
    }

    /// Whether a line that the file had nowhere before says this, not counting the space around it.
    pub fn adds(&self, line: &str) -> bool {
        let says = |bytes: &Range<u32>| &self.text[bytes.start as usize..bytes.end as usize];
        self.added.binary_search_by(|bytes| says(bytes).cmp(line)).is_ok()
    }

    /// The lines around one that `room` bytes hold, half of them before it.
    pub fn around(&self, line: u32, room: usize) -> Range<u32> {
        let mut lines = line..line + 1;
        let (size, count) = (|lines: &Range<u32>| self.bytes(lines).len(), self.starts.len() as u32 - 1);
        while size(&(lines.start.saturating_sub(1)..line)) <= room / 2 && lines.start > 0 {
            lines.start -= 1;
        }
        while lines.end < count && size(&(lines.start..lines.end + 1)) <= room {
            lines.end += 1;
        }
        while lines.start > 0 && size(&(lines.start - 1..lines.end)) <= room {
            lines.start -= 1;
        }
        lines
    }
}

/// Whether a line of a version says something, and no secret.
fn can_be_asked(version: &Version, line: u32) -> bool {
    let bytes = version.lines.bytes(&(line..line + 1));
    let text = version.as_text();
    let secret = text.hidden.iter().any(|hidden| hidden.start < bytes.end && bytes.start < hidden.end);
    !secret && says_something(text.text[bytes].trim())
}

fn says_something(line: &str) -> bool {
    let mut different: Vec<&str> = words(line).map(|(_, word)| word).collect();
    different.sort_unstable();
    different.dedup();
    (LINE[0]..=LINE[1]).contains(&line.len()) && different.len() >= WORDS && !line.contains('`')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_say_nothing_are_not_asked_for() {
        for (line, says) in [
            ("return total + offset", true),
            ("}", false),
            ("x = 1", false),
            ("end end end end end", false),
            ("see `total` of the offset", false),
        ] {
            assert_eq!(says_something(line), says, "{line}");
        }
    }
}

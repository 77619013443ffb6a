//! What parsing a stretch of a file's history found, small enough to be put away until it is told.

use std::rc::Rc;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::align::Alignment;
use super::syntax::{Span, Syntax};

/// What is known of two versions of which one was made of the other.
pub struct Known {
    /// Which lines are the same.
    pub alignment: Alignment,
    /// The definitions of both.
    pub syntax: [Arc<Syntax>; 2],
    /// Parsing the older one from its beginning, and the newer one after it, finds the same.
    pub anywhere: bool,
}

/// Collects what is known of the steps of one stretch.
#[derive(Default)]
pub struct Notes {
    steps: Vec<Option<Note>>,
    /// The definitions of its versions.
    versions: Vec<Rc<Syntax>>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    alignment: Alignment,
    versions: [u32; 2],
    anywhere: bool,
}

impl Notes {
    /// The next step has nothing to show.
    pub fn skip(&mut self) {
        self.steps.push(None);
    }

    /// Adds what is known of the next step.
    pub fn push(&mut self, alignment: Alignment, syntax: [&Rc<Syntax>; 2], anywhere: bool) {
        let versions = syntax.map(|one| {
            if !self.versions.last().is_some_and(|last| Rc::ptr_eq(last, one)) {
                self.versions.push(Rc::clone(one));
            }
            self.versions.len() as u32 - 1
        });
        self.steps.push(Some(Note { alignment, versions, anywhere }));
    }

    /// All of it, to be read by [`read`].
    pub fn write(&self) -> Vec<u8> {
        let versions: Vec<&[Span]> = self.versions.iter().map(|version| &*version.spans).collect();
        // Names and numbers: there is nothing in it that could not be written.
        postcard::to_stdvec(&(versions, &self.steps)).unwrap_or_default()
    }
}

/// What [`Notes::write`] wrote, for each step; nothing for steps that have nothing to show.
///
/// # Errors
/// If it is something else.
pub fn read(bytes: &[u8]) -> postcard::Result<Vec<Option<Known>>> {
    let (versions, steps): (Vec<Vec<Span>>, Vec<Option<Note>>) = postcard::from_bytes(bytes)?;
    let versions: Vec<Arc<Syntax>> =
        versions.into_iter().map(|spans| Arc::new(Syntax::known(spans))).collect();
    let known = |Note { alignment, versions: places, anywhere }: Note| {
        let [before, after] = places.map(|at| versions.get(at as usize).cloned());
        Some(Known { alignment, syntax: [before?, after?], anywhere })
    };
    Ok(steps.into_iter().map(|step| step.and_then(known)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let span = |name: &str, start: u32, end: u32, minor| Span {
            name: name.into(),
            lines: start..end,
            head: start + 1..end,
            minor,
        };
        let first = Rc::new(Syntax::known(vec![span("f", 3, 300, false), span("g", 1, 9, true)]));
        let second = Rc::new(Syntax::known(vec![span("f", 70_000, 70_004, true)]));
        let third = Rc::new(Syntax::known(vec![]));
        let mut notes = Notes::default();
        notes.push(Alignment::new("a\nb\n", "a\nc\nd\n"), [&first, &second], true);
        notes.skip();
        notes.push(Alignment::new("a\n", "b\na\n"), [&second, &third], false);
        let steps = read(&notes.write()).unwrap();
        assert_eq!(steps.len(), 3);
        assert!(steps[1].is_none());
        let (one, three) = (steps[0].as_ref().unwrap(), steps[2].as_ref().unwrap());
        assert!(one.anywhere && !three.anywhere);
        assert_eq!(one.syntax.each_ref().map(|one| &one.spans), [&first.spans, &second.spans]);
        assert_eq!(three.syntax.each_ref().map(|one| &one.spans), [&second.spans, &third.spans]);
        let aligned = Alignment::new("a\nb\n", "a\nc\nd\n");
        assert_eq!((one.alignment.hunks(), one.alignment.rows()), (aligned.hunks(), aligned.rows()));
    }
}

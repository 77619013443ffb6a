//! What parsing a stretch of a file's history found, small enough to be put away until it is told.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::align::{Alignment, Hunk};
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

    /// Whether no version has a syntax error.
    pub fn is_sound(&self) -> bool {
        self.versions.iter().all(|version| version.sound)
    }

    /// All of it, to be read by [`read`].
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut names: HashMap<&str, u32> = HashMap::new();
        let mut new = Vec::new();
        for span in self.versions.iter().flat_map(|version| &version.spans) {
            let next = names.len() as u32;
            names.entry(&span.name).or_insert_with(|| {
                new.push(&*span.name);
                next
            });
        }
        put(&mut out, new.len() as u32);
        for name in new {
            put(&mut out, name.len() as u32);
            out.extend_from_slice(name.as_bytes());
        }
        put(&mut out, self.versions.len() as u32);
        for version in &self.versions {
            put(&mut out, version.spans.len() as u32);
            let mut last = 0;
            for span in &version.spans {
                // The comments above a definition may reach further up than those of the one before it.
                let start = span.lines.start;
                put(&mut out, names.get(&*span.name).copied().unwrap_or(0) << 1 | u32::from(span.minor));
                put(
                    &mut out,
                    start.wrapping_sub(last) << 1 ^ ((start.wrapping_sub(last) as i32) >> 31) as u32,
                );
                put(&mut out, span.lines.end - start);
                put(&mut out, span.head.start - start);
                put(&mut out, span.head.end - span.head.start);
                last = start;
            }
        }
        put(&mut out, self.steps.len() as u32);
        for step in &self.steps {
            let Some(step) = step else {
                put(&mut out, 0);
                continue;
            };
            put(&mut out, 1 + u32::from(step.anywhere));
            step.versions.iter().for_each(|&version| put(&mut out, version));
            put(&mut out, step.alignment.rows());
            put(&mut out, step.alignment.hunks().len() as u32);
            for hunk in step.alignment.hunks() {
                for number in [hunk.before.start, hunk.before.end, hunk.after.start, hunk.after.end, hunk.row]
                {
                    put(&mut out, number);
                }
            }
        }
        out
    }
}

/// What [`Notes::write`] wrote, for each step; nothing for steps that have nothing to show.
pub fn read(mut bytes: &[u8]) -> Vec<Option<Known>> {
    let from = &mut bytes;
    let names: Vec<Arc<str>> = (0..take(from))
        .map(|_| {
            let length = take(from) as usize;
            let (name, rest) = from.split_at(length.min(from.len()));
            *from = rest;
            String::from_utf8_lossy(name).into()
        })
        .collect();
    let versions: Vec<Arc<Syntax>> = (0..take(from))
        .map(|_| {
            let mut last = 0_u32;
            let spans = (0..take(from)).map(|_| {
                let named = take(from);
                let moved = take(from);
                let start = last.wrapping_add(moved >> 1 ^ (moved & 1).wrapping_neg());
                let end = start + take(from);
                let head = start + take(from);
                last = start;
                Span {
                    name: names.get((named >> 1) as usize).cloned().unwrap_or_default(),
                    lines: start..end,
                    head: head..head + take(from),
                    minor: named & 1 == 1,
                }
            });
            Arc::new(Syntax::known(spans.collect()))
        })
        .collect();
    (0..take(from))
        .map(|_| {
            let kind = take(from);
            if kind == 0 {
                return None;
            }
            let [before, after] = [take(from), take(from)].map(|at| versions.get(at as usize).cloned());
            let rows = take(from);
            let hunks = (0..take(from)).map(|_| {
                let (before, after) = (take(from)..take(from), take(from)..take(from));
                Hunk { before, after, row: take(from) }
            });
            let alignment = Alignment::known(hunks.collect(), rows);
            Some(Known { alignment, syntax: [before?, after?], anywhere: kind == 2 })
        })
        .collect()
}

/// Seven bits a byte, the lowest first.
fn put(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(from: &mut &[u8]) -> u32 {
    let mut number = 0;
    for shift in (0..32).step_by(7) {
        let Some((&byte, rest)) = from.split_first() else { break };
        *from = rest;
        number |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
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
        let steps = read(&notes.write());
        assert_eq!(steps.len(), 3);
        assert!(steps[1].is_none());
        let show = |syntax: &Syntax| -> Vec<_> {
            let tell = |span: &Span| (span.name.clone(), span.lines.clone(), span.head.clone(), span.minor);
            syntax.spans.iter().map(tell).collect()
        };
        let (one, three) = (steps[0].as_ref().unwrap(), steps[2].as_ref().unwrap());
        assert!(one.anywhere && !three.anywhere);
        assert_eq!([&one.syntax[0], &one.syntax[1]].map(|one| show(one)), [show(&first), show(&second)]);
        assert_eq!([&three.syntax[0], &three.syntax[1]].map(|one| show(one)), [show(&second), show(&third)]);
        let aligned = Alignment::new("a\nb\n", "a\nc\nd\n");
        assert_eq!((one.alignment.hunks(), one.alignment.rows()), (aligned.hunks(), aligned.rows()));
    }
}

//! Which parts of two versions show a change: what differs, with the definitions around it.

use std::ops::Range;
use std::sync::Arc;

use super::align::{Age, Alignment, Hunk};
use super::syntax::{Span, Syntax};
use super::version::{Pair, Version};

/// A line that is left out costs as much as the line that says so.
const GAP: u32 = 2;
/// A part that begins so few lines below the head of its definition begins with it.
const LONGEST_HEAD: u32 = 12;
/// An elision line, in bytes.
const ELISION: usize = 12;

/// How much is shown around what changed.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Definitions of at most so many bytes are shown whole.
    pub definition: usize,
    /// So many lines where no definition is.
    pub around: u32,
    /// So many bytes of heads: first of the definitions around what changed,
    pub heads: usize,
    /// then of those beside.
    pub beside: bool,
}

impl Extent {
    /// What `tokens` allow: a definition may take a quarter of them, heads an eighth. A token of code has more than
    /// three bytes, seldom more than four.
    pub fn wide(tokens: u32) -> Self {
        let bytes = tokens as usize * 3;
        Self { definition: bytes / 4, around: 3, heads: bytes / 8, beside: true }
    }

    /// Only what is needed to see where a change belongs.
    pub fn narrow() -> Self {
        Self { definition: 0, around: 1, heads: 0, beside: false }
    }
}

/// The rows that show what changed: sorted, apart from each other, holding every hunk.
pub fn regions(pair: &Pair<'_>, extent: Extent) -> Vec<Range<u32>> {
    let alignment = pair.alignment();
    let syntax = (extent.definition > 0).then(|| pair.syntax());
    let mut regions: Vec<Range<u32>> = Vec::new();
    for hunk in alignment.hunks() {
        let own = hunk.row..hunk.row + 1;
        let mut rows = own.clone();
        for (age, version, syntax) in versions(pair, syntax.as_ref()) {
            for lines in edges(hunk.lines(age)) {
                let found = syntax.and_then(|syntax| syntax.around(&lines));
                if let Some(span) =
                    found.filter(|span| version.line_text(&span.lines).len() <= extent.definition)
                {
                    let all = alignment.rows_of(age, &span.lines);
                    rows = rows.start.min(all.start)..rows.end.max(all.end);
                }
            }
        }
        if rows == own {
            rows = rows.start.saturating_sub(extent.around)..(rows.end + extent.around).min(alignment.rows());
            for (age, _, syntax) in versions(pair, syntax.as_ref()) {
                let [lines, _] = edges(hunk.lines(age));
                let Some(span) = syntax.and_then(|syntax| syntax.around(&lines)) else { continue };
                let head = alignment.rows_of(age, &span.head);
                if span.head.len() as u32 <= LONGEST_HEAD && rows.start <= head.end + GAP {
                    rows.start = rows.start.min(head.start);
                }
            }
        }
        regions.push(rows);
    }
    regions.sort_unstable_by_key(|rows| rows.start);
    let mut merged: Vec<Range<u32>> = Vec::new();
    for rows in regions {
        match merged.last_mut() {
            Some(last) if rows.start <= last.end + GAP => last.end = last.end.max(rows.end),
            _ => merged.push(rows),
        }
    }
    merged
}

fn versions<'p>(
    pair: &'p Pair<'_>,
    syntax: Option<&[&'p Syntax; 2]>,
) -> [(Age, &'p Version, Option<&'p Syntax>); 2] {
    [
        (Age::Before, pair.before, syntax.map(|both| both[0])),
        (Age::After, pair.after, syntax.map(|both| both[1])),
    ]
}

/// The first and the last line of some; if there are none, the place.
fn edges(lines: &Range<u32>) -> [Range<u32>; 2] {
    if lines.is_empty() {
        return [lines.clone(), lines.clone()];
    }
    [lines.start..lines.start + 1, lines.end - 1..lines.end]
}

/// A line or more that tells where something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its lines in the older version.
    pub lines: Range<u32>,
    /// The definition it begins.
    pub name: Option<Arc<str>>,
}

/// Heads of the older version that tell where the regions stand: of the definitions around them, then of those
/// nearest, or in a text without definitions the line that is indented less, or the heading above. `shown` are the
/// lines that are shown anyway.
pub fn heads(pair: &Pair<'_>, shown: &[Range<u32>], extent: Extent) -> Vec<Head> {
    if extent.heads == 0 {
        return Vec::new();
    }
    let alignment = pair.alignment();
    let spans = &pair.syntax()[0].spans;
    let mut found = if spans.is_empty() {
        shown.iter().filter_map(|lines| line_above(pair.before, lines.start)).collect()
    } else {
        spans_near(spans, alignment, extent.beside)
    };
    let mut room = extent.heads;
    let mut taken: Vec<Head> = Vec::new();
    let cost = |lines: &Range<u32>| pair.before.line_text(lines).len() + ELISION;
    for mut head in found.drain(..) {
        if cost(&head.lines) > room {
            // Its first line has the name, mostly.
            head.lines.end = head.lines.start + 1;
        }
        let apart = |other: &Range<u32>| other.end <= head.lines.start || head.lines.end <= other.start;
        let cost = cost(&head.lines);
        if cost <= room && shown.iter().chain(taken.iter().map(|head| &head.lines)).all(apart) {
            room -= cost;
            taken.push(head);
        }
    }
    taken.sort_unstable_by_key(|head| head.lines.start);
    taken
}

/// Definitions, those around a hunk first, from the outside in, then those `beside` by their distance from a hunk.
fn spans_near(spans: &[Span], alignment: &Alignment, beside: bool) -> Vec<Head> {
    let hunks = alignment.hunks();
    let mut ranked: Vec<(u32, u32, &Span)> = spans
        .iter()
        .filter_map(|span| {
            if hunks.iter().any(|hunk| span.holds(&hunk.before)) {
                return Some((0, span.lines.start, span));
            }
            (beside && !span.minor).then(|| (1 + distance(span, hunks), span.lines.start, span))
        })
        .collect();
    ranked.sort_by_key(|&(rank, start, _)| (rank, start));
    let head = |span: &Span| Head { lines: span.head.clone(), name: Some(span.name.clone()) };
    ranked.into_iter().map(|(_, _, span)| head(span)).collect()
}

fn distance(span: &Span, hunks: &[Hunk]) -> u32 {
    let next = hunks.partition_point(|hunk| hunk.before.start < span.head.start);
    let above = next.checked_sub(1).map(|at| span.head.start.saturating_sub(hunks[at].before.end));
    let below = hunks.get(next).map(|hunk| hunk.before.start.saturating_sub(span.head.end));
    above.into_iter().chain(below).min().unwrap_or(u32::MAX - 1)
}

/// The nearest line above that is indented less; for a line that is not indented, the heading above it, unless it is
/// one itself.
fn line_above(version: &Version, line: u32) -> Option<Head> {
    let text = |line: u32| version.line_text(&(line..line + 1));
    let depth = |line: u32| text(line).len() - text(line).trim_start().len();
    let is_blank = |line: u32| text(line).trim().is_empty();
    let first = (line..version.lines.count()).find(|&line| !is_blank(line))?;
    let own = depth(first);
    if own == 0 && is_heading(version, first) {
        return None;
    }
    let is_above = |above: u32| if own > 0 { depth(above) < own } else { is_heading(version, above) };
    let found = (0..line).rev().find(|&above| !is_blank(above) && is_above(above))?;
    Some(Head { lines: found..found + 1, name: None })
}

/// Whether a line is a heading: marked as one, in brackets, or underlined.
fn is_heading(version: &Version, line: u32) -> bool {
    let text = version.line_text(&(line..line + 1)).trim_end();
    let below =
        version.line_text(&(line + 1..(line + 2).min(version.lines.count()).max(line + 1))).trim_end();
    text.starts_with('[')
        || text.starts_with('#') && !version.has_hash_comments()
        || is_underline(below) && !is_underline(text)
}

fn is_underline(line: &str) -> bool {
    let first = line.chars().next().filter(|first| "=-~^\"'*+#".contains(*first));
    first.is_some_and(|first| line.len() > 2 && line.chars().all(|c| c == first))
}

#[cfg(test)]
mod tests;

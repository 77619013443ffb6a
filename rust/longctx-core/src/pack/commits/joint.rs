//! Tells one commit across the files that it changed.

use std::ops::Range;

use super::align::Age;
use super::pieces::{changes, lines, places, state_pieces};
use super::regions::{Extent, heads, regions};
use super::telling::{Desk, Message};
use super::version::{Pair, Version};
use crate::sequence::{Piece, Role, Why};
use crate::tokenize::NotLossless;

/// A file of the commit.
pub enum Member<'m> {
    /// It is new.
    Added(&'m Version),
    /// It was there before.
    Changed(Pair<'m>),
}

/// The parts of a changed file that are shown, and where the older ones are.
struct Shown {
    after: Vec<Range<u32>>,
    places: Vec<Option<u32>>,
}

/// Tells a commit of at least two files, those that are needed before those that need them. The distances from the
/// parts after the change to those before; none if it does not fit the band.
///
/// # Errors
/// [`NotLossless`] if the tokenizer cannot represent some of it.
pub fn tell(
    desk: &mut Desk<'_>,
    members: &[Member<'_>],
    message: &Message,
) -> Result<Option<Vec<u32>>, NotLossless> {
    let share = desk.limits.max / members.len() as u32;
    // Bytes of a new file that are shown.
    let (whole, head) = (usize::MAX, share as usize);
    for (extent, new) in [(Extent::wide(share), whole), (Extent::wide(share), head), (Extent::narrow(), head)]
    {
        if let Some(distances) = attempt(desk, members, message, extent, new)? {
            return Ok(Some(distances));
        }
    }
    Ok(None)
}

fn attempt(
    desk: &mut Desk<'_>,
    members: &[Member<'_>],
    message: &Message,
    extent: Extent,
    new: usize,
) -> Result<Option<Vec<u32>>, NotLossless> {
    desk.draft.clear();
    let mut shown = Vec::with_capacity(members.len());
    for member in members {
        shown.push(match member {
            Member::Added(_) => None,
            Member::Changed(pair) => Some(show_state(desk, pair, extent)?),
        });
        if !desk.fits() {
            return Ok(None);
        }
    }
    desk.begin_commit(message)?;
    desk.draft.learn_from_here();
    let mut distances = Vec::new();
    for (member, shown) in members.iter().zip(shown) {
        match (member, shown) {
            (Member::Changed(pair), Some(shown)) => {
                let pieces = changes(pair.after, &shown.after, Why::Changed);
                let from = desk.draft.segments.len();
                desk.draft.file_block(&desk.kit, &pair.after.as_text(), &pieces)?;
                let now = places(&desk.draft.segments[from..], &pieces);
                let was = shown.after.iter().zip(shown.places).filter(|(lines, _)| !lines.is_empty());
                distances.extend(now.iter().zip(was).filter_map(|(now, (_, was))| Some(now - was?)));
            }
            (Member::Added(version), _) => {
                if desk.is_hopeless(version.text.len().min(new)) {
                    return Ok(None);
                }
                desk.draft.file_block(&desk.kit, &version.as_text(), &[beginning(version, new)])?;
            }
            _ => {}
        }
        if !desk.fits() {
            return Ok(None);
        }
    }
    desk.draft.end_commit(&desk.kit);
    Ok(desk.fits().then_some(distances))
}

fn show_state(desk: &mut Desk<'_>, pair: &Pair<'_>, extent: Extent) -> Result<Shown, NotLossless> {
    let rows = regions(pair, extent);
    let before = lines(pair, Age::Before, &rows);
    let after = lines(pair, Age::After, &rows);
    let (pieces, shown) = state_pieces(pair.before, &before, &heads(pair, &before, extent));
    let from = desk.draft.segments.len();
    desk.draft.file_block(&desk.kit, &pair.before.as_text(), &pieces)?;
    let places = places(&desk.draft.segments[from..], &pieces);
    let place = |lines: &Range<u32>| shown.iter().position(|other| other == lines).map(|at| places[at]);
    Ok(Shown { places: before.iter().map(place).collect(), after })
}

/// All of a new file, or its first lines.
fn beginning(version: &Version, most: usize) -> Piece {
    let all = version.text.len();
    if all <= most {
        return Piece::new(0..all, Role::Version, Why::Changed);
    }
    let mut end = 1;
    while end < version.lines.count() && version.lines.start(end + 1) <= most {
        end += 1;
    }
    Piece::new(0..version.lines.start(end), Role::Change, Why::Changed)
}

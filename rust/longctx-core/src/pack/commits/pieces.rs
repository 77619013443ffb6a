//! Parts of versions, as pieces of file blocks.

use std::ops::Range;

use super::align::Age;
use super::regions::Head;
use super::telling::Desk;
use super::version::{Pair, Version};
use crate::sequence::{Piece, Role, Segment, Why};
use crate::tokenize::NotLossless;

/// Appends a file block with a whole version, and says at which token its text begins.
pub fn whole(desk: &mut Desk<'_>, version: &Version, why: Why) -> Result<u32, NotLossless> {
    let piece = Piece::new(0..version.text.len(), Role::Version, why);
    let from = desk.draft.segments.len();
    let pieces = [piece];
    desk.draft.file_block(&desk.kit, &version.as_text(), &pieces)?;
    Ok(places(&desk.draft.segments[from..], &pieces)[0])
}

/// The lines of some rows in one version.
pub fn lines(pair: &Pair<'_>, age: Age, rows: &[Range<u32>]) -> Vec<Range<u32>> {
    rows.iter().map(|rows| pair.alignment().lines(age, rows)).collect()
}

/// How many bytes some lines of both versions have.
pub fn bytes(pair: &Pair<'_>, before: &[Range<u32>], after: &[Range<u32>]) -> usize {
    let sum = |version: &Version, parts: &[Range<u32>]| -> usize {
        parts.iter().map(|lines| version.lines.bytes(lines).len()).sum()
    };
    sum(pair.before, before) + sum(pair.after, after)
}

/// Parts of a version around what changed.
pub fn changes(version: &Version, parts: &[Range<u32>], why: Why) -> Vec<Piece> {
    let parts = parts.iter().filter(|lines| !lines.is_empty());
    parts.map(|lines| Piece::new(version.lines.bytes(lines), Role::Change, why)).collect()
}

/// Parts of an older version and heads beside them, and which lines each piece shows.
pub fn state_pieces(
    version: &Version,
    parts: &[Range<u32>],
    heads: &[Head],
) -> (Vec<Piece>, Vec<Range<u32>>) {
    let parts = parts.iter().filter(|lines| !lines.is_empty());
    let mut all: Vec<(Range<u32>, Piece)> = parts
        .map(|lines| (lines.clone(), Piece::new(version.lines.bytes(lines), Role::Change, Why::State)))
        .chain(heads.iter().map(|head| {
            let piece = Piece::new(version.lines.bytes(&head.lines), Role::Signature, Why::Outline);
            (head.lines.clone(), Piece { name: head.name.clone(), ..piece })
        }))
        .collect();
    all.sort_unstable_by_key(|(lines, _)| lines.start);
    let (lines, pieces) = all.into_iter().unzip();
    (pieces, lines)
}

/// The token that each piece begins with; `segments` are those of the block that shows them.
pub fn places(segments: &[Segment], pieces: &[Piece]) -> Vec<u32> {
    let mut segments = segments.iter();
    pieces
        .iter()
        .map(|piece| {
            let first = segments.find(|segment| segment.bytes[0] as usize == piece.bytes.start);
            first.map_or(0, |segment| segment.tokens[0])
        })
        .collect()
}

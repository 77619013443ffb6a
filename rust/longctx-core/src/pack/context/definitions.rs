//! Definitions of the files that the targets need.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{LEAST, Targets, append_block, estimate, whole_lines};
use crate::Result;
use crate::graph::{Edge, EdgeKind};
use crate::pack::documents::Record;
use crate::pack::world::World;
use crate::sequence::{Draft, Link, Piece, Role, Why};
use crate::symbols::{Symbol, SymbolKind, Symbols};

/// Tokens of the elision line that comes with a piece.
const ELISION: u32 = 4;
/// About as many bytes make a definition's lines longer than itself.
const INDENT: usize = 4;
/// A body of so few tokens is shown with its head.
const SHORT: u32 = 30;
/// So many files are looked into, those first that are needed most.
const MOST_FILES: usize = 24;
/// One of so many definitions that nobody names is drawn.
const DRAWN: u64 = 3;

/// A definition that may be shown.
#[derive(Debug)]
struct Candidate {
    /// Place in the list of files.
    file: usize,
    definition: usize,
    why: Why,
    /// In tokens.
    head: u32,
    /// In tokens.
    whole: u32,
}

/// A file that the targets need.
struct Needed<'n> {
    document: u32,
    record: Record<'n>,
    link: Link,
}

/// What may be shown to the targets of a sequence.
pub struct Wanted<'n> {
    files: Vec<Needed<'n>>,
    /// By file and place.
    candidates: Vec<Candidate>,
}

impl<'n> Wanted<'n> {
    /// Looks into the files that the targets need.
    pub(super) fn new(world: &'n World<'_>, targets: &Targets<'_>) -> Self {
        let files = needed(world, targets);
        let mut candidates = Vec::new();
        for (number, file) in files.iter().enumerate() {
            collect(world, targets, number, file, &mut candidates);
        }
        Self { files, candidates }
    }
}

/// Appends blocks of at most `room` tokens in all, in reading order; says which documents they show.
///
/// # Errors
/// [`crate::Error::Io`].
pub fn append(
    world: &World<'_>,
    wanted: &Wanted<'_>,
    room: u32,
    draft: &mut Draft,
) -> Result<FxHashSet<u32>> {
    let Wanted { files, candidates } = wanted;
    let chosen = choose(candidates, room, |file| files[file].record.header.len() as u32);
    let mut by_file: Vec<&[Chosen<'_>]> =
        chosen.chunk_by(|one, next| one.candidate.file == next.candidate.file).collect();
    let place = |chosen: &[Chosen<'_>]| {
        chosen.first().map(|one| world.reading_order[files[one.candidate.file].document as usize])
    };
    by_file.sort_unstable_by_key(|chosen| place(chosen));
    let mut shown = FxHashSet::default();
    let mut left = room;
    for chosen in by_file {
        let Some(file) = chosen.first().map(|one| &files[one.candidate.file]) else { continue };
        let loaded = world.load(file.document)?;
        let mut pieces = pieces(world, file, loaded.text().text, chosen);
        // Where the estimates were too low, what is least wanted goes.
        while !pieces.is_empty() {
            let before = draft.len();
            if append_block(world, &loaded, &pieces, left, draft) {
                left -= draft.len() - before;
                shown.insert(file.document);
                break;
            }
            let least = (0..pieces.len()).max_by_key(|&at| weight(pieces[at].why));
            pieces.remove(least.unwrap_or(0));
        }
    }
    Ok(shown)
}

/// A definition to be shown.
#[derive(Debug, Clone, Copy)]
struct Chosen<'c> {
    candidate: &'c Candidate,
    whole: bool,
}

/// The pieces of one file: whole lines, sorted, none of them twice.
fn pieces(world: &World<'_>, file: &Needed<'_>, text: &str, chosen: &[Chosen<'_>]) -> Vec<Piece> {
    let Some(facts) = world.facts(&file.record) else { return Vec::new() };
    let found = chosen.iter().filter_map(|one| Some((one, facts.definitions.get(one.candidate.definition)?)));
    let mut pieces: Vec<Piece> = found
        .map(|(one, definition)| {
            let (range, role) = match one.whole {
                true => (&definition.range, Role::Definition),
                false => (&definition.signature, Role::Signature),
            };
            Piece {
                name: Some(Arc::from(definition.name())),
                needed_by: Some(file.link.clone()),
                ..Piece::new(
                    whole_lines(text, range.start as usize..range.end as usize),
                    role,
                    one.candidate.why,
                )
            }
        })
        .collect();
    pieces.sort_by_key(|piece| (piece.bytes.start, std::cmp::Reverse(piece.bytes.end)));
    let mut end = 0;
    pieces.retain_mut(|piece| {
        piece.bytes.start = piece.bytes.start.max(end);
        end = end.max(piece.bytes.end);
        !piece.bytes.is_empty()
    });
    pieces
}

/// How little something is wanted.
fn weight(why: Why) -> u8 {
    match why {
        Why::Named => 0,
        Why::MemberOfNamed => 1,
        _ => 2,
    }
}

/// The files that the targets need, those first that are needed most.
fn needed<'n>(world: &'n World<'_>, targets: &Targets<'_>) -> Vec<Needed<'n>> {
    let graph = &world.corpus.graph;
    let mut strongest: FxHashMap<u32, (Edge, &Arc<str>)> = FxHashMap::default();
    for target in targets.loaded {
        for edge in graph.needs(target.record.file) {
            let Some(document) = world.corpus.document_of(edge.to) else { continue };
            if edge.kind == EdgeKind::Package
                || targets.contains(document)
                || !world.may_show(targets.side, document)
            {
                continue;
            }
            let known = strongest.entry(document).or_insert((edge, target.name()));
            if edge.kind > known.0.kind {
                *known = (edge, target.name());
            }
        }
    }
    let mut all: Vec<(u32, (Edge, &Arc<str>))> = strongest.into_iter().collect();
    all.sort_unstable_by_key(|&(document, (edge, _))| (std::cmp::Reverse(edge.kind), document));
    all.truncate(MOST_FILES);
    all.into_iter()
        .map(|(document, (edge, path))| Needed {
            document,
            record: world.corpus.documents.get(document),
            link: Link { path: path.clone(), kind: edge.kind, line: edge.line },
        })
        .collect()
}

fn collect(
    world: &World<'_>,
    targets: &Targets<'_>,
    number: usize,
    file: &Needed<'_>,
    out: &mut Vec<Candidate>,
) {
    let Some(facts) = world.facts(&file.record) else { return };
    let all = facts.definitions;
    let target = targets.first().map_or(&[][..], |target| target.record.name.as_bytes());
    let draw = world.draw(b"definitions", &[file.record.name.as_bytes(), target]);
    let is_named = |definition: &Symbol<'_>| targets.known.contains(definition.name_bytes());
    // Members come in rows.
    let mut asked: Option<(u32, bool)> = None;
    let mut has_named = |outer: u32| match asked {
        Some((last, named)) if last == outer => named,
        _ => {
            let named = all.get(outer as usize).as_ref().is_some_and(is_named);
            asked = Some((outer, named));
            named
        }
    };
    for (at, definition) in all.iter().enumerate() {
        let outer = definition.parent.and_then(|at| all.get(at as usize));
        let is_member = outer.as_ref().is_some_and(|outer| outer.kind != SymbolKind::Module);
        if definition.kind == SymbolKind::Module {
            continue;
        }
        let why = match is_member {
            // A member says little without what it is a member of.
            true if definition.parent.is_some_and(&mut has_named) => Why::MemberOfNamed,
            true => continue,
            false if is_named(&definition) => Why::Named,
            false if definition.kind != SymbolKind::Impl && drawn(draw, at) => Why::Drawn,
            false => continue,
        };
        if is_private(all, &definition) {
            continue;
        }
        let size = |range: &std::ops::Range<u32>| estimate(&file.record, range.len() + INDENT) + ELISION;
        out.push(Candidate {
            file: number,
            definition: at,
            why,
            head: size(&definition.signature),
            whole: size(&definition.range),
        });
    }
}

/// Whether a definition stands in a function, or in a module of tests: nobody else uses it.
fn is_private(all: Symbols<'_>, definition: &Symbol<'_>) -> bool {
    let mut parent = definition.parent;
    while let Some(outer) = parent.and_then(|at| all.get(at as usize)) {
        match outer.kind {
            SymbolKind::Function | SymbolKind::Method => return true,
            SymbolKind::Module if matches!(outer.name(), "test" | "tests") => return true,
            _ => parent = outer.parent,
        }
    }
    false
}

/// A draw by the seed: a sequence's targets see some of the definitions that nobody names.
fn drawn(draw: u64, definition: usize) -> bool {
    // The finalizer of splitmix64 (Steele, Lea, Flood 2014): cheap, and every bit depends on every other.
    let mut bits = draw ^ (definition as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (bits ^ (bits >> 31)).is_multiple_of(DRAWN)
}

/// Which definitions are shown, and whether whole, in the order of the candidates. `header` says how many tokens the
/// header of a file takes.
fn choose(candidates: &[Candidate], room: u32, header: impl Fn(usize) -> u32) -> Vec<Chosen<'_>> {
    // By place, those that are shown: whether whole.
    let mut chosen: Vec<Option<bool>> = vec![None; candidates.len()];
    let mut opened = vec![false; candidates.last().map_or(0, |last| last.file + 1)];
    let mut left = room;
    let mut take = |at: usize, cost: u32, whole: bool, left: &mut u32| {
        let one = &candidates[at];
        let opening = match opened[one.file] {
            true => 0,
            false => header(one.file) + 2 + ELISION,
        };
        let old = chosen[at].map_or(0, |_| one.head);
        if *left + old < cost + opening {
            return;
        }
        *left = *left + old - cost - opening;
        opened[one.file] = true;
        chosen[at] = Some(whole);
    };
    // Heads first, of what is named and of its members; short things whole.
    let of = |why: Why| candidates.iter().enumerate().filter(move |(_, one)| one.why == why);
    for (at, one) in of(Why::Named).chain(of(Why::MemberOfNamed)) {
        let whole = one.whole <= one.head + SHORT;
        take(at, if whole { one.whole } else { one.head }, whole, &mut left);
    }
    // A quarter of the room goes to what nobody names; all of it where nothing is named.
    let named = left < room;
    let mut others = if named { left.min(room / 4) } else { left };
    left -= others;
    for (at, one) in of(Why::Drawn) {
        let whole = one.whole <= one.head + SHORT;
        take(at, if whole { one.whole } else { one.head }, whole, &mut others);
    }
    left += others;
    // Then the bodies of what is named, the shortest first.
    let mut bodies: Vec<(usize, &Candidate)> =
        of(Why::Named).filter(|(_, one)| one.whole > one.head).collect();
    bodies.sort_by_key(|(_, one)| one.whole);
    for (at, one) in bodies {
        if left < LEAST {
            break;
        }
        take(at, one.whole, true, &mut left);
    }
    let chosen = candidates.iter().zip(chosen);
    chosen.filter_map(|(candidate, whole)| Some(Chosen { candidate, whole: whole? })).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: u32 = 9;

    fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let why = prop::sample::select(vec![Why::Named, Why::MemberOfNamed, Why::Drawn]);
        let one = (0usize..4, why, 5u32..60, 0u32..200);
        prop::collection::vec(one, 0..24).prop_map(|mut all| {
            all.sort_by_key(|one| one.0);
            let numbered = all.into_iter().enumerate();
            numbered
                .map(|(definition, (file, why, head, body))| Candidate {
                    file,
                    definition,
                    why,
                    head,
                    whole: head + body,
                })
                .collect()
        })
    }

    /// What it takes to show some candidates.
    fn cost(chosen: &[Chosen<'_>]) -> u32 {
        let shown = chosen.iter().map(|one| if one.whole { one.candidate.whole } else { one.candidate.head });
        let mut files: Vec<usize> = chosen.iter().map(|one| one.candidate.file).collect();
        files.dedup();
        shown.sum::<u32>() + files.len() as u32 * (HEADER + 2 + ELISION)
    }

    proptest! {
        #[test]
        fn what_is_chosen_has_room_and_keeps_its_order(all in candidates(), room in 0u32..600) {
            let chosen = choose(&all, room, |_| HEADER);
            prop_assert!(cost(&chosen) <= room);
            prop_assert!(chosen.is_sorted_by(|one, next| one.candidate.definition < next.candidate.definition));
        }

        #[test]
        fn where_there_is_room_for_all_names_are_shown_whole_and_the_rest_by_its_heads(all in candidates()) {
            let chosen = choose(&all, 100_000, |_| HEADER);
            prop_assert_eq!(chosen.len(), all.len());
            for one in chosen {
                let short = one.candidate.whole <= one.candidate.head + SHORT;
                prop_assert_eq!(one.whole, short || one.candidate.why == Why::Named);
            }
        }

        #[test]
        fn what_nobody_names_takes_at_most_a_quarter_beside_names(all in candidates(), room in 0u32..600) {
            let chosen = choose(&all, room, |_| HEADER);
            let (drawn, named): (Vec<_>, Vec<_>) =
                chosen.iter().copied().partition(|one| one.candidate.why == Why::Drawn);
            let of_drawn = drawn.iter().map(|one| if one.whole { one.candidate.whole } else { one.candidate.head });
            prop_assert!(named.is_empty() || of_drawn.sum::<u32>() <= room / 4);
        }
    }
}

//! Definitions of the files that the targets need.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::{LEAST, Targets, append_block, estimate, whole_lines};
use crate::Result;
use crate::graph::{Edge, EdgeKind};
use crate::pack::world::{Loaded, World};
use crate::sequence::{Draft, Link, Piece, Role, Why};
use crate::symbols::{Definition, SymbolKind};

/// Tokens of the elision line that comes with a piece.
const ELISION: u32 = 4;
/// Definitions without a body of code are shown whole up to this many tokens.
const SHORT: u32 = 120;
/// So many files are looked into, those first that are needed most.
const MOST_FILES: usize = 24;
/// One of so many definitions that nobody names is drawn.
const DRAWN: u64 = 3;

/// A definition that may be shown.
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

/// Something needed by the targets.
struct Needed<'n> {
    document: u32,
    loaded: Loaded<'n>,
    link: Link,
    kind: EdgeKind,
}

/// Appends blocks of at most `room` tokens in all, in reading order; says which documents they show.
pub fn append(
    world: &World<'_>,
    targets: &Targets<'_>,
    room: u32,
    draft: &mut Draft,
) -> Result<HashSet<u32>> {
    let files = needed(world, targets)?;
    let mut candidates = Vec::new();
    for (number, file) in files.iter().enumerate() {
        collect(world, targets, number, file, &mut candidates);
    }
    let chosen = choose(&files, &candidates, room);
    let mut by_file: BTreeMap<u32, (usize, Vec<Piece>)> = BTreeMap::new();
    for (&(file, definition), &(why, whole)) in &chosen {
        let one = &files[file];
        let Some(found) = world.facts(one.loaded.record).and_then(|facts| facts.definitions.get(definition))
        else {
            continue;
        };
        let text = one.loaded.text().text;
        let (range, role) = match whole {
            true => (&found.range, Role::Definition),
            false => (&found.signature, Role::Signature),
        };
        let piece = Piece {
            name: Some(Arc::from(&*found.name)),
            needed_by: Some(one.link.clone()),
            ..Piece::new(whole_lines(text, range.start as usize..range.end as usize), role, why)
        };
        let place = world.reading_order[one.document as usize];
        by_file.entry(place).or_insert_with(|| (file, Vec::new())).1.push(piece);
    }
    let mut shown = HashSet::new();
    let mut left = room;
    for (file, mut pieces) in by_file.into_values() {
        disjoint(&mut pieces);
        // The estimates were too low: what is least wanted goes.
        while !pieces.is_empty() {
            let before = draft.len();
            if append_block(world, &files[file].loaded, &pieces, left, draft) {
                left -= draft.len() - before;
                shown.insert(files[file].document);
                break;
            }
            let least = (0..pieces.len()).rev().max_by_key(|&at| weight(pieces[at].why));
            pieces.remove(least.unwrap_or(0));
        }
    }
    Ok(shown)
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
fn needed<'n>(world: &'n World<'_>, targets: &Targets<'_>) -> Result<Vec<Needed<'n>>> {
    let graph = &world.corpus.graph;
    let mut strongest: HashMap<u32, (Edge, &Arc<str>)> = HashMap::new();
    for target in &targets.loaded {
        for edge in graph.needs(target.record.file) {
            let Some(document) = world.corpus.document_of(edge.to) else { continue };
            if edge.kind == EdgeKind::Package
                || targets.contains(document)
                || !world.may_show(targets.side, document)
            {
                continue;
            }
            let known = strongest.entry(document).or_insert((*edge, &target.record.name));
            if edge.kind > known.0.kind {
                *known = (*edge, &target.record.name);
            }
        }
    }
    let mut all: Vec<(u32, (Edge, &Arc<str>))> = strongest.into_iter().collect();
    all.sort_unstable_by_key(|&(document, (edge, _))| (std::cmp::Reverse(edge.kind), document));
    all.truncate(MOST_FILES);
    all.into_iter()
        .map(|(document, (edge, path))| {
            Ok(Needed {
                document,
                loaded: world.load(document)?,
                link: Link { path: path.clone(), kind: edge.kind, line: edge.line },
                kind: edge.kind,
            })
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
    let record = file.loaded.record;
    let Some(facts) = world.facts(record) else { return };
    let text = file.loaded.text().text;
    let all = &facts.definitions;
    let is_named = |definition: &Definition| targets.known.contains(&*definition.name);
    let parent = |definition: &Definition| definition.parent.and_then(|at| all.get(at as usize));
    for (at, definition) in all.iter().enumerate() {
        let outer = parent(definition);
        let is_member = outer.is_some_and(|outer| outer.kind != SymbolKind::Module);
        if definition.kind == SymbolKind::Module || in_function(all, definition) {
            continue;
        }
        let why = match (is_named(definition), outer.is_some_and(is_named)) {
            (true, _) if !is_member => Why::Named,
            (_, true) if is_member => Why::MemberOfNamed,
            (true, _) => Why::Named,
            _ if drawn(world, targets, record.name.as_bytes(), at) => Why::Drawn,
            _ => continue,
        };
        let size = |range: &std::ops::Range<u32>| {
            let lines = whole_lines(text, range.start as usize..range.end as usize);
            estimate(record, lines.len()) + ELISION
        };
        out.push(Candidate {
            file: number,
            definition: at,
            why,
            head: size(&definition.signature),
            whole: size(&definition.range),
        });
    }
}

fn in_function(all: &[Definition], definition: &Definition) -> bool {
    let mut parent = definition.parent;
    while let Some(outer) = parent.and_then(|at| all.get(at as usize)) {
        if matches!(outer.kind, SymbolKind::Function | SymbolKind::Method) {
            return true;
        }
        parent = outer.parent;
    }
    false
}

/// A draw by the seed: a sequence's targets see some of the definitions that nobody names.
fn drawn(world: &World<'_>, targets: &Targets<'_>, path: &[u8], definition: usize) -> bool {
    let target = targets.documents.first().copied().unwrap_or_default();
    let draw = world.draw(b"definition", &[path, &target.to_le_bytes(), &(definition as u64).to_le_bytes()]);
    draw % DRAWN == 0
}

/// Which definitions are shown, by file and place, and whether whole.
fn choose(
    files: &[Needed<'_>],
    candidates: &[Candidate],
    room: u32,
) -> BTreeMap<(usize, usize), (Why, bool)> {
    let mut order: Vec<&Candidate> = candidates.iter().collect();
    order.sort_by_key(|one| {
        (weight(one.why), std::cmp::Reverse(files[one.file].kind), one.file, one.definition)
    });
    let mut chosen = BTreeMap::new();
    let mut opened = HashSet::new();
    let mut left = room;
    let mut take = |one: &Candidate, cost: u32, whole: bool, left: &mut u32| {
        let opening = match opened.contains(&one.file) {
            true => 0,
            false => files[one.file].loaded.record.header.len() as u32 + 2 + ELISION,
        };
        let old = chosen.get(&(one.file, one.definition)).map_or(0, |_| one.head);
        if *left + old < cost + opening {
            return;
        }
        *left = *left + old - cost - opening;
        opened.insert(one.file);
        chosen.insert((one.file, one.definition), (one.why, whole));
    };
    // Heads first, of what is named and of its members; short things whole.
    let of = |why: Why| order.iter().copied().filter(move |one| one.why == why);
    for one in of(Why::Named).chain(of(Why::MemberOfNamed)) {
        let whole = one.whole <= one.head + SHORT / 4 || one.whole <= SHORT / 2;
        take(one, if whole { one.whole } else { one.head }, whole, &mut left);
    }
    // A quarter of the room goes to what nobody names; all of it where nothing is named.
    let named = left < room;
    let mut others = if named { left.min(room / 4) } else { left };
    left -= others;
    for one in of(Why::Drawn) {
        let whole = one.whole <= one.head + SHORT / 4;
        take(one, if whole { one.whole } else { one.head }, whole, &mut others);
    }
    left += others;
    // Then the bodies of what is named, the shortest first.
    let mut bodies: Vec<&Candidate> = of(Why::Named).filter(|one| one.whole > one.head).collect();
    bodies.sort_by_key(|one| one.whole);
    for one in bodies {
        if left < LEAST {
            break;
        }
        take(one, one.whole, true, &mut left);
    }
    chosen
}

/// Sorts pieces and takes away what others show already.
fn disjoint(pieces: &mut Vec<Piece>) {
    pieces.sort_by_key(|piece| (piece.bytes.start, std::cmp::Reverse(piece.bytes.end)));
    let mut end = 0;
    pieces.retain_mut(|piece| {
        piece.bytes.start = piece.bytes.start.max(end);
        end = end.max(piece.bytes.end);
        !piece.bytes.is_empty()
    });
}

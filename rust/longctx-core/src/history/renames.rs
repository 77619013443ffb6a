//! Which of the files that appear in a commit are renamed ones that disappear in it, decided as `git diff -M` does.
//!
//! In order: equal content; then equal names at 75 % similarity, where a name is unique on both sides; then every
//! remaining pair at 50 %, the most similar first. Empty files are never renamed, and a file that stays is never a
//! source (no copies). Beyond a matrix of 1000 x 1000 only the first two steps are done.

use std::collections::HashMap;

use super::ObjectKind;
use super::similarity::{Fingerprint, MAX_SCORE, sizes_allow};
use super::store::{Place, Reader};
use super::trees::{Side, TreeChange};
use gix::ObjectId;

/// 50 %.
const LEAST_SCORE: u64 = MAX_SCORE / 2;
/// 75 %: what a pair with a unique common name must reach.
const LEAST_NAMESAKE_SCORE: u64 = MAX_SCORE / 4 * 3;
/// git's default `diff.renameLimit`, squared.
const LARGEST_MATRIX: u64 = 1_000 * 1_000;
/// So many sources are kept for each destination.
const CANDIDATES: usize = 4;
/// So many sources of equal content are looked at for each destination.
const IDENTICAL: usize = 100;

/// Turns pairs of a deletion and an addition into renames. Returns whether the matrix was too large to compare.
pub(super) fn find(reader: &mut Reader, commit: ObjectId, changes: &mut Vec<TreeChange>) -> bool {
    let empty = ObjectId::empty_blob(commit.kind());
    let mut sources = Vec::new();
    let mut targets = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        match (change.old, change.new) {
            (Some(side), None) if side.id != empty => sources.push(File::new(index, side)),
            (None, Some(side)) if side.id != empty => targets.push(File::new(index, side)),
            _ => {}
        }
    }
    if sources.is_empty() || targets.is_empty() {
        return false;
    }
    let mut search = Search { reader, commit, changes, sources, targets };
    search.identical();
    search.namesakes();
    let skipped = search.similar();
    let pairs: Vec<(usize, usize)> = search
        .targets
        .iter()
        .filter_map(|target| Some((target.change, search.sources[target.partner?].change)))
        .collect();
    apply(changes, &pairs);
    skipped
}

fn apply(changes: &mut Vec<TreeChange>, pairs: &[(usize, usize)]) {
    for &(target, source) in pairs {
        changes[target].from = Some(changes[source].path.clone());
        changes[target].old = changes[source].old;
    }
    let mut sources: Vec<usize> = pairs.iter().map(|pair| pair.1).collect();
    sources.sort_unstable();
    let mut index = 0;
    changes.retain(|_| {
        let gone = sources.binary_search(&index).is_ok();
        index += 1;
        !gone
    });
}

struct File {
    change: usize,
    side: Side,
    /// For a target its source, for a source its target.
    partner: Option<usize>,
    size: Option<Option<u64>>,
    fingerprint: Option<Option<Fingerprint>>,
}

impl File {
    fn new(change: usize, side: Side) -> Self {
        Self { change, side, partner: None, size: None, fingerprint: None }
    }
}

#[derive(Clone, Copy)]
struct Pair {
    source: usize,
    target: usize,
    score: u64,
    namesake: bool,
}

impl Pair {
    fn rank(&self) -> (u64, bool) {
        (self.score, self.namesake)
    }
}

struct Search<'a> {
    reader: &'a mut Reader,
    commit: ObjectId,
    changes: &'a [TreeChange],
    sources: Vec<File>,
    targets: Vec<File>,
}

impl Search<'_> {
    fn path(&self, file: &File) -> &[u8] {
        &self.changes[file.change].path
    }

    fn pair(&mut self, source: usize, target: usize) {
        self.sources[source].partner = Some(target);
        self.targets[target].partner = Some(source);
    }

    fn identical(&mut self) {
        let mut by_id: HashMap<ObjectId, Vec<usize>> = HashMap::new();
        for (index, source) in self.sources.iter().enumerate() {
            by_id.entry(source.side.id).or_default().push(index);
        }
        for target in 0..self.targets.len() {
            let side = self.targets[target].side;
            let Some(alike) = by_id.get(&side.id) else { continue };
            let mut usable = alike
                .iter()
                .copied()
                .filter(|&source| {
                    let file = &self.sources[source];
                    let comparable =
                        file.side.is_regular() && side.is_regular() || file.side.mode == side.mode;
                    file.partner.is_none() && comparable
                })
                .take(IDENTICAL);
            let name = base_name(self.path(&self.targets[target]));
            let first = usable.clone().next();
            let best = usable.find(|&source| base_name(self.path(&self.sources[source])) == name).or(first);
            if let Some(source) = best {
                self.pair(source, target);
            }
        }
    }

    fn namesakes(&mut self) {
        let unique = |files: &[File]| {
            let mut names: HashMap<Vec<u8>, Option<usize>> = HashMap::new();
            for (index, file) in files.iter().enumerate().filter(|(_, file)| file.partner.is_none()) {
                names
                    .entry(base_name(self.path(file)).to_vec())
                    .and_modify(|entry| *entry = None)
                    .or_insert(Some(index));
            }
            names
        };
        let (sources, targets) = (unique(&self.sources), unique(&self.targets));
        for source in 0..self.sources.len() {
            if self.sources[source].partner.is_some() {
                continue;
            }
            let name = base_name(self.path(&self.sources[source]));
            let (Some(Some(_)), Some(&Some(target))) = (sources.get(name), targets.get(name)) else {
                continue;
            };
            if self.targets[target].partner.is_none()
                && self.score(source, target, LEAST_NAMESAKE_SCORE) >= LEAST_NAMESAKE_SCORE
            {
                self.pair(source, target);
            }
        }
    }

    fn similar(&mut self) -> bool {
        let free = |files: &[File]| -> Vec<usize> {
            (0..files.len()).filter(|&index| files[index].partner.is_none()).collect()
        };
        let (sources, targets) = (free(&self.sources), free(&self.targets));
        if sources.len() as u64 * targets.len() as u64 > LARGEST_MATRIX {
            return true;
        }
        let mut pairs = Vec::new();
        for &target in &targets {
            let mut best: [Option<Pair>; CANDIDATES] = [None; CANDIDATES];
            for &source in &sources {
                let score = self.score(source, target, LEAST_SCORE);
                let namesake = base_name(self.path(&self.sources[source]))
                    == base_name(self.path(&self.targets[target]));
                keep_if_better(&mut best, Pair { source, target, score, namesake });
            }
            pairs.extend(best.into_iter().flatten().filter(|pair| pair.score >= LEAST_SCORE));
        }
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.rank()));
        for pair in pairs {
            if self.sources[pair.source].partner.is_none() && self.targets[pair.target].partner.is_none() {
                self.pair(pair.source, pair.target);
            }
        }
        false
    }

    /// The similarity of a pair, or 0 where it cannot reach `least`.
    fn score(&mut self, source: usize, target: usize, least: u64) -> u64 {
        let sides = (self.sources[source].side, self.targets[target].side);
        if !sides.0.is_regular() || !sides.1.is_regular() {
            return 0;
        }
        let Some(old) = size(self.reader, self.commit, self.changes, &mut self.sources[source]) else {
            return 0;
        };
        let Some(new) = size(self.reader, self.commit, self.changes, &mut self.targets[target]) else {
            return 0;
        };
        if !sizes_allow(old, new, least) {
            return 0;
        }
        fingerprint(self.reader, self.commit, self.changes, &mut self.sources[source]);
        fingerprint(self.reader, self.commit, self.changes, &mut self.targets[target]);
        match (&self.sources[source].fingerprint, &self.targets[target].fingerprint) {
            (Some(Some(old)), Some(Some(new))) => old.score(new),
            _ => 0,
        }
    }
}

fn size(reader: &mut Reader, commit: ObjectId, changes: &[TreeChange], file: &mut File) -> Option<u64> {
    let place = Place { commit: Some(commit), path: &changes[file.change].path };
    *file.size.get_or_insert_with(|| reader.size(file.side.id, place))
}

fn fingerprint(reader: &mut Reader, commit: ObjectId, changes: &[TreeChange], file: &mut File) {
    if file.fingerprint.is_none() {
        let place = Place { commit: Some(commit), path: &changes[file.change].path };
        let mut text = Vec::new();
        let found = reader.read(file.side.id, ObjectKind::Blob, place, &mut text);
        file.fingerprint = Some(found.then(|| Fingerprint::new(&text)));
    }
}

/// Replaces the worst of `best`, the first of several equally bad ones, if `pair` is better.
fn keep_if_better(best: &mut [Option<Pair>; CANDIDATES], pair: Pair) {
    let rank = |slot: &Option<Pair>| slot.map(|pair| pair.rank());
    let mut worst = 0;
    for slot in 1..CANDIDATES {
        if rank(&best[slot]) < rank(&best[worst]) {
            worst = slot;
        }
    }
    if rank(&best[worst]) < Some(pair.rank()) {
        best[worst] = Some(pair);
    }
}

fn base_name(path: &[u8]) -> &[u8] {
    match memchr::memrchr(b'/', path) {
        Some(at) => &path[at + 1..],
        None => path,
    }
}

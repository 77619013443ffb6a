//! Strings the changes of all commits together to one chain a file.

use std::collections::{BTreeMap, HashSet};

use gix::ObjectId;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::ObjectKind;
use super::scan::Finding;
use super::store::{Place, Reader, Store};
use super::trees::{Side, TreeChange};
use super::types::{BlobIndex, Chain, Change, History, LeftOut, Mode, Note, Reason, Version};
use super::walk::Walk;
use crate::path::RepoPath;

/// Blobs that one thread looks up in one go.
const LOOKED_UP: usize = 1 << 12;
/// Commits named for each reason.
const EXAMPLES: usize = 5;

/// Takes the findings of one commit after the other, newest first.
pub(super) struct Assembler {
    mode: Mode,
    paths: Interner<Box<[u8]>>,
    blobs: Interner<ObjectId>,
    chains: Vec<Chain>,
    /// The chains that stand at a path, seen from the commit reached.
    standing: FxHashMap<u32, Vec<u32>>,
    changes: Vec<Version>,
    changes_of: Vec<std::ops::Range<usize>>,
    reasons: Vec<Option<Reason>>,
    skipped_versions: BTreeMap<Reason, usize>,
    limited: usize,
}

impl Assembler {
    /// Nothing yet.
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            paths: Interner::default(),
            blobs: Interner::default(),
            chains: Vec::new(),
            standing: FxHashMap::default(),
            changes: Vec::new(),
            changes_of: Vec::new(),
            reasons: Vec::new(),
            skipped_versions: BTreeMap::new(),
            limited: 0,
        }
    }

    /// The next older commit.
    pub(super) fn add(&mut self, finding: Finding) {
        let commit = self.reasons.len() as u32;
        let first = self.changes.len();
        self.limited += usize::from(finding.limited);
        let kept = finding.left_out.is_none();
        if let Some(reason) = finding.left_out {
            *self.skipped_versions.entry(reason).or_default() += finding.changes.len();
        }
        let mut moves = Vec::new();
        for change in finding.changes {
            let version = self.version(commit, &change, kept);
            if kept {
                self.changes.push(version);
            }
            if version.change == Change::Renamed {
                // Whoever stands at the old name met it as a later file of that name: for them it goes away here.
                let gone = Version {
                    path: version.path_before,
                    path_before: version.path_before,
                    blob: None,
                    before: version.before,
                    change: Change::Deleted,
                    commit,
                };
                if self.mode == Mode::FirstParent && self.standing.contains_key(&gone.path) {
                    self.extend(gone, kept);
                }
                moves.push((version.path, version.path_before));
            }
            self.extend(version, kept);
        }
        let moved: Vec<_> = moves.into_iter().map(|(from, to)| (self.standing.remove(&from), to)).collect();
        for (chains, to) in moved {
            self.standing.entry(to).or_default().extend(chains.into_iter().flatten());
        }
        self.changes_of.push(first..self.changes.len());
        self.reasons.push(finding.left_out);
    }

    fn extend(&mut self, version: Version, kept: bool) {
        let standing = self.standing.entry(version.path).or_default();
        if standing.is_empty() {
            standing.push(self.chains.len() as u32);
            self.chains.push(Chain { path: version.path, live: false, versions: Vec::new() });
        }
        if kept {
            for &chain in standing.iter() {
                self.chains[chain as usize].versions.push(version);
            }
        }
    }

    fn version(&mut self, commit: u32, change: &TreeChange, kept: bool) -> Version {
        let old = change.old.filter(Side::is_regular);
        let new = change.new.filter(Side::is_regular);
        let kind = match (old, new) {
            (None, _) => Change::Added,
            (_, None) => Change::Deleted,
            _ if change.from.is_some() => Change::Renamed,
            (Some(old), Some(new)) if old.id == new.id => Change::Mode,
            _ => Change::Modified,
        };
        let path = self.paths.number(&change.path);
        let path_before = change.from.as_ref().map_or(path, |from| self.paths.number(from));
        let mut blob = |side: Option<Side>| {
            // Contents that only left-out commits have are nobody's version.
            let side = side.filter(|_| kept)?;
            BlobIndex::from_index(self.blobs.number(&side.id) as usize)
        };
        Version { commit, path, path_before, blob: blob(new), before: blob(old), change: kind }
    }

    /// The whole history, without versions whose content is missing.
    pub(super) fn finish(mut self, store: &Store, walk: Walk, live: &HashSet<Box<[u8]>>) -> History {
        let mut commits: Vec<_> = walk.steps.into_iter().map(|step| step.commit).collect();
        for (commit, reason) in commits.iter_mut().zip(&self.reasons) {
            commit.left_out = *reason;
        }
        let is_absent = self.note_absent(store, &commits);
        let lacks = |version: &Version| version.blob.is_some_and(|blob| is_absent[blob.index()]);
        for chain in &mut self.chains {
            chain.versions.retain(|version| !lacks(version));
        }
        let lacking = self.changes.iter().filter(|version| lacks(version)).count();
        if lacking > 0 {
            self.skipped_versions.insert(Reason::MissingBlob, lacking);
        }
        let left_out = self.left_out(&commits, &walk.left_out);
        let paths: Vec<RepoPath> =
            self.paths.values.into_iter().map(|path| RepoPath::new(path.into_vec())).collect();
        let mut seen = HashSet::new();
        for chain in &mut self.chains {
            // The first chain of a path is the newest.
            chain.live = seen.insert(chain.path) && live.contains(paths[chain.path as usize].as_bytes());
        }
        self.chains.retain(|chain| !chain.versions.is_empty());
        self.chains
            .sort_by(|a, b| paths[a.path as usize].cmp(&paths[b.path as usize]).then(b.live.cmp(&a.live)));
        let mut notes = walk.notes;
        if self.limited > 0 {
            notes.push(Note::RenamesLimited { commits: self.limited });
        }
        let absent = self.blobs.values.iter().zip(is_absent).filter_map(|(&id, absent)| absent.then_some(id));
        History {
            tip: walk.tip.0,
            commits,
            paths,
            absent: absent.collect(),
            blobs: self.blobs.values,
            chains: self.chains,
            left_out,
            missing: store.take_missing(),
            notes,
            changes: self.changes,
            changes_of: self.changes_of,
        }
    }

    /// Which blobs of versions are not there; they are noted as missing.
    fn note_absent(&self, store: &Store, commits: &[super::Commit]) -> Vec<bool> {
        // Sorted, as the indices of packs are: neighbours are found near each other.
        let mut sorted: Vec<u32> = (0..self.blobs.values.len() as u32).collect();
        sorted.par_sort_unstable_by_key(|&blob| self.blobs.values[blob as usize]);
        let lacking = |part: &[u32]| -> Vec<u32> {
            let is_absent = |reader: &Reader, blob: u32| !reader.has(self.blobs.values[blob as usize]);
            store.with_reader(|reader| part.iter().copied().filter(|&blob| is_absent(reader, blob)).collect())
        };
        let mut absent = vec![false; sorted.len()];
        for blob in sorted.par_chunks(LOOKED_UP).flat_map_iter(lacking).collect::<Vec<u32>>() {
            absent[blob as usize] = true;
        }
        store.with_reader(|reader| {
            for version in &self.changes {
                if let Some(blob) = version.blob.filter(|blob| absent[blob.index()]) {
                    let commit = commits.get(version.commit as usize).map(|commit| commit.id);
                    let place = Place { commit, path: &self.paths.values[version.path as usize] };
                    reader.note_missing(self.blobs.values[blob.index()], ObjectKind::Blob, place, None);
                }
            }
        });
        absent
    }

    fn left_out(&self, commits: &[super::Commit], before: &[(Reason, ObjectId)]) -> Vec<LeftOut> {
        let mut all: BTreeMap<Reason, LeftOut> = BTreeMap::new();
        let mut entry = |reason: Reason, commit: Option<ObjectId>| {
            let left_out = all.entry(reason).or_insert_with(|| LeftOut {
                reason,
                commits: 0,
                versions: self.skipped_versions.get(&reason).copied().unwrap_or(0),
                examples: Vec::new(),
            });
            if let Some(commit) = commit {
                left_out.commits += 1;
                if left_out.examples.len() < EXAMPLES {
                    left_out.examples.push(commit);
                }
            }
        };
        for commit in commits {
            if let Some(reason) = commit.left_out {
                entry(reason, Some(commit.id));
            }
        }
        for &(reason, commit) in before {
            entry(reason, Some(commit));
        }
        if self.skipped_versions.contains_key(&Reason::MissingBlob) {
            entry(Reason::MissingBlob, None);
        }
        all.into_values().collect()
    }
}

/// Numbers values in the order in which they are first met.
struct Interner<T> {
    numbers: FxHashMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { numbers: FxHashMap::default(), values: Vec::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interner<T> {
    fn number(&mut self, value: &T) -> u32 {
        if let Some(&number) = self.numbers.get(value) {
            return number;
        }
        let number = self.values.len() as u32;
        self.numbers.insert(value.clone(), number);
        self.values.push(value.clone());
        number
    }
}

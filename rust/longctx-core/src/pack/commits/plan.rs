//! What is told of a history: which versions follow which, which commits are kept for validation, and the pieces that
//! the work comes in.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use super::counts::CommitCounts;
use crate::history::{BlobIndex, Chain, History, ObjectId};
use crate::pack::split::Side;
use crate::pack::world::World;
use crate::path::RepoPath;

/// Steps of a chain that are told in one go.
const STRETCH: usize = 8;
/// The largest number of files that a commit told across its files may have.
const MOST_FILES: usize = 8;

/// A version's text and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The text.
    pub blob: BlobIndex,
    /// A commit whose tree holds it.
    pub commit: ObjectId,
    /// At which path, as a place in [`History::paths`].
    pub path: u32,
}

/// What a commit made of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The commit, as a place in [`History::commits`].
    pub commit: u32,
    /// The file in the commit's parent; none if the commit created it.
    pub before: Option<Content>,
    /// The file in the commit.
    pub after: Content,
}

/// What happened to a document.
pub struct Told {
    /// The document.
    pub document: u32,
    /// Oldest first.
    pub steps: Vec<Step>,
}

/// Where sequences of a piece of work go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    /// Their side of the split.
    pub side: Side,
    /// Training teaches the same files as they are now.
    pub seen: bool,
}

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Steps of one chain (a place in [`Plan::chains`]).
    Stretch(u32, Range<usize>),
    /// One commit across several files: chains, and which of their steps.
    Joint(Vec<(u32, usize)>),
}

/// A piece of work and its place among others.
#[derive(Debug, Clone)]
pub struct Job {
    /// The newest commit it tells, as a place in [`History::commits`].
    pub newest: u32,
    /// The document it is about, or the first of them.
    pub document: u32,
    /// Where its sequences go.
    pub class: Class,
    /// What is told.
    pub work: Work,
}

/// All that is to be told.
pub struct Plan {
    /// Where it comes from.
    pub history: History,
    /// By document.
    pub chains: Vec<Told>,
    /// The work, newest first.
    pub jobs: Vec<Job>,
    /// The newest commits, which training does not show.
    held_out: HashSet<u32>,
    prefix: Vec<u8>,
}

impl Plan {
    /// Decides what is told; `prefix` is the path of the packed folder in the repository.
    pub fn new(world: &World<'_>, history: History, prefix: &[u8], counts: &mut CommitCounts) -> Self {
        let mut plan = Self {
            history,
            chains: Vec::new(),
            jobs: Vec::new(),
            held_out: HashSet::new(),
            prefix: prefix.to_vec(),
        };
        plan.chains = plan.choose(world, counts);
        plan.part_sides(world, counts);
        plan.held_out = plan.newest(world.options.validation_split);
        counts.held_out = plan.held_out.len() as u64;
        let class = |document: u32, commit: u32| plan.class(world, document, commit);
        let mut jobs = Vec::new();
        let mut commits: BTreeMap<u32, Vec<(u32, usize)>> = BTreeMap::new();
        for (number, chain) in (0u32..).zip(&plan.chains) {
            let mut end = chain.steps.len();
            while end > 0 {
                let newest = chain.steps[end - 1].commit;
                let class_of = |step: &Step| class(chain.document, step.commit);
                let same = chain.steps[..end].iter().rev().take_while(|step| {
                    step.before.is_some() && class_of(step) == class_of(&chain.steps[end - 1])
                });
                let count = same.take(STRETCH).count();
                if count > 0 {
                    let work = Work::Stretch(number, end - count..end);
                    let class = class(chain.document, newest);
                    jobs.push(Job { newest, document: chain.document, class, work });
                }
                end -= count.max(1);
            }
            for (at, step) in chain.steps.iter().enumerate() {
                commits.entry(step.commit).or_default().push((number, at));
            }
        }
        for (commit, members) in commits {
            if !(2..=MOST_FILES).contains(&members.len()) {
                continue;
            }
            let documents = members.iter().map(|&(chain, _)| plan.chains[chain as usize].document);
            let classes: HashSet<Class> = documents.map(|document| class(document, commit)).collect();
            if classes.len() > 1 {
                counts.mixed_sides += 1;
                continue;
            }
            let document = plan.chains[members[0].0 as usize].document;
            let class = class(document, commit);
            jobs.push(Job { newest: commit, document, class, work: Work::Joint(members) });
        }
        jobs.sort_by_key(|job| (job.newest, matches!(job.work, Work::Joint(_)), job.document));
        plan.jobs = jobs;
        plan
    }

    /// The chains of documents, with steps.
    fn choose(&self, world: &World<'_>, counts: &mut CommitCounts) -> Vec<Told> {
        let documents = (0u32..).zip(world.corpus.documents.iter());
        let documents: HashMap<&[u8], u32> =
            documents.map(|(number, record)| (record.path.as_bytes(), number)).collect();
        let mut chains = Vec::new();
        for chain in &self.history.chains {
            if !chain.live {
                counts.gone += 1;
                continue;
            }
            let path = self.shown_path(chain.path);
            let Some(&document) = documents.get(path.as_bytes()) else {
                counts.not_packed += 1;
                continue;
            };
            let steps = self.steps(chain, world.options.history.max_versions, counts);
            if !steps.is_empty() {
                chains.push(Told { document, steps });
            }
        }
        chains.sort_by_key(|chain| chain.document);
        counts.chains = chains.len() as u64;
        chains
    }

    fn steps(&self, chain: &Chain, most: usize, counts: &mut CommitCounts) -> Vec<Step> {
        let history = &self.history;
        let versions: Vec<_> = chain.contents().collect();
        counts.older_versions += versions.len().saturating_sub(most) as u64;
        let mut steps = Vec::new();
        for (at, version) in versions.iter().enumerate().take(most) {
            let Some(blob) = version.blob else { continue };
            let commit = history.commit(version);
            // With commits left out, or branches, the next older version need not be what the commit began with.
            let older = versions.get(at + 1).filter(|older| older.blob == version.before);
            let before = match (version.before, older) {
                (None, _) => None,
                (Some(blob), Some(older)) => {
                    Some(Content { blob, commit: history.commit(older).id, path: older.path })
                }
                (Some(blob), None) => {
                    let Some(commit) = commit.parent else { continue };
                    Some(Content { blob, commit, path: version.path_before })
                }
            };
            if before.as_ref().is_some_and(|before| before.blob == blob) {
                continue;
            }
            let after = Content { blob, commit: commit.id, path: version.path };
            steps.push(Step { commit: version.commit, before, after });
        }
        steps.reverse();
        steps
    }

    /// Takes from training what is the text of a version of a validation file.
    fn part_sides(&mut self, world: &World<'_>, counts: &mut CommitCounts) {
        let documents = (0u32..).zip(world.corpus.documents.iter());
        let kept = documents.filter(|(number, _)| world.sides.of(*number) == Side::Val);
        let ids = kept.clone().filter_map(|(_, record)| ObjectId::from_hex(record.blob.as_bytes()).ok());
        let mut texts: HashSet<ObjectId> = ids.collect();
        let paths: HashSet<&[u8]> = kept.map(|(_, record)| record.path.as_bytes()).collect();
        let history = &self.history;
        for chain in history.chains.iter().filter(|chain| chain.live) {
            if paths.contains(self.shown_path(chain.path).as_bytes()) {
                let blobs = chain.contents().flat_map(|version| [version.blob, version.before]);
                texts.extend(blobs.flatten().map(|blob| history.blob(blob)));
            }
        }
        let is_kept = |content: &Content| texts.contains(&history.blob(content.blob));
        for chain in &mut self.chains {
            if world.sides.of(chain.document) == Side::Train {
                let before = chain.steps.len();
                chain
                    .steps
                    .retain(|step| !is_kept(&step.after) && !step.before.as_ref().is_some_and(is_kept));
                counts.shared_with_validation += (before - chain.steps.len()) as u64;
            }
        }
    }

    /// Where what a commit made of a document goes.
    pub fn class(&self, world: &World<'_>, document: u32, commit: u32) -> Class {
        match world.sides.of(document) {
            Side::Val => Class { side: Side::Val, seen: false },
            Side::Train if self.held_out.contains(&commit) => Class { side: Side::Val, seen: true },
            Side::Train => Class { side: Side::Train, seen: true },
        }
    }

    /// The newest commits, as many as are kept for validation.
    fn newest(&self, share: f64) -> HashSet<u32> {
        let steps = self.chains.iter().flat_map(|chain| &chain.steps);
        let mut commits: Vec<u32> = steps.map(|step| step.commit).collect();
        commits.sort_unstable();
        commits.dedup();
        let least = usize::from(share > 0.0 && commits.len() >= 3);
        let count = ((commits.len() as f64 * share / 3.0).round() as usize).max(least);
        commits.truncate(count);
        commits.into_iter().collect()
    }

    /// A path of the history relative to the packed folder.
    pub fn shown_path(&self, path: u32) -> RepoPath {
        let path = self.history.path(path);
        if self.prefix.is_empty() {
            return path.clone();
        }
        match path.as_bytes().strip_prefix(&*self.prefix).and_then(|rest| rest.strip_prefix(b"/")) {
            Some(rest) => RepoPath::new(rest),
            None => {
                // A file that came from elsewhere.
                let mut up = b"../".repeat(1 + memchr::memchr_iter(b'/', &self.prefix).count());
                up.extend_from_slice(path.as_bytes());
                RepoPath::new(up)
            }
        }
    }
}

//! Commit sequences: what commits made of files.
//!
//! A file block outside a commit is a state of a file. A commit block is a line with short id and subject, and file
//! blocks that show the state after it. Three forms: whole versions of a file one after the other, where two fit;
//! else the parts around what changed, before and after, commit after commit; and one commit across its files.

mod ahead;
mod align;
mod chain;
mod counts;
mod join;
mod joint;
mod kept;
mod known;
mod lines;
mod pieces;
mod plan;
mod regions;
mod sums;
mod syntax;
mod telling;
#[cfg(test)]
mod tests;
mod version;
mod work;

use std::collections::BTreeMap;
use std::sync::Mutex;

use rayon::prelude::*;
use serde::Serialize;

pub use counts::CommitCounts;

use self::ahead::Ahead;
use self::counts::{LeftOutRow, MissingRow, TooLargeRow};
use self::join::{Group, Joiner};
use self::plan::Plan;
pub use self::plan::{Class, Step};
pub use self::telling::Message;
use self::telling::features;
pub use self::version::{Library, Readings, Version};
use self::work::Workshop;
use super::output::{About, Extra, Output, share};
use super::past::Past;
use super::world::World;
use crate::Result;
use crate::graph::Order;
use crate::history::{self, Blobs, History};
use crate::interrupt::Watch;
use crate::sequence::{Draft, Kind};
use crate::source::SourceOptions;
use crate::threads::{Share, spread};

/// Pieces of work between two times that what they made is handed on: bounds the memory it takes.
const ROUND: usize = 64;
/// So many missing objects are named.
const EXAMPLES: usize = 5;

/// The history of the documents, ready to be told.
pub struct Story {
    plan: Plan,
    blobs: Blobs,
    counts: CommitCounts,
}

impl Story {
    /// Decides what is told; `prefix` is the path of the packed folder in the repository.
    pub fn new(world: &World<'_>, past: Past, prefix: &[u8]) -> Self {
        let Past { history, blobs } = past;
        let mut counts = counted(&history);
        let plan = Plan::new(world, history, prefix, &mut counts);
        Self { plan, blobs, counts }
    }

    /// Reads what is told.
    pub fn library<'l>(&'l self, world: &World<'_>, watch: Watch<'l>) -> Library<'l> {
        let redact_secrets = world.options.redact_secrets;
        Library {
            plan: &self.plan,
            blobs: &self.blobs,
            options: SourceOptions { redact_secrets, ..SourceOptions::default() },
            largest: world.options.max_file_size,
            watch,
        }
    }

    /// Whether some object that was asked for since the last call is there and cannot be read.
    pub fn has_unreadable(&self) -> bool {
        self.blobs.missing().iter().any(|object| object.reason.is_some())
    }

    /// Makes the commit sequences of all bands, newest first, until they reach their share of the hierarchical ones. To be
    /// called once.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the disk is full, [`crate::Error::Interrupted`].
    pub fn tell(&mut self, world: &World<'_>, output: &Output, watch: Watch<'_>) -> Result<CommitCounts> {
        let mut counts = std::mem::take(&mut self.counts);
        tell(world, self.library(world, watch), output, watch, &mut counts)?;
        let found = self.blobs.missing();
        let missing = || self.plan.history.missing.iter().chain(&found);
        counts.has_unreadable = missing().any(|object| object.reason.is_some());
        counts.note_missing(missing().map(ToString::to_string));
        Ok(counts)
    }
}

fn counted(history: &History) -> CommitCounts {
    let row = |one: &history::LeftOut| LeftOutRow {
        reason: one.reason.name(),
        commits: one.commits as u64,
        versions: one.versions as u64,
    };
    CommitCounts {
        commits: history.commits.len() as u64,
        merges: history.commits.iter().filter(|commit| commit.merge).count() as u64,
        left_out: history.left_out.iter().map(row).collect(),
        notes: history.notes.iter().map(ToString::to_string).collect(),
        ..CommitCounts::default()
    }
}

/// Does the work of `plan` in rounds, newest first, so that what would be dropped is not made.
fn tell(
    world: &World<'_>,
    library: Library<'_>,
    output: &Output,
    watch: Watch<'_>,
    counts: &mut CommitCounts,
) -> Result<()> {
    let bands = &world.options.bands;
    let plan = library.plan;
    let allowance = output.allowance(world.options.commits_ratio);
    let reading_order = reading_order(world);
    let is_kept = |job: &plan::Job| kept::is_kept(world, &library, &reading_order, job);
    let kept: Vec<bool> = plan.jobs.par_iter().with_max_len(64).map(is_kept).collect();
    let ahead = Ahead::new(plan, &allowance, &kept, output.shelf()?);
    let shop = Workshop { world, library, ahead, reading_order, idle: Mutex::default() };
    let mut joiner = Joiner::new(bands, plan.history.commits.len());
    let mut readings = Readings::default();
    let mut too_large = vec![[0; 2]; bands.len()];
    watch.progress.begin("commits", "changes", plan.jobs.len() as u64);
    let mut groups: Vec<Group> = Vec::new();
    for (round, kept) in plan.jobs.chunks(ROUND).zip(kept.chunks(ROUND)) {
        // What is in the other class by now will be there in the end.
        let has_room = |job: &plan::Job, band: usize| {
            let class = job.class;
            let other = joiner.tokens_before(band, Class { seen: !class.seen, ..class }, u32::MAX);
            let allowed = share(allowance[band][class.side as usize], other);
            joiner.tokens_before(band, class, job.newest) < allowed
        };
        let open = |job| (0..bands.len()).map(|band| has_room(job, band)).collect();
        let work: Vec<Vec<bool>> = round.iter().map(open).collect();
        // What no earlier run kept takes longest: at the end, the other threads would wait for it.
        let mut order: Vec<usize> = (0..work.len()).collect();
        order.sort_by_key(|&at| kept[at]);
        let (made, written) = rayon::join(
            || {
                spread(order.len(), Share::Neighbours(1), <()>::default, |(), place| {
                    watch.check()?;
                    let at = order[place];
                    let made =
                        work[at].contains(&true).then(|| kept::run(&shop, &round[at], &work[at])).transpose();
                    watch.progress.advance(1);
                    made.map(|made| (at, made))
                })
            },
            || put(&shop, output, &groups),
        );
        written?;
        groups.clear();
        let mut made = made?;
        made.sort_unstable_by_key(|&(at, _)| at);
        for (_, made) in made {
            let Some(made) = made else {
                counts.not_told += 1;
                continue;
            };
            readings.0.extend(made.readings.0);
            for (sum, more) in too_large.iter_mut().zip(made.too_large) {
                *sum = [sum[0] + more[0], sum[1] + more[1]];
            }
            for telling in made.tellings {
                *counts.tellings.entry(telling.form).or_default() += 1;
                groups.extend(joiner.take(telling));
            }
        }
    }
    groups.extend(joiner.rest());
    put(&shop, output, &groups)?;
    counts.beyond_ratio = output.keep_first(Kind::Commits, &allowance)?;
    for result in readings.0.into_values() {
        match result {
            Ok(()) => counts.versions += 1,
            Err(reason) => *counts.unreadable.entry(reason).or_default() += 1,
        }
    }
    let rows = bands.iter().zip(too_large);
    counts.too_large =
        rows.map(|(band, [steps, commits])| TooLargeRow { band: band.id, steps, commits }).collect();
    Ok(())
}

/// For each file of the graph its place in the order in which files are read, what is needed first.
fn reading_order(world: &World<'_>) -> Vec<u32> {
    let graph = &world.corpus.graph;
    let mut places = vec![0; graph.files.len()];
    for (place, file) in (0u32..).zip(graph.order(Order::Deps)) {
        places[file as usize] = place;
    }
    places
}

fn put(shop: &Workshop<'_>, output: &Output, groups: &[Group]) -> Result<()> {
    groups.par_iter().with_max_len(4).try_for_each_init(Draft::default, |draft, group| {
        let Some(newest) = group.last() else { return Ok(()) };
        draft.clear();
        for telling in group {
            draft.append(&telling.part);
        }
        draft.loss_start = group[0].part.loss_start;
        let mut distances: Vec<u32> = group.iter().flat_map(|telling| &telling.distances).copied().collect();
        let distractors = group.iter().map(|telling| telling.distractors).max().unwrap_or(0);
        let about = About {
            side: newest.class.side,
            seen: newest.class.seen,
            kind: Kind::Commits,
            band: newest.band,
            order: u64::from(newest.newest()) << 32 | u64::from(newest.document),
            features: features(&mut distances, distractors),
            extra: extra(shop, group),
        };
        output.put(draft, about)
    })
}

/// A commit in `meta.jsonl`.
#[derive(Serialize)]
struct CommitRow {
    commit: String,
    subject: String,
    time: i64,
}

fn extra(shop: &Workshop<'_>, group: &Group) -> Extra {
    let history = &shop.library.plan.history;
    let mut known = BTreeMap::new();
    let mut commits = Vec::new();
    for &commit in group.iter().flat_map(|telling| &telling.commits) {
        if known.insert(commit, ()).is_none() {
            let subject = shop.library.message(commit).subject;
            let told = &history.commits[commit as usize];
            commits.push(CommitRow { commit: told.id.to_string(), subject, time: told.time });
        }
    }
    let mut extra = Extra::default();
    extra.add("form", &group.first().map(|telling| telling.form));
    extra.add("commits", &commits);
    extra
}

impl CommitCounts {
    fn note_missing(&mut self, objects: impl Iterator<Item = String>) {
        let mut objects: Vec<String> = objects.collect();
        objects.sort_unstable();
        objects.dedup();
        self.missing.objects = objects.len() as u64;
        objects.truncate(EXAMPLES);
        self.missing = MissingRow { examples: objects, ..self.missing };
    }
}

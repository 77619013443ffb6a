//! Looks into every commit of a walk, many at a time, and hands the findings on in order.

use std::collections::HashSet;

use gix::ObjectId;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::assemble::Assembler;
use super::filters::{is_bot, may_be_formatting, parse_ignored_revisions};
use super::formatting::same_but_for_layout;
use super::store::{Place, Reader, Store};
use super::trees::{TreeChange, TreeDiff};
use super::walk::{Base, Step, Walk};
use super::{HistoryOptions, ObjectKind, Reason, kept, renames};
use crate::cache::Cache;
use crate::interrupt::Watch;
use crate::{Error, Result};

/// Stretches between two times the findings are handed on: bounds the memory they take.
const STRETCHES: usize = 64;
/// The file that lists commits to look past, by convention.
const IGNORED_REVISIONS: &[u8] = b".git-blame-ignore-revs";

/// What one commit did.
#[derive(Serialize, Deserialize)]
pub(super) struct Finding {
    /// Its changes, by path.
    pub(super) changes: Vec<TreeChange>,
    /// Why they are no versions of their own.
    pub(super) left_out: Option<Reason>,
    /// Whether some renames were not looked for.
    pub(super) limited: bool,
}

/// Looks into all steps of `walk` and tells `assembler`, newest first.
pub(super) fn scan(
    store: &Store,
    walk: &Walk,
    options: &HistoryOptions,
    cache: &Cache,
    watch: Watch<'_>,
    assembler: &mut Assembler,
) -> Result<()> {
    watch.progress.begin("history", "commits", walk.steps.len() as u64);
    let ignored = if options.skip_formatting { ignored_revisions(store, walk.tip) } else { HashSet::new() };
    // One thread looks into neighbouring commits with one reader, so that it meets the same trees again.
    for batch in kept::stretches(&walk.steps).chunks(STRETCHES) {
        let findings: Vec<Vec<Finding>> = batch
            .par_iter()
            .with_max_len(1)
            .map(|stretch| {
                watch.check()?;
                let found = look_into_all(store, stretch, options, &ignored, cache);
                watch.progress.advance(stretch.len() as u64);
                Ok::<_, Error>(found)
            })
            .collect::<Result<_>>()?;
        for finding in findings.into_iter().flatten() {
            assembler.add(finding);
        }
    }
    Ok(())
}

/// The regular files of a commit's tree.
pub(super) fn files_of(store: &Store, tip: (ObjectId, ObjectId)) -> HashSet<Box<[u8]>> {
    let changes = store.with_reader(|reader| TreeDiff::run(reader, tip.0, None, Some(tip.1)));
    let regular = |change: &TreeChange| change.new.is_some_and(|side| side.is_regular());
    changes.into_iter().flatten().filter(regular).map(|change| change.path).collect()
}

fn ignored_revisions(store: &Store, tip: (ObjectId, ObjectId)) -> HashSet<ObjectId> {
    store.with_reader(|reader| {
        let Some(id) = TreeDiff::file_at_root(reader, tip.0, tip.1, IGNORED_REVISIONS) else {
            return HashSet::new();
        };
        let mut text = Vec::new();
        let place = Place { commit: Some(tip.0), path: IGNORED_REVISIONS };
        if reader.read(id, ObjectKind::Blob, place, &mut text) {
            parse_ignored_revisions(&text)
        } else {
            HashSet::new()
        }
    })
}

fn look_into_all(
    store: &Store,
    stretch: &[Step],
    options: &HistoryOptions,
    ignored: &HashSet<ObjectId>,
    cache: &Cache,
) -> Vec<Finding> {
    let key = cache.is_on().then(|| kept::key(stretch, options, ignored));
    let known = key.and_then(|key| kept::unpack(&cache.get(&key)?, stretch.len()));
    known.unwrap_or_else(|| {
        store.with_reader(|reader| {
            let missing = reader.times_missing();
            let found: Vec<Finding> =
                stretch.iter().map(|step| look_into(reader, step, options, ignored)).collect();
            let is_complete = reader.times_missing() == missing
                && !found.iter().any(|finding| finding.left_out == Some(Reason::MissingTree));
            // What is missing must be named in each run, and may be there in the next.
            if let (Some(key), true) = (key, is_complete)
                && let Ok(value) = postcard::to_stdvec(&found)
            {
                cache.put(key, &value);
            }
            found
        })
    })
}

fn look_into(
    reader: &mut Reader,
    step: &Step,
    options: &HistoryOptions,
    ignored: &HashSet<ObjectId>,
) -> Finding {
    let unreadable = || Finding { changes: Vec::new(), left_out: Some(Reason::MissingTree), limited: false };
    let base = match step.base {
        Base::Nothing => None,
        Base::Tree(id) => Some(id),
        Base::Missing => return unreadable(),
    };
    let Some(mut changes) = TreeDiff::run(reader, step.commit.id, base, Some(step.tree)) else {
        return unreadable();
    };
    let limited = renames::find(reader, step.commit.id, &mut changes);
    changes.retain(|change| [change.old, change.new].into_iter().flatten().any(|side| side.is_regular()));
    let left_out = if options.skip_bots && is_bot(step) {
        Some(Reason::Bot)
    } else if options.max_files_per_commit.is_some_and(|most| changes.len() > most) {
        Some(Reason::Mass)
    } else if options.skip_formatting
        && may_be_formatting(step, ignored)
        && changes_layout_only(reader, step.commit.id, &changes)
    {
        Some(Reason::Formatting)
    } else {
        None
    };
    Finding { changes, left_out, limited }
}

fn changes_layout_only(reader: &mut Reader, commit: ObjectId, changes: &[TreeChange]) -> bool {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    !changes.is_empty()
        && changes.iter().all(|change| {
            let (Some(old), Some(new)) = (change.old, change.new) else { return false };
            let place = Place { commit: Some(commit), path: &change.path };
            old.is_regular()
                && new.is_regular()
                && (old.id == new.id
                    || reader.read(old.id, ObjectKind::Blob, place, &mut before)
                        && reader.read(new.id, ObjectKind::Blob, place, &mut after)
                        && same_but_for_layout(&change.path, &before, &after))
        })
}

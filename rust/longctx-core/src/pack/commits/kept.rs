//! Pieces of work whose result an earlier run kept.
//!
//! What a piece of work tells depends on the versions and commits that it names and on how sequences are made, on nothing
//! else of the repository: after a new commit almost all of them are what they were.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::plan::{Content, Job, Step, Work};
use super::telling::{Form, Telling};
use super::version::Library;
use super::work::{Made, Workshop};
use crate::Result;
use crate::cache::{Key, KeyMaker};
use crate::history::BlobIndex;
use crate::pack::world::World;
use crate::sequence::{Part, Role, Segment, Why};
use crate::source::SkipReason;

/// Path, blob and commit of a version that is shown.
type Shown<T> = (T, T, Option<T>);

/// A [`Made`] without numbers that mean something in one run only.
#[derive(Serialize, Deserialize)]
struct Kept {
    texts: Vec<Shown<Box<str>>>,
    tellings: Vec<KeptTelling>,
    /// Of the contents that the work names, by place.
    readings: Vec<(u32, std::result::Result<(), SkipReason>)>,
    too_large: Vec<[u64; 2]>,
}

#[derive(Serialize, Deserialize)]
struct KeptTelling {
    band: usize,
    tokens: Vec<u32>,
    segments: Vec<KeptSegment>,
    loss_start: u32,
    form: Form,
    directory: Vec<u8>,
    /// Places among the commits that the work names.
    commits: Vec<u32>,
    distances: Vec<u32>,
    distractors: u32,
}

#[derive(Serialize, Deserialize)]
struct KeptSegment {
    /// Place among the texts.
    text: u32,
    role: Role,
    bytes: [u32; 2],
    tokens: [u32; 2],
    why: Why,
    name: Option<Box<str>>,
}

/// What a piece of work names, in a fixed order.
struct Named<'p> {
    steps: Vec<&'p Step>,
}

/// Does a piece of work in the `bands` that are marked, or takes what an earlier run made of it.
///
/// # Errors
/// [`crate::Error::Interrupted`].
pub fn run(shop: &Workshop<'_>, job: &Job, bands: &[bool]) -> Result<Made> {
    let cache = shop.world.cache;
    if !cache.is_on() {
        return shop.run(job, bands);
    }
    let named = Named::of(shop.world, &shop.library, &shop.reading_order, job);
    let key = key(shop.world, &shop.library, job, bands, &named);
    if let Some(value) = cache.get(&key)
        && let Ok(kept) = postcard::from_bytes::<Kept>(&value)
        && let Some(made) = unpack(kept, job, &named)
    {
        return Ok(made);
    }
    let made = shop.run(job, bands)?;
    // What is missing today may be there tomorrow; what a parser gave up on being interrupted is no result.
    let missing = made.readings.0.values().any(|found| *found == Err(SkipReason::MissingObject));
    if !missing
        && shop.library.watch.check().is_ok()
        && let Some(kept) = pack(&made, &named)
        && let Ok(value) = postcard::to_stdvec(&kept)
    {
        cache.put(key, &value);
    }
    Ok(made)
}

/// Whether an earlier run did a piece of work in all bands.
pub fn is_kept(world: &World<'_>, library: &Library<'_>, reading_order: &[u32], job: &Job) -> bool {
    if !world.cache.is_filled() {
        return false;
    }
    let named = Named::of(world, library, reading_order, job);
    world.cache.has(&key(world, library, job, &vec![true; world.options.bands.len()], &named))
}

impl<'p> Named<'p> {
    /// Members of a commit come in the order in which files are read, as in the telling.
    fn of(world: &World<'_>, library: &Library<'p>, reading_order: &[u32], job: &Job) -> Self {
        let plan = library.plan;
        let steps = match &job.work {
            Work::Stretch(chain, steps) => plan.chains[*chain as usize].steps[steps.clone()].iter().collect(),
            Work::Joint(members) => {
                let mut members: Vec<(u32, &Step)> = members
                    .iter()
                    .map(|&(chain, step)| {
                        let chain = &plan.chains[chain as usize];
                        let file = world.corpus.documents.file(chain.document);
                        (reading_order[file as usize], &chain.steps[step])
                    })
                    .collect();
                members.sort_by_key(|&(place, _)| place);
                members.into_iter().map(|(_, step)| step).collect()
            }
        };
        Self { steps }
    }

    fn contents(&self) -> impl Iterator<Item = &'p Content> {
        self.steps.iter().flat_map(|step| step.before.iter().chain([&step.after]))
    }
}

/// Of all that decides what is made.
fn key(world: &World<'_>, library: &Library<'_>, job: &Job, bands: &[bool], named: &Named<'_>) -> Key {
    let mut maker = KeyMaker::new("commit work");
    maker.add(world.kit.tokenizer.sha256().as_bytes());
    maker.number(world.kit.header_limit as u64).number(u64::from(library.options.redact_secrets));
    maker.number(library.largest);
    for (band, &open) in world.options.bands.iter().zip(bands) {
        for number in [u32::from(band.id), band.min, band.max, band.overlap, u32::from(open)] {
            maker.number(u64::from(number));
        }
    }
    let directory = |document: u32| world.corpus.documents.path(document).parent();
    maker.number(u64::from(matches!(job.work, Work::Joint(_)))).add(directory(job.document));
    if let Work::Joint(members) = &job.work {
        for &(chain, _) in members {
            maker.add(directory(library.plan.chains[chain as usize].document));
        }
    }
    for step in &named.steps {
        let message = library.message(step.commit);
        maker.add(message.short_id.as_bytes()).add(message.subject.as_bytes());
        maker.number(u64::from(step.before.is_some()));
        for content in step.before.iter().chain([&step.after]) {
            maker.add(library.plan.history.blob(content.blob).as_slice());
            maker.add(content.commit.as_slice()).add(library.plan.shown_path(content.path).as_bytes());
        }
    }
    maker.key()
}

fn pack(made: &Made, named: &Named<'_>) -> Option<Kept> {
    let mut places: HashMap<Shown<&str>, u32> = HashMap::new();
    let mut texts = Vec::new();
    let mut tellings = Vec::new();
    for telling in &made.tellings {
        let mut segments = Vec::with_capacity(telling.part.segments.len());
        for segment in &telling.part.segments {
            if segment.needed_by.is_some() {
                return None;
            }
            let text = (&*segment.path, &*segment.blob, segment.commit.as_deref());
            let place = *places.entry(text).or_insert_with(|| {
                texts.push((text.0.into(), text.1.into(), text.2.map(Into::into)));
                texts.len() as u32 - 1
            });
            segments.push(KeptSegment {
                text: place,
                role: segment.role,
                bytes: segment.bytes,
                tokens: segment.tokens,
                why: segment.why,
                name: segment.name.as_deref().map(Into::into),
            });
        }
        let place_of = |commit: &u32| named.steps.iter().position(|step| step.commit == *commit);
        let commits: Option<Vec<u32>> =
            telling.commits.iter().map(|commit| place_of(commit).map(|at| at as u32)).collect();
        tellings.push(KeptTelling {
            band: telling.band,
            tokens: telling.part.tokens.clone(),
            segments,
            loss_start: telling.part.loss_start,
            form: telling.form,
            directory: telling.directory.clone(),
            commits: commits?,
            distances: telling.distances.clone(),
            distractors: telling.distractors,
        });
    }
    let blobs: Vec<BlobIndex> = named.contents().map(|content| content.blob).collect();
    let reading = |(blob, &found): (&BlobIndex, &std::result::Result<(), SkipReason>)| {
        blobs.iter().position(|other| other == blob).map(|at| (at as u32, found))
    };
    let readings: Option<Vec<_>> = made.readings.0.iter().map(reading).collect();
    Some(Kept { texts, tellings, readings: readings?, too_large: made.too_large.clone() })
}

/// None if something in it does not fit the work.
fn unpack(kept: Kept, job: &Job, named: &Named<'_>) -> Option<Made> {
    let texts: Vec<Shown<Arc<str>>> = kept
        .texts
        .into_iter()
        .map(|(path, blob, commit)| (path.into(), blob.into(), commit.map(Into::into)))
        .collect();
    let mut made = Made { too_large: kept.too_large, ..Made::default() };
    for telling in kept.tellings {
        let segment = |kept: KeptSegment| {
            let (path, blob, commit) = texts.get(kept.text as usize)?;
            Some(Segment {
                path: path.clone(),
                blob: blob.clone(),
                commit: commit.clone(),
                role: kept.role,
                bytes: kept.bytes,
                tokens: kept.tokens,
                why: kept.why,
                name: kept.name.map(Into::into),
                needed_by: None,
            })
        };
        let segments = telling.segments.into_iter().map(segment).collect::<Option<_>>()?;
        let commit = |at: u32| named.steps.get(at as usize).map(|step| step.commit);
        made.tellings.push(Telling {
            band: telling.band,
            part: Part { tokens: telling.tokens, segments, loss_start: telling.loss_start },
            form: telling.form,
            class: job.class,
            document: job.document,
            directory: telling.directory,
            commits: telling.commits.into_iter().map(commit).collect::<Option<_>>()?,
            distances: telling.distances,
            distractors: telling.distractors,
        });
    }
    let blobs: Vec<BlobIndex> = named.contents().map(|content| content.blob).collect();
    for (at, found) in kept.readings {
        made.readings.0.insert(*blobs.get(at as usize)?, found);
    }
    Some(made)
}

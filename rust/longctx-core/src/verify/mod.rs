//! Shows that a dataset is whole, consistent, and says what its repository says.

mod documents;
mod everything;
mod markers;
mod questions;
mod sequences;
mod sources;

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use crate::Result;
use crate::interrupt::Watch;
use crate::shard::DatasetReader;
use documents::Places;

/// So many defects are named; the rest is counted.
const NAMED: usize = 100;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Defect {
    /// File, sequence or document.
    #[serde(rename = "where")]
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

/// What [`verify`] found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    dataset: String,
    shards: u64,
    sequences: u64,
    tokens: u64,
    documents_compared: u64,
    segments_compared: u64,
    /// Questions whose answers were checked with the repository.
    pub questions_proved: u64,
    /// In the order of the manifest, then by path; the first hundred.
    pub defects: Vec<Defect>,
    defects_in_all: u64,
    seconds: f64,
}

/// Checks lengths, digests, offsets, ids, markers and metadata of the dataset in `folder`; with a repository also that
/// every segment's tokens are those of the text they claim.
///
/// # Errors
/// [`crate::Error::Dataset`] if there is no usable manifest, [`crate::Error::Repository`] if the repository cannot be
/// opened, [`crate::Error::Interrupted`]. Everything else is a [`Defect`].
pub fn verify(
    folder: &Path,
    repository: Option<&Path>,
    threads: Option<usize>,
    watch: Watch<'_>,
) -> Result<Report> {
    crate::threads::on_threads(threads, || {
        let begun = Instant::now();
        let reader = DatasetReader::open_unchecked(folder)?;
        let broken = reader.defects(true, watch)?;
        let mut defects: Vec<Defect> = broken
            .iter()
            .map(|(path, what)| Defect { place: path.display().to_string(), what: what.clone() })
            .collect();

        let readable: Vec<_> = reader
            .manifest
            .shards
            .iter()
            .filter(|shard| {
                !shard.paths().iter().any(|(path, _)| broken.iter().any(|(bad, _)| *bad == folder.join(path)))
            })
            .collect();
        watch.progress.begin("reading", "sequences", readable.iter().map(|shard| shard.sequences).sum());
        let parts: Vec<sequences::Part> = readable
            .par_iter()
            .enumerate()
            .map(|(number, shard)| {
                sequences::check(&reader, shard, number as u32, repository.is_some(), watch)
            })
            .collect::<Result<_>>()?;
        let mut places = Places::default();
        let mut asked = Vec::new();
        let mut ids = HashSet::new();
        for (part, shard) in parts.into_iter().zip(&readable) {
            for id in part.ids {
                if !ids.insert(id.clone()) {
                    defects.push(Defect {
                        place: format!("{}/{} {id}", shard.split, shard.name),
                        what: "another sequence has the same id".to_owned(),
                    });
                }
            }
            defects.extend(part.defects);
            asked.extend(part.asked);
            places.merge(part.places);
        }
        let mut compared = (0, 0);
        let mut questions_proved = 0;
        if let Some(repository) = repository {
            let tokens = readable.iter().map(|shard| shard.paths()[0].0.clone()).collect();
            let found = documents::compare(&reader, repository, &places, tokens, watch)?;
            compared = (found.documents, found.segments);
            defects.extend(found.defects);
            let (proved, found) = questions::prove(&reader, repository, asked, watch)?;
            questions_proved = proved;
            defects.extend(found);
        }
        let defects_in_all = defects.len() as u64;
        defects.truncate(NAMED);
        Ok(Report {
            dataset: folder.display().to_string(),
            shards: reader.manifest.shards.len() as u64,
            sequences: readable.iter().map(|shard| shard.sequences).sum(),
            tokens: readable.iter().map(|shard| shard.tokens).sum(),
            documents_compared: compared.0,
            segments_compared: compared.1,
            questions_proved,
            defects,
            defects_in_all,
            seconds: begun.elapsed().as_secs_f64(),
        })
    })
}

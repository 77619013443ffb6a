//! Which documents must stay on one side of the split: nothing that validation measures may have been learnt under
//! another name.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::clusters::{Clusters, Reason};
use super::corpus::{Corpus, Record};
use super::minhash::{Sketch, near_duplicates};
use super::options::PackOptions;
use super::past::Past;
use crate::Result;
use crate::cache::{Cache, Key, KeyMaker};
use crate::graph::EdgeKind;
use crate::history::{Blob, ObjectId};
use crate::interrupt::Watch;
use crate::source::Encoding;

/// Cycles of more files are not kept together: they would be half of a repository.
const LARGEST_CYCLE: usize = 8;

/// Finds the kin of every document: equal contents, near-duplicates (of any version that may be told), a common past,
/// and tight cycles of imports.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Interrupted`].
pub fn clusters(
    corpus: &Corpus,
    past: Option<&Past>,
    prefix: &[u8],
    options: &PackOptions,
    cache: &Cache,
    watch: Watch<'_>,
) -> Result<Clusters> {
    let mut clusters = Clusters::new(corpus.documents.len());
    clusters.join_equal(corpus.documents.iter().map(|record| record.blob.clone()));
    for cycle in corpus.graph.cycles(EdgeKind::ReExport) {
        let documents: Vec<u32> = cycle.iter().filter_map(|&file| corpus.document_of(file)).collect();
        if cycle.len() <= LARGEST_CYCLE {
            for pair in documents.windows(2) {
                clusters.join(pair[0], pair[1], Reason::Cycle);
            }
        }
    }
    watch.progress.begin("comparing", "files", corpus.documents.len() as u64);
    let mut sketches: Vec<Sketch> = corpus
        .documents
        .par_iter()
        .map(|record| {
            watch.check()?;
            watch.progress.advance(1);
            let key = cache.is_on().then(|| text_key(record));
            if let Some(known) = key.and_then(|key| Sketch::from_bytes(&cache.get(&key)?)) {
                return Ok(known);
            }
            let sketch = Sketch::of(corpus.read_text(record, &mut Vec::new())?);
            if let Some(key) = key {
                cache.put(key, &sketch.to_bytes());
            }
            Ok(sketch)
        })
        .collect::<Result<_>>()?;
    let mut owners: Vec<u32> = (0..corpus.documents.len() as u32).collect();
    if let Some(past) = past {
        let versions = versions(corpus, past, prefix, options, &mut clusters);
        let packed = packed(corpus);
        let (mut known, mut places, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for (place, (id, _)) in versions.iter().enumerate() {
            match packed.get(id) {
                Some(&document) => known.push((place, sketches[document as usize].clone())),
                None => match kept(cache, id, options) {
                    Some(sketch) => known.push((place, sketch)),
                    None => {
                        places.push(place);
                        ids.push(*id);
                    }
                },
            }
        }
        let found: Mutex<Vec<(usize, Sketch)>> = Mutex::new(known);
        past.blobs.visit(&ids, options.max_file_size, watch, |at, blob| {
            if let Blob::Bytes(bytes) = blob {
                let sketch = Sketch::of(&String::from_utf8_lossy(bytes));
                if cache.is_on() {
                    cache.put(version_key(&ids[at], options), &sketch.to_bytes());
                }
                found.lock().unwrap_or_else(PoisonError::into_inner).push((places[at], sketch));
            }
            Ok(())
        })?;
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_unstable_by_key(|&(place, _)| place);
        for (place, sketch) in found {
            owners.push(versions[place].1);
            sketches.push(sketch);
        }
    }
    for (one, other) in near_duplicates(&sketches) {
        clusters.join(owners[one as usize], owners[other as usize], Reason::NearDuplicate);
    }
    Ok(clusters)
}

/// The sketch of a version that an earlier run read.
fn kept(cache: &Cache, id: &ObjectId, options: &PackOptions) -> Option<Sketch> {
    Sketch::from_bytes(&cache.is_on().then(|| cache.get(&version_key(id, options)))??)
}

/// Larger versions have no sketch: the limit belongs to the key.
fn version_key(id: &ObjectId, options: &PackOptions) -> Key {
    KeyMaker::new("sketch of a version").add(id.as_slice()).number(options.max_file_size).key()
}

fn text_key(record: &Record) -> Key {
    KeyMaker::new("sketch of a text").add(record.blob.as_bytes()).add(record.path.as_bytes()).key()
}

/// Documents by content, where a version of the same content has the same text: its sketch is there already.
fn packed(corpus: &Corpus) -> FxHashMap<ObjectId, u32> {
    let documents = (0u32..).zip(&corpus.documents);
    let plain = documents.filter(|(_, record)| record.encoding == Encoding::Utf8);
    plain
        .filter_map(|(document, record)| Some((ObjectId::from_hex(record.blob.as_bytes()).ok()?, document)))
        .collect()
}

/// The contents of versions that may be told, each with one document whose past it is; documents that share one are
/// joined.
fn versions(
    corpus: &Corpus,
    past: &Past,
    prefix: &[u8],
    options: &PackOptions,
    clusters: &mut Clusters,
) -> Vec<(ObjectId, u32)> {
    let mut owner_of: FxHashMap<ObjectId, u32> = FxHashMap::default();
    let mut versions = Vec::new();
    for (document, chain) in past.chains(corpus, prefix) {
        // What the oldest that is told was made of is shown too.
        let told = chain.contents().take(options.history.max_versions);
        for blob in told.flat_map(|version| [version.blob, version.before]).flatten() {
            let id = past.history.blob(blob);
            match owner_of.get(&id) {
                Some(&owner) => clusters.join(owner, document, Reason::Renamed),
                None => {
                    owner_of.insert(id, document);
                    versions.push((id, document));
                }
            }
        }
    }
    versions
}

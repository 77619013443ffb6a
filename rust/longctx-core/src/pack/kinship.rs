//! Which documents must stay on one side of the split: nothing that validation measures may have been learnt under
//! another name.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use longctx_column::Column;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::clusters::{Clusters, Reason};
use super::corpus::Corpus;
use super::documents::Record;
use super::minhash::{self, Sketch, near_duplicates, sketch};
use super::options::PackOptions;
use super::past::Past;
use crate::Result;
use crate::cache::{Cache, Key, KeyMaker};
use crate::graph::EdgeKind;
use crate::history::{Blob, ObjectId};
use crate::interrupt::Watch;
use crate::list::ListWriter;
use crate::source::Encoding;
use crate::threads::{Share, spread_each};

/// Cycles of more files are not kept together: they would be half of a repository.
const LARGEST_CYCLE: usize = 8;

/// Finds the kin of every document: equal contents, near-duplicates (of any version that may be told), a common past,
/// and tight cycles of imports. What is compared waits in a file in `folder`.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Interrupted`].
pub fn clusters(
    corpus: &Corpus,
    past: Option<&Past>,
    prefix: &[u8],
    options: &PackOptions,
    folder: &Path,
    cache: &Cache,
    watch: Watch<'_>,
) -> Result<Clusters> {
    let mut clusters = Clusters::new(corpus.documents.len());
    clusters.join_equal(corpus.documents.iter().map(|record| record.blob));
    for cycle in corpus.graph.cycles(EdgeKind::ReExport) {
        let documents: Vec<u32> = cycle.iter().filter_map(|&file| corpus.document_of(file)).collect();
        if cycle.len() <= LARGEST_CYCLE {
            for pair in documents.windows(2) {
                clusters.join(pair[0], pair[1], Reason::Cycle);
            }
        }
    }
    watch.progress.begin("comparing", "files", corpus.documents.len() as u64);
    let sketches = Sketches::new(folder)?;
    spread_each(corpus.documents.len(), Share::Neighbours(8), Vec::new, |buffer, document| {
        let document = document as u32;
        watch.check()?;
        watch.progress.advance(1);
        let record = corpus.documents.get(document);
        let key = cache.is_on().then(|| text_key(&record));
        if let Some(known) = key.and_then(|key| minhash::from_bytes(&cache.get(&key)?)) {
            return sketches.add(&known, document);
        }
        let sketch = sketch(corpus.read_text(&record, buffer)?);
        if let Some(key) = key {
            cache.put(key, &minhash::to_bytes(&sketch));
        }
        sketches.add(&sketch, document)
    })?;
    if let Some(past) = past {
        let versions = versions(corpus, past, prefix, options, &mut clusters);
        let packed = packed(corpus);
        let mut others = Vec::with_capacity(versions.len());
        for (id, document) in versions {
            match packed.get(&id) {
                Some(&same) => clusters.join(same, document, Reason::NearDuplicate),
                None => others.push((id, document)),
            }
        }
        let unread = others.into_par_iter().map(|(id, document)| match kept(cache, &id, options) {
            Some(sketch) => sketches.add(&sketch, document).map(|()| None),
            None => Ok(Some((id, document))),
        });
        let unread: Vec<(ObjectId, u32)> = unread.filter_map(Result::transpose).collect::<Result<_>>()?;
        let ids: Vec<ObjectId> = unread.iter().map(|&(id, _)| id).collect();
        past.blobs.visit(&ids, options.max_file_size, watch, |at, blob| {
            let Blob::Bytes(bytes) = blob else { return Ok(()) };
            let sketch = sketch(&String::from_utf8_lossy(bytes));
            if cache.is_on() {
                cache.put(version_key(&ids[at], options), &minhash::to_bytes(&sketch));
            }
            sketches.add(&sketch, unread[at].1)
        })?;
    }
    let (sketches, owners) = sketches.finish()?;
    for (one, other) in near_duplicates(&sketches) {
        clusters.join(owners[one as usize], owners[other as usize], Reason::NearDuplicate);
    }
    // Comparing takes more room than what was found.
    longctx_alloc::give_back();
    Ok(clusters)
}

/// Sketches of documents and versions, on disk, in any order.
struct Sketches {
    /// The sketches, and for each the document that it belongs to.
    all: Mutex<(ListWriter<Sketch>, Vec<u32>)>,
}

impl Sketches {
    fn new(folder: &Path) -> Result<Self> {
        Ok(Self { all: Mutex::new((ListWriter::new(folder)?, Vec::new())) })
    }

    fn add(&self, sketch: &Sketch, document: u32) -> Result<()> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.1.push(document);
        all.0.extend(&[*sketch])
    }

    fn finish(self) -> Result<(Column<Sketch>, Vec<u32>)> {
        let (writer, owners) = self.all.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((writer.finish()?, owners))
    }
}

/// The sketch of a version that an earlier run read.
fn kept(cache: &Cache, id: &ObjectId, options: &PackOptions) -> Option<Sketch> {
    minhash::from_bytes(&cache.is_on().then(|| cache.get(&version_key(id, options)))??)
}

/// Larger versions have no sketch: the limit belongs to the key.
fn version_key(id: &ObjectId, options: &PackOptions) -> Key {
    KeyMaker::new("sketch of a version").add(id.as_slice()).number(options.max_file_size).key()
}

fn text_key(record: &Record<'_>) -> Key {
    KeyMaker::new("sketch of a text").add(record.blob.as_bytes()).add(record.path.as_bytes()).key()
}

/// Documents by content, where a version of the same content has the same text: its sketch is there already.
fn packed(corpus: &Corpus) -> FxHashMap<ObjectId, u32> {
    let documents = (0u32..).zip(corpus.documents.iter());
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

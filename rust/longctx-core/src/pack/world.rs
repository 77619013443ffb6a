//! What the makers of all kinds of sequences know.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;
use serde::Serialize;
use thread_local::ThreadLocal;

use super::clusters::Reason;
use super::corpus::Corpus;
use super::documents::Record;
use super::options::{FileOrder, PackOptions};
use super::split::Side;
use super::split::Sides;
use crate::Result;
use crate::cache::Cache;
use crate::graph::{Known, Order};
use crate::sequence::{Kit, Text};

/// The documents, their graph, the split, and the means to encode.
pub struct World<'w> {
    /// What was asked for.
    pub options: &'w PackOptions,
    /// Encodes.
    pub kit: Kit<'w>,
    /// The documents.
    pub corpus: &'w Corpus,
    /// Which document is on which side.
    pub sides: &'w Sides,
    /// The place of each document in the order in which files are read.
    pub reading_order: Vec<u32>,
    /// What an earlier run kept.
    pub cache: &'w Cache,
    /// The commit that was packed; none for a work tree.
    pub commit: Option<Arc<str>>,
    /// Texts that each thread has read of late.
    pub texts: TextCache,
}

/// The texts that each thread read last; neighbouring sequences show the same files.
pub type TextCache = ThreadLocal<RefCell<Texts>>;

/// The texts that a thread read last.
#[derive(Default)]
pub struct Texts {
    /// By document.
    kept: FxHashMap<u32, Arc<Kept>>,
    /// Their documents, the one first that was read first.
    order: VecDeque<u32>,
    bytes: usize,
    buffer: Vec<u8>,
}

/// A text, and what is known of its document.
struct Kept {
    text: Box<str>,
    name: Arc<str>,
    blob: Arc<str>,
    /// The bytes of the lines with its imports, once somebody asked.
    imports: OnceLock<Box<[Range<usize>]>>,
}

/// A document that is kept on a side together with others, in `meta.jsonl`.
#[derive(Serialize)]
pub struct ClusterRow<'w> {
    path: &'w str,
    files: u32,
    first: &'w str,
    reasons: Vec<Reason>,
}

/// Bytes of text that a thread keeps, if the one read last has no more.
const TEXT_BYTES: usize = 8 << 20;

impl Texts {
    /// Keeps a text, and forgets those read first where it is too much.
    fn keep(&mut self, document: u32, text: Arc<Kept>) {
        self.bytes += text.text.len();
        self.kept.insert(document, text);
        self.order.push_back(document);
        while self.bytes > TEXT_BYTES
            && self.order.len() > 1
            && let Some(first) = self.order.pop_front()
        {
            self.bytes -= self.kept.remove(&first).map_or(0, |text| text.text.len());
        }
    }
}

/// A document with its text.
pub struct Loaded<'w> {
    /// What is known of it.
    pub record: Record<'w>,
    kept: Arc<Kept>,
    commit: Option<Arc<str>>,
}

impl World<'_> {
    /// A document, with its text read back.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn load(&self, document: u32) -> Result<Loaded<'_>> {
        let record = self.corpus.documents.get(document);
        let mut texts = self.texts.get_or_default().borrow_mut();
        let kept = match texts.kept.get(&document) {
            Some(kept) => kept.clone(),
            None => {
                let text = self.corpus.read_text(&record, &mut texts.buffer)?.into();
                let (name, blob) = (record.name.into(), record.blob.into());
                let one = Arc::new(Kept { text, name, blob, imports: OnceLock::new() });
                texts.keep(document, one.clone());
                one
            }
        };
        Ok(Loaded { record, kept, commit: self.commit.clone() })
    }

    /// What a document says: its imports and definitions.
    pub fn facts(&self, record: &Record<'_>) -> Option<Known<'_>> {
        self.corpus.graph.facts(record.file)
    }

    /// The same, by the document's number.
    pub fn facts_of(&self, document: u32) -> Option<Known<'_>> {
        self.corpus.graph.facts(self.corpus.documents.file(document))
    }

    /// The bytes of a document's lines with imports, as [`Known::import_lines`] finds them.
    pub fn import_lines<'l>(&self, loaded: &'l Loaded<'_>) -> &'l [Range<usize>] {
        loaded.kept.imports.get_or_init(|| {
            let facts = self.facts(&loaded.record);
            facts.map(|facts| facts.import_lines(&loaded.kept.text).into_boxed_slice()).unwrap_or_default()
        })
    }

    /// A number drawn by the seed for what `parts` name.
    pub fn draw(&self, purpose: &[u8], parts: &[&[u8]]) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.options.seed.to_le_bytes());
        for part in std::iter::once(&purpose).chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first)
    }

    /// Whether hierarchical sequences show other files before their targets.
    pub fn shows_context(&self) -> bool {
        !self.options.context.is_empty()
    }

    /// Whether other files stand before the windows of a document that no sequence holds whole. Before those of plain text
    /// their own overlap is worth more.
    pub fn shows_context_before(&self, record: &Record<'_>) -> bool {
        self.shows_context() && self.facts(record).is_some()
    }

    /// The clusters that kept documents on their side of the split: those of more than one file.
    pub fn clusters(&self, documents: impl Iterator<Item = u32>) -> Vec<ClusterRow<'_>> {
        let path = |document: u32| self.corpus.documents.name(document);
        let rows = documents.filter_map(|document| {
            let cluster = self.sides.cluster(document).filter(|cluster| cluster.size > 1)?;
            Some(ClusterRow {
                path: path(document),
                files: cluster.size,
                first: path(cluster.first),
                reasons: cluster.reasons.iter().collect(),
            })
        });
        rows.collect()
    }

    /// Whether a sequence of `side` may show a document: training never shows what is kept for validation.
    pub fn may_show(&self, side: Side, document: u32) -> bool {
        side == Side::Val || self.sides.of(document) == Side::Train
    }
}

impl Loaded<'_> {
    /// To cut pieces from.
    pub fn text(&self) -> Text<'_> {
        Text {
            path: self.record.path,
            header: Some(self.record.header),
            name: self.name().clone(),
            blob: self.kept.blob.clone(),
            commit: self.commit.clone(),
            text: &self.kept.text,
            hidden: self.record.hidden,
            comment: self.record.language.line_comment,
        }
    }

    /// Its path's text form.
    pub fn name(&self) -> &Arc<str> {
        &self.kept.name
    }
}

/// The place of each document in the order that was asked for.
pub fn reading_order(corpus: &Corpus, order: FileOrder, seed: u64) -> Vec<u32> {
    let order = match order {
        FileOrder::Deps => Order::Deps,
        FileOrder::Path => Order::Path,
        FileOrder::Random => Order::Random(seed),
    };
    let mut places = vec![0; corpus.documents.len()];
    let files = corpus.graph.order(order).into_iter();
    for (place, document) in (0u32..).zip(files.filter_map(|file| corpus.document_of(file))) {
        places[document as usize] = place;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_the_texts_that_it_read_last() {
        let mut texts = Texts::default();
        let mut keep = |document: u32, bytes: usize| {
            let (text, name, blob) = ("x".repeat(bytes).into(), "name".into(), "blob".into());
            texts.keep(document, Arc::new(Kept { text, name, blob, imports: OnceLock::new() }));
            let mut kept: Vec<u32> = texts.kept.keys().copied().collect();
            kept.sort_unstable();
            (kept, texts.bytes)
        };
        let third = TEXT_BYTES / 3;
        assert_eq!(keep(1, third).0, [1]);
        assert_eq!(keep(2, third).0, [1, 2]);
        assert_eq!(keep(3, third), (vec![1, 2, 3], 3 * third));
        assert_eq!(keep(4, third), (vec![2, 3, 4], 3 * third));
        assert_eq!(keep(5, 2 * TEXT_BYTES), (vec![5], 2 * TEXT_BYTES));
        assert_eq!(keep(6, 1), (vec![6], 1));
    }
}

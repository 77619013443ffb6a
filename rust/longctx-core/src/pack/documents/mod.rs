//! What is known of the documents. It lies on disk, so that a tree may have any number of files.

mod write;

#[cfg(test)]
mod tests;

use std::ops::Range;

use bytemuck::{AnyBitPattern, NoUninit};
use longctx_column::Column;
use rustc_hash::FxHashMap;

use crate::graph::FileIndex;
use crate::path::RepoPathRef;
use crate::sequence::{RedactedTokens, Window};
use crate::source::{Encoding, Language};
pub use write::{Cuts, DocumentsWriter, NewDocument, Part, window_limit};

/// Stands for the number of windows in context of a document that a band can hold whole.
const WHOLE: u32 = u32::MAX;

/// A window as it is stored: the ends of its tokens and bytes, its context, where learning begins, and its flags.
type Stored = [u32; 7];

/// How large a document is, and where it lies in its spools.
#[derive(Debug, Clone, Copy, Default, NoUninit, AnyBitPattern)]
#[repr(C)]
pub struct Sizes {
    /// Size of the file.
    pub bytes: u64,
    pub(in crate::pack) tokens_at: u64,
    pub(in crate::pack) text_at: u64,
    /// What it says: first what leads to other files, then its calls.
    pub(in crate::pack) said_at: u64,
    /// Length of its text in bytes.
    pub text_bytes: u32,
    /// Length of its text in tokens.
    pub tokens: u32,
    pub(in crate::pack) links_bytes: u32,
    pub(in crate::pack) calls_bytes: u32,
}

/// What a document's place in the store begins with. There follow its name, its path if that is another, its object id,
/// the tokens of its header, how many windows it has in each band, and these.
#[derive(Clone, Copy, NoUninit, AnyBitPattern)]
#[repr(C)]
struct Head {
    sizes: Sizes,
    /// Bytes.
    name: u32,
    /// Bytes; 0 where it is the name.
    path: u32,
    /// Bytes.
    blob: u32,
    /// Tokens.
    header: u32,
    bands: u32,
    language: u16,
    encoding: u8,
    header_shortened: u8,
}

/// The stretches that are hidden in a document that has some.
#[derive(Debug)]
struct Hidden {
    redacted: Box<[RedactedTokens]>,
    bytes: Box<[Range<usize>]>,
}

/// Where a document lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Which of the stores.
    store: u32,
    /// The word that it begins at.
    at: u32,
}

fn window(stored: &Stored) -> Window {
    let &[start, end, first_byte, end_byte, context, learnt_from, flags] = stored;
    Window {
        tokens: start..end,
        bytes: first_byte..end_byte,
        context,
        learnt_from,
        begins_with_break: flags & 1 != 0,
        ends_with_break: flags & 2 != 0,
        cut_short: flags & 4 != 0,
    }
}

/// All documents, sorted by path.
pub struct Documents {
    stores: Vec<Column<u32>>,
    places: Vec<Place>,
    hidden: FxHashMap<u32, Hidden>,
    /// For each document its place in the graph.
    files: Vec<FileIndex>,
}

impl Documents {
    /// The documents that all threads read, sorted by the numbers that they were added with, and these numbers.
    pub fn new(parts: Vec<Part>) -> (Self, Vec<u32>) {
        let count = parts.iter().map(|part| part.places.len()).sum();
        let mut numbered: Vec<(u32, Place)> = Vec::with_capacity(count);
        let (mut stores, mut hidden) = (Vec::new(), Vec::new());
        for (store, part) in (0u32..).zip(parts) {
            numbered.extend(part.places.into_iter().map(|(number, at)| (number, Place { store, at })));
            stores.push(part.words);
            hidden.extend(part.hidden);
        }
        numbered.sort_unstable_by_key(|&(number, _)| number);
        let document = |number: u32| numbered.partition_point(|&(other, _)| other < number) as u32;
        let hidden = hidden.into_iter().map(|(number, hidden)| (document(number), hidden)).collect();
        let (numbers, places) = numbered.into_iter().unzip();
        (Self { stores, places, hidden, files: vec![0; count] }, numbers)
    }

    /// Says where a document is in the graph.
    pub fn set_file(&mut self, document: u32, file: FileIndex) {
        self.files[document as usize] = file;
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// A document, by number.
    pub fn get(&self, document: u32) -> Record<'_> {
        let (head, mut words) = self.head(document);
        let name = words.text(head.name as usize);
        let path = path_after(&head, name.as_bytes(), &mut words);
        let blob = words.text(head.blob as usize);
        let header = words.take(head.header as usize);
        let hidden = self.hidden.get(&document);
        Record {
            path: RepoPathRef::new(path),
            name,
            blob,
            language: Language::by_number(head.language),
            encoding: Encoding::ALL[usize::from(head.encoding)],
            header,
            header_shortened: head.header_shortened != 0,
            redacted: hidden.map_or(&[], |hidden| &hidden.redacted),
            hidden: hidden.map_or(&[], |hidden| &hidden.bytes),
            bands: words.take(head.bands as usize * 2),
            windows: words.0,
            file: self.files[document as usize],
            spool: self.places[document as usize].store,
            sizes: head.sizes,
        }
    }

    /// The path of a document.
    pub fn path(&self, document: u32) -> RepoPathRef<'_> {
        let (head, mut words) = self.head(document);
        RepoPathRef::new(path_after(&head, words.bytes(head.name as usize), &mut words))
    }

    /// The text form of a document's path.
    pub fn name(&self, document: u32) -> &str {
        let (head, mut words) = self.head(document);
        words.text(head.name as usize)
    }

    /// The place of a document in the graph.
    pub fn file(&self, document: u32) -> FileIndex {
        self.files[document as usize]
    }

    /// The language of a document.
    pub fn language(&self, document: u32) -> &'static Language {
        Language::by_number(self.head(document).0.language)
    }

    /// What a document's place begins with, and the words after that.
    fn head(&self, document: u32) -> (Head, Words<'_>) {
        let place = self.places[document as usize];
        let mut words = Words(&self.stores[place.store as usize][place.at as usize..]);
        (bytemuck::pod_read_unaligned(words.bytes(size_of::<Head>())), words)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> + Clone {
        (0..self.len() as u32).map(|document| self.get(document))
    }
}

/// The path that follows a name; the name itself where that is the path.
fn path_after<'w>(head: &Head, name: &'w [u8], words: &mut Words<'w>) -> &'w [u8] {
    let path = words.bytes(head.path as usize);
    if path.is_empty() { name } else { path }
}

/// Takes things from the front.
struct Words<'w>(&'w [u32]);

impl<'w> Words<'w> {
    fn take(&mut self, count: usize) -> &'w [u32] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn bytes(&mut self, count: usize) -> &'w [u8] {
        &bytemuck::cast_slice(self.take(count.div_ceil(4)))[..count]
    }

    fn text(&mut self, count: usize) -> &'w str {
        // It was text when it was written.
        std::str::from_utf8(self.bytes(count)).unwrap_or_default()
    }
}

/// A document whose text and tokens lie in a spool.
#[derive(Clone, Copy)]
pub struct Record<'c> {
    /// Its path.
    pub path: RepoPathRef<'c>,
    /// The path's text form.
    pub name: &'c str,
    /// Its git object id.
    pub blob: &'c str,
    /// Its language.
    pub language: &'static Language,
    /// How its bytes became text.
    pub encoding: Encoding,
    /// Path and newline.
    pub header: &'c [u32],
    /// The path did not fit and was shortened.
    pub header_shortened: bool,
    /// Its placeholders.
    pub redacted: &'c [RedactedTokens],
    /// The same, as ranges of its text.
    pub hidden: &'c [Range<usize>],
    /// Its place in the graph.
    pub file: FileIndex,
    /// How large it is.
    pub sizes: Sizes,
    pub(in crate::pack) spool: u32,
    /// How many windows each band has, alone and in context.
    bands: &'c [u32],
    /// The windows of all bands, and what follows.
    windows: &'c [u32],
}

impl<'c> Record<'c> {
    /// The windows in a band, by its place among the bands: those with room for context where `with_context` says so and
    /// there are such.
    pub fn windows(&self, band: usize, with_context: bool) -> impl Iterator<Item = Window> + use<'c> {
        self.stored(band, with_context).iter().map(window)
    }

    /// One of [`Self::windows`].
    pub fn window(&self, band: usize, with_context: bool, number: u32) -> Window {
        window(&self.stored(band, with_context)[number as usize])
    }

    fn stored(&self, band: usize, with_context: bool) -> &'c [Stored] {
        let before: u32 = self.bands[..band * 2].iter().filter(|&&count| count != WHOLE).sum();
        let [alone, in_context] = [self.bands[band * 2], self.bands[band * 2 + 1]];
        let range = match with_context && in_context != WHOLE {
            true => before + alone..before + alone + in_context,
            false => before..before + alone,
        };
        let words = size_of::<Stored>() / size_of::<u32>();
        bytemuck::cast_slice(&self.windows[range.start as usize * words..range.end as usize * words])
    }
}

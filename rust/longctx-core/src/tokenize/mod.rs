//! Text to token ids, exactly as Hugging Face `tokenizers` does.
//!
//! Byte-level BPEs with a known pre-tokenizer take the fast path of [`bpe`]; every other `tokenizer.json` goes through
//! the Hugging Face library itself. Text that spells a special token is always read as plain text.

mod added;
mod bpe;
mod byte_alphabet;
mod cache;
mod embedded;
mod file;
#[cfg(test)]
mod fuzz;
mod json_text;
pub mod markers;
mod merges;
mod pretokenize;
mod reference;
#[cfg(test)]
mod tests;
mod unicode;

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::Path;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use thread_local::ThreadLocal;
use unicode_normalization_alignments::is_nfc;

pub use bpe::Scratch;
pub use markers::MarkerIds;

use crate::{Error, Result};
use added::{AddedSplitter, AddedToken, Part};
use bpe::Bpe;
use file::TokenizerFile;
use json_text::Vocabulary;
use reference::Reference;

/// The tokens of one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Byte of the text after each token; never falls. A token that ends inside a character has the end of the
    /// character's last token only if the tokenizer is not byte-level.
    pub ends: Vec<u32>,
}

impl Encoded {
    /// Forgets the tokens and keeps the memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.ends.clear();
    }
}

/// A [`Scratch`] for each thread that asks for one.
#[derive(Default)]
pub struct Scratches(ThreadLocal<RefCell<Scratch>>);

impl Scratches {
    /// Lends this thread's, which `work` must not ask for again.
    pub fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        work(&mut self.0.get_or_default().borrow_mut())
    }
}

/// The text cannot be had back from its tokens: the vocabulary lacks a byte, or the tokenizer rewrites text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotLossless;

/// A tokenizer, ready to encode from many threads (each with its own [`Scratch`]).
pub struct Tokenizer {
    name: String,
    /// Of `json`, once asked for.
    sha256: OnceLock<String>,
    /// The text of the `tokenizer.json`; the embedded one is only written out once asked for.
    json: OnceLock<String>,
    embedded: bool,
    fast: Option<Fast>,
    /// Where there are texts that `fast` is not for; read from `json` when the first of them comes, for that takes as long
    /// as packing a small repository. None in it if the library cannot read it.
    slow: Option<OnceLock<Option<Reference>>>,
    why_slow: Option<&'static str>,
    /// Bytes of each entry; `None` where it does not stand for bytes of its own.
    bytes: Vec<Option<Box<[u8]>>>,
    byte_level: bool,
    added: Vec<AddedToken>,
    markers: MarkerIds,
    /// Those of the markers that the vocabulary has not got yet.
    new_markers: Vec<AddedToken>,
}

/// What tokenizers call the token that ends a text.
const END_TOKENS: [&str; 5] = ["<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|endofsequence|>"];

struct Fast {
    bpe: Bpe,
    added: Option<AddedSplitter>,
    /// Only text in NFC may be encoded by it.
    nfc: bool,
    /// Ends come right out of `bpe`; otherwise they are found by the bytes of the tokens.
    direct: bool,
}

/// There is a place for every id up to the largest; no vocabulary comes near this.
const LARGEST_ID: u32 = (1 << 24) - 1;

impl Tokenizer {
    /// The embedded default.
    pub fn embedded() -> Self {
        let mut bytes: Vec<Option<Box<[u8]>>> = embedded::entries().into_iter().map(Some).collect();
        bytes[0] = None;
        let added = vec![AddedToken::special(0, embedded::END_OF_TEXT)];
        let (markers, new_markers) = markers::place(&added, bytes.len() as u32);
        Self {
            name: embedded::NAME.to_owned(),
            sha256: OnceLock::new(),
            json: OnceLock::new(),
            embedded: true,
            fast: Some(Fast { bpe: embedded::bpe(), added: None, nfc: false, direct: true }),
            slow: None,
            why_slow: None,
            bytes,
            byte_level: true,
            added,
            markers,
            new_markers,
        }
    }

    /// Any `tokenizer.json`, known to the user as `name`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Tokenizer`] if it is not one.
    pub fn from_file(path: &Path, name: &str) -> Result<Self> {
        let raw = std::fs::read(path).map_err(|source| Error::io("read", path, source))?;
        match String::from_utf8(raw) {
            Ok(text) => Self::from_text(text, path, name),
            Err(_) => Err(Error::Tokenizer {
                path: path.to_path_buf(),
                message: "not UTF-8, so not a tokenizer.json".to_owned(),
            }),
        }
    }

    /// The same tokenizer with the markers among its special tokens.
    ///
    /// # Errors
    /// Those of [`Self::json_with_markers`].
    pub fn with_markers(&self) -> Result<Self> {
        Self::from_text(self.json_with_markers()?, Path::new(&self.name), &self.name)
    }

    fn from_text(text: String, path: &Path, name: &str) -> Result<Self> {
        let broken = |message: String| Error::Tokenizer { path: path.to_path_buf(), message };
        let file =
            TokenizerFile::parse(&text).map_err(|error| broken(format!("not a tokenizer.json: {error}")))?;
        let byte_level = file.is_byte_level();
        let model = file.bpe();
        let vocabulary = match &model {
            Some(model) => Cow::Borrowed(&model.vocab),
            None => Cow::Owned(file.vocabulary().unwrap_or_default()),
        };
        let ids = vocabulary.values().copied().chain(file.added_tokens.iter().map(|token| token.id));
        if let Some(id) = ids.max().filter(|&id| id > LARGEST_ID) {
            return Err(broken(format!("it has the id {id}, and ids above {LARGEST_ID} cannot be used")));
        }
        let (mut fast, why_slow) = match file.fast_model(model.as_ref()) {
            Ok(model) => (
                Some(Fast {
                    bpe: model.bpe,
                    added: (!model.added.is_empty()).then_some(model.added),
                    nfc: model.nfc,
                    direct: false,
                }),
                None,
            ),
            Err(why) => (None, Some(why)),
        };
        let slow = match &fast {
            Some(Fast { nfc: false, .. }) => None,
            Some(Fast { nfc: true, .. }) => Some(OnceLock::new()),
            None => {
                let slow = Reference::parse(&text).map_err(|error| broken(format!("not usable: {error}")))?;
                Some(OnceLock::from(Some(slow)))
            }
        };
        let added = file.added_tokens.clone();
        let bytes =
            token_bytes(&vocabulary, &added, slow.as_ref().and_then(|slow| slow.get()?.as_ref()), byte_level);
        if let Some(fast) = &mut fast {
            fast.direct = spell_themselves(fast.bpe.lengths(), &bytes);
        }
        if bytes.is_empty() {
            return Err(broken("it has no vocabulary".to_owned()));
        }
        let (markers, new_markers) = markers::place(&added, bytes.len() as u32);
        Ok(Self {
            name: name.to_owned(),
            sha256: OnceLock::new(),
            json: OnceLock::from(text),
            embedded: false,
            fast,
            slow,
            why_slow,
            bytes,
            byte_level,
            added,
            markers,
            new_markers,
        })
    }

    /// The name that the user knows it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the `tokenizer.json`, in hexadecimal.
    pub fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| hex_sha256(self.json().as_bytes()))
    }

    /// The text of the `tokenizer.json`.
    pub fn json(&self) -> &str {
        self.json.get_or_init(embedded::tokenizer_json)
    }

    /// Whether this is the default that ships inside.
    pub fn is_embedded(&self) -> bool {
        self.embedded
    }

    /// Which code encodes: "byte-level BPE", or "Hugging Face tokenizers" and why.
    pub fn backend(&self) -> String {
        match (&self.fast, self.why_slow) {
            (Some(_), _) => "byte-level BPE".to_owned(),
            (None, Some(why)) => format!("Hugging Face tokenizers ({why})"),
            (None, None) => "Hugging Face tokenizers".to_owned(),
        }
    }

    /// One more than the largest id, added tokens included.
    pub fn vocab_size(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// Whether each token stands for bytes of its own, so that decoding is concatenation.
    pub fn is_byte_level(&self) -> bool {
        self.byte_level
    }

    /// Ids that the markers have once they are added.
    pub fn markers(&self) -> MarkerIds {
        self.markers
    }

    /// The vocabulary's size with the markers added.
    pub fn vocab_size_with_markers(&self) -> u32 {
        self.vocab_size() + self.new_markers.len() as u32
    }

    /// The `tokenizer.json` with the markers added as special tokens.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the file cannot be taken apart again, which [`Self::from_file`] has excluded.
    pub fn json_with_markers(&self) -> Result<String> {
        markers::add_to_json(self.json(), &self.new_markers).map_err(|error| Error::Tokenizer {
            path: self.name.clone().into(),
            message: format!("the markers cannot be added: {error}"),
        })
    }

    /// A `tokenizer_config.json` with which Transformers loads [`Self::json_with_markers`].
    pub fn config_json(&self) -> String {
        let end =
            self.added.iter().find(|token| token.special && END_TOKENS.contains(&token.content.as_str()));
        let mut config = serde_json::json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": false,
        });
        if let Some(end) = end {
            config["eos_token"] = end.content.as_str().into();
        }
        format!("{config:#}\n")
    }

    /// The bytes of an entry; `None` for special tokens and for entries of tokenizers that are not byte-level.
    pub fn token_bytes(&self, id: u32) -> Option<&[u8]> {
        self.bytes.get(id as usize)?.as_deref()
    }

    /// The id of a token, special or not, by its spelling in the vocabulary or, for byte-level ones, as text.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        if let Some(found) = self.added.iter().find(|added| added.content == token) {
            return Some(found.id);
        }
        let place = self.bytes.iter().position(|bytes| bytes.as_deref() == Some(token.as_bytes()))?;
        u32::try_from(place).ok()
    }

    /// Encodes `text`, replacing what is in `out`. Special tokens spelled in the text are text.
    ///
    /// # Errors
    /// [`NotLossless`] if the tokens do not decode to the text; `out` then holds what Hugging Face gives all the same.
    pub fn encode(&self, text: &str, scratch: &mut Scratch, out: &mut Encoded) -> Result<(), NotLossless> {
        out.clear();
        match &self.fast {
            Some(fast) if !fast.nfc || text.is_ascii() || is_nfc(text) => {
                let mut whole = true;
                match &fast.added {
                    None => whole = fast.bpe.encode(text, 0, scratch, out),
                    Some(splitter) => {
                        let mut at = 0;
                        splitter.split(text, &mut |part| match part {
                            Part::Text(text) => {
                                whole &= fast.bpe.encode(text, at, scratch, out);
                                at += text.len() as u32;
                            }
                            Part::Token(id) => {
                                at += self.bytes[id as usize].as_ref().map_or(0, |bytes| bytes.len() as u32);
                                out.ids.push(id);
                                out.ends.push(at);
                            }
                        });
                    }
                }
                if !(whole && fast.direct) {
                    self.ends_by_bytes(out);
                }
                if out.ends.last().map_or(0, |&end| end as usize) == text.len() {
                    Ok(())
                } else {
                    Err(NotLossless)
                }
            }
            _ => {
                let Some(slow) = self.slow() else { return Err(NotLossless) };
                if slow.encode(text, out).is_err() {
                    return Err(NotLossless);
                }
                if self.byte_level {
                    self.ends_by_bytes(out);
                }
                if self.decode(&out.ids).as_bytes() == text.as_bytes() { Ok(()) } else { Err(NotLossless) }
            }
        }
    }

    fn slow(&self) -> Option<&Reference> {
        self.slow.as_ref()?.get_or_init(|| Reference::parse(self.json()).ok()).as_ref()
    }

    fn ends_by_bytes(&self, out: &mut Encoded) {
        let Encoded { ids, ends } = out;
        ends.clear();
        ends.reserve(ids.len());
        let mut end = 0u32;
        ends.extend(ids.iter().map(|&id| {
            end += self.bytes[id as usize].as_ref().map_or(0, |bytes| bytes.len() as u32);
            end
        }));
    }

    /// The text of `ids`; bytes that are no UTF-8 become U+FFFD, special tokens and markers are spelled out.
    pub fn decode(&self, ids: &[u32]) -> String {
        if let (false, Some(slow)) = (self.byte_level, self.slow()) {
            return slow.decode(ids);
        }
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        for &id in ids {
            bytes.extend_from_slice(self.spelling(id));
        }
        match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }
    }

    fn spelling(&self, id: u32) -> &[u8] {
        if let Some(bytes) = self.token_bytes(id) {
            return bytes;
        }
        let special = self.added.iter().chain(&self.new_markers).find(|token| token.id == id);
        special.map_or(b"", |token| token.content.as_bytes())
    }
}

fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether each entry that has a length has as many bytes of its own.
fn spell_themselves(lengths: &[u32], bytes: &[Option<Box<[u8]>>]) -> bool {
    let spelled = |id: usize| bytes.get(id).and_then(Option::as_ref).map_or(0, |bytes| bytes.len());
    lengths.iter().enumerate().all(|(id, &length)| length == 0 || spelled(id) == length as usize)
}

/// Bytes by id, with a place for every id up to the largest.
fn token_bytes(
    vocabulary: &Vocabulary<'_>,
    added: &[AddedToken],
    slow: Option<&Reference>,
    byte_level: bool,
) -> Vec<Option<Box<[u8]>>> {
    let top = vocabulary.values().copied().chain(added.iter().map(|token| token.id)).max();
    let size = top.map_or(0, |id| id as usize + 1).max(slow.map_or(0, Reference::vocab_size));
    let mut bytes: Vec<Option<Box<[u8]>>> = vec![None; size];
    if byte_level {
        for (entry, &id) in vocabulary {
            bytes[id as usize] = byte_alphabet::to_bytes(entry).map(Vec::into_boxed_slice);
        }
    }
    for token in added {
        bytes[token.id as usize] = (!token.special).then(|| token.content.as_bytes().into());
    }
    bytes
}

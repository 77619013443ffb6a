//! The tokenizer that ships inside: 32,768 entries, so that packing needs no network.
//!
//! Entry 0 is `<|endoftext|>`, 1..=256 are the bytes in order, and each later one is the result of a merge, in rank
//! order. The asset holds the merges alone: two little-endian `u16` each.

use serde::{Serialize, Serializer};

use super::added::AddedToken;
use super::bpe::Bpe;
use super::byte_alphabet;
use super::pretokenize::Pattern;

/// Merges of the default tokenizer.
static MERGES: &[u8] = include_bytes!("../../assets/default_tokenizer.bin");

/// The name it goes by in manifests and summaries.
pub const NAME: &str = "longctx-default";

/// The pre-tokenizer that it was trained with.
const PATTERN: Pattern = Pattern::Qwen2;

/// The only special token.
pub const END_OF_TEXT: &str = "<|endoftext|>";
const FIRST_MERGE: u32 = 257;

fn merges() -> Vec<(u32, u32, u32)> {
    MERGES
        .chunks_exact(4)
        .zip(FIRST_MERGE..)
        .map(|(pair, id)| {
            let side = |at: usize| u32::from(u16::from_le_bytes([pair[at], pair[at + 1]]));
            (side(0), side(2), id)
        })
        .collect()
}

/// The encoder.
pub fn bpe() -> Bpe {
    let mut bytes = [None; 256];
    for (id, slot) in (1u32..).zip(bytes.iter_mut()) {
        *slot = Some(id);
    }
    Bpe::new(PATTERN, bytes, &merges(), None)
}

/// The bytes of every entry, in id order.
pub fn entries() -> Vec<Box<[u8]>> {
    let mut entries: Vec<Box<[u8]>> = Vec::with_capacity(FIRST_MERGE as usize + MERGES.len() / 4);
    entries.push(END_OF_TEXT.as_bytes().into());
    entries.extend((0..=255u8).map(|byte| Box::from([byte])));
    for (left, right, _) in merges() {
        let whole = [&*entries[left as usize], &*entries[right as usize]].concat();
        entries.push(whole.into_boxed_slice());
    }
    entries
}

/// The same tokenizer as a Hugging Face `tokenizer.json`.
pub fn tokenizer_json() -> String {
    let entries = entries();
    let mut names = vec![END_OF_TEXT.to_owned()];
    names.extend(entries[1..].iter().map(|bytes| byte_alphabet::to_token(bytes)));
    let byte_level = |regex: bool| {
        serde_json::json!({
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex
        })
    };
    let file = File {
        version: "1.0",
        truncation: (),
        padding: (),
        added_tokens: [AddedToken::special(0, END_OF_TEXT)],
        normalizer: (),
        pre_tokenizer: serde_json::json!({"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": PATTERN.regex()}, "behavior": "Isolated", "invert": false},
            byte_level(false)
        ]}),
        post_processor: (),
        decoder: byte_level(true),
        model: Model {
            kind: "BPE",
            dropout: (),
            unk_token: (),
            continuing_subword_prefix: (),
            end_of_word_suffix: (),
            fuse_unk: false,
            byte_fallback: false,
            ignore_merges: false,
            vocab: Vocab(&names),
            merges: merges()
                .iter()
                .map(|&(left, right, _)| [&*names[left as usize], &*names[right as usize]])
                .collect(),
        },
    };
    // Strings, numbers and flags always serialize.
    serde_json::to_string(&file).unwrap_or_default()
}

#[derive(Serialize)]
struct File<'n> {
    version: &'static str,
    truncation: (),
    padding: (),
    added_tokens: [AddedToken; 1],
    normalizer: (),
    pre_tokenizer: serde_json::Value,
    post_processor: (),
    decoder: serde_json::Value,
    model: Model<'n>,
}

#[derive(Serialize)]
struct Model<'n> {
    #[serde(rename = "type")]
    kind: &'static str,
    dropout: (),
    unk_token: (),
    continuing_subword_prefix: (),
    end_of_word_suffix: (),
    fuse_unk: bool,
    byte_fallback: bool,
    ignore_merges: bool,
    vocab: Vocab<'n>,
    merges: Vec<[&'n str; 2]>,
}

/// Entry -> id, in id order.
struct Vocab<'n>(&'n [String]);

impl Serialize for Vocab<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(0u32..))
    }
}

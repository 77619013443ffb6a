//! The tokenizer that ships inside: 32,768 entries, so that packing needs no network.
//!
//! Entry 0 is `<|endoftext|>`, 1..=256 are the bytes in order, and each later one is the result of a merge, in rank
//! order. The asset holds the merges alone: two little-endian `u16` each.

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
    let names: Vec<String> = std::iter::once(END_OF_TEXT.to_owned())
        .chain(entries[1..].iter().map(|bytes| byte_alphabet::to_token(bytes)))
        .collect();
    let vocab: serde_json::Map<String, serde_json::Value> =
        names.iter().zip(0u32..).map(|(name, id)| (name.clone(), id.into())).collect();
    let merges: Vec<[&str; 2]> =
        merges().iter().map(|&(left, right, _)| [&*names[left as usize], &*names[right as usize]]).collect();
    let byte_level = |regex: bool| {
        serde_json::json!({
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex
        })
    };
    serde_json::json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [{
            "id": 0, "content": END_OF_TEXT, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        }],
        "normalizer": null,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": PATTERN.regex()}, "behavior": "Isolated", "invert": false},
            byte_level(false)
        ]},
        "post_processor": null,
        "decoder": byte_level(true),
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": merges
        }
    })
    .to_string()
}

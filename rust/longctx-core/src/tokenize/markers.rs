//! The special tokens that give a sequence its structure, and how they are added to a `tokenizer.json`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::added::AddedToken;

/// Begins a file block.
pub const FILE_START: &str = "<|FILE_START|>";
/// Ends a file block.
pub const FILE_END: &str = "<|FILE_END|>";
/// All markers, in the order in which they are added.
pub const ALL: [&str; 2] = [FILE_START, FILE_END];

/// Ids of the markers in one tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkerIds {
    /// `<|FILE_START|>`.
    #[serde(rename = "<|FILE_START|>")]
    pub file_start: u32,
    /// `<|FILE_END|>`.
    #[serde(rename = "<|FILE_END|>")]
    pub file_end: u32,
}

/// Places the markers after the last id of a vocabulary; one that is there already keeps its id.
pub fn place(added: &[AddedToken], vocab_size: u32) -> (MarkerIds, Vec<AddedToken>) {
    let mut next = vocab_size;
    let mut new = Vec::new();
    let mut id_of = |content: &str| {
        if let Some(token) = added.iter().find(|token| token.content == content && token.special) {
            return token.id;
        }
        new.push(AddedToken::special(next, content));
        next += 1;
        next - 1
    };
    let ids = MarkerIds { file_start: id_of(FILE_START), file_end: id_of(FILE_END) };
    (ids, new)
}

/// The text of a `tokenizer.json` with `new` appended to its added tokens; everything else stays byte for byte.
pub fn add_to_json(text: &str, new: &[AddedToken]) -> serde_json::Result<String> {
    let mut parts: Vec<(String, Box<RawValue>)> = ordered_object(text)?;
    if !parts.iter().any(|(key, _)| key == "added_tokens") {
        parts.push(("added_tokens".to_owned(), RawValue::from_string("[]".to_owned())?));
    }
    let mut out = String::with_capacity(text.len() + 1024);
    out.push('{');
    for (index, (key, value)) in parts.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&serde_json::to_string(key)?);
        out.push(':');
        if key == "added_tokens" {
            let mut tokens: Vec<serde_json::Value> = serde_json::from_str(value.get())?;
            for token in new {
                tokens.push(serde_json::to_value(token)?);
            }
            out.push_str(&serde_json::to_string(&tokens)?);
        } else {
            out.push_str(value.get());
        }
    }
    out.push('}');
    Ok(out)
}

fn ordered_object(text: &str) -> serde_json::Result<Vec<(String, Box<RawValue>)>> {
    use serde::de::{Deserializer, MapAccess, Visitor};
    struct Ordered;
    impl<'de> Visitor<'de> for Ordered {
        type Value = Vec<(String, Box<RawValue>)>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut parts = Vec::new();
            while let Some(entry) = map.next_entry()? {
                parts.push(entry);
            }
            Ok(parts)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Ordered)
}

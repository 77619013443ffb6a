//! The special tokens that give a sequence its structure, and how they are added to a `tokenizer.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::added::AddedToken;

/// Begins a file block.
pub const FILE_START: &str = "<|FILE_START|>";
/// Ends a file block.
pub const FILE_END: &str = "<|FILE_END|>";
/// Begins a commit block.
pub const COMMIT_START: &str = "<|COMMIT_START|>";
/// Ends a commit block.
pub const COMMIT_END: &str = "<|COMMIT_END|>";
/// How many snippets a sequence can name.
pub const SNIPPETS: usize = 16;

/// The marker that names snippet `number`, counted from 1.
pub fn snippet(number: usize) -> String {
    format!("<|SNIPPET_{number}|>")
}

/// Ids of the markers in one tokenizer; in JSON an object from spelling to id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "BTreeMap<String, u32>", try_from = "BTreeMap<String, u32>")]
pub struct MarkerIds {
    /// `<|FILE_START|>`.
    pub file_start: u32,
    /// `<|FILE_END|>`.
    pub file_end: u32,
    /// `<|COMMIT_START|>`.
    pub commit_start: u32,
    /// `<|COMMIT_END|>`.
    pub commit_end: u32,
    /// `<|SNIPPET_1|>` and so on.
    pub snippets: [u32; SNIPPETS],
}

impl MarkerIds {
    /// Asks `id_of` for each marker, in the order in which they are added to a vocabulary.
    fn from_spellings<E>(mut id_of: impl FnMut(&str) -> Result<u32, E>) -> Result<Self, E> {
        let mut ids = Self {
            file_start: id_of(FILE_START)?,
            file_end: id_of(FILE_END)?,
            commit_start: id_of(COMMIT_START)?,
            commit_end: id_of(COMMIT_END)?,
            snippets: [0; SNIPPETS],
        };
        for (at, id) in ids.snippets.iter_mut().enumerate() {
            *id = id_of(&snippet(at + 1))?;
        }
        Ok(ids)
    }

    /// Whether an id is one of the markers.
    pub fn contains(&self, id: u32) -> bool {
        [self.file_start, self.file_end, self.commit_start, self.commit_end].contains(&id)
            || self.snippets.contains(&id)
    }
}

impl From<MarkerIds> for BTreeMap<String, u32> {
    fn from(ids: MarkerIds) -> Self {
        let blocks = [
            (FILE_START, ids.file_start),
            (FILE_END, ids.file_end),
            (COMMIT_START, ids.commit_start),
            (COMMIT_END, ids.commit_end),
        ];
        let snippets = (1..).zip(ids.snippets).map(|(number, id)| (snippet(number), id));
        blocks.into_iter().map(|(spelling, id)| (spelling.to_owned(), id)).chain(snippets).collect()
    }
}

impl TryFrom<BTreeMap<String, u32>> for MarkerIds {
    type Error = String;

    fn try_from(ids: BTreeMap<String, u32>) -> Result<Self, String> {
        Self::from_spellings(|spelling| {
            ids.get(spelling)
                .copied()
                .ok_or_else(|| format!("the marker {spelling} is not among the markers"))
        })
    }
}

/// Places the markers after the last id of a vocabulary; one that is there already keeps its id.
pub fn place(added: &[AddedToken], vocab_size: u32) -> (MarkerIds, Vec<AddedToken>) {
    let mut next = vocab_size;
    let mut new = Vec::new();
    let Ok(ids) = MarkerIds::from_spellings::<std::convert::Infallible>(|content| {
        if let Some(token) = added.iter().find(|token| token.content == content && token.special) {
            return Ok(token.id);
        }
        new.push(AddedToken::special(next, content));
        next += 1;
        Ok(next - 1)
    });
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

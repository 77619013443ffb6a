//! Reading a `tokenizer.json`: what the fast path needs of it, and whether the fast path is exact for it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::added::{AddedSplitter, AddedToken};
use super::bpe::Bpe;
use super::byte_alphabet;
use super::json_text::{Merge, Vocabulary};
use super::pretokenize::{DEEPSEEK_CODER, Pattern};

/// The parts of a `tokenizer.json` that decide how text becomes ids.
#[derive(Deserialize)]
pub struct TokenizerFile<'f> {
    /// Special and other added tokens.
    #[serde(default)]
    pub added_tokens: Vec<AddedToken>,
    #[serde(default)]
    normalizer: Option<serde_json::Value>,
    #[serde(default)]
    pre_tokenizer: Option<serde_json::Value>,
    #[serde(default)]
    decoder: Option<serde_json::Value>,
    #[serde(borrow)]
    model: &'f RawValue,
}

/// A model of byte pairs.
#[derive(Deserialize)]
pub struct BpeModel<'f> {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    dropout: Option<f64>,
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    /// Entry -> id, without added tokens.
    #[serde(borrow)]
    pub vocab: Vocabulary<'f>,
    #[serde(borrow)]
    merges: Vec<Merge<'f>>,
}

/// The fast path for one file.
pub struct FastModel {
    /// The encoder.
    pub bpe: Bpe,
    /// Splits off added tokens that are not special.
    pub added: AddedSplitter,
    /// The file normalizes to NFC: only text that is in that form already may take the fast path.
    pub nfc: bool,
}

impl BpeModel<'_> {
    /// The merges, each `(left, right, merged)`, in rank order.
    fn merges_by_id(&self) -> Result<Vec<(u32, u32, u32)>, &'static str> {
        let mut spelled: Vec<&str> = vec![""; self.vocab.len()];
        for (entry, &id) in &self.vocab {
            if let Some(slot) = spelled.get_mut(id as usize) {
                *slot = entry;
            }
        }
        let id = |entry: &str| self.vocab.get(entry).copied().ok_or("a merge is not in the vocabulary");
        let mut merges = Vec::with_capacity(self.merges.len());
        let (mut joined, mut next) = (String::new(), 0);
        for pair in &self.merges {
            let (left, right) = match pair {
                Merge::Joined(text) => text.split_once(' ').ok_or("a merge is not a pair")?,
                Merge::Pair(left, right) => (&**left, &**right),
            };
            // Most vocabularies have what merges make in the order of the merges: looking is faster than searching.
            let found = spelled.get(next as usize).is_some_and(|entry| {
                !entry.is_empty()
                    && entry.len() == left.len() + right.len()
                    && entry.starts_with(left)
                    && entry.ends_with(right)
            });
            let merged = if found {
                next
            } else {
                joined.clear();
                joined.push_str(left);
                joined.push_str(right);
                id(&joined)?
            };
            next = merged.saturating_add(1);
            merges.push((id(left)?, id(right)?, merged));
        }
        Ok(merges)
    }
}

impl<'f> TokenizerFile<'f> {
    /// Parses the file's text.
    pub fn parse(text: &'f str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether each entry of the vocabulary stands for bytes, so that decoding is concatenation.
    pub fn is_byte_level(&self) -> bool {
        fn mentions(value: Option<&serde_json::Value>) -> bool {
            match value {
                Some(serde_json::Value::Object(map)) => {
                    map.get("type").and_then(|kind| kind.as_str()) == Some("ByteLevel")
                        || map.values().any(|inner| mentions(Some(inner)))
                }
                Some(serde_json::Value::Array(items)) => items.iter().any(|inner| mentions(Some(inner))),
                _ => false,
            }
        }
        mentions(self.decoder.as_ref()) && mentions(self.pre_tokenizer.as_ref())
    }

    /// The model, if it is one of byte pairs.
    pub fn bpe(&self) -> Option<BpeModel<'f>> {
        serde_json::from_str(self.model.get()).ok()
    }

    /// The vocabulary of any model that has one, without added tokens: entry -> id.
    pub fn vocabulary(&self) -> Option<Vocabulary<'f>> {
        #[derive(Deserialize)]
        struct Vocab<'f> {
            #[serde(borrow)]
            vocab: Vocabulary<'f>,
        }
        serde_json::from_str::<Vocab<'f>>(self.model.get()).ok().map(|model| model.vocab)
    }

    /// The added tokens with the ids that Hugging Face gives them: the model's where the model knows the token, else the
    /// next free ones, whatever the file says. `None` if the file says something else.
    fn added_as_loaded(&self, vocabulary: &Vocabulary<'_>) -> Option<Vec<AddedToken>> {
        let mut next = vocabulary.len() as u32;
        let loaded = self.added_tokens.iter().map(|token| {
            let id = vocabulary.get(&*token.content).copied().unwrap_or_else(|| {
                next += 1;
                next - 1
            });
            (id == token.id).then(|| token.clone())
        });
        loaded.collect()
    }

    /// The fast path, if it is exact for this file; else the reason why not, as a clause.
    pub fn fast_model(&self, model: Option<&BpeModel<'_>>) -> Result<FastModel, &'static str> {
        let model = model.ok_or("the model is not a BPE")?;
        let vocabulary = &model.vocab;
        if model.kind.as_deref().is_some_and(|kind| kind != "BPE") {
            return Err("the model is not a BPE");
        }
        let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        if model.dropout.is_some_and(|rate| rate > 0.0)
            || model.unk_token.is_some()
            || filled(&model.continuing_subword_prefix)
            || filled(&model.end_of_word_suffix)
            || model.byte_fallback
        {
            return Err("the BPE has an unknown token, prefixes, dropout or byte fallback");
        }
        let nfc = match &self.normalizer {
            None => false,
            Some(value) if value.is_null() => false,
            Some(value) if value.get("type").and_then(|kind| kind.as_str()) == Some("NFC") => true,
            Some(_) => return Err("the text is normalized first"),
        };
        let pattern = self.pattern().ok_or("the pre-tokenizer is not one of the known ones")?;
        let added =
            self.added_as_loaded(vocabulary).ok_or("the ids of its added tokens are not in sequence")?;
        let added = AddedSplitter::new(&added).ok_or("an added token strips or matches whole words")?;
        let merges = model.merges_by_id()?;
        let mut bytes = [None; 256];
        for (byte, slot) in (0u8..=255).zip(bytes.iter_mut()) {
            let mut buffer = [0; 4];
            *slot = vocabulary.get(&*byte_alphabet::to_char(byte).encode_utf8(&mut buffer)).copied();
        }
        let whole = model.ignore_merges.then(|| {
            vocabulary
                .iter()
                .filter_map(|(entry, &id)| Some((byte_alphabet::to_bytes(entry)?.into_boxed_slice(), id)))
                .collect()
        });
        Ok(FastModel { bpe: Bpe::new(pattern, bytes, &merges, whole), added, nfc })
    }

    fn pattern(&self) -> Option<Pattern> {
        let value = self.pre_tokenizer.as_ref()?;
        let kind =
            |value: &serde_json::Value| value.get("type").and_then(|kind| kind.as_str()).map(str::to_owned);
        let flag = |value: &serde_json::Value, name: &str, absent: bool| {
            value.get(name).map_or(Some(absent), serde_json::Value::as_bool)
        };
        let byte_level = |value: &serde_json::Value, regex: bool| {
            kind(value).as_deref() == Some("ByteLevel")
                && flag(value, "add_prefix_space", true) == Some(false)
                && flag(value, "use_regex", true) == Some(regex)
        };
        if byte_level(value, true) {
            return Some(Pattern::Gpt2);
        }
        if kind(value).as_deref() != Some("Sequence") {
            return None;
        }
        let parts = value.get("pretokenizers")?.as_array()?.as_slice();
        let individual = |value: &serde_json::Value| {
            kind(value).as_deref() == Some("Digits") && flag(value, "individual_digits", false) == Some(true)
        };
        let isolated = |value: &serde_json::Value| {
            let plain = kind(value).as_deref() == Some("Split")
                && value.get("behavior").and_then(|value| value.as_str()) == Some("Isolated")
                && flag(value, "invert", false) == Some(false);
            value.get("pattern").filter(|_| plain)?.get("Regex")?.as_str().map(str::to_owned)
        };
        match parts {
            [digits, last] if individual(digits) && byte_level(last, true) => Some(Pattern::DigitsGpt2),
            [split, last] if byte_level(last, false) => Pattern::of_regex(&isolated(split)?),
            [splits @ .., digits, last] if individual(digits) && byte_level(last, false) => {
                let splits: Option<Vec<String>> = splits.iter().map(isolated).collect();
                let known =
                    |split: &[String]| split.iter().zip(DEEPSEEK_CODER).all(|(found, known)| found == known);
                splits
                    .is_some_and(|splits| splits.len() == DEEPSEEK_CODER.len() && known(&splits))
                    .then_some(Pattern::DeepSeekCoder)
            }
            _ => None,
        }
    }
}

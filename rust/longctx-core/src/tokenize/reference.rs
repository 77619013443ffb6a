//! The Hugging Face library as encoder, for every `tokenizer.json` that has no faster exact one.

use super::Encoded;

/// A tokenizer of the Hugging Face library, set to cut and pad nothing and to read special tokens as text.
pub struct Reference(tokenizers::Tokenizer);

impl Reference {
    /// Parses the text of a `tokenizer.json`.
    pub fn parse(text: &str) -> Result<Self, tokenizers::Error> {
        let mut tokenizer = tokenizers::Tokenizer::from_bytes(text)?;
        tokenizer.with_truncation(None)?;
        tokenizer.with_padding(None);
        tokenizer.set_encode_special_tokens(true);
        Ok(Self(tokenizer))
    }

    /// One more than the largest id.
    pub fn vocab_size(&self) -> usize {
        self.0.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1)
    }

    /// Ids, and the bytes of `text` after each as far as the library can say.
    pub fn encode(&self, text: &str, out: &mut Encoded) -> Result<(), tokenizers::Error> {
        let encoding = self.0.encode(text, false)?;
        out.ids.extend_from_slice(encoding.get_ids());
        let mut end = 0;
        out.ends.extend(encoding.get_offsets().iter().map(|&(_, offset)| {
            end = end.max(offset as u32);
            end
        }));
        Ok(())
    }

    /// The text of `ids`, special tokens included; empty if the library refuses.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.0.decode(ids, false).unwrap_or_default()
    }
}

//! The libraries that are measured, behind one trait.

use std::path::Path;

use longctx_core::tokenize::{Encoded, Scratch, Tokenizer};

/// A tokenizer that several threads use at once.
pub trait Engine: Sync {
    /// What one thread keeps from text to text.
    fn worker(&self) -> Box<dyn Worker + '_>;
}

/// One thread's encoder.
pub trait Worker: Send {
    /// Encodes one text and shows its ids to `visit`.
    fn encode(&mut self, text: &str, visit: &mut dyn FnMut(&[u32]));
}

/// The `tokenizer.json` at `path`, or that of the embedded tokenizer.
pub fn json(path: Option<&Path>) -> Result<Vec<u8>, String> {
    match path {
        Some(path) => std::fs::read(path).map_err(|error| format!("{}: {error}", path.display())),
        None => Ok(Tokenizer::embedded().json().as_bytes().to_vec()),
    }
}

/// The engine called `name`, with the `tokenizer.json` at `path`, or the embedded one.
pub fn load(name: &str, path: Option<&Path>) -> Result<Box<dyn Engine>, String> {
    match name {
        "longctx" => Ok(Box::new(Ours(match path {
            Some(path) => Tokenizer::from_file(path, name).map_err(|error| error.to_string())?,
            None => Tokenizer::embedded(),
        }))),
        "splintr" => {
            Ok(Box::new(Splintr(splintr::from_json_bytes(&json(path)?).map_err(|error| error.to_string())?)))
        }
        "huggingface" => {
            let mut inner =
                tokenizers::Tokenizer::from_bytes(json(path)?).map_err(|error| error.to_string())?;
            inner.set_encode_special_tokens(true);
            Ok(Box::new(HuggingFace(inner)))
        }
        _ => Err(format!("no engine is called {name}: longctx, splintr, huggingface, gigatoken")),
    }
}

struct Ours(Tokenizer);

struct OurWorker<'t> {
    tokenizer: &'t Tokenizer,
    scratch: Scratch,
    out: Encoded,
}

impl Engine for Ours {
    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(OurWorker { tokenizer: &self.0, scratch: Scratch::default(), out: Encoded::default() })
    }
}

impl Worker for OurWorker<'_> {
    fn encode(&mut self, text: &str, visit: &mut dyn FnMut(&[u32])) {
        let _ = self.tokenizer.encode(text, &mut self.scratch, &mut self.out);
        visit(&self.out.ids);
    }
}

struct Splintr(splintr::AnyTokenizer);

impl Engine for Splintr {
    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(&self.0)
    }
}

impl Worker for &splintr::AnyTokenizer {
    fn encode(&mut self, text: &str, visit: &mut dyn FnMut(&[u32])) {
        if let Ok(ids) = self.encode_with(text, &splintr::SpecialMode::Ordinary) {
            visit(&ids);
        }
    }
}

struct HuggingFace(tokenizers::Tokenizer);

impl Engine for HuggingFace {
    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(&self.0)
    }
}

impl Worker for &tokenizers::Tokenizer {
    fn encode(&mut self, text: &str, visit: &mut dyn FnMut(&[u32])) {
        if let Ok(encoding) = self.encode_fast(text, false) {
            visit(encoding.get_ids());
        }
    }
}

//! The fast path against the Hugging Face library on random, mutated and adversarial text.
//!
//! A short run is part of the tests. A longer one, for a change to the tokenizer:
//!
//! ```text
//! LONGCTX_FUZZ_BYTES=100000000 LONGCTX_FUZZ_SEED=1 cargo test --release -p longctx-core --lib tokenize::fuzz
//! ```
//!
//! The bytes are shared among the families; the same seed gives the same texts. What differs is cut down and shown.

mod text;

use serde_json::{Value, json};

use super::pretokenize::{DEEPSEEK_CODER, Pattern};
use super::tests::{byte_level, from_json, variant};
use super::{Encoded, Scratch, Tokenizer, embedded};
use text::Texts;

/// Of all families together, unless the environment says otherwise.
const BYTES: usize = 4_000_000;
const FAMILIES: usize = 11;

fn setting(name: &str, otherwise: usize) -> usize {
    match std::env::var(name) {
        Ok(value) => value.parse().expect("a number"),
        Err(_) => otherwise,
    }
}

struct Pair {
    ours: Tokenizer,
    oracle: tokenizers::Tokenizer,
    scratch: Scratch,
    out: Encoded,
}

impl Pair {
    /// What is wrong with our tokens of `text`.
    fn difference(&mut self, text: &str) -> Option<String> {
        let lossless = self.ours.encode(text, &mut self.scratch, &mut self.out);
        let expected = self.oracle.encode_fast(text, false).unwrap();
        if self.out.ids != expected.get_ids() {
            return Some(format!("ours {:?}\ntheirs {:?}", self.out.ids, expected.get_ids()));
        }
        let Encoded { ids, ends } = &self.out;
        if lossless.is_err() {
            return None;
        }
        let mut end = 0;
        let spelled = ids.iter().zip(ends).all(|(&id, &at)| {
            let token = self.ours.token_bytes(id).unwrap_or_default();
            let right = text.as_bytes().get(end..end + token.len()) == Some(token);
            end += token.len();
            right && end == at as usize
        });
        (!spelled || end != text.len()).then(|| format!("the tokens do not spell the text: {ids:?} {ends:?}"))
    }

    /// A shorter text that is wrong, too.
    fn shrink(&mut self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        let mut step = chars.len() / 2;
        while step > 0 {
            let mut at = 0;
            while at < chars.len() {
                let mut fewer = chars.clone();
                fewer.drain(at..(at + step).min(chars.len()));
                if self.difference(&fewer.iter().collect::<String>()).is_some() {
                    chars = fewer;
                } else {
                    at += step;
                }
            }
            step /= 2;
        }
        chars.into_iter().collect()
    }
}

fn run((ours, oracle): (Tokenizer, tokenizers::Tokenizer), family: u64) {
    assert_eq!(ours.backend(), "byte-level BPE");
    let mut pair = Pair { ours, oracle, scratch: Scratch::default(), out: Encoded::default() };
    let seed = setting("LONGCTX_FUZZ_SEED", 0) as u64;
    let mut texts = Texts::new(seed.wrapping_mul(1_000_003).wrapping_add(family));
    let budget = setting("LONGCTX_FUZZ_BYTES", BYTES) / FAMILIES;
    let mut bytes = 0;
    while bytes < budget {
        let text = texts.next();
        bytes += text.len();
        if pair.difference(&text).is_some() {
            let short = pair.shrink(&text);
            pair.scratch = Scratch::default();
            let fresh = pair.difference(&short);
            panic!("seed {seed}: {short:?}: {}", fresh.as_deref().unwrap_or("only with what the cache held"));
        }
    }
}

fn split(regex: &str) -> Value {
    json!({"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": false})
}

fn sequence(parts: &[Value]) -> Value {
    json!({"type": "Sequence", "pretokenizers": parts})
}

fn digits() -> Value {
    json!({"type": "Digits", "individual_digits": true})
}

/// GPT-2's vocabulary behind the expression of `pattern`.
fn split_by(pattern: Pattern) -> (Tokenizer, tokenizers::Tokenizer) {
    variant(|value| value["pre_tokenizer"] = sequence(&[split(pattern.regex()), byte_level(false)]))
}

fn add_tokens(value: &mut Value) {
    let tokens = [
        ("    ", false, false),
        ("  ", true, false),
        ("=!=", false, false),
        ("é!", true, false),
        ("<|s p|>", false, true),
    ];
    for (id, (content, normalized, special)) in (50_257..).zip(tokens) {
        value["added_tokens"].as_array_mut().unwrap().push(json!({"id": id, "content": content,
            "single_word": false, "lstrip": false, "rstrip": false, "normalized": normalized, "special": special}));
    }
}

#[test]
fn gpt2() {
    run(variant(|_| {}), 0);
}

#[test]
fn digits_gpt2() {
    run(variant(|value| value["pre_tokenizer"] = sequence(&[digits(), byte_level(true)])), 1);
}

#[test]
fn llama3() {
    run(split_by(Pattern::Llama3), 2);
}

#[test]
fn qwen2() {
    run(split_by(Pattern::Qwen2), 3);
}

#[test]
fn cl100k() {
    run(split_by(Pattern::Cl100k), 4);
}

#[test]
fn o200k() {
    run(split_by(Pattern::O200k), 5);
}

#[test]
fn deepseek_coder() {
    let mut parts: Vec<Value> = DEEPSEEK_CODER.into_iter().map(split).collect();
    parts.extend([digits(), byte_level(false)]);
    run(variant(|value| value["pre_tokenizer"] = sequence(&parts)), 6);
}

#[test]
fn embedded_default() {
    let json: Value = serde_json::from_str(&embedded::tokenizer_json()).unwrap();
    let (_, oracle) = from_json(&json);
    run((Tokenizer::embedded(), oracle), 7);
}

#[test]
fn nfc_with_added_tokens() {
    run(
        variant(|value| {
            value["normalizer"] = json!({"type": "NFC"});
            value["pre_tokenizer"] = sequence(&[split(Pattern::Qwen2.regex()), byte_level(false)]);
            add_tokens(value);
        }),
        8,
    );
}

#[test]
fn ignore_merges_with_added_tokens() {
    run(
        variant(|value| {
            value["pre_tokenizer"] = sequence(&[split(Pattern::Llama3.regex()), byte_level(false)]);
            value["model"]["ignore_merges"] = json!(true);
            value["model"]["merges"].as_array_mut().unwrap().truncate(20_000);
            add_tokens(value);
        }),
        9,
    );
}

#[test]
fn missing_bytes() {
    run(
        variant(|value| {
            value["pre_tokenizer"] = sequence(&[digits(), byte_level(true)]);
            let model = &mut value["model"];
            // X, and the third byte of many characters.
            for entry in ["X", "Ģ"] {
                model["vocab"].as_object_mut().unwrap().remove(entry);
                model["merges"].as_array_mut().unwrap().retain(|pair| {
                    !pair.as_str().map_or_else(|| pair.to_string(), str::to_owned).contains(entry)
                });
            }
        }),
        10,
    );
}

//! The whole of [`Tokenizer`] against the Hugging Face library as oracle.

use std::io::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn gpt2_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/gpt2/tokenizer.json")
}

fn oracle(text: &str) -> tokenizers::Tokenizer {
    let mut oracle = tokenizers::Tokenizer::from_bytes(text).unwrap();
    oracle.set_encode_special_tokens(true);
    oracle
}

pub fn from_json(value: &Value) -> (Tokenizer, tokenizers::Tokenizer) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let text = value.to_string();
    file.write_all(text.as_bytes()).unwrap();
    (Tokenizer::from_file(file.path(), "test").unwrap(), oracle(&text))
}

/// GPT-2's vocabulary behind other pre-tokenizers and settings.
pub fn variant(change: impl FnOnce(&mut Value)) -> (Tokenizer, tokenizers::Tokenizer) {
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(gpt2_path()).unwrap()).unwrap();
    change(&mut value);
    from_json(&value)
}

pub fn byte_level(regex: bool) -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex})
}

fn agrees(ours: &Tokenizer, oracle: &tokenizers::Tokenizer, text: &str) {
    let mut encoded = Encoded::default();
    let lossless = ours.encode(text, &mut Scratch::default(), &mut encoded);
    let expected = oracle.encode_fast(text, false).unwrap();
    assert_eq!(encoded.ids, expected.get_ids(), "{text:?}");
    if lossless.is_ok() {
        assert_eq!(ours.decode(&encoded.ids), text);
        assert_eq!(encoded.ends.last().map_or(0, |&end| end as usize), text.len());
    }
}

/// Text like that of source files, with everything that a tokenizer may trip over.
fn source_like() -> impl Strategy<Value = String> {
    "([a-zA-Z_]{1,20}|[0-9]{1,6}|[ \t]{1,24}|\r?\n|'(s|S|t|re|VE|m|ll|d)|[!-/:-@\\[-`{-~]{1,5}|={16,80}|=!=|<\\|endoftext\\|>|<\\|FILE_START\\|>|[\u{80}-\u{24f}]|\u{3000}|\u{17f}|½|٣|é|漢字|🦙|\\PC){0,40}"
}

fn check_all(ours: &Tokenizer, oracle: &tokenizers::Tokenizer) {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
    runner
        .run(&source_like(), |text| {
            agrees(ours, oracle, &text);
            Ok(())
        })
        .unwrap();
    for file in ["mod.rs", "bpe.rs", "unicode.rs", "tests.rs"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tokenize").join(file);
        agrees(ours, oracle, &std::fs::read_to_string(path).unwrap());
    }
    agrees(ours, oracle, &"ab".repeat(3000));
    agrees(ours, oracle, &" \u{2028}x'\u{17f}".repeat(300));
    agrees(ours, oracle, "");
}

#[test]
fn gpt2_takes_the_fast_path_and_agrees() {
    let (ours, oracle) = variant(|_| {});
    assert_eq!(ours.backend(), "byte-level BPE");
    check_all(&ours, &oracle);
}

#[test]
fn indents_and_rows_of_any_length_agree_when_met_again() {
    let (ours, oracle) = variant(|_| {});
    // GPT-2 has no entry for several spaces: an indent is a line break and one token for each.
    let indent = |count: usize| {
        let [spaces, tabs] = [" ", "\t"].map(|space| space.repeat(count));
        format!("\n{spaces}a\r\n{spaces}b\n\n\n{tabs}c{tabs}{spaces}\n{}", "=!".repeat(count))
    };
    let text: String = (0..90).map(indent).collect();
    assert!(text.len() > 4 * bpe::UNCACHED);
    let expected = oracle.encode_fast(text.as_str(), false).unwrap();
    let mut scratch = Scratch::default();
    for _ in 0..3 {
        let mut encoded = Encoded::default();
        ours.encode(&text, &mut scratch, &mut encoded).unwrap();
        assert_eq!(encoded.ids, expected.get_ids());
        let mut end = 0;
        for (&id, &found) in encoded.ids.iter().zip(&encoded.ends) {
            end += ours.decode(&[id]).len();
            assert_eq!(found as usize, end);
        }
    }
}

#[test]
fn digits_then_byte_level_agrees() {
    let (ours, oracle) = variant(|value| {
        value["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": true}, byte_level(true)]});
    });
    assert_eq!(ours.backend(), "byte-level BPE");
    check_all(&ours, &oracle);
}

#[test]
fn llama3_and_qwen2_expressions_agree() {
    for pattern in [pretokenize::Pattern::Llama3, pretokenize::Pattern::Qwen2] {
        let (ours, oracle) = variant(|value| {
            value["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": pattern.regex()}, "behavior": "Isolated", "invert": false},
                byte_level(false)]});
        });
        assert_eq!(ours.backend(), "byte-level BPE");
        check_all(&ours, &oracle);
    }
}

#[test]
fn nfc_goes_fast_only_where_it_changes_nothing() {
    let (ours, oracle) = variant(|value| value["normalizer"] = json!({"type": "NFC"}));
    let mut encoded = Encoded::default();
    assert_eq!(ours.encode("é", &mut Scratch::default(), &mut encoded), Ok(()));
    let read = || ours.slow.as_ref().is_some_and(|slow| slow.get().is_some());
    assert!(!read());
    check_all(&ours, &oracle);
    assert_eq!(ours.encode("e\u{301}", &mut Scratch::default(), &mut encoded), Err(NotLossless));
    assert!(read());
}

#[test]
fn ids_need_not_be_in_the_order_of_merges() {
    let (ours, oracle) = variant(|value| {
        let vocabulary = value["model"]["vocab"].as_object_mut().unwrap();
        let last = vocabulary.len() as u64 - 1;
        for id in vocabulary.values_mut().filter(|id| **id != last) {
            *id = json!(last - 1 - id.as_u64().unwrap());
        }
    });
    assert_eq!(ours.backend(), "byte-level BPE");
    check_all(&ours, &oracle);
}

#[test]
fn ignore_merges_agrees() {
    let (ours, oracle) = variant(|value| {
        value["model"]["ignore_merges"] = json!(true);
        value["model"]["merges"].as_array_mut().unwrap().truncate(20_000);
    });
    assert_eq!(ours.backend(), "byte-level BPE");
    check_all(&ours, &oracle);
}

#[test]
fn added_tokens_that_are_not_special_are_split_off() {
    let (ours, oracle) = variant(|value| {
        for (id, content, normalized) in [(50257, "    ", false), (50258, "  ", true), (50259, "=!=", false)]
        {
            value["added_tokens"].as_array_mut().unwrap().push(json!({"id": id, "content": content,
                "single_word": false, "lstrip": false, "rstrip": false, "normalized": normalized, "special": false}));
        }
    });
    assert_eq!(ours.backend(), "byte-level BPE");
    check_all(&ours, &oracle);
}

#[test]
fn an_added_token_that_the_model_knows_by_another_id_goes_through_the_hugging_face_library() {
    let (ours, oracle) = variant(|value| {
        value["added_tokens"]
            .as_array_mut()
            .unwrap()
            .push(json!({"id": 50257, "content": "==", "single_word": false,
            "lstrip": false, "rstrip": false, "normalized": false, "special": false}));
    });
    assert!(ours.backend().contains("sequence"), "{}", ours.backend());
    agrees(&ours, &oracle, "a == b");
}

#[test]
fn a_missing_byte_is_dropped_as_hugging_face_does_and_reported() {
    let (ours, oracle) = variant(|value| {
        let model = &mut value["model"];
        model["vocab"].as_object_mut().unwrap().remove("X");
        model["merges"].as_array_mut().unwrap().retain(|pair| {
            let text = pair
                .as_str()
                .map(str::to_owned)
                .unwrap_or_else(|| pair[0].as_str().unwrap().to_owned() + pair[1].as_str().unwrap());
            !text.contains('X')
        });
    });
    agrees(&ours, &oracle, "aXb Xylophone");
    let mut encoded = Encoded::default();
    assert_eq!(ours.encode("aXb", &mut Scratch::default(), &mut encoded), Err(NotLossless));
}

#[test]
fn anything_else_goes_through_the_hugging_face_library() {
    let (ours, oracle) = variant(|value| value["normalizer"] = json!({"type": "Lowercase"}));
    assert!(ours.backend().contains("normalized"), "{}", ours.backend());
    agrees(&ours, &oracle, "Hello World");
    let mut encoded = Encoded::default();
    assert_eq!(ours.encode("Hello", &mut Scratch::default(), &mut encoded), Err(NotLossless));
}

#[test]
fn the_embedded_default_is_the_tokenizer_json_it_writes() {
    let ours = Tokenizer::embedded();
    assert_eq!(ours.vocab_size(), 32_768);
    check_all(&ours, &oracle(&embedded::tokenizer_json()));
}

#[test]
fn one_scratch_serves_two_tokenizers() {
    let (embedded, gpt2) = (Tokenizer::embedded(), Tokenizer::from_file(&gpt2_path(), "gpt2").unwrap());
    let text = "fn main() { println!(\"hello\"); }\n".repeat(300);
    let mut scratch = Scratch::default();
    for tokenizer in [&embedded, &gpt2, &embedded] {
        let (mut shared, mut own) = (Encoded::default(), Encoded::default());
        tokenizer.encode(&text, &mut scratch, &mut shared).unwrap();
        tokenizer.encode(&text, &mut Scratch::default(), &mut own).unwrap();
        assert_eq!(shared, own);
    }
}

#[test]
fn short_texts_are_encoded_without_caches_to_the_same() {
    let tokenizer = Tokenizer::embedded();
    let text = "let caf\u{e9} = 1;\n";
    let (mut without, mut with) = (Encoded::default(), Encoded::default());
    tokenizer.encode(text, &mut Scratch::default(), &mut without).unwrap();
    let mut scratch = Scratch::default();
    tokenizer.encode(&text.repeat(1000), &mut scratch, &mut with).unwrap();
    tokenizer.encode(text, &mut scratch, &mut with).unwrap();
    assert_eq!(without, with);
}

#[test]
fn markers_follow_the_vocabulary_and_their_spelling_stays_text() {
    let ours = Tokenizer::from_file(&gpt2_path(), "gpt2").unwrap();
    let markers = ours.markers();
    assert_eq!((markers.file_start, markers.file_end), (50_257, 50_258));
    let json = ours.json_with_markers().unwrap();
    let with = tokenizers::Tokenizer::from_bytes(&json).unwrap();
    assert_eq!(with.token_to_id(markers::FILE_START), Some(markers.file_start));
    assert_eq!(with.get_vocab_size(true) as u32, ours.vocab_size_with_markers());
    let (again, oracle) = from_json(&serde_json::from_str(&json).unwrap());
    assert_eq!(again.markers(), markers);
    assert_eq!(again.vocab_size_with_markers(), ours.vocab_size_with_markers());
    agrees(&again, &oracle, "x<|FILE_START|>y");
    assert_eq!(ours.decode(&[markers.file_start, 87]), "<|FILE_START|>x");
}

#[test]
fn broken_files_are_named() {
    for text in
        ["", "{", "[]", "{\"model\": 3}", "{\"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}}"]
    {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let error = Tokenizer::from_file(file.path(), "x").err().unwrap();
        assert!(error.to_string().contains(file.path().to_str().unwrap()), "{error}");
        assert_eq!(error.kind(), crate::error::ErrorKind::Usage);
    }
}

#[test]
fn ids_that_no_memory_has_a_place_for_are_refused() {
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(gpt2_path()).unwrap()).unwrap();
    value["model"]["vocab"]["huge"] = u32::MAX.into();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(value.to_string().as_bytes()).unwrap();
    let error = Tokenizer::from_file(file.path(), "test").err().unwrap().to_string();
    assert!(error.contains("it has the id 4294967295"), "{error}");
}

//! Datasets whose questions were altered, digests and all: verifying must notice.

use std::path::Path;

use serde_json::Value;

use super::{packed, repository};
use crate::interrupt::Watch;
use crate::verify::verify;

/// A type of question, a word of what verifying says, and what is done to the questions.
type Case = (&'static str, &'static str, &'static dyn Fn(&mut Value));

/// Alters every question of the training split, and makes the manifest vouch for it.
fn alter(dataset: &Path, kind: &str, change: &dyn Fn(&mut Value)) {
    let path = dataset.join("train/00000.meta.jsonl");
    let old = std::fs::read_to_string(&path).unwrap();
    let mut new = String::new();
    for line in old.lines() {
        let mut meta: Value = serde_json::from_str(line).unwrap();
        if let Some(questions) = meta.get_mut("questions").and_then(Value::as_array_mut) {
            questions.iter_mut().filter(|question| question["type"] == kind).for_each(change);
        }
        new += &(serde_json::to_string(&meta).unwrap() + "\n");
    }
    std::fs::write(&path, &new).unwrap();
    let manifest = dataset.join("manifest.json");
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
    for shard in value["shards"].as_array_mut().unwrap().iter_mut().filter(|shard| shard["split"] == "train")
    {
        shard["files"]["meta"]["bytes"] = new.len().into();
        shard["files"]["meta"]["blake3"] = blake3::hash(new.as_bytes()).to_hex().as_str().into();
    }
    std::fs::write(&manifest, value.to_string()).unwrap();
}

fn proof<'q>(question: &'q mut Value, kind: &str) -> &'q mut Value {
    let proof = question["proof"].as_array_mut().unwrap();
    proof.iter_mut().find(|proof| proof["kind"] == kind).unwrap()
}

#[test]
fn false_proofs_and_answers_are_noticed() {
    let sandbox = repository();
    let packed = packed(&sandbox.root(), |value| value["validation_split"] = 0.0.into());
    let dataset = packed.folder.path().join("d.longctx");
    let report = verify(&dataset, Some(&sandbox.root()), None, Watch::none()).unwrap();
    assert!(report.defects.is_empty() && report.questions_proved > 50);
    let good = std::fs::read(dataset.join("train/00000.meta.jsonl")).unwrap();
    let manifest = std::fs::read(dataset.join("manifest.json")).unwrap();
    let cases: [Case; 10] = [
        ("definition", "does not say", &|question| proof(question, "defines")["line"] = 1.into()),
        ("definition", "does not say", &|question| proof(question, "calls")["line"] = 2.into()),
        ("callee", "does not follow", &|question| {
            question["proof"].as_array_mut().unwrap().retain(|proof| proof["kind"] != "calls");
        }),
        ("caller", "does not say", &|question| proof(question, "calls")["name"] = "compute".into()),
        ("chain", "does not follow", &|question| {
            question["proof"].as_array_mut().unwrap().pop();
        }),
        ("import", "does not say", &|question| proof(question, "imports")["name"] = "line/keys.py".into()),
        ("commit", "is not", &|question| proof(question, "introduces")["line"] = 3.into()),
        ("commit", "already", &|question| {
            let proof = proof(question, "introduces");
            proof["parent"] = proof["commit"].clone();
        }),
        ("none", "shows", &|question| {
            let kind = question["proof"].as_array().unwrap().iter().any(|proof| proof["kind"] == "absent");
            if kind {
                proof(question, "absent")["name"] = "def".into();
            }
        }),
        ("definition", "is answered by", &|question| question["answer"] = "<|SNIPPET_9|>".into()),
    ];
    for (kind, word, change) in cases {
        alter(&dataset, kind, change);
        let report = verify(&dataset, Some(&sandbox.root()), None, Watch::none()).unwrap();
        assert!(
            report.defects.iter().any(|defect| defect.what.contains(word)),
            "{kind}, {word}: {:?}",
            report.defects.first()
        );
        std::fs::write(dataset.join("train/00000.meta.jsonl"), &good).unwrap();
        std::fs::write(dataset.join("manifest.json"), &manifest).unwrap();
    }
}

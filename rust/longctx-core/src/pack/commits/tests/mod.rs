//! Whole packs of small repositories, looked at as a reader of the dataset would.

mod chains;
mod joint;
mod limits;
mod split;

use std::path::Path;

use serde_json::Value;

use crate::history::sandbox::Sandbox;
use crate::interrupt::Watch;
use crate::pack::tests::options;
use crate::pack::{Summary, pack};
use crate::tokenize::Tokenizer;

/// A commit sequence, read back.
struct Told {
    split: &'static str,
    meta: Value,
    tokens: Vec<u32>,
    loss_start: usize,
}

/// A dataset that was packed for a test.
struct Packed {
    summary: Value,
    /// All sequences, not those of commits alone.
    sequences: Vec<Told>,
    tokenizer: Tokenizer,
}

/// Packs the repository of `sandbox`, without validation and in one band unless `change` says otherwise.
fn packed(sandbox: &Sandbox, change: impl FnOnce(&mut Value)) -> Packed {
    packed_at(&sandbox.root(), change)
}

fn packed_at(repository: &Path, change: impl FnOnce(&mut Value)) -> Packed {
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("d.longctx");
    let options = options(repository, &target, |value| {
        value["validation_split"] = 0.0.into();
        value["commits_ratio"] = 100.0.into();
        change(value);
    });
    let summary: Summary = pack(&options, Watch::none()).unwrap();
    let summary = serde_json::to_value(&summary).unwrap();
    let mut sequences = Vec::new();
    for split in ["train", "val"] {
        let stem = target.join(split).join("00000");
        let Ok(meta) = std::fs::read_to_string(stem.with_extension("meta.jsonl")) else { continue };
        let tokens = after_header(&std::fs::read(stem.with_extension("tokens.npy")).unwrap());
        let tokens: Vec<u32> =
            tokens.chunks(2).map(|two| u32::from(u16::from_le_bytes([two[0], two[1]]))).collect();
        let index = after_header(&std::fs::read(stem.with_extension("index.npy")).unwrap());
        for (line, row) in meta.lines().zip(index.chunks(26)) {
            let offset = u64::from_le_bytes(row[..8].try_into().unwrap()) as usize;
            let [length, loss_start] =
                [8, 12].map(|at| u32::from_le_bytes(row[at..at + 4].try_into().unwrap()) as usize);
            let tokens = tokens[offset..offset + length].to_vec();
            sequences.push(Told { split, meta: serde_json::from_str(line).unwrap(), tokens, loss_start });
        }
    }
    Packed { summary, sequences, tokenizer: Tokenizer::embedded() }
}

fn after_header(bytes: &[u8]) -> Vec<u8> {
    bytes[10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))..].to_vec()
}

impl Packed {
    fn commits(&self) -> impl Iterator<Item = &Told> {
        self.sequences.iter().filter(|told| told.meta["kind"] == "commits")
    }

    /// Those of one form in the first band.
    fn of_form(&self, form: &str) -> Vec<&Told> {
        self.commits().filter(|told| told.meta["form"] == form && told.meta["band"] == 1).collect()
    }

    fn text(&self, told: &Told) -> String {
        self.tokenizer.decode(&told.tokens)
    }

    /// What is learnt.
    fn learnt(&self, told: &Told) -> String {
        self.tokenizer.decode(&told.tokens[told.loss_start..])
    }

    fn history(&self) -> &Value {
        &self.summary["history"]
    }

    /// Every segment is what git has at that path and commit.
    fn check_segments(&self, sandbox: &Sandbox, encoded: bool) {
        let mut known = std::collections::HashMap::new();
        for told in self.commits() {
            assert!(told.loss_start < told.tokens.len());
            for segment in told.segments() {
                let place = format!("{}:{}", text(&segment["commit"]), text(&segment["path"]));
                let (blob, whole) = known.entry(place.clone()).or_insert_with(|| {
                    let blob = sandbox.git(["rev-parse", &place]);
                    let raw = sandbox.git_bytes(["cat-file", "blob", &blob]);
                    (blob, String::from_utf8(raw).unwrap())
                });
                assert_eq!(text(&segment["blob"]), blob, "{place}");
                if segment["role"] != "redacted" && encoded {
                    let [start, end] = pair(&segment["bytes"]);
                    let [first, last] = pair(&segment["tokens"]);
                    assert_eq!(
                        self.tokenizer.decode(&told.tokens[first..last]),
                        whole[start..end],
                        "{place}"
                    );
                }
            }
        }
    }
}

impl Told {
    fn segments(&self) -> &[Value] {
        self.meta["segments"].as_array().unwrap()
    }

    /// The ids of its commits.
    fn ids(&self) -> Vec<String> {
        let commits = self.meta["commits"].as_array().unwrap();
        commits.iter().map(|commit| text(&commit["commit"]).to_owned()).collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn pair(value: &Value) -> [usize; 2] {
    [0, 1].map(|at| value[at].as_u64().unwrap() as usize)
}

/// A function, to be shown whole or not at all.
fn function(value: usize) -> String {
    let steps: String = (0..5).map(|n| format!("    step_{n} = argument * {n}\n")).collect();
    format!("def function(argument):\n{steps}    return step_0 + {value}\n")
}

/// A module of functions with short bodies; `changed` has another one.
fn module(functions: usize, changed: usize, value: usize) -> String {
    (0..functions)
        .map(|n| {
            let value = if n == changed { value } else { n };
            format!("def function_{n}(argument):\n    result = argument + {value}\n    return result\n\n\n")
        })
        .collect()
}

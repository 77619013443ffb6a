//! Whole packs of a made-up repository, looked at as a reader of the dataset would.

mod falsified;
mod resolved;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::history::sandbox::Sandbox;
use crate::interrupt::Watch;
use crate::pack::pack;
use crate::pack::tests::{bytes_of, options};
use crate::shard::npy::IndexRow;
use crate::shard::{DatasetReader, MetaRow, QuestionRow};
use crate::tokenize::Tokenizer;
use crate::verify::verify;

/// How many modules the made-up repository has.
const MODULES: usize = 40;

/// A module that imports the next two and calls into them. Names have words in common, so that they are alike.
fn module(n: usize, version: usize) -> String {
    let next = (n + 1) % MODULES;
    let after = (n + 2) % MODULES;
    format!(
        "\"\"\"Module {n} of the line.\"\"\"\nimport os\nfrom line.part{next} import compute_total_{next}\n\
         from line.part{after} import Keeper{after}, prepare_input_{after}\n\n\n\
         def compute_total_{n}(value, factor=1):\n    \"\"\"Sums up in its own way.\"\"\"\n    total = value * {n} + factor\n    \
         for step in range(total, {version}):\n        total += step * factor\n    return compute_total_{next}(total, factor)\n\n\n\
         def prepare_input_{n}(source, limit):\n    rows = [row.strip() for row in source][:limit]\n    \
         keeper = Keeper{after}(rows, limit + {version})\n    for row in rows:\n        keeper.keep_item_{after}(row)\n    \
         return prepare_input_{after}(rows, limit)\n\n\n\
         class Keeper{n}:\n    def __init__(self, rows, limit):\n        self.rows = rows\n        self.limit = limit\n\n    \
         def keep_item_{n}(self, item):\n        marked = self.mark_item_{n}(item, 'round {version}')\n        \
         self.rows.append(marked)\n        return len(self.rows) < self.limit\n\n    \
         def mark_item_{n}(self, item, word):\n        text = word + str(item) + str(len(self.rows))\n        \
         return text.upper() if self.limit > {n} else text.lower() + word\n"
    )
}

/// Some commits of such modules.
fn repository() -> Sandbox {
    let sandbox = Sandbox::new();
    for version in 1..8 {
        for n in (0..MODULES).filter(|n| version == 1 || n % 7 == version % 7 || n % 5 == version % 5) {
            let mut text = module(n, version);
            for line in 0..version {
                text += &format!("\nNOTE_{line} = 'change {line} of module {n} in its list'\n");
            }
            sandbox.write(format!("line/part{n}.py"), &text);
        }
        sandbox.commit(&format!("Round {version}"));
    }
    sandbox.write("line/keys.py", "from line.part3 import prepare_input_3\n\n\ndef open_secret_door(rows):\n    key = 'AKIAQ3EGRTZ7W2MNB5XC'\n    found = prepare_input_3(rows, 100)\n    return [key + row for row in found if row != key and len(row) > 3]\n");
    sandbox.commit("Keys");
    sandbox
}

/// A dataset of it, read back.
struct Packed {
    folder: tempfile::TempDir,
    summary: Value,
    sequences: Vec<Read>,
    tokenizer: Tokenizer,
}

/// A question sequence.
struct Read {
    split: String,
    row: IndexRow,
    meta: MetaRow,
    ids: Vec<u32>,
}

fn packed(repository: &Path, change: impl FnOnce(&mut Value)) -> Packed {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("d.longctx");
    let options = options(repository, &target, |value| {
        value["kinds"] = serde_json::json!(["hierarchical", "qa"]);
        value["bands"] = serde_json::json!([
            {"id": 1, "min": 512, "max": 1024, "overlap": 128}, {"id": 2, "min": 1536, "max": 2048, "overlap": 256}
        ]);
        change(value);
    });
    let summary = serde_json::to_value(pack(&options, Watch::none()).unwrap()).unwrap();
    let reader = DatasetReader::open(&target, true, Watch::none()).unwrap();
    let mut sequences = Vec::new();
    for shard in &reader.manifest.shards {
        let mut file = reader.shard(shard).unwrap();
        let mut ids = Vec::new();
        while let Some((row, meta)) = file.next(&mut ids).unwrap() {
            if meta.kind == "qa" {
                sequences.push(Read { split: shard.split.clone(), row, meta, ids: ids.clone() });
            }
        }
    }
    let tokenizer = Tokenizer::embedded();
    Packed { folder, summary, sequences, tokenizer }
}

impl Packed {
    /// What each snippet of a sequence shows, elisions and path included.
    fn snippets(&self, read: &Read) -> Vec<String> {
        let end = read.meta.questions[0].tokens[0] as usize;
        let text = self.tokenizer.decode(&read.ids[..end]);
        let (text, _) = text.split_once("Question: ").unwrap();
        text.split("<|SNIPPET_").skip(1).map(|part| part.split_once("|>").unwrap().1.to_owned()).collect()
    }

    fn questions(&self) -> impl Iterator<Item = (&Read, &QuestionRow)> {
        self.sequences
            .iter()
            .flat_map(|read| read.meta.questions.iter().map(move |question| (read, question)))
    }
}

/// Places, from 0, of the snippets for which something holds.
fn those(snippets: &[String], holds: impl Fn(&str) -> bool) -> Vec<usize> {
    (0..snippets.len()).filter(|&at| holds(&snippets[at])).collect()
}

/// The snippets that an answer names, from 0.
fn answer(question: &QuestionRow) -> Vec<usize> {
    let numbers = question.answer.split("<|SNIPPET_").skip(1);
    numbers.map(|part| part.trim_end_matches("|>").parse::<usize>().unwrap() - 1).collect()
}

#[test]
fn every_type_is_asked_and_exactly_one_snippet_is_right() {
    let sandbox = repository();
    let packed = packed(&sandbox.root(), |value| value["qa_ratio"] = 2.0.into());
    let mut asked: BTreeMap<&str, u32> = BTreeMap::new();
    for (read, question) in packed.questions() {
        *asked.entry(&question.r#type).or_default() += 1;
        let snippets = packed.snippets(read);
        let proof = |kind: &str| question.proof.iter().find(|proof| proof.kind == kind);
        let defines = |name: &str| {
            let heads = [format!("def {name}("), format!("class {name}:")];
            those(&snippets, |text| heads.iter().any(|head| text.contains(head)))
        };
        let calls = |name: &str| {
            let call = format!("{name}(");
            those(&snippets, |text| {
                text.matches(&call).count() > text.matches(&format!("def {call}")).count()
            })
        };
        let right = answer(question);
        match &*question.r#type {
            "definition" => assert_eq!(defines(&proof("defines").unwrap().name), right),
            "caller" => assert_eq!(calls(&proof("calls").unwrap().name), right),
            "callee" => {
                assert_eq!(defines(&proof("defines").unwrap().name), right);
                assert!(
                    calls(&proof("calls").unwrap().name)
                        .contains(&(proof("calls").unwrap().snippet.unwrap() - 1))
                );
            }
            "chain" => {
                assert!((3..=5).contains(&right.len()));
                let names = question.proof.iter().filter(|proof| proof.kind == "defines");
                let found: Vec<usize> = names.flat_map(|proof| defines(&proof.name)).collect();
                assert_eq!(found, right);
            }
            "import" => {
                let path = &proof("imports").unwrap().name;
                let stem = format!("from {} import", path.trim_end_matches(".py").replace('/', "."));
                assert_eq!(those(&snippets, |text| text.contains(&stem)), right);
            }
            "commit" => {
                let line = &proof("introduces").unwrap().name;
                assert_eq!(those(&snippets, |text| text.contains(&**line)), right);
            }
            "none" => {
                assert_eq!((right.len(), &*question.answer), (0, "none of them"));
                if let Some(absent) = proof("absent") {
                    assert!(calls(&absent.name).is_empty());
                }
            }
            other => panic!("{other}"),
        }
        let [first, last] = question.tokens.map(|token| token as usize);
        assert_eq!(packed.tokenizer.decode(&read.ids[first..last]), question.answer);
    }
    let types = ["callee", "caller", "chain", "commit", "definition", "import", "none"];
    assert_eq!(asked.keys().copied().collect::<Vec<_>>(), types);
    let all: u32 = asked.values().sum();
    assert!((all / 20..all / 6).contains(&asked["none"]), "{asked:?}");
    let report =
        verify(&packed.folder.path().join("d.longctx"), Some(&sandbox.root()), None, Watch::none()).unwrap();
    assert_eq!(report.defects, []);
    assert_eq!(report.questions_proved, u64::from(all.min(500)));
}

#[test]
fn sequences_keep_to_their_band_their_share_and_their_side() {
    let sandbox = repository();
    let packed = packed(&sandbox.root(), |_| {});
    let tokens = |kind: &str, band: u64, split: &str| -> u64 {
        let rows = packed.summary["kinds"].as_array().unwrap().iter();
        let these = rows.filter(|row| row["kind"] == kind && row["band"] == band && row["split"] == split);
        these.map(|row| row["tokens"].as_u64().unwrap()).sum()
    };
    for (band, split) in [(1, "train"), (1, "val"), (2, "train"), (2, "val")] {
        let (qa, all) = (tokens("qa", band, split), tokens("hierarchical", band, split));
        assert!(qa as f64 <= all as f64 * 0.2, "{qa} of {all}");
    }
    assert!(tokens("qa", 1, "train") as f64 > tokens("hierarchical", 1, "train") as f64 * 0.15);
    let mut texts: BTreeSet<Vec<&str>> = BTreeSet::new();
    for read in &packed.sequences {
        let (count, band) = (packed.snippets(read).len(), read.row.band);
        let range = if band == 1 { 4..=6 } else { 8..=10 };
        assert!(range.contains(&count), "{count} snippets in band {band}");
        assert!((3..=6).contains(&read.meta.questions.len()));
        assert_eq!(read.row.loss_start, read.meta.questions[0].tokens[0]);
        let subjects: Vec<&str> = read.meta.segments.iter().map(|segment| &*segment.path).collect();
        texts.insert(subjects);
        assert!(!packed.tokenizer.decode(&read.ids).contains("AKIAQ3EGRTZ7W2MNB5XC"));
    }
    // What training shows is not what validation asks about.
    let shown: BTreeSet<&str> = packed
        .sequences
        .iter()
        .filter(|read| read.split == "train")
        .flat_map(|read| read.meta.segments.iter().map(|segment| &*segment.path))
        .collect();
    let mut unseen = 0;
    for read in packed.sequences.iter().filter(|read| read.split == "val" && read.row.seen == 0) {
        for question in read.meta.questions.iter().filter(|question| question.r#type != "none") {
            unseen += 1;
            assert!(question.proof.iter().any(|proof| !shown.contains(&*proof.path)), "{question:?}");
        }
    }
    assert!(unseen > 0);
}

#[test]
fn answers_stand_anywhere_with_equal_chance() {
    let sandbox = repository();
    let mut positions: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for seed in 0..4 {
        let packed = packed(&sandbox.root(), |value| {
            value["qa_ratio"] = 20.0.into();
            value["seed"] = seed.into();
            value["validation_split"] = 0.0.into();
        });
        for (count, places) in packed.summary["qa"]["positions"].as_object().unwrap() {
            let known =
                positions.entry(count.clone()).or_insert_with(|| vec![0; places.as_array().unwrap().len()]);
            known
                .iter_mut()
                .zip(places.as_array().unwrap())
                .for_each(|(sum, more)| *sum += more.as_u64().unwrap());
        }
    }
    let mut tested = 0;
    for (count, places) in &positions {
        let total: u64 = places.iter().sum();
        let expected = total as f64 / places.len() as f64;
        if expected < 30.0 {
            continue;
        }
        tested += 1;
        let chi: f64 = places.iter().map(|&found| (found as f64 - expected).powi(2) / expected).sum();
        // Up to two answers of a sequence stand in one place: twice the variance, and then five times its root.
        let freedom = places.len() as f64 - 1.0;
        assert!(chi < 2.0 * (freedom + 5.0 * (2.0 * freedom).sqrt()), "{count}: {places:?}, {chi}");
    }
    assert!(tested >= 3);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let sandbox = repository();
    let bytes = |threads: usize| {
        let packed = packed(&sandbox.root(), |value| value["threads"] = threads.into());
        assert!(packed.sequences.len() > 10);
        bytes_of(&packed.folder.path().join("d.longctx"))
    };
    assert_eq!(bytes(1), bytes(4));
}

#[test]
fn a_repository_with_nothing_to_ask_about_has_no_questions() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "words ".repeat(500)).unwrap();
    std::fs::write(folder.path().join("b.py"), "def lonely(x):\n    return x\n").unwrap();
    let packed = packed(folder.path(), |_| {});
    assert!(packed.sequences.is_empty());
}

//! Packing whole folders and verifying what came of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::verify::verify;

/// A folder with every kind of trouble that packing has to live with.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let long: String = (0..3000).map(|n| format!("def f{n}(x):\n    return x + {n}\n\n")).collect();
    write("src/long.py", long.as_bytes());
    for n in 0..40 {
        write(
            &format!("src/part{n}/mod.rs"),
            format!("pub const N{n}: usize = {n};\n").repeat(n + 1).as_bytes(),
        );
    }
    write("docs/crlf.md", "# Title\r\n\r\nText with 漢字 and 🦙.\r\n".repeat(30).as_bytes());
    write("docs/latin1.txt", b"caf\xe9 au lait, d\xe9j\xe0 vu\n");
    write("docs/bom.txt", b"\xef\xbb\xbfmarked\n");
    write("one_line.txt", "word ".repeat(5000).as_bytes());
    write("markers.txt", b"<|FILE_START|>x<|FILE_END|> <|endoftext|>\n");
    write("key.env.example", b"AWS_ACCESS_KEY_ID=AKIAQ3EGRTZ7W2MNB5XC\nREST=1\n");
    write("logo.png", b"\x89PNG\0\0\0");
    folder
}

pub(super) fn options(repository: &Path, output: &Path, change: impl FnOnce(&mut Value)) -> PackOptions {
    let mut value = json!({
        "repository": repository, "output": output, "revision": null, "include": [], "exclude": [], "hidden": false,
        "max_file_size": 1 << 20, "redact_secrets": true, "tokenizer": {"path": null, "name": "default"},
        "bands": [{"id": 1, "min": 256, "max": 512, "overlap": 128}, {"id": 2, "min": 768, "max": 1024, "overlap": 256}],
        "validation_split": 0.15, "seed": 42, "threads": 2, "kinds": ["hierarchical", "commits", "qa"],
        "context": ["definitions", "siblings", "outline"], "order": "deps", "commits_ratio": 0.5, "qa_ratio": 0.2,
        "history": {"mode": "first-parent", "since": null, "max_commits": null, "max_files_per_commit": 100,
            "skip_bots": true, "skip_formatting": true, "max_versions": 32}, "overwrite": false, "dry_run": false, "config": {}
    });
    change(&mut value);
    PackOptions::from_json(&value.to_string()).unwrap()
}

pub(super) fn bytes_of(dataset: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in ["", "train", "val", "tokenizer"] {
        for entry in fs::read_dir(dataset.join(folder)).unwrap().flatten() {
            if entry.file_type().unwrap().is_file() {
                let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_number_of_threads_changes_no_byte_and_the_seed_does() {
    let (repository, out) = (repository(), tempfile::tempdir().unwrap());
    let packed = |name: &str, threads: usize, seed: u64| {
        let target = out.path().join(name);
        let options = options(repository.path(), &target, |value| {
            value["threads"] = threads.into();
            value["seed"] = seed.into();
        });
        pack(&options, Watch::none()).unwrap();
        bytes_of(&target)
    };
    let one = packed("one", 1, 42);
    assert_eq!(one, packed("five", 5, 42));
    assert_ne!(one["train/00000.tokens.npy"], packed("other", 1, 43)["train/00000.tokens.npy"]);
}

#[test]
fn what_was_packed_verifies_against_its_repository() {
    let (repository, out) = (repository(), tempfile::tempdir().unwrap());
    let target = out.path().join("d.longctx");
    let summary = pack(&options(repository.path(), &target, |_| {}), Watch::none()).unwrap();
    let summary = serde_json::to_value(&summary).unwrap();
    assert_eq!(summary["files"]["packed"], 47);
    assert_eq!(summary["redactions"][0]["count"], 1);
    let skipped: Vec<_> =
        summary["skipped"].as_array().unwrap().iter().map(|row| row["reason"].clone()).collect();
    assert_eq!(skipped, ["binary"]);
    let report = verify(&target, Some(repository.path()), Some(2), Watch::none()).unwrap();
    assert_eq!(report.defects, []);
    let text = String::from_utf8(bytes_of(&target)["/manifest.json"].clone()).unwrap();
    assert!(!text.contains("AKIAQ3EGRTZ7W2MNB5XC"));
}

#[test]
fn a_dry_run_counts_the_same_and_writes_nothing() {
    let (repository, out) = (repository(), tempfile::tempdir().unwrap());
    let target = out.path().join("d.longctx");
    let dry =
        pack(&options(repository.path(), &target, |value| value["dry_run"] = true.into()), Watch::none())
            .unwrap();
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    let wet = pack(&options(repository.path(), &target, |_| {}), Watch::none()).unwrap();
    let bands = |summary: &Summary| serde_json::to_value(summary).unwrap()["bands"].clone();
    assert_eq!(bands(&dry), bands(&wet));
}

#[test]
fn every_altered_file_is_named() {
    let (repository, out) = (repository(), tempfile::tempdir().unwrap());
    let target = out.path().join("d.longctx");
    pack(&options(repository.path(), &target, |_| {}), Watch::none()).unwrap();
    for name in [
        "train/00000.tokens.npy",
        "train/00000.index.npy",
        "val/00000.meta.jsonl",
        "tokenizer/tokenizer.json",
    ] {
        let path = target.join(name);
        let good = fs::read(&path).unwrap();
        let mut altered = good.clone();
        *altered.last_mut().unwrap() ^= 1;
        for (bad, word) in [(&altered[..], "altered"), (&good[..good.len() - 1], "truncated")] {
            fs::write(&path, bad).unwrap();
            let report = verify(&target, None, None, Watch::none()).unwrap();
            assert!(report.defects[0].place.ends_with(name), "{:?}", report.defects);
            assert!(report.defects[0].what.contains(word), "{:?}", report.defects);
            let error = crate::shard::DatasetReader::open(&target, true, Watch::none()).err().unwrap();
            assert!(error.to_string().contains(name), "{error}");
        }
        fs::write(&path, good).unwrap();
    }
    assert_eq!(verify(&target, None, None, Watch::none()).unwrap().defects, []);
}

#[test]
fn a_file_that_changed_since_is_named() {
    let (repository, out) = (repository(), tempfile::tempdir().unwrap());
    let target = out.path().join("d.longctx");
    pack(&options(repository.path(), &target, |_| {}), Watch::none()).unwrap();
    fs::write(repository.path().join("one_line.txt"), "new").unwrap();
    fs::remove_file(repository.path().join("docs/bom.txt")).unwrap();
    let report = verify(&target, Some(repository.path()), None, Watch::none()).unwrap();
    let places: Vec<_> = report.defects.iter().map(|defect| defect.place.as_str()).collect();
    assert_eq!(places, ["docs/bom.txt", "one_line.txt"]);
}

#[test]
fn nothing_to_pack_says_what_was_left_out() {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = out.path().join("d.longctx");
    let error =
        |folder: &Path| pack(&options(folder, &target, |_| {}), Watch::none()).unwrap_err().to_string();
    assert!(error(folder.path()).contains("empty"));
    fs::write(folder.path().join("x.bin"), [0u8; 10]).unwrap();
    assert!(error(folder.path()).contains("1 binary"));
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn an_interrupt_leaves_nothing() {
    let (repository, out) = (repository(), tempfile::tempdir().unwrap());
    let target = out.path().join("d.longctx");
    let cancel = std::sync::atomic::AtomicBool::new(true);
    let watch = Watch::new(&cancel, &crate::interrupt::Silent);
    let error = pack(&options(repository.path(), &target, |_| {}), watch).unwrap_err();
    assert!(matches!(error, Error::Interrupted));
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut value = json!({
            "repository": ".", "output": "o", "revision": null, "include": [], "exclude": [], "hidden": false,
            "max_file_size": 1, "redact_secrets": true, "tokenizer": {"path": null, "name": "x"},
            "bands": [{"id": 1, "min": 100, "max": 200, "overlap": 50}], "validation_split": 0.1, "seed": 1,
            "threads": null, "overwrite": false, "dry_run": false, "config": {}, "kinds": ["hierarchical"],
            "context": [], "order": "deps", "commits_ratio": 0.5, "qa_ratio": 0.2,
            "history": {"mode": "first-parent", "since": null, "max_commits": null, "max_files_per_commit": 100,
                "skip_bots": true, "skip_formatting": true, "max_versions": 32}
        });
        change(&mut value);
        PackOptions::from_json(&value.to_string()).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(refused(&|_| {}), "");
    assert!(refused(&|value| value["bands"][0]["overlap"] = 200.into()).contains("overlap"));
    assert!(refused(&|value| value["bands"] = json!([])).contains("no band"));
    assert!(refused(&|value| value["validation_split"] = 1.5.into()).contains("validation_split"));
    assert!(refused(&|value| value["threads"] = 0.into()).contains("threads"));
    assert!(refused(&|value| value["output"] = Value::Null).contains("output"));
    assert!(refused(&|value| value["colour"] = 1.into()).contains("colour"));
}

/// Interrupts a run when a stage begins.
struct Interrupts<'f>(&'static str, &'f std::sync::atomic::AtomicBool);

impl crate::interrupt::Progress for Interrupts<'_> {
    fn begin(&self, stage: &'static str, _: &'static str, _: u64) {
        if stage == self.0 {
            self.1.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn advance(&self, _: u64) {}
}

#[test]
fn what_was_found_before_an_interrupt_is_kept_and_changes_no_byte() {
    let (repository, out) = (repository(), tempfile::tempdir().unwrap());
    let target = |name: &str| out.path().join(name);
    let cached = |name: &str| {
        options(repository.path(), &target(name), |value| value["cache"] = json!(target("cache")))
    };
    for stage in ["reading", "comparing", "files", "writing"] {
        let flag = std::sync::atomic::AtomicBool::new(false);
        let interrupts = Interrupts(stage, &flag);
        let result = pack(&cached("interrupted"), Watch::new(&flag, &interrupts));
        assert!(matches!(result, Err(Error::Interrupted)), "{stage}");
    }
    assert!(!target("interrupted").exists());
    let summary = serde_json::to_value(pack(&cached("whole"), Watch::none()).unwrap()).unwrap();
    assert!(summary["cache"]["hits"].as_u64().unwrap() >= 41, "{}", summary["cache"]);
    pack(&options(repository.path(), &target("plain"), |_| {}), Watch::none()).unwrap();
    assert_eq!(bytes_of(&target("whole")), bytes_of(&target("plain")));
}

#[test]
fn files_alone_in_the_order_of_their_paths_need_no_graph() {
    let asked = |context: &[&str], order: &str, kinds: &[&str]| {
        let options = options(Path::new("."), Path::new("d"), |value| {
            value["context"] = json!(context);
            value["order"] = json!(order);
            value["kinds"] = json!(kinds);
        });
        options.needs_graph()
    };
    assert!(!asked(&[], "path", &["hierarchical"]) && !asked(&[], "random", &["hierarchical"]));
    assert!(asked(&[], "deps", &["hierarchical"]) && asked(&["siblings"], "path", &["hierarchical"]));
    assert!(asked(&[], "path", &["hierarchical", "qa"]) && asked(&[], "path", &["hierarchical", "commits"]));
}

//! The work that is counted and timed, a part at a time, each on one thread.

use std::hint::black_box;
use std::path::Path;

use longctx_core::graph::project::{Choice, graph_of};
use longctx_core::pack::{PackOptions, pack};
use longctx_core::shard::npy::IndexRow;
use longctx_core::shard::{SequenceRow, ShardWriter, TokenWidth};
use longctx_core::threads::on_threads;
use longctx_core::tokenize::{Encoded, Scratch, Tokenizer};
use longctx_core::walk::{Tree, WalkOptions};
use longctx_core::{Result, Watch};

use crate::input;

/// How many modules each language has.
pub const MODULES: usize = 60;
/// So many that starting a process does not matter.
pub const WALKS: usize = 20;
/// Sequences of the shard, the tokens of each, and the bytes of each one's line of metadata.
pub const SEQUENCES: u64 = 2000;
pub const LENGTH: u64 = 2048;
pub const META: usize = 2000;
const LARGEST_FILE: u64 = 1 << 20;

/// Does a part's work once; what it writes goes into the folder, which is empty.
pub type Work = Box<dyn Fn(&Path) -> Result<()>>;

/// Makes what a part's work begins with from the folder that the files are in.
pub type Prepare = fn(&Path) -> Result<Work>;

/// Every part by name, in the order of the table.
pub const PARTS: [(&str, Prepare); 7] = [
    ("load", load),
    ("tokenize", tokenize),
    ("walk", walk),
    ("graph", graph),
    ("windows", windows),
    ("sequences", sequences),
    ("shards", shards),
];

/// Reading the embedded tokenizer, which all that tokenize do, too.
fn load(_: &Path) -> Result<Work> {
    Ok(Box::new(|_| {
        black_box(Tokenizer::embedded());
        Ok(())
    }))
}

/// Tokenization of all texts, each once, by a thread that has seen none.
fn tokenize(_: &Path) -> Result<Work> {
    let tokenizer = Tokenizer::embedded();
    let files = input::files(MODULES);
    Ok(Box::new(move |_| {
        let (mut scratch, mut out) = (Scratch::default(), Encoded::default());
        for (_, text) in &files {
            let _ = tokenizer.encode(text, &mut scratch, &mut out);
            black_box(&out);
        }
        Ok(())
    }))
}

/// The list of files.
fn walk(files: &Path) -> Result<Work> {
    let tree = Tree::open(files, None)?;
    Ok(Box::new(move |_| {
        on_threads(Some(1), || {
            for _ in 0..WALKS {
                black_box(tree.list(&WalkOptions::default(), Watch::none())?);
            }
            Ok(())
        })
    }))
}

/// Which file needs which.
fn graph(files: &Path) -> Result<Work> {
    let tree = Tree::open(files, None)?;
    let (include, exclude) = (Vec::new(), Vec::new());
    let choice = Choice { include, exclude, hidden: false, max_file_size: LARGEST_FILE };
    Ok(Box::new(move |_| {
        black_box(on_threads(Some(1), || graph_of(&tree, &choice, Watch::none()))?);
        Ok(())
    }))
}

/// Packs into a dataset.
fn packed(files: &Path, kinds: &'static [&'static str], context: &'static [&'static str]) -> Result<Work> {
    let files = files.to_path_buf();
    Ok(Box::new(move |output| {
        let options = serde_json::json!({
            "repository": files,
            "output": output.join("dataset"),
            "include": [],
            "exclude": [],
            "hidden": false,
            "max_file_size": LARGEST_FILE,
            "redact_secrets": true,
            "tokenizer": {"name": "embedded"},
            "bands": [
                {"id": 1, "min": 512, "max": 1024, "overlap": 256},
                {"id": 2, "min": 1536, "max": 2048, "overlap": 512},
            ],
            "validation_split": 0.15,
            "kinds": kinds,
            "context": context,
            "order": "deps",
            "history": {
                "mode": "first-parent", "skip_bots": true, "skip_formatting": true, "max_versions": 32,
            },
            "commits_ratio": 0.5,
            "qa_ratio": 0.2,
            "seed": 42,
            "threads": 1,
            "overwrite": false,
            "dry_run": false,
            "config": null,
        });
        black_box(pack(&PackOptions::from_json(&options.to_string())?, Watch::none())?);
        Ok(())
    }))
}

/// A dataset of windows of the files, and nothing else.
fn windows(files: &Path) -> Result<Work> {
    packed(files, &["hierarchical"], &[])
}

/// A dataset with context and questions.
fn sequences(files: &Path) -> Result<Work> {
    packed(files, &["hierarchical", "qa"], &["definitions", "siblings", "outline"])
}

/// A shard of sequences that are there already.
fn shards(_: &Path) -> Result<Work> {
    let tokens: Vec<u8> = (0..2 * LENGTH).map(|byte| (byte * 7919 % 251) as u8).collect();
    let meta = vec![b'x'; META];
    Ok(Box::new(move |output| {
        let width = TokenWidth::for_vocabulary(50_000);
        let split = output.join("train");
        std::fs::create_dir(&split).map_err(|source| longctx_core::Error::io("create", &split, source))?;
        let mut writer =
            ShardWriter::new(output, "train", "00000".to_owned(), width, SEQUENCES, SEQUENCES * LENGTH)?;
        for number in 0..SEQUENCES {
            let index = IndexRow {
                offset: 0,
                length: 0,
                loss_start: number as u32 % 1024,
                kind: 0,
                difficulty: 1,
                band: 2,
                seen: 1,
                score: 0.5,
                files: 3,
            };
            writer.append(&SequenceRow { tokens: &tokens, index, meta: &meta })?;
        }
        black_box(writer.finish()?);
        Ok(())
    }))
}

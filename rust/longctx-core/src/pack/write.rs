//! Writes the dataset: shards, tokenizer, manifest.

use std::path::Path;

use rayon::prelude::*;

use super::output::{Finished, Waiting};
use super::summary::{Counted, Facts};
use crate::difficulty::Difficulty;
use crate::interrupt::Watch;
use crate::sequence::Kind;
use crate::shard::manifest::{self, Manifest, NamedDigest, Shard, TokenizerInfo};
use crate::shard::npy::IndexRow;
use crate::shard::{HashedFile, SequenceRow, ShardWriter, TokenWidth};
use crate::tokenize::Tokenizer;
use crate::{Error, Result};

/// A shard is closed when it has this many tokens: 8 or 16 MiB.
const SHARD_TOKENS: u64 = 1 << 22;

/// The two sides of the split, by name of their folder.
pub const SPLITS: [&str; 2] = ["train", "val"];

/// Writes the shards of both splits, several at a time.
pub fn write_shards(
    folder: &Path,
    finished: &Finished,
    width: TokenWidth,
    watch: Watch<'_>,
) -> Result<Vec<Shard>> {
    watch.progress.begin("writing", "sequences", finished.sequences.len() as u64);
    let mut jobs: Vec<(&'static str, String, &[Waiting])> = Vec::new();
    let mut rest = &finished.sequences[..];
    for (side, split) in SPLITS.into_iter().enumerate() {
        let path = folder.join(split);
        std::fs::create_dir(&path).map_err(|source| Error::io("create", &path, source))?;
        let (these, others) = rest.split_at(rest.partition_point(|one| one.side as usize <= side));
        rest = others;
        for (number, part) in shards_of(these).into_iter().enumerate() {
            jobs.push((split, format!("{number:05}"), part));
        }
    }
    jobs.into_par_iter()
        .map(|(split, name, part)| {
            let tokens = part.iter().map(|one| u64::from(one.length)).sum();
            let mut writer = ShardWriter::new(folder, split, name, width, part.len() as u64, tokens)?;
            let (mut tokens, mut meta) = (Vec::new(), Vec::new());
            for one in part {
                watch.check()?;
                finished.read(one, &mut tokens, &mut meta)?;
                writer.append(&SequenceRow {
                    tokens: &tokens,
                    index: index_row(one, finished),
                    meta: &meta,
                })?;
                watch.progress.advance(1);
            }
            writer.finish()
        })
        .collect()
}

fn index_row(one: &Waiting, finished: &Finished) -> IndexRow {
    IndexRow {
        offset: 0,
        length: one.length,
        loss_start: one.loss_start,
        kind: one.kind as u8,
        difficulty: one.difficulty as u8,
        band: finished.band_id(one),
        seen: u8::from(one.seen),
        score: one.score,
        files: u16::try_from(one.files).unwrap_or(u16::MAX),
    }
}

fn shards_of(sequences: &[Waiting]) -> Vec<&[Waiting]> {
    let mut shards = Vec::new();
    let (mut first, mut tokens) = (0, 0);
    for (index, one) in sequences.iter().enumerate() {
        tokens += u64::from(one.length);
        if tokens >= SHARD_TOKENS {
            shards.push(&sequences[first..=index]);
            (first, tokens) = (index + 1, 0);
        }
    }
    if first < sequences.len() {
        shards.push(&sequences[first..]);
    }
    shards
}

pub fn write_tokenizer(folder: &Path, tokenizer: &Tokenizer) -> Result<Vec<NamedDigest>> {
    let path = folder.join("tokenizer");
    std::fs::create_dir(&path).map_err(|source| Error::io("create", &path, source))?;
    let files = [
        ("tokenizer.json", tokenizer.json_with_markers()?),
        ("tokenizer_config.json", tokenizer.config_json()),
    ];
    files
        .into_iter()
        .map(|(name, text)| {
            let mut file = HashedFile::create(&path.join(name))?;
            file.write(text.as_bytes())?;
            Ok(NamedDigest { path: format!("tokenizer/{name}"), digest: file.finish()? })
        })
        .collect()
}

pub fn write_manifest(
    folder: &Path,
    facts: &Facts<'_>,
    commit: Option<&str>,
    counted: &Counted,
    shards: Vec<Shard>,
    files: Vec<NamedDigest>,
) -> Result<()> {
    let Facts { options, tokenizer, listing, .. } = *facts;
    let path = folder.join(manifest::FILE_NAME);
    let broken = |error: serde_json::Error| Error::io("write", &path, error.into());
    let manifest = Manifest {
        format: manifest::FORMAT.to_owned(),
        schema: manifest::SCHEMA,
        tool: concat!("longctx ", env!("CARGO_PKG_VERSION")).to_owned(),
        repository: manifest::Repository {
            name: counted.repository_name.clone(),
            commit: listing.commit.clone(),
        },
        commit: commit.map(str::to_owned),
        config: options.config.clone(),
        seed: options.seed,
        tokenizer: TokenizerInfo {
            name: tokenizer.name().to_owned(),
            sha256: tokenizer.sha256().to_owned(),
            vocab_size: tokenizer.vocab_size_with_markers(),
            markers: tokenizer.markers(),
        },
        token_dtype: TokenWidth::for_vocabulary(tokenizer.vocab_size_with_markers()).name().to_owned(),
        bands: options.bands.clone(),
        kinds: Kind::ALL.to_vec(),
        difficulties: Difficulty::ALL.to_vec(),
        shards,
        files,
        summary: serde_json::to_value(counted).map_err(broken)?,
    };
    let mut text = serde_json::to_string_pretty(&manifest).map_err(broken)?;
    text.push('\n');
    let mut file = HashedFile::create(&path)?;
    file.write(text.as_bytes())?;
    file.finish().map(|_| ())
}

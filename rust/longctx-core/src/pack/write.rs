//! Writes the dataset: shards, tokenizer, manifest.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use super::finished::{Finished, Waiting};
use super::options::PackOptions;
use super::split::Side;
use super::summary::Counted;
use crate::difficulty::Difficulty;
use crate::interrupt::Watch;
use crate::sequence::Kind;
use crate::shard::manifest::{self, Manifest, NamedDigest, Shard, TokenizerInfo};
use crate::shard::npy::IndexRow;
use crate::shard::{HashedFile, SequenceRow, ShardWriter, TokenWidth, while_syncing};
use crate::threads::{Share, spread};
use crate::tokenize::Tokenizer;
use crate::walk::Listing;
use crate::{Error, Result};

/// A shard is closed when it has this many tokens: 8 or 16 MiB.
const SHARD_TOKENS: u64 = 1 << 22;

/// The disk gets so many bytes of a shard at a time while others are made, so that less is left for the end.
const SYNCED: usize = 2 << 20;

/// The names of the folders of [`Side::ALL`].
pub const SPLITS: [&str; 2] = ["train", "val"];

/// Writes the shards of both splits, several at a time.
pub fn write_shards(
    folder: &Path,
    finished: &Finished,
    width: TokenWidth,
    watch: Watch<'_>,
) -> Result<Vec<Shard>> {
    watch.progress.begin("writing", "sequences", finished.len() as u64);
    let mut jobs: Vec<(&'static str, String, Range<usize>)> = Vec::new();
    for (side, split) in Side::ALL.into_iter().zip(SPLITS) {
        let path = folder.join(split);
        std::fs::create_dir(&path).map_err(|source| Error::io("create", &path, source))?;
        for (number, part) in shards_of(finished, side).into_iter().enumerate() {
            jobs.push((split, format!("{number:05}"), part));
        }
    }
    let write = |(split, name, part): &(&'static str, String, Range<usize>), whole: &Sender<PathBuf>| {
        let paths = ShardWriter::paths(folder, split, name);
        let tokens = part.clone().map(|place| u64::from(finished.get(place).length)).sum();
        let mut writer = ShardWriter::new(folder, split, name.clone(), width, part.len() as u64, tokens)?;
        let (mut buffer, mut waiting) = (Vec::new(), 0);
        for one in part.clone().map(|place| finished.get(place)) {
            watch.check()?;
            let (tokens, meta) = finished.read(&one, &mut buffer)?;
            writer.append(&SequenceRow { tokens, index: index_row(&one, finished), meta })?;
            watch.progress.advance(1);
            waiting += tokens.len();
            if waiting >= SYNCED {
                // Nobody takes it after an error, which is told elsewhere.
                _ = whole.send(paths[0].clone());
                waiting = 0;
            }
        }
        let shard = writer.finish()?;
        for path in paths {
            _ = whole.send(path);
        }
        Ok(shard)
    };
    while_syncing(|whole| {
        spread(jobs.len(), Share::Next, || whole.clone(), |whole, at| write(&jobs[at], whole))
    })
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

/// The places of the sequences in each shard of a side.
fn shards_of(finished: &Finished, side: Side) -> Vec<Range<usize>> {
    let mut shards: Vec<Range<usize>> = Vec::new();
    let mut tokens = SHARD_TOKENS;
    for (place, one) in finished.iter().enumerate().filter(|(_, one)| one.side == side) {
        match shards.last_mut().filter(|_| tokens < SHARD_TOKENS) {
            Some(last) => last.end = place + 1,
            None => {
                shards.push(place..place + 1);
                tokens = 0;
            }
        }
        tokens += u64::from(one.length);
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

/// What the manifest says besides what was counted.
pub struct About<'a> {
    pub options: &'a PackOptions,
    pub tokenizer: &'a Tokenizer,
    pub listing: &'a Listing,
    /// The commit that was packed; none for a work tree.
    pub commit: Option<&'a str>,
}

pub fn write_manifest(
    folder: &Path,
    about: &About<'_>,
    counted: &Counted,
    shards: Vec<Shard>,
    files: Vec<NamedDigest>,
) -> Result<()> {
    let About { options, tokenizer, listing, commit } = *about;
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

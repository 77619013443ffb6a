//! Packing: a repository in, a dataset out.

mod clusters;
mod commits;
mod context;
mod corpus;
mod encode;
mod fit;
mod hierarchical;
mod kinship;
mod minhash;
mod options;
mod output;
mod past;
mod plan;
mod qa;
mod references;
mod split;
mod spool;
mod summary;
#[cfg(test)]
mod tests;
mod world;

use std::path::{Path, PathBuf};
use std::time::Instant;

use rayon::prelude::*;

pub use options::{PackOptions, TokenizerChoice};
pub use summary::Summary;

use crate::difficulty::Difficulty;
use crate::interrupt::Watch;
use crate::sequence::{Elisions, Kind, Kit};
use crate::shard::manifest::{self, Manifest, NamedDigest, Shard, TokenizerInfo};
use crate::shard::npy::IndexRow;
use crate::shard::{HashedFile, SequenceRow, ShardWriter, Staging, TokenWidth};
use crate::source::LANGUAGES;
use crate::threads::on_threads;
use crate::tokenize::{Scratch, Tokenizer};
use crate::walk::{Tree, WalkOptions};
use crate::{Error, Result};
use commits::{CommitCounts, Story};
use output::{Finished, Output, Waiting};
use past::Past;
use split::Sides;
use summary::{Counted, Facts};
use world::World;

/// A shard is closed when it has this many tokens: 8 or 16 MiB.
const SHARD_TOKENS: u64 = 1 << 22;

/// The two sides of the split, by name of their folder.
const SPLITS: [&str; 2] = ["train", "val"];

/// Times of the stages, in order.
struct Clock {
    last: Instant,
    begun: Instant,
    stages: Vec<(&'static str, f64)>,
}

impl Clock {
    fn new() -> Self {
        let now = Instant::now();
        Self { last: now, begun: now, stages: Vec::new() }
    }

    fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.stages.push((stage, (now - self.last).as_secs_f64()));
        self.last = now;
    }
}

/// Packs a repository as `options` say and tells what came of it.
///
/// # Errors
/// [`Error::Usage`] (also where there is nothing to pack) and [`Error::Tokenizer`] before anything is written; [`Error::Io`] for a full disk; [`Error::Interrupted`]. Whatever happens, the output folder is either untouched
/// or whole.
pub fn pack(options: &PackOptions, watch: Watch<'_>) -> Result<Summary> {
    let mut clock = Clock::new();
    on_threads(Some(options.thread_count()), || pack_on_pool(options, watch, &mut clock))
}

fn pack_on_pool(options: &PackOptions, watch: Watch<'_>, clock: &mut Clock) -> Result<Summary> {
    let tree = Tree::open(&options.repository, options.revision.as_deref())?;
    let tokenizer = match &options.tokenizer.path {
        Some(path) => Tokenizer::from_file(path, &options.tokenizer.name)?,
        None => Tokenizer::embedded(),
    };
    clock.lap("tokenizer");
    let staging = match (&options.output, options.dry_run) {
        (Some(output), false) => Some(Staging::new(output, options.overwrite)?),
        _ => None,
    };

    let listing = tree.list(&walk_options(options, staging.as_ref())?, watch)?;
    clock.lap("walk");
    let elisions = Elisions::new(
        &tokenizer,
        LANGUAGES.iter().map(|language| language.line_comment),
        &mut Scratch::default(),
    );
    let shortest = options.bands.iter().map(|band| band.max).min().unwrap_or(0);
    let kit = Kit {
        tokenizer: &tokenizer,
        elisions: &elisions,
        markers: tokenizer.markers(),
        header_limit: (shortest / 8) as usize,
    };
    let elsewhere = std::env::temp_dir();
    let folder = staging.as_ref().map_or(&*elsewhere, Staging::path);
    let corpus = encode::encode(&tree, &listing, kit, options, folder, watch)?;
    clock.lap("read and tokenize");
    let skipped = summary::skip_table(&listing, &corpus.rejected);
    if corpus.documents.is_empty() {
        let what = summary::nothing_to_pack(&skipped);
        return Err(Error::usage(format!("{}: {what}", options.repository.display())));
    }

    let wants_past = options.kinds.contains(&Kind::Commits) || options.kinds.contains(&Kind::Qa);
    let past = match wants_past {
        true => Past::read(&tree, options, watch)?,
        false => Err("not asked for".to_owned()),
    };
    clock.lap("history");
    let clusters = kinship::clusters(&corpus, past.as_ref().ok(), tree.prefix(), options, watch)?;
    let paths = corpus.documents.iter().map(|record| record.path.as_bytes());
    let validation = split::draw(&clusters, paths, options.validation_split, options.seed);
    let sides = Sides::new(validation, clusters.groups());
    clock.lap("split");
    let width = TokenWidth::for_vocabulary(tokenizer.vocab_size_with_markers());
    let output = Output::new(folder, &options.bands, width)?;
    let world = World {
        options,
        kit,
        corpus: &corpus,
        sides: &sides,
        texts: world::TextCache::new(),
        reading_order: world::reading_order(&corpus, options.order, options.seed),
        commit: listing.commit.as_deref().filter(|_| tree.is_commit()).map(Into::into),
    };
    hierarchical::make(&world, &output, watch)?;
    clock.lap("hierarchical sequences");
    let story = past.map(|past| Story::new(&world, past, tree.prefix()));
    let qa = match options.kinds.contains(&Kind::Qa) {
        true => Some(qa::make(&world, story.as_ref().ok(), &output, watch)?),
        false => None,
    };
    clock.lap("question sequences");
    let history = match options.kinds.contains(&Kind::Commits) {
        true => Some(match story {
            Ok(story) => story.tell(&world, &output, watch)?,
            Err(why) => CommitCounts::nothing(why),
        }),
        false => None,
    };
    clock.lap("commit sequences");

    let finished = output.finish()?;
    let facts = Facts {
        options,
        tokenizer: &tokenizer,
        listing: &listing,
        corpus: &corpus,
        finished: &finished,
        qa,
        skipped,
        history,
        sides: &sides,
        root: tree.root(),
    };
    let counted = facts.count();
    if let Some(staging) = staging {
        let shards = write_shards(staging.path(), &finished, width, watch)?;
        let files = write_tokenizer(staging.path(), &tokenizer)?;
        write_manifest(staging.path(), &facts, world.commit.as_deref(), &counted, shards, files)?;
        watch.check()?;
        staging.publish(options.overwrite)?;
        clock.lap("write");
    }
    Ok(counted.finish(options, clock.begun.elapsed().as_secs_f64(), &clock.stages))
}

fn walk_options(options: &PackOptions, staging: Option<&Staging>) -> Result<WalkOptions> {
    let mut never: Vec<PathBuf> = Vec::new();
    if let Some(output) = &options.output {
        never.push(std::path::absolute(output).map_err(|source| Error::io("find", output, source))?);
    }
    never.extend(staging.map(|staging| staging.path().to_path_buf()));
    Ok(WalkOptions {
        include: options.include.clone(),
        exclude: options.exclude.clone(),
        hidden: options.hidden,
        max_file_size: options.max_file_size,
        never,
        ..WalkOptions::default()
    })
}

/// Writes the shards of both splits, several at a time.
fn write_shards(
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

fn write_tokenizer(folder: &Path, tokenizer: &Tokenizer) -> Result<Vec<NamedDigest>> {
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

fn write_manifest(
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

//! Packing: a repository in, a dataset out.

mod clock;
mod clusters;
mod commits;
mod connect;
mod context;
mod corpus;
mod current;
mod documents;
mod encode;
mod finished;
mod fit;
mod hierarchical;
mod kinship;
mod minhash;
mod options;
mod output;
mod parsed;
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
mod write;

use std::path::PathBuf;

pub use options::{PackOptions, TokenizerChoice};
pub use summary::Summary;

use crate::cache::Cache;
use crate::interrupt::{Beside, Watch};
use crate::sequence::{Elisions, Kind, Kit};
use crate::shard::manifest::Shard;
use crate::shard::{Staging, TokenWidth};
use crate::source::LANGUAGES;
use crate::threads::on_threads;
use crate::tokenize::{Scratches, Tokenizer};
use crate::walk::{Listing, Tree, WalkOptions};
use crate::{Error, Result};
use clock::{Clock, Unit};
use commits::{CommitCounts, Story};
use finished::Finished;
use output::Output;
use past::Past;
use split::Sides;
use summary::{Facts, Outcome};
use world::World;
use write::{About, write_manifest, write_shards, write_tokenizer};

/// Packs a repository as `options` say and tells what came of it.
///
/// # Errors
/// [`Error::Usage`] (also where there is nothing to pack) and [`Error::Tokenizer`] before anything is written;
/// [`Error::Io`] for a full disk; [`Error::Interrupted`]. Whatever happens, the output folder is either untouched or
/// whole.
pub fn pack(options: &PackOptions, watch: Watch<'_>) -> Result<Summary> {
    let clock = Clock::new();
    on_threads(Some(options.thread_count()), || pack_on_pool(options, watch, clock))
}

fn pack_on_pool(options: &PackOptions, watch: Watch<'_>, mut clock: Clock) -> Result<Summary> {
    let tree = Tree::open(&options.repository, options.revision.as_deref())?;
    let output = options.output.as_ref().filter(|_| !options.dry_run);
    if let Some(output) = output {
        // Before the walk, which may not meet what is removed.
        Staging::make_way(output, options.overwrite)?;
    }
    let walk = walk_options(options)?;
    let (tokenizer, listing) = rayon::join(|| tokenizer(options), || tree.list(&walk, watch));
    let (tokenizer, listing) = (tokenizer?, listing?);
    clock.lap("walk and tokenizer", listing.entries.len() as u64, Unit::Files);
    let staging = output.map(|output| Staging::new(output, options.overwrite)).transpose()?;

    let cache = match &options.cache {
        Some(folder) => {
            let root = tree.root();
            Cache::open(folder, &std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf()))
        }
        None => Cache::off(),
    };
    let input = Input { tree, listing, tokenizer };
    let (made, rest) = match make(input, staging, options, &cache, &mut clock, watch) {
        Ok((made, rest)) => (Ok(made), Some(rest)),
        Err(error) => (Err(error), None),
    };
    // What was found out before an interrupt is of use to the next run.
    let (outcome, cached) = rayon::join(
        || {
            let Made { outcome, staging, bytes } = made?;
            if let Some(staging) = staging {
                staging.publish(options.overwrite)?;
                clock.lap("write", bytes, Unit::Bytes);
            }
            Ok(outcome)
        },
        || {
            drop(rest);
            cache.finish()
        },
    );
    Ok(Summary::new(outcome?, options, clock, cached))
}

/// What is packed, and with what.
struct Input {
    tree: Tree,
    listing: Listing,
    tokenizer: Tokenizer,
}

/// What came of packing, and a dataset that is to be published.
struct Made {
    outcome: Outcome,
    staging: Option<Staging>,
    bytes: u64,
}

/// What nobody needs any more: giving back its memory and files takes a while, in which others may wait for the disk.
struct Rest {
    _tokenizer: Tokenizer,
    _finished: Option<Finished>,
}

/// Does everything that the cache is for.
fn make(
    input: Input,
    staging: Option<Staging>,
    options: &PackOptions,
    cache: &Cache,
    clock: &mut Clock,
    watch: Watch<'_>,
) -> Result<(Made, Rest)> {
    let Input { tree, mut listing, tokenizer: owned } = input;
    let (tree, tokenizer) = (&tree, &owned);
    let scratches = Scratches::default();
    let comments = LANGUAGES.iter().map(|language| language.line_comment);
    let elisions = scratches.with(|scratch| Elisions::new(tokenizer, comments, scratch));
    let shortest = options.bands.iter().map(|band| band.max).min().unwrap_or(0);
    let kit = Kit {
        tokenizer,
        scratches: &scratches,
        elisions: &elisions,
        markers: tokenizer.markers(),
        header_limit: (shortest / 8) as usize,
    };
    let elsewhere = std::env::temp_dir();
    let folder = staging.as_ref().map_or(&*elsewhere, Staging::path);
    let listed = listing.entries.len() + listing.skipped.len();
    let wants_past = options.kinds.contains(&Kind::Commits) || options.kinds.contains(&Kind::Qa);
    // One thread walks from commit to commit while the others read files.
    let beside = Beside::new(watch.progress);
    let (corpus, past) = rayon::join(
        || {
            let corpus = encode::encode(tree, &mut listing, kit, options, folder, cache, watch)?;
            clock.lap(
                "read and tokenize",
                corpus.documents.iter().map(|record| record.sizes.bytes).sum(),
                Unit::Bytes,
            );
            beside.show();
            Ok(corpus)
        },
        || match wants_past {
            true => Past::read(tree, options, cache, Watch::new(watch.flag(), &beside)),
            false => Ok(Err("not asked for".to_owned())),
        },
    );
    let (corpus, past) = (corpus?, past?);
    // No amount: how long all of it took is not known.
    clock.lap("rest of the history", 0, Unit::Commits);
    let skipped = summary::skip_table(&listing, &corpus.rejected);
    if corpus.documents.is_empty() {
        let what = summary::nothing_to_pack(&skipped);
        return Err(Error::usage(format!("{}: {what}", options.repository.display())));
    }

    let name = summary::name_of(tree.root());
    let inputs = current::Inputs {
        options,
        tokenizer,
        name: &name,
        is_commit: tree.is_commit(),
        listing: &listing,
        corpus: &corpus,
        past: past.as_ref().map_err(String::as_str),
    };
    let key = staging.as_ref().filter(|_| cache.is_on()).and_then(|_| inputs.key());
    if let (Some(key), Some(output)) = (&key, &options.output)
        && let Some((kept, bytes)) = current::is_current(cache, key, output, watch)?
    {
        clock.lap("check", bytes, Unit::Bytes);
        let made = Made { outcome: Outcome::Kept(kept), staging: None, bytes: 0 };
        return Ok((made, Rest { _tokenizer: owned, _finished: None }));
    }
    let clusters =
        kinship::clusters(&corpus, past.as_ref().ok(), tree.prefix(), options, folder, cache, watch)?;
    let paths = corpus.documents.iter().map(|record| record.path.as_bytes());
    let validation = split::draw(&clusters, paths, options.validation_split, options.seed);
    let sides = Sides::new(validation, clusters.groups());
    clock.lap("split", corpus.documents.len() as u64, Unit::Files);
    let width = TokenWidth::for_vocabulary(tokenizer.vocab_size_with_markers());
    let output = Output::new(folder, &options.bands, width)?;
    let world = World {
        options,
        kit,
        corpus: &corpus,
        sides: &sides,
        cache,
        texts: world::TextCache::new(),
        reading_order: world::reading_order(&corpus, options.order, options.seed),
        commit: listing.commit.as_deref().filter(|_| tree.is_commit()).map(Into::into),
    };
    let (made, mut story) = rayon::join(
        || hierarchical::make(&world, &output, watch),
        || past.map(|past| Story::new(&world, past, tree.prefix())),
    );
    made?;
    // Which definitions are meant by which names, and the order of the sequences, is known no more.
    longctx_alloc::give_back();
    clock.lap("hierarchical sequences", output.tokens(Kind::Hierarchical), Unit::Tokens);
    let qa = match options.kinds.contains(&Kind::Qa) {
        true => Some(qa::make(&world, story.as_ref().ok(), &output, watch)?),
        false => None,
    };
    clock.lap("question sequences", output.tokens(Kind::Qa), Unit::Tokens);
    // What is there and cannot be read may be mended under the same name.
    let mut is_readable = true;
    let history = match options.kinds.contains(&Kind::Commits) {
        true => Some(match &mut story {
            Ok(story) => {
                let counts = story.tell(&world, &output, watch)?;
                is_readable = !counts.has_unreadable;
                counts
            }
            Err(why) => CommitCounts::nothing(&**why),
        }),
        false => {
            is_readable = story.as_ref().ok().is_none_or(|story| !story.has_unreadable());
            None
        }
    };
    clock.lap("commit sequences", output.tokens(Kind::Commits), Unit::Tokens);

    let commit = world.commit.clone();
    drop(world);
    let finished = output.finish()?;
    let folder = staging.as_ref().map(Staging::path);
    let (shards, (counted, files)) = rayon::join(
        || folder.map(|folder| write_shards(folder, &finished, width, watch)).transpose(),
        || {
            let facts = Facts {
                options,
                tokenizer,
                listing: &listing,
                listed: listed as u64,
                corpus: &corpus,
                finished: &finished,
                qa,
                skipped,
                history,
                sides: &sides,
                root: tree.root(),
            };
            let counted = facts.count();
            // Takes a while, in which others write shards.
            drop((corpus, story));
            cache.carry_over();
            (counted, folder.map(|folder| write_tokenizer(folder, tokenizer)).transpose())
        },
    );
    let mut bytes = 0;
    if let (Some(folder), Some(shards), Some(files)) = (folder, shards?, files?) {
        bytes = shards.iter().map(Shard::bytes).chain(files.iter().map(|file| file.digest.bytes)).sum();
        let about = About { options, tokenizer, listing: &listing, commit: commit.as_deref() };
        write_manifest(folder, &about, &counted, shards, files)?;
        if let Some(key) = key.filter(|_| is_readable) {
            current::remember(cache, key, folder)?;
        }
        watch.check()?;
    }
    let made = Made { outcome: Outcome::Made(Box::new(counted)), staging, bytes };
    Ok((made, Rest { _tokenizer: owned, _finished: Some(finished) }))
}

fn tokenizer(options: &PackOptions) -> Result<Tokenizer> {
    match &options.tokenizer.path {
        Some(path) => Tokenizer::from_file(path, &options.tokenizer.name),
        None => Ok(Tokenizer::embedded()),
    }
}

fn walk_options(options: &PackOptions) -> Result<WalkOptions> {
    let mut never: Vec<PathBuf> = Vec::new();
    if let Some(output) = &options.output {
        never.push(std::path::absolute(output).map_err(|source| Error::io("find", output, source))?);
    }
    Ok(WalkOptions {
        include: options.include.clone(),
        exclude: options.exclude.clone(),
        hidden: options.hidden,
        max_file_size: options.max_file_size,
        never,
        ..WalkOptions::default()
    })
}

//! Real repositories, compared with ripgrep's walker; not run by default.
//!
//! `LONGCTX_REPOSITORIES=folder:folder cargo test --release walk::tests::real -- --ignored --nocapture`

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::ignored::oracle;
use super::scratch::{git, paths};
use crate::Watch;
use crate::source::{SkipReason, SourceOptions, classify};
use crate::walk::{DEFAULT_MAX_FILE_SIZE, Listing, Tree, WalkOptions};

fn repositories() -> Vec<String> {
    let folders = std::env::var("LONGCTX_REPOSITORIES").unwrap_or_default();
    folders.split(':').filter(|folder| !folder.is_empty()).map(str::to_owned).collect()
}

fn all(path: &Path, revision: Option<&str>) -> Listing {
    let options = WalkOptions { max_file_size: u64::MAX, ..WalkOptions::default() };
    Tree::open(path, revision).unwrap().list(&options, Watch::none()).unwrap()
}

#[test]
#[ignore = "needs repositories"]
fn lists_what_ripgreps_walker_and_a_commits_checkout_list() {
    for folder in repositories() {
        let path = Path::new(&folder);
        let submodules = paths_of_kind(&all(path, None), SkipReason::Submodule);
        let mut expected = oracle(path);
        expected.retain(|file| !submodules.iter().any(|module| file.starts_with(&format!("{module}/"))));
        assert_eq!(paths(&all(path, None)), expected, "{folder}");
        if git(path, &["status", "--porcelain", "-uno"]).is_empty() {
            assert_eq!(paths(&all(path, Some("HEAD"))), expected, "{folder}");
        }
    }
}

fn paths_of_kind(listing: &Listing, reason: SkipReason) -> Vec<String> {
    let skipped = listing.skipped.iter().filter(|skipped| skipped.reason == reason);
    skipped.map(|skipped| skipped.path.text().into_owned()).collect()
}

#[test]
#[ignore = "needs repositories"]
#[allow(clippy::print_stdout, reason = "a report for a reader")]
fn reports_what_is_skipped_and_how_long_it_takes() {
    let verbose = std::env::var_os("LONGCTX_VERBOSE").is_some();
    let options = SourceOptions::default();
    for folder in repositories() {
        for revision in [None, Some("HEAD")] {
            let mut best = [f64::MAX; 3];
            let mut table: BTreeMap<SkipReason, (usize, u64, Vec<String>)> = BTreeMap::new();
            let mut languages: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
            let mut redactions = Vec::new();
            for _ in 0..7 {
                table.clear();
                languages.clear();
                redactions.clear();
                let start = Instant::now();
                let tree = Tree::open(Path::new(&folder), revision).unwrap();
                let listing = tree.list(&WalkOptions::default(), Watch::none()).unwrap();
                best[0] = best[0].min(start.elapsed().as_secs_f64());
                let start = Instant::now();
                let files: Vec<_> =
                    listing.entries.iter().map(|e| (e, tree.read(e, DEFAULT_MAX_FILE_SIZE))).collect();
                best[1] = best[1].min(start.elapsed().as_secs_f64());
                let mut skip = |path: String, bytes: u64, reason| {
                    let row = table.entry(reason).or_default();
                    row.0 += 1;
                    row.1 += bytes;
                    row.2.push(path);
                };
                for skipped in &listing.skipped {
                    skip(skipped.path.to_string(), skipped.bytes, skipped.reason);
                }
                let start = Instant::now();
                let known = gix::ObjectId::null(gix::hash::Kind::Sha1);
                for (entry, bytes) in files {
                    match bytes.and_then(|bytes| classify(&entry.path, bytes, &known, &options)) {
                        Ok(document) => {
                            let row = languages.entry(document.language.name).or_default();
                            row.0 += 1;
                            row.1 += document.bytes;
                            for redaction in &document.redactions {
                                let shown = document.text[redaction.range.clone()].chars().take(40);
                                redactions.push((
                                    entry.path.to_string(),
                                    redaction.kind,
                                    shown.collect::<String>(),
                                ));
                            }
                        }
                        Err(reason) => skip(entry.path.to_string(), entry.size, reason),
                    }
                }
                best[2] = best[2].min(start.elapsed().as_secs_f64());
            }
            println!(
                "\n== {folder} {}: open and list {:.1} ms, read {:.1} ms, classify (one core, no hashing) {:.1} ms",
                revision.unwrap_or("work tree"),
                best[0] * 1e3,
                best[1] * 1e3,
                best[2] * 1e3
            );
            for (reason, (files, bytes, names)) in &table {
                println!("{:>16} {files:6} {bytes:10}", reason.name());
                let quiet = matches!(reason, SkipReason::Hidden | SkipReason::Binary | SkipReason::Empty);
                for name in names.iter().filter(|_| verbose && !quiet && revision.is_none()) {
                    println!("                     {name:?}");
                }
            }
            if revision.is_none() {
                println!("{languages:?}\n{redactions:#?}");
            }
        }
    }
}

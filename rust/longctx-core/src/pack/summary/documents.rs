//! What the documents are: the largest, their folders, languages and secrets.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::pack::documents::{Documents, Record};
use crate::path::RepoPath;

/// So many directories are named.
const DIRECTORIES: usize = 10;
/// So many of the largest files are named.
const LARGEST: usize = 10;

/// Secrets of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct RedactionRow {
    kind: &'static str,
    count: u64,
    files: u64,
}

/// One of the files with most tokens.
#[derive(Debug, Clone, Serialize)]
pub struct LargestRow {
    path: String,
    bytes: u64,
    tokens: u32,
}

/// A folder, without those inside of it.
#[derive(Debug, Clone, Serialize)]
pub struct DirectoryRow {
    path: String,
    files: u64,
    bytes: u64,
    tokens: u64,
}

/// A language.
#[derive(Debug, Clone, Serialize)]
pub struct LanguageRow {
    name: &'static str,
    files: u64,
    bytes: u64,
    tokens: u64,
}

/// Secrets replaced, by kind.
pub fn redactions(secrets: &BTreeMap<&'static str, [u64; 2]>) -> Vec<RedactionRow> {
    secrets.iter().map(|(&kind, &[count, files])| RedactionRow { kind, count, files }).collect()
}

/// The folders with most tokens.
pub fn directories(documents: &Documents) -> Vec<DirectoryRow> {
    let mut rows: HashMap<&[u8], (u64, u64, u64)> = HashMap::new();
    for record in documents.iter() {
        let row = rows.entry(record.path.parent()).or_default();
        row.0 += 1;
        row.1 += record.sizes.bytes;
        row.2 += u64::from(record.sizes.tokens);
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|&(path, (_, _, tokens))| (std::cmp::Reverse(tokens), path));
    rows.truncate(DIRECTORIES);
    rows.into_iter()
        .map(|(path, (files, bytes, tokens))| {
            let path = if path.is_empty() { ".".to_owned() } else { RepoPath::new(path).to_string() };
            DirectoryRow { path, files, bytes, tokens }
        })
        .collect()
}

/// The files with most tokens.
pub fn largest(documents: &Documents) -> Vec<LargestRow> {
    let mut all: Vec<(std::cmp::Reverse<u32>, u32)> =
        (0u32..).zip(documents.iter()).map(|(at, one)| (std::cmp::Reverse(one.sizes.tokens), at)).collect();
    // Documents are sorted by path.
    all.sort_unstable();
    let row = |record: Record<'_>| LargestRow {
        path: record.name.to_string(),
        bytes: record.sizes.bytes,
        tokens: record.sizes.tokens,
    };
    all.iter().take(LARGEST).map(|&(_, document)| row(documents.get(document))).collect()
}

/// The languages, most tokens first.
pub fn languages(documents: &Documents) -> Vec<LanguageRow> {
    let mut rows: HashMap<&'static str, (u64, u64, u64)> = HashMap::new();
    for record in documents.iter() {
        let row = rows.entry(record.language.name).or_default();
        row.0 += 1;
        row.1 += record.sizes.bytes;
        row.2 += u64::from(record.sizes.tokens);
    }
    let rows =
        rows.into_iter().map(|(name, (files, bytes, tokens))| LanguageRow { name, files, bytes, tokens });
    let mut rows: Vec<LanguageRow> = rows.collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.tokens), row.name));
    rows
}

//! What the documents are: the largest, their folders, languages and secrets.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::pack::corpus::Record;
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
pub fn redactions(documents: &[Record]) -> Vec<RedactionRow> {
    let mut rows: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    for (&kind, &count) in documents.iter().flat_map(|record| &record.secrets) {
        let row = rows.entry(kind).or_default();
        row.0 += u64::from(count);
        row.1 += 1;
    }
    rows.into_iter().map(|(kind, (count, files))| RedactionRow { kind, count, files }).collect()
}

/// The folders with most tokens.
pub fn directories(documents: &[Record]) -> Vec<DirectoryRow> {
    let mut rows: HashMap<&[u8], (u64, u64, u64)> = HashMap::new();
    for record in documents {
        let row = rows.entry(record.path.parent()).or_default();
        row.0 += 1;
        row.1 += record.bytes;
        row.2 += u64::from(record.tokens);
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
pub fn largest(documents: &[Record]) -> Vec<LargestRow> {
    let mut all: Vec<&Record> = documents.iter().collect();
    all.sort_by_key(|record| (std::cmp::Reverse(record.tokens), &record.path));
    let row = |record: &&Record| LargestRow {
        path: record.name.to_string(),
        bytes: record.bytes,
        tokens: record.tokens,
    };
    all.iter().take(LARGEST).map(row).collect()
}

/// The languages, most tokens first.
pub fn languages(documents: &[Record]) -> Vec<LanguageRow> {
    let mut rows: HashMap<&'static str, (u64, u64, u64)> = HashMap::new();
    for record in documents {
        let row = rows.entry(record.language.name).or_default();
        row.0 += 1;
        row.1 += record.bytes;
        row.2 += u64::from(record.tokens);
    }
    let rows =
        rows.into_iter().map(|(name, (files, bytes, tokens))| LanguageRow { name, files, bytes, tokens });
    let mut rows: Vec<LanguageRow> = rows.collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.tokens), row.name));
    rows
}

//! The files beside the targets: counterparts (test, header), then those of the nearest names.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Chooser, LEAST, Targets, append_block};
use crate::Result;
use crate::pack::corpus::Record;
use crate::sequence::{Draft, Mark, Piece, Role, Why};

/// So many neighbours in path order are looked at, each way.
const REACH: u32 = 32;
/// So many files are shown at most.
const MOST: usize = 4;
/// A name that so many files share, as `index` or `mod`, tells of no relation.
const COMMON: usize = 6;

/// Documents by what their names have in common with those of their counterparts.
pub fn by_stem(documents: &[Record]) -> FxHashMap<String, Vec<u32>> {
    let mut stems: FxHashMap<String, Vec<u32>> = FxHashMap::default();
    for (number, document) in (0u32..).zip(documents) {
        stems.entry(stem(&document.name)).or_default().push(number);
    }
    stems
}

/// The name without endings and the marks of a test: `FooTest.java`, `foo_test.go`, `test_foo.py`, `foo.spec.ts`, `foo.h`.
fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.trim_start_matches('.').split('.').next().unwrap_or(name);
    let name = name.strip_suffix("Tests").or(name.strip_suffix("Test")).unwrap_or(name).to_lowercase();
    let bare = name.trim_start_matches("test_").trim_end_matches("_test").trim_end_matches("_spec");
    let bare = bare.trim_end_matches("-test").trim_end_matches("_tests");
    if bare.is_empty() { name } else { bare.to_owned() }
}

impl Chooser<'_> {
    /// Replaces `draft` by blocks of at most `room` tokens in all, the nearest first, and says where each ends; none are
    /// of documents in `shown`.
    pub(super) fn siblings(
        &self,
        targets: &Targets<'_>,
        shown: &FxHashSet<u32>,
        room: u32,
        draft: &mut Draft,
    ) -> Result<Vec<Mark>> {
        draft.clear();
        let mut ends = Vec::new();
        for (document, why) in self.nearest(targets, shown) {
            let left = room - draft.len();
            if left < LEAST || ends.len() == MOST {
                break;
            }
            let loaded = self.world.load(document)?;
            let text = loaded.text().text;
            let frame = loaded.record.header.len() as u32 + 2;
            if loaded.record.tokens + frame <= left {
                let whole = [Piece::new(0..text.len(), Role::File, why)];
                append_block(self.world, &loaded, &whole, left, draft);
            } else {
                // A head as long as there is room, cut at a line end; the estimate may need a second try.
                let bytes_per_token = text.len() as f64 / f64::from(loaded.record.tokens.max(1));
                for share in [95, 80, 60] {
                    let tokens = left.saturating_sub(frame + 4) * share / 100;
                    let bytes = (f64::from(tokens) * bytes_per_token) as usize;
                    let end = memchr::memrchr(b'\n', &text.as_bytes()[..bytes.min(text.len())]);
                    let end = end.map_or(0, |at| at + 1);
                    let head = [Piece::new(0..end, Role::Head, why)];
                    if end == 0 || append_block(self.world, &loaded, &head, left, draft) {
                        break;
                    }
                }
            }
            ends.push(draft.mark());
        }
        Ok(ends)
    }

    /// Documents beside the targets, the nearest first.
    fn nearest(&self, targets: &Targets<'_>, shown: &FxHashSet<u32>) -> Vec<(u32, Why)> {
        let documents = &self.world.corpus.documents;
        let Some(first) = targets.first() else { return Vec::new() };
        let (Some(&low), Some(&high)) = (targets.documents.first(), targets.documents.last()) else {
            return Vec::new();
        };
        let mut found: FxHashMap<u32, (u32, Why)> = FxHashMap::default();
        let mut note = |document: u32, score: u32, why: Why| {
            let known = found.entry(document).or_insert((score, why));
            if score > known.0 {
                *known = (score, why);
            }
        };
        for target in targets.loaded {
            let same_stem = self.stems.get(&stem(&target.record.name)).map_or(&[][..], Vec::as_slice);
            if same_stem.len() <= COMMON {
                for &document in same_stem {
                    let other = &documents[document as usize];
                    note(document, 1000 + nearness(target.record, other), Why::Counterpart);
                }
            }
        }
        let last = documents.len() as u32;
        let around =
            (low.saturating_sub(REACH)..low).chain(low..=high).chain(high + 1..(high + 1 + REACH).min(last));
        for document in around {
            note(document, nearness(first.record, &documents[document as usize]), Why::Sibling);
        }
        let mut all: Vec<(u32, (u32, Why))> = found
            .into_iter()
            .filter(|&(document, (_, why))| {
                // Text in another language says little: a picture's markup nothing about a manual.
                let same_language = documents[document as usize].language.name == first.record.language.name;
                (same_language || why == Why::Counterpart)
                    && !targets.contains(document)
                    && !shown.contains(&document)
                    && self.world.may_show(targets.side, document)
            })
            .collect();
        all.sort_unstable_by_key(|&(document, (score, _))| {
            (std::cmp::Reverse(score), document.abs_diff(low), document)
        });
        all.into_iter().map(|(document, (_, why))| (document, why)).collect()
    }
}

/// How alike two documents are by their paths: same folder, same beginning of the name.
fn nearness(a: &Record, b: &Record) -> u32 {
    let ([folder_a, name_a], [folder_b, name_b]) = (parts(a), parts(b));
    let prefix = common(name_a, name_b) as u32;
    u32::from(folder_a == folder_b) * 100 + shared_folders(folder_a, folder_b).min(10) * 5 + prefix.min(20)
}

/// How many of the first names in two folders' paths are the same.
fn shared_folders(a: &[u8], b: &[u8]) -> u32 {
    let same = common(a, b);
    let ends = |path: &[u8]| path.get(same).is_none_or(|&byte| byte == b'/');
    memchr::memchr_iter(b'/', &a[..same]).count() as u32 + u32::from(ends(a) && ends(b))
}

/// Folder and name.
fn parts(record: &Record) -> [&[u8]; 2] {
    let path = record.name.as_bytes();
    match memchr::memrchr(b'/', path) {
        Some(at) => [&path[..at], record.path.name()],
        None => [b"", record.path.name()],
    }
}

/// How many bytes both begin with.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shared_folders_are_names_in_common(a in "[ab]{0,2}(/[ab]{1,2}){0,4}", b in "[ab]{0,2}(/[ab]{1,2}){0,4}") {
            let same = a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b).count();
            prop_assert_eq!(shared_folders(a.as_bytes(), b.as_bytes()), same as u32);
        }
    }

    #[test]
    fn counterparts_have_one_stem() {
        for path in [
            "a/foo.py",
            "tests/test_foo.py",
            "foo_test.go",
            "src/Foo.java",
            "FooTest.java",
            "foo.spec.ts",
            "foo.h",
        ] {
            assert_eq!(stem(path), "foo", "{path}");
        }
        assert_eq!(stem("test_.py"), "test_");
        assert_ne!(stem("foo_bar.py"), stem("foo.py"));
    }
}

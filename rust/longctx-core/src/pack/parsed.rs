//! What a file says, by parsing it or from the cache: parsing takes longer than everything else that is done to a file.

use crate::cache::{Cache, KeyMaker};
use crate::graph::parse::{read, read_with_calls};
use crate::graph::{FileFacts, Lang, Links};
use crate::interrupt::Watch;
use crate::symbols::calls::Call;

/// What a file says.
pub struct Parsed {
    /// Its imports and definitions.
    pub facts: FileFacts,
    /// The same, then its calls; no calls unless they were asked for.
    bytes: Vec<u8>,
    /// How many of these bytes are imports and definitions.
    facts_bytes: usize,
}

impl Parsed {
    /// Its calls, as [`calls_of`] reads them.
    pub fn calls(&self) -> &[u8] {
        &self.bytes[self.facts_bytes..]
    }
}

/// Finds out what a file says; none where its language has no grammar. `path` is relative to the repository.
pub fn parsed(cache: &Cache, path: &str, text: &str, with_calls: bool, watch: Watch<'_>) -> Option<Parsed> {
    Lang::of(path)?;
    if !cache.is_on() {
        return parse(path, text, with_calls, watch);
    }
    let purpose = if with_calls { "facts and calls" } else { "facts" };
    let key = KeyMaker::new(purpose).add(path.as_bytes()).add(text.as_bytes()).key();
    if let Some(bytes) = cache.get(&key)
        && let Ok((facts, calls)) = postcard::take_from_bytes(&bytes)
    {
        let facts_bytes = bytes.len() - calls.len();
        return Some(Parsed { facts, bytes, facts_bytes });
    }
    let parsed = parse(path, text, with_calls, watch)?;
    // What an interrupted parser gave up is no result.
    if watch.check().is_ok() {
        cache.put(key, &parsed.bytes);
    }
    Some(parsed)
}

fn parse(path: &str, text: &str, with_calls: bool, watch: Watch<'_>) -> Option<Parsed> {
    let (facts, calls) = match with_calls {
        true => read_with_calls(path, text, watch).map(|(facts, calls)| (facts, Some(calls)))?,
        false => (read(path, text, watch)?, None),
    };
    // Names and numbers: there is nothing in it that could not be written.
    let mut bytes = postcard::to_stdvec(&facts).unwrap_or_default();
    let facts_bytes = bytes.len();
    if let Some(calls) = calls {
        bytes.extend(postcard::to_stdvec(&calls).unwrap_or_default());
    }
    Some(Parsed { facts, bytes, facts_bytes })
}

/// What leads to other files, written down.
pub fn bytes_of_links(links: &Links) -> Vec<u8> {
    // Names and numbers: there is nothing in it that could not be written.
    postcard::to_stdvec(links).unwrap_or_default()
}

/// What [`bytes_of_links`] wrote down.
///
/// # Errors
/// Says what is wrong with the bytes.
pub fn links_of(bytes: &[u8]) -> Result<Links, postcard::Error> {
    postcard::from_bytes(bytes)
}

/// The calls that were written down; none where there are no bytes.
pub fn calls_of(bytes: &[u8]) -> Vec<Call> {
    postcard::from_bytes(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_the_cache_knows_is_what_parsing_finds() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            (
                "a.py",
                "import os\nfrom b import c\n\nclass A:\n    def f(self):\n        return self.g(c(2))\n",
            ),
            ("b.rs", "use crate::a;\nmod c;\npub fn f() { a::g::<u8>(1); }\n"),
            ("C.java", "package p;\nimport q.D;\nclass C extends D { int f() { return g().h(1); } }\n"),
            ("d.ts", "import type { X } from './x';\nexport * from './y';\nconst f = (a: X) => a.b();\n"),
            ("e.py", "def broken(:\n"),
        ];
        let read = |cache: &Cache| {
            let one = |(path, text)| parsed(cache, path, text, true, Watch::none()).unwrap();
            files.map(one).map(|found| {
                let links = links_of(&bytes_of_links(&found.facts.links)).unwrap();
                assert_eq!(format!("{links:?}"), format!("{:?}", found.facts.links));
                format!("{:?} {:?}", found.facts, calls_of(found.calls()))
            })
        };
        let plain = read(&Cache::off());
        for hits in [0, files.len() as u64] {
            let cache = Cache::open(folder.path(), Path::new("/r"));
            assert_eq!(read(&cache), plain);
            assert_eq!(cache.finish().unwrap().hits, hits);
        }
        assert!(plain[0].contains("\"c\"") && plain[4].contains("broken: true"));
    }

    #[test]
    fn files_without_a_grammar_say_nothing() {
        assert!(parsed(&Cache::off(), "a.txt", "import os", true, Watch::none()).is_none());
    }
}

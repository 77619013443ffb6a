//! Files that programs write, by the rules that linguist publishes (`generated.rb`).
//!
//! Lockfiles and minified files, which linguist counts here too, are reasons of their own.

mod content;
mod html;
mod path;

use regex::bytes::{Regex, RegexBuilder};

pub(super) use content::by_content;
pub(super) use path::by_path;

/// The last part of a path.
pub(super) fn name(path: &[u8]) -> &[u8] {
    memchr::memrchr(b'/', path).map_or(path, |at| &path[at + 1..])
}

/// The last part of a name from its last dot on, dot included; empty for names like `.profile`.
pub(super) fn extension(path: &[u8]) -> &[u8] {
    let name = name(path);
    match memchr::memrchr(b'.', name) {
        Some(at) if at > 0 => &name[at..],
        _ => b"",
    }
}

/// Compiles a pattern over bytes; classes and case are ASCII's.
#[allow(clippy::expect_used, reason = "every pattern is a literal of this crate and is compiled by a test")]
pub(super) fn fixed_regex(pattern: &str) -> Regex {
    RegexBuilder::new(pattern).unicode(false).build().expect("a well-formed pattern")
}

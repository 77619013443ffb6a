//! Decodes and classifies a file: what it is written in, what it must not show, or why it is left out.
//!
//! [`skip_by_path`] needs only the path, so that a file it rejects need not be read; [`classify`] looks at the bytes.

mod blob;
mod decode;
mod generated;
mod language;
mod languages;
mod lockfile;
mod minified;
mod secrets;
mod skip;
mod vendored;

#[cfg(test)]
mod tests;

use crate::path::RepoPath;

pub use blob::{BlobId, ObjectHash};
pub use decode::Encoding;
pub use language::{Kind, Language, detect};
pub use languages::LANGUAGES;
pub use secrets::{Redaction, find as find_secrets};
pub use skip::SkipReason;

/// What [`classify`] leaves out and hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceOptions {
    /// Find private keys and access tokens, so that they can be replaced.
    pub redact_secrets: bool,
    /// Keep generated and minified files.
    pub keep_generated: bool,
    /// Keep vendored files.
    pub keep_vendored: bool,
    /// Keep lockfiles.
    pub keep_lockfiles: bool,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self { redact_secrets: true, keep_generated: false, keep_vendored: false, keep_lockfiles: false }
    }
}

/// A text with a path.
#[derive(Debug, Clone)]
pub struct Document {
    /// Where it lies.
    pub path: RepoPath,
    /// What it is written in.
    pub language: &'static Language,
    /// How its bytes were decoded.
    pub encoding: Encoding,
    /// The id that git gives a blob of these bytes, in hexadecimal.
    pub blob: String,
    /// The text; a byte order mark is gone, line ends are as they were.
    pub text: String,
    /// What must not be shown: sorted, apart from each other, on character boundaries of `text`.
    pub redactions: Vec<Redaction>,
    /// How long the file is, before decoding.
    pub bytes: u64,
}

/// Why a file is left out by its path alone: vendored, a lockfile, or generated.
pub fn skip_by_path(path: &RepoPath, options: &SourceOptions) -> Option<SkipReason> {
    let path = path.as_bytes();
    if !options.keep_lockfiles && lockfile::is_lockfile(path) {
        return Some(SkipReason::Lockfile);
    }
    if !options.keep_vendored && vendored::is_vendored(path) {
        return Some(SkipReason::Vendored);
    }
    if !options.keep_generated && generated::by_path(path) {
        return Some(SkipReason::Generated);
    }
    None
}

/// Decodes a file and says what it is.
///
/// # Errors
///
/// The reason why it is left out: any of [`skip_by_path`], empty, a git-LFS pointer, binary, undecodable, generated
/// or minified by its content.
pub fn classify<'a>(
    path: &RepoPath,
    bytes: Vec<u8>,
    blob: impl Into<BlobId<'a>>,
    options: &SourceOptions,
) -> Result<Document, SkipReason> {
    if let Some(reason) = skip_by_path(path, options) {
        return Err(reason);
    }
    if bytes.is_empty() {
        return Err(SkipReason::Empty);
    }
    if is_lfs_pointer(&bytes) {
        return Err(SkipReason::LfsPointer);
    }
    let length = bytes.len() as u64;
    let undecoded = match blob.into() {
        BlobId::Known(id) => Ok(id.to_hex().to_string()),
        BlobId::Hash(hash) => Err(hash),
    };
    // Bytes that are not text are not worth hashing, and decoding consumes them.
    decode::check(&bytes)?;
    let blob = undecoded.unwrap_or_else(|hash| hash.blob_id(&bytes));
    let (text, encoding) = decode::decode(bytes)?;
    if text.is_empty() {
        return Err(SkipReason::Empty);
    }
    if !options.keep_generated && generated::by_content(path.as_bytes(), text.as_bytes()) {
        return Err(SkipReason::Generated);
    }
    let language = detect(path, &text);
    if !options.keep_generated && minified::is_minified(path.as_bytes(), text.as_bytes(), language.kind) {
        return Err(SkipReason::Minified);
    }
    let redactions = if options.redact_secrets { secrets::find(&text) } else { Vec::new() };
    Ok(Document { path: path.clone(), language, encoding, blob, text, redactions, bytes: length })
}

fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < 1024
        && (bytes.starts_with(b"version https://git-lfs.github.com/spec/v")
            || bytes.starts_with(b"version https://hawser.github.com/spec/v"))
}

//! Paths inside a repository: bytes with `/` between the parts, as git stores them.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// A path relative to the repository's root, as raw bytes; sorts bytewise.
///
/// Its text form is itself when it is UTF-8, else every byte that is not part of a UTF-8 character, and `%`, is
/// percent-encoded, so that two different paths never share a text form unless one of them was named to imitate it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Box<[u8]>);

impl RepoPath {
    /// A path from the bytes git has for it.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into_boxed_slice())
    }

    /// The path whose text form is `text`, if it was percent-encoded.
    pub fn from_text(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((&first, after)) = rest.split_first() {
            let digits = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
            match digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
                Some(byte) if first == b'%' => {
                    bytes.push(byte);
                    rest = &after[2..];
                }
                _ => {
                    bytes.push(first);
                    rest = after;
                }
            }
        }
        Self::new(bytes)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text form described on the type.
    pub fn text(&self) -> Cow<'_, str> {
        self.borrow().text()
    }

    /// The path, borrowed.
    pub fn borrow(&self) -> RepoPathRef<'_> {
        RepoPathRef(&self.0)
    }

    /// The last part.
    pub fn name(&self) -> &[u8] {
        self.borrow().name()
    }

    /// Everything before the last `/`; empty for a file of the root folder.
    pub fn parent(&self) -> &[u8] {
        self.borrow().parent()
    }

    /// Where the file lies below `root`.
    pub fn under(&self, root: &Path) -> PathBuf {
        root.join(to_native(&self.0))
    }
}

/// A [`RepoPath`] that somebody else holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPathRef<'p>(&'p [u8]);

impl<'p> RepoPathRef<'p> {
    /// A path from the bytes git has for it.
    pub fn new(bytes: &'p [u8]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub fn as_bytes(self) -> &'p [u8] {
        self.0
    }

    /// The text form described on [`RepoPath`].
    pub fn text(self) -> Cow<'p, str> {
        match std::str::from_utf8(self.0) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(percent_encode(self.0)),
        }
    }

    /// The text form on one line, for a file block's header: control characters are percent-encoded too.
    pub fn header(self) -> Cow<'p, str> {
        let text = self.text();
        if text.chars().any(char::is_control) {
            let mut out = String::with_capacity(text.len() + 8);
            for c in text.chars() {
                if c.is_control() {
                    let mut buffer = [0; 4];
                    for byte in c.encode_utf8(&mut buffer).bytes() {
                        push_percent(&mut out, byte);
                    }
                } else {
                    out.push(c);
                }
            }
            return Cow::Owned(out);
        }
        text
    }

    /// The last part.
    pub fn name(self) -> &'p [u8] {
        match memchr::memrchr(b'/', self.0) {
            Some(at) => &self.0[at + 1..],
            None => self.0,
        }
    }

    /// Everything before the last `/`; empty for a file of the root folder.
    pub fn parent(self) -> &'p [u8] {
        match memchr::memrchr(b'/', self.0) {
            Some(at) => &self.0[..at],
            None => &[],
        }
    }
}

#[cfg(unix)]
fn to_native(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn to_native(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).as_ref())
}

fn percent_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '%' {
                out.push_str("%25");
            } else {
                out.push(c);
            }
        }
        for &byte in chunk.invalid() {
            push_percent(&mut out, byte);
        }
    }
    out
}

fn push_percent(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(HEX[usize::from(byte >> 4)] as char);
    out.push(HEX[usize::from(byte & 15)] as char);
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for RepoPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl From<&str> for RepoPath {
    fn from(path: &str) -> Self {
        Self::new(path.as_bytes())
    }
}

/// The first of `paths` whose last part is that of `wanted`: what was meant, perhaps.
pub fn of_same_name<'p>(mut paths: impl Iterator<Item = Cow<'p, str>>, wanted: &str) -> Option<Cow<'p, str>> {
    let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
    let wanted = name(wanted);
    paths.find(|path| name(path) == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_same_name_is_found_elsewhere() {
        let paths = ["a/b.py", "a/bb.py"];
        let found = |wanted| of_same_name(paths.into_iter().map(Cow::Borrowed), wanted);
        assert_eq!(found("c/b.py").as_deref(), Some("a/b.py"));
        assert_eq!(found("y"), None);
    }

    #[test]
    fn utf8_paths_are_their_own_text() {
        let path = RepoPath::from("src/Äpfel 100%.rs");
        assert_eq!(path.text(), "src/Äpfel 100%.rs");
        assert_eq!(path.name(), "Äpfel 100%.rs".as_bytes());
        assert_eq!(path.parent(), b"src");
    }

    #[test]
    fn other_paths_are_percent_encoded_byte_by_byte() {
        let path = RepoPath::new(*b"a/\xff%\xc3b");
        assert_eq!(path.text(), "a/%FF%25%C3b");
        assert_eq!(RepoPath::from_text(&path.text()), path);
    }

    #[test]
    fn headers_stay_on_one_line() {
        assert_eq!(RepoPath::from("a\nb.txt").borrow().header(), "a%0Ab.txt");
        assert_eq!(RepoPath::from("a b.txt").borrow().header(), "a b.txt");
    }
}

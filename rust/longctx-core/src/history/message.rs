//! What a commit says of itself: its headers, its subject, and the line that stands for an empty subject.

use std::borrow::Cow;

use encoding_rs::Encoding;
use gix::ObjectId;

/// The headers of a commit object and its message, still in the commit's own encoding.
pub(super) struct CommitText<'a> {
    /// The commit's tree.
    pub(super) tree: ObjectId,
    /// Its parents, in order.
    pub(super) parents: Vec<ObjectId>,
    /// `name <email>` of the author.
    pub(super) author: &'a [u8],
    /// When it was committed, in seconds since 1970.
    pub(super) time: i64,
    encoding: Option<&'a [u8]>,
    message: &'a [u8],
}

impl<'a> CommitText<'a> {
    /// Reads a commit object. Unknown headers are passed over; a commit without a tree is none.
    pub(super) fn parse(data: &'a [u8]) -> Option<Self> {
        let mut text = Self {
            tree: ObjectId::from_hex(data.strip_prefix(b"tree ")?.split(|&b| b == b'\n').next()?).ok()?,
            parents: Vec::new(),
            author: &[],
            time: 0,
            encoding: None,
            message: &[],
        };
        let mut rest = data;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            if line.is_empty() {
                text.message = rest;
                break;
            }
            if let Some(id) = line.strip_prefix(b"parent ") {
                text.parents.push(ObjectId::from_hex(id).ok()?);
            } else if let Some(who) = line.strip_prefix(b"author ") {
                text.author = signature(who).0;
            } else if let Some(who) = line.strip_prefix(b"committer ") {
                text.time = signature(who).1;
            } else if let Some(label) = line.strip_prefix(b"encoding ") {
                text.encoding = Some(label);
            }
        }
        Some(text)
    }

    /// The author as text.
    pub(super) fn author_text(&self) -> String {
        self.decode(self.author).into_owned()
    }

    /// The lines of the message's first paragraph, joined by single spaces, as `git log --format=%s` has them.
    pub(super) fn subject(&self) -> String {
        let message = self.decode(self.message);
        let lines: Vec<&str> = paragraph(&message).map(str::trim_end).collect();
        lines.join(" ")
    }

    /// The first line after the subject's paragraph that says something.
    pub(super) fn body_line(&self) -> Option<String> {
        let message = self.decode(self.message);
        let line = message
            .lines()
            .map(str::trim)
            .skip_while(|line| line.is_empty())
            .skip_while(|line| !line.is_empty())
            .find(|line| !line.is_empty())?;
        let bookkeeping = line.starts_with('#')
            || ["Conflicts:", "Signed-off-by:", "Co-authored-by:", "See merge request"]
                .iter()
                .any(|start| line.starts_with(start));
        (!bookkeeping).then(|| line.to_owned())
    }

    fn decode(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        match self.encoding.and_then(Encoding::for_label) {
            Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
            None => String::from_utf8_lossy(bytes),
        }
    }
}

/// Whether a merge's subject is what a tool wrote there, naming branches and nothing else.
pub(super) fn is_empty_talk(subject: &str) -> bool {
    const STARTS: [&str; 8] = [
        "Merge branch",
        "Merge pull request",
        "Merge remote-tracking branch",
        "Merge remote branch",
        "Merge tag ",
        "Merge commit ",
        "Merge PR ",
        "Merged in ",
    ];
    let word_after_hash = |text: &str| text.starts_with("Merge #");
    STARTS.iter().any(|start| subject.starts_with(start)) || word_after_hash(subject)
}

fn paragraph(message: &str) -> impl Iterator<Item = &str> {
    message.lines().skip_while(|line| line.trim().is_empty()).take_while(|line| !line.trim().is_empty())
}

/// Splits `name <email> seconds zone` into `name <email>` and the seconds.
fn signature(line: &[u8]) -> (&[u8], i64) {
    let Some(end) = memchr::memrchr(b'>', line) else {
        return (line, 0);
    };
    let seconds = line[end + 1..]
        .split(|&b| b == b' ')
        .find(|part| !part.is_empty())
        .and_then(|part| std::str::from_utf8(part).ok())
        .and_then(|part| part.parse().ok())
        .unwrap_or(0);
    (&line[..=end], seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(rest: &[u8]) -> Vec<u8> {
        let mut data = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n".to_vec();
        data.extend_from_slice(rest);
        data
    }

    #[test]
    fn the_subject_is_the_first_paragraph_on_one_line() {
        let data = commit(b"author A <a@b> 5 +0000\ncommitter C <c@d> 77 +0100\n\n\none\ntwo \n\nbody\n");
        let text = CommitText::parse(&data).unwrap();
        assert_eq!(text.subject(), "one two");
        assert_eq!(text.body_line().as_deref(), Some("body"));
        assert_eq!((text.time, text.author_text().as_str()), (77, "A <a@b>"));
    }

    #[test]
    fn the_encoding_header_is_honoured() {
        let data = commit(b"committer C <c@d> 1 +0000\nencoding ISO-8859-1\n\nf\xfcr\n");
        assert_eq!(CommitText::parse(&data).unwrap().subject(), "f\u{fc}r");
    }

    #[test]
    fn bookkeeping_is_no_body() {
        let data = commit(b"\nMerge branch 'x'\n\nConflicts:\n\ta\n");
        assert_eq!(CommitText::parse(&data).unwrap().body_line(), None);
    }

    #[test]
    fn what_tools_write_is_empty_talk() {
        assert!(is_empty_talk("Merge pull request #4 from a/b"));
        assert!(is_empty_talk("Merge branch 'x' into y"));
        assert!(is_empty_talk("Merge #12"));
        assert!(!is_empty_talk("Merge the two parsers"));
    }

    #[test]
    fn data_that_is_no_commit_is_refused() {
        assert!(CommitText::parse(b"tree xyz\n").is_none());
        assert!(CommitText::parse(b"").is_none());
    }
}

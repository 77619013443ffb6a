//! A sequence being put together from blocks, pieces of documents and text of our own.

use std::ops::Range;
use std::sync::Arc;

use super::elision::{Comment, Elisions};
use super::{EncodedDocument, Link, Role, Segment, Why, encode_document, header_tokens};
use crate::path::RepoPathRef;
use crate::tokenize::{Encoded, MarkerIds, NotLossless, Scratches, Tokenizer};

/// What putting sequences together needs; the same for all of a dataset.
#[derive(Clone, Copy)]
pub struct Kit<'k> {
    /// Encodes.
    pub tokenizer: &'k Tokenizer,
    /// What each thread remembers of what it encoded.
    pub scratches: &'k Scratches,
    /// Lines that stand for text left out.
    pub elisions: &'k Elisions,
    /// Ids of the markers.
    pub markers: MarkerIds,
    /// The longest header of a block, in tokens.
    pub header_limit: usize,
}

/// A text that pieces are cut from: a file, or a version of it.
#[derive(Clone)]
pub struct Text<'t> {
    /// Its path, for the header.
    pub path: RepoPathRef<'t>,
    /// The tokens of the header, if they are known.
    pub header: Option<&'t [u32]>,
    /// Its path in segments.
    pub name: Arc<str>,
    /// Its git object id.
    pub blob: Arc<str>,
    /// The commit it was read from; none for a work tree.
    pub commit: Option<Arc<str>>,
    /// The text, decoded.
    pub text: &'t str,
    /// What must not be shown: sorted, disjoint, on character boundaries. In bytes.
    pub hidden: &'t [Range<usize>],
    /// How its language writes comments.
    pub comment: Comment,
}

/// A stretch of a [`Text`] to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// On character boundaries.
    pub bytes: Range<usize>,
    /// What it is.
    pub role: Role,
    /// Why it is there.
    pub why: Why,
    /// The definition that it shows.
    pub name: Option<Arc<str>>,
    /// Who needs it.
    pub needed_by: Option<Link>,
}

impl Piece {
    /// A piece without a name.
    pub fn new(bytes: Range<usize>, role: Role, why: Why) -> Self {
        Self { bytes, role, why, name: None, needed_by: None }
    }
}

/// A draft without the means to go on with it, to be kept until it is appended to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Token ids.
    pub tokens: Vec<u32>,
    /// What came from documents, in order.
    pub segments: Vec<Segment>,
    /// Tokens from here on carry loss.
    pub loss_start: u32,
}

impl Part {
    /// Tokens.
    pub fn len(&self) -> u32 {
        self.tokens.len() as u32
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}

/// A length of a [`Draft`] to go back to.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    tokens: usize,
    segments: usize,
}

/// Tokens and segments of a sequence so far. Everything is encoded on its own, so that no token depends on what stands
/// around its piece.
#[derive(Default)]
pub struct Draft {
    /// Token ids.
    pub tokens: Vec<u32>,
    /// What came from documents, in order.
    pub segments: Vec<Segment>,
    /// Tokens from here on carry loss.
    pub loss_start: u32,
    encoded: Encoded,
    document: EncodedDocument,
}

impl Draft {
    /// The beginning.
    pub const START: Mark = Mark { tokens: 0, segments: 0 };

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.tokens.clear();
        self.segments.clear();
        self.loss_start = 0;
    }

    /// Tokens so far.
    pub fn len(&self) -> u32 {
        self.tokens.len() as u32
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Where we are.
    pub fn mark(&self) -> Mark {
        Mark { tokens: self.tokens.len(), segments: self.segments.len() }
    }

    /// Takes back what came after `mark`.
    pub fn rewind(&mut self, mark: Mark) {
        self.tokens.truncate(mark.tokens);
        self.segments.truncate(mark.segments);
    }

    /// What comes from here on is learnt.
    pub fn learn_from_here(&mut self) {
        self.loss_start = self.len();
    }

    /// Appends a marker, or any tokens that stand for themselves.
    pub fn push(&mut self, ids: &[u32]) {
        self.tokens.extend_from_slice(ids);
    }

    /// Appends text that we wrote; it belongs to no document.
    ///
    /// # Errors
    /// [`NotLossless`] if the tokenizer cannot represent it.
    pub fn own_text(&mut self, kit: &Kit<'_>, text: &str) -> Result<(), NotLossless> {
        kit.scratches.with(|scratch| kit.tokenizer.encode(text, scratch, &mut self.encoded))?;
        self.tokens.extend_from_slice(&self.encoded.ids);
        Ok(())
    }

    /// Appends the line with a path that a file block begins with.
    pub fn header(&mut self, kit: &Kit<'_>, path: RepoPathRef<'_>) {
        let (ids, _) = kit
            .scratches
            .with(|scratch| header_tokens(kit.tokenizer, path, kit.header_limit, scratch, &mut self.encoded));
        self.tokens.extend_from_slice(&ids);
    }

    /// Appends a stretch of a text, encoded on its own, secrets replaced. A secret that `piece` cuts through is
    /// replaced as a whole.
    ///
    /// # Errors
    /// [`NotLossless`] if the tokenizer cannot represent it.
    pub fn piece(&mut self, kit: &Kit<'_>, from: &Text<'_>, piece: &Piece) -> Result<(), NotLossless> {
        let range = piece.bytes.clone();
        let Some(text) = from.text.get(range.clone()) else { return Ok(()) };
        let hidden: Vec<Range<usize>> = from
            .hidden
            .iter()
            .filter(|hidden| hidden.start < range.end && hidden.end > range.start)
            .map(|hidden| {
                hidden.start.max(range.start) - range.start..hidden.end.min(range.end) - range.start
            })
            .collect();
        kit.scratches
            .with(|scratch| encode_document(kit.tokenizer, text, &hidden, scratch, &mut self.document))?;
        let at = self.len();
        self.tokens.extend_from_slice(&self.document.tokens.ids);
        let segments = &mut self.segments;
        let mut push = |role: Role, bytes: Range<u32>, tokens: Range<u32>| {
            if !bytes.is_empty() {
                segments.push(Segment {
                    path: from.name.clone(),
                    blob: from.blob.clone(),
                    commit: from.commit.clone(),
                    role,
                    bytes: [bytes.start, bytes.end].map(|byte| byte + range.start as u32),
                    tokens: [tokens.start, tokens.end].map(|token| token + at),
                    why: piece.why,
                    name: piece.name.clone(),
                    needed_by: piece.needed_by.clone(),
                });
            }
        };
        let (mut byte, mut token) = (0, 0);
        for hidden in &self.document.redacted {
            push(piece.role, byte..hidden.bytes.start, token..hidden.tokens.start);
            push(Role::Redacted, hidden.bytes.clone(), hidden.tokens.clone());
            (byte, token) = (hidden.bytes.end, hidden.tokens.end);
        }
        push(piece.role, byte..text.len() as u32, token..self.document.len());
        Ok(())
    }

    /// Appends a file block that shows `pieces` (sorted, disjoint), with an elision line wherever text is left out.
    ///
    /// # Errors
    /// [`NotLossless`] if the tokenizer cannot represent some piece.
    pub fn file_block(
        &mut self,
        kit: &Kit<'_>,
        from: &Text<'_>,
        pieces: &[Piece],
    ) -> Result<(), NotLossless> {
        let elision = kit.elisions.of(from.comment);
        let breaks_before = |byte: usize| byte == 0 || from.text.as_bytes().get(byte - 1) == Some(&b'\n');
        self.push(&[kit.markers.file_start]);
        match from.header {
            Some(tokens) => self.push(tokens),
            None => self.header(kit, from.path),
        }
        let mut end = 0;
        for (number, piece) in pieces.iter().enumerate() {
            if piece.bytes.start > end {
                let joined = number > 0 && !breaks_before(end);
                self.push(if joined { &elision.after } else { &elision.before });
            }
            self.piece(kit, from, piece)?;
            end = piece.bytes.end;
        }
        if end < from.text.len() {
            self.push(if end > 0 && !breaks_before(end) { &elision.after } else { &elision.after_break });
        }
        self.push(&[kit.markers.file_end]);
        Ok(())
    }

    /// Begins a commit block: marker, short id and subject on a line. [`Self::end_commit`] ends it.
    ///
    /// # Errors
    /// [`NotLossless`] if the tokenizer cannot represent the subject.
    pub fn begin_commit(&mut self, kit: &Kit<'_>, short_id: &str, subject: &str) -> Result<(), NotLossless> {
        self.push(&[kit.markers.commit_start]);
        self.own_text(kit, &format!("{short_id} {subject}\n"))
    }

    /// Ends a commit block.
    pub fn end_commit(&mut self, kit: &Kit<'_>) {
        self.push(&[kit.markers.commit_end]);
    }

    /// What there is so far.
    pub fn part(&self) -> Part {
        Part { tokens: self.tokens.clone(), segments: self.segments.clone(), loss_start: self.loss_start }
    }

    /// Appends all of a part; where its loss starts does not matter.
    pub fn append(&mut self, other: &Part) {
        self.extend(&other.tokens, &other.segments, 0);
    }

    /// Appends what another draft has between two marks.
    pub fn append_between(&mut self, other: &Self, from: Mark, to: Mark) {
        let segments = &other.segments[from.segments..to.segments];
        self.extend(&other.tokens[from.tokens..to.tokens], segments, from.tokens as u32);
    }

    /// Appends tokens, and segments whose tokens count from `origin`.
    fn extend(&mut self, tokens: &[u32], segments: &[Segment], origin: u32) {
        let at = self.len();
        self.tokens.extend_from_slice(tokens);
        self.segments.extend(segments.iter().map(|segment| Segment {
            tokens: segment.tokens.map(|token| token - origin + at),
            ..segment.clone()
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::RepoPath;

    const HASH: Comment = Some(("# ", ""));

    fn with_kit(test: impl FnOnce(&Kit<'_>, &Tokenizer)) {
        let tokenizer = Tokenizer::embedded();
        let scratches = Scratches::default();
        let elisions = scratches.with(|scratch| Elisions::new(&tokenizer, [HASH].into_iter(), scratch));
        let kit = Kit {
            tokenizer: &tokenizer,
            scratches: &scratches,
            elisions: &elisions,
            markers: tokenizer.markers(),
            header_limit: 32,
        };
        test(&kit, &tokenizer);
    }

    fn text<'t>(path: &'t RepoPath, text: &'t str, hidden: &'t [Range<usize>]) -> Text<'t> {
        let name = path.text().into();
        Text {
            path: path.borrow(),
            header: None,
            name,
            blob: "b".into(),
            commit: None,
            text,
            hidden,
            comment: HASH,
        }
    }

    #[test]
    fn text_left_out_is_marked_wherever_it_stood() {
        with_kit(|kit, tokenizer| {
            let path = RepoPath::from("a.py");
            let from = text(&path, "x = 1\ndef f():\n    pass\ny = 2\nz = 3", &[]);
            let piece = |bytes| Piece::new(bytes, Role::Definition, Why::Named);
            let mut draft = Draft::default();
            draft.file_block(kit, &from, &[piece(6..15), piece(24..30)]).unwrap();
            let shown = tokenizer.decode(&draft.tokens);
            assert_eq!(shown, "<|FILE_START|>a.py\n# ...\ndef f():\n# ...\ny = 2\n# ...\n<|FILE_END|>");
            for segment in &draft.segments {
                let [first, last] = segment.tokens.map(|token| token as usize);
                let [start, end] = segment.bytes.map(|byte| byte as usize);
                assert_eq!(tokenizer.decode(&draft.tokens[first..last]), from.text[start..end]);
            }
            draft.clear();
            draft.file_block(kit, &from, &[piece(0..from.text.len())]).unwrap();
            assert!(!tokenizer.decode(&draft.tokens).contains("..."));
        });
    }

    #[test]
    fn a_header_that_is_known_is_what_encoding_gives() {
        with_kit(|kit, _| {
            let path = RepoPath::from("folder/a.py");
            let mut from = text(&path, "x = 1\n", &[]);
            let pieces = [Piece::new(0..6, Role::File, Why::Sibling)];
            let mut drafts = [Draft::default(), Draft::default()];
            drafts[0].file_block(kit, &from, &pieces).unwrap();
            let header = kit.scratches.with(|scratch| {
                header_tokens(
                    kit.tokenizer,
                    path.borrow(),
                    kit.header_limit,
                    scratch,
                    &mut Encoded::default(),
                )
                .0
            });
            from.header = Some(&header);
            drafts[1].file_block(kit, &from, &pieces).unwrap();
            assert_eq!(drafts[0].part(), drafts[1].part());
        });
    }

    #[test]
    fn a_secret_that_a_piece_cuts_through_is_never_shown() {
        with_kit(|kit, tokenizer| {
            let path = RepoPath::from("a.py");
            let hidden = std::slice::from_ref(&(4..10));
            let from = text(&path, "k = SECRET # x\n", hidden);
            let mut draft = Draft::default();
            draft.piece(kit, &from, &Piece::new(6..15, Role::Change, Why::Changed)).unwrap();
            let shown = tokenizer.decode(&draft.tokens);
            assert_eq!(shown, "<REDACTED_SECRET> # x\n");
            let roles: Vec<Role> = draft.segments.iter().map(|segment| segment.role).collect();
            assert_eq!(roles, [Role::Redacted, Role::Change]);
            assert_eq!(draft.segments[1].bytes, [10, 15]);
        });
    }

    #[test]
    fn a_draft_goes_back_to_where_it_was() {
        with_kit(|kit, _| {
            let mut draft = Draft::default();
            draft.begin_commit(kit, "1234567", "first").unwrap();
            let mark = draft.mark();
            let path = RepoPath::from("a.py");
            draft
                .file_block(kit, &text(&path, "x\n", &[]), &[Piece::new(0..2, Role::Version, Why::State)])
                .unwrap();
            let other = draft.len();
            draft.rewind(mark);
            assert!(draft.len() < other && draft.segments.is_empty());
        });
    }
}

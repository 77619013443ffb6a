//! Cutting a document that is longer than a band into overlapping windows.

use std::ops::Range;

use super::{Band, ElisionTokens, EncodedDocument};

/// Cutting at a line end may cost this share of the band's maximum.
const LINE_SLACK: f64 = 0.05;

/// A slice of a document, as one file block shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Tokens of the document, context included.
    pub tokens: Range<u32>,
    /// Bytes of its text.
    pub bytes: Range<u32>,
    /// Tokens at the beginning that the window before has taught already; they carry no loss.
    pub context: u32,
    /// The byte at which that ends and what is learnt begins.
    pub learnt_from: u32,
    /// The text begins with a line break (matters only where text before it is left out).
    pub begins_with_break: bool,
    /// The text ends with a line break (matters only where text after it is left out).
    pub ends_with_break: bool,
    /// Text after it is left out.
    pub cut_short: bool,
}

impl Window {
    /// The elision line in front, if text before the window is left out.
    pub fn head<'e>(&self, elision: &'e ElisionTokens) -> &'e [u32] {
        match (self.tokens.start, self.begins_with_break) {
            (0, _) => &[],
            (_, true) => &elision.before_break,
            (_, false) => &elision.before,
        }
    }

    /// The elision line behind, if text after the window is left out.
    pub fn tail<'e>(&self, elision: &'e ElisionTokens) -> &'e [u32] {
        match (self.cut_short, self.ends_with_break) {
            (false, _) => &[],
            (true, true) => &elision.after_break,
            (true, false) => &elision.after,
        }
    }

    /// Length of its file block in tokens: markers, header, elision lines, text.
    pub fn block_length(&self, header: u32, elision: &ElisionTokens) -> u32 {
        2 + header + (self.head(elision).len() + self.tail(elision).len()) as u32 + self.tokens.len() as u32
    }

    /// Where the tokens that carry loss begin, from the start of the block.
    pub fn loss_start(&self, header: u32, elision: &ElisionTokens) -> u32 {
        match self.context {
            0 => 0,
            context => 1 + header + self.head(elision).len() as u32 + context,
        }
    }
}

/// The windows of a document in one band. Each of its tokens is learnt in exactly one: in the windows after the first,
/// the overlap with the one before is context. Cuts are never inside a character or a placeholder, and at a line end
/// where that costs at most 5 % of the band's maximum.
pub fn cut(
    document: &EncodedDocument,
    text: &str,
    header: u32,
    elision: &ElisionTokens,
    band: &Band,
) -> Vec<Window> {
    let cutter = Cutter { document, text: text.as_bytes(), slack: (f64::from(band.max) * LINE_SLACK) as u32 };
    let count = document.len();
    let frame = 2 + header;
    let head = elision.before.len().max(elision.before_break.len()) as u32;
    let tail = elision.after.len().max(elision.after_break.len()) as u32;
    let capacity = band.max.saturating_sub(frame + head + tail).max(4);
    // However large the overlap asked for, a window teaches at least a quarter of what it holds.
    let overlap = band.overlap.min(capacity - capacity / 4);
    let mut windows = Vec::new();
    let mut learnt = 0;
    while learnt < count {
        let start = if learnt == 0 { 0 } else { cutter.context_start(learnt, overlap) };
        let front = if start == 0 { 0 } else { head };
        let room = band.max.saturating_sub(frame + front);
        let end = if count - start <= room {
            count
        } else {
            cutter.window_end(learnt, start + room.saturating_sub(tail).max(1))
        };
        windows.push(cutter.window(start, end, learnt));
        learnt = end;
    }
    windows
}

struct Cutter<'d> {
    document: &'d EncodedDocument,
    text: &'d [u8],
    /// Tokens.
    slack: u32,
}

impl Cutter<'_> {
    fn window(&self, start: u32, end: u32, learnt: u32) -> Window {
        let bytes = self.document.byte_before(start)..self.document.byte_before(end);
        Window {
            tokens: start..end,
            context: learnt - start,
            learnt_from: self.document.byte_before(learnt),
            begins_with_break: self.break_follows(bytes.start),
            ends_with_break: self.break_precedes(bytes.end),
            cut_short: end < self.document.len(),
            bytes,
        }
    }

    /// The last good cut after `after` and at or before `limit`.
    fn window_end(&self, after: u32, limit: u32) -> u32 {
        let lines = limit.saturating_sub(self.slack).max(after + 1)..=limit;
        if let Some(cut) = self.line_end(lines.rev()) {
            return cut;
        }
        let forward = limit + 1..self.document.len();
        let mut all = (after + 1..=limit).rev().chain(forward);
        all.find(|&index| self.may_cut(index)).unwrap_or(self.document.len())
    }

    /// Where context of up to `overlap` tokens before `learnt` begins.
    fn context_start(&self, learnt: u32, overlap: u32) -> u32 {
        let earliest = learnt.saturating_sub(overlap);
        if earliest == 0 {
            return 0;
        }
        let lines = earliest..(earliest + self.slack).min(learnt);
        let any = || (earliest..learnt).find(|&index| self.may_cut(index));
        self.line_end(lines).or_else(any).unwrap_or(learnt)
    }

    /// The first of `places` at a line end. Some tokenizers join a line break to what follows it: only where no place is
    /// behind a line break is one before it good enough.
    fn line_end(&self, places: impl Iterator<Item = u32> + Clone) -> Option<u32> {
        let mut behind = places.clone();
        let behind = behind
            .find(|&index| self.may_cut(index) && self.break_precedes(self.document.byte_before(index)));
        let mut before = places;
        behind.or_else(|| {
            before.find(|&index| self.may_cut(index) && self.break_follows(self.document.byte_before(index)))
        })
    }

    /// Whether the document may be cut before token `index`: not inside a character nor a placeholder.
    fn may_cut(&self, index: u32) -> bool {
        if index == 0 || index >= self.document.len() {
            return true;
        }
        let byte = self.document.byte_before(index);
        let next = self.text.get(byte as usize);
        self.document.tokens.ends[index as usize] > byte && next.is_none_or(|next| next & 0xC0 != 0x80)
    }

    fn break_precedes(&self, byte: u32) -> bool {
        byte > 0 && self.text.get(byte as usize - 1) == Some(&b'\n')
    }

    fn break_follows(&self, byte: u32) -> bool {
        self.text
            .get(byte as usize..)
            .is_some_and(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::RepoPathRef;
    use crate::sequence::{encode_document, header_tokens};
    use crate::tokenize::{Encoded, Scratch, Tokenizer};
    use proptest::prelude::*;

    const BAND: Band = Band { id: 1, min: 128, max: 256, overlap: 64 };

    fn windows(
        tokenizer: &Tokenizer,
        text: &str,
        secrets: &[Range<usize>],
        band: &Band,
    ) -> (EncodedDocument, Vec<Window>) {
        let mut scratch = Scratch::default();
        let mut document = EncodedDocument::default();
        encode_document(tokenizer, text, secrets, &mut scratch, &mut document).unwrap();
        let elision = ElisionTokens::new(tokenizer, Some(("# ", "")), &mut scratch);
        let (header, _) =
            header_tokens(tokenizer, RepoPathRef::new(b"a.py"), 8, &mut scratch, &mut Encoded::default());
        let header = header.len() as u32;
        let windows = cut(&document, text, header, &elision, band);
        for window in &windows {
            assert!(window.block_length(header, &elision) <= band.max, "{window:?}");
        }
        (document, windows)
    }

    fn each_token_is_learnt_once(document: &EncodedDocument, windows: &[Window]) {
        let mut learnt = 0;
        for window in windows {
            assert_eq!(window.tokens.start + window.context, learnt);
            assert!(window.tokens.end > learnt);
            learnt = window.tokens.end;
        }
        assert_eq!(learnt, document.len());
    }

    #[test]
    fn a_short_document_is_one_window() {
        let (document, windows) = windows(&Tokenizer::embedded(), "x = 1\n", &[], &BAND);
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].tokens, 0..document.len());
        assert!(!windows[0].cut_short);
    }

    #[test]
    fn lines_are_kept_whole_where_they_are_short() {
        let text: String = (0..400).map(|line| format!("x{line} = 1\n")).collect();
        let (_, windows) = windows(&Tokenizer::embedded(), &text, &[], &BAND);
        assert!(windows.len() > 5);
        for window in &windows[..windows.len() - 1] {
            assert!(window.ends_with_break, "{window:?}");
            assert!(text.as_bytes()[window.bytes.end as usize - 1] == b'\n');
        }
        for window in &windows[1..] {
            assert!(window.context > 0 && window.context <= 64);
            assert_eq!(text.as_bytes()[window.bytes.start as usize - 1], b'\n');
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn windows_fit_and_teach_each_token_once(
            text in "([a-z]{1,9}|[ \n]{1,3}|漢字|🦙🦙|\\PC){1,200}",
            max in 40u32..200,
            overlap in 0u32..180,
            secret in prop::option::of((0usize..200, 1usize..60)),
        ) {
            let tokenizer = Tokenizer::embedded();
            let secrets: Vec<Range<usize>> = secret
                .map(|(start, length)| text.floor_char_boundary(start)..text.floor_char_boundary(start + length))
                .filter(|range| !range.is_empty())
                .into_iter()
                .collect();
            let band = Band { id: 1, min: max / 2, max, overlap };
            let (document, windows) = windows(&tokenizer, &text, &secrets, &band);
            each_token_is_learnt_once(&document, &windows);
            for window in &windows {
                prop_assert!(text.is_char_boundary(window.bytes.start as usize));
                prop_assert!(text.is_char_boundary(window.bytes.end as usize));
                for redacted in &document.redacted {
                    prop_assert!(window.tokens.start <= redacted.tokens.start || window.tokens.start >= redacted.tokens.end);
                    prop_assert!(window.tokens.end <= redacted.tokens.start || window.tokens.end >= redacted.tokens.end);
                }
                if document.redacted.is_empty() {
                    let slice = &document.tokens.ids[window.tokens.start as usize..window.tokens.end as usize];
                    prop_assert_eq!(tokenizer.decode(slice), &text[window.bytes.start as usize..window.bytes.end as usize]);
                }
            }
        }
    }
}

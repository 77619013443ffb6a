//! One hierarchical sequence from files that a caller gives.

use super::{BuiltSegment, BuiltSequence};
use crate::path::RepoPath;
use crate::sequence::{Band, ElisionTokens, EncodedDocument, Role, cut, encode_document, header_tokens};
use crate::source;
use crate::tokenize::{Encoded, Scratch, Tokenizer};
use crate::{Error, Result};

/// File blocks of `files` (path and text), the last of them being the target. Earlier ones are dropped from the front
/// until the rest fits `max_length` tokens; the target is only cut if it is too long by itself, and keeps its beginning.
///
/// # Errors
/// [`Error::Usage`] without files, without room for the target, or for text that the tokenizer cannot represent.
pub fn build_file_sequence(
    tokenizer: &Tokenizer,
    files: &[(String, String)],
    max_length: u32,
) -> Result<BuiltSequence> {
    let Some((target, context)) = files.split_last() else {
        return Err(Error::usage("there are no files to build a sequence from"));
    };
    let mut maker = Maker { tokenizer, scratch: Scratch::default(), buffer: Encoded::default(), max_length };
    let target = maker.block(target)?;
    let mut room = max_length.saturating_sub(target.ids.len() as u32);
    let mut shown = Vec::new();
    let mut dropped = Vec::new();
    for file in context.iter().rev() {
        let block = if dropped.is_empty() { Some(maker.block(file)?) } else { None };
        match block {
            Some(block) if block.left_out == 0 && block.ids.len() as u32 <= room => {
                room -= block.ids.len() as u32;
                shown.push(block);
            }
            _ => dropped.push(file.0.clone()),
        }
    }
    dropped.reverse();
    shown.reverse();
    let mut sequence = BuiltSequence {
        ids: Vec::new(),
        loss_start: shown.iter().map(|block| block.ids.len() as u32).sum(),
        segments: Vec::new(),
        dropped,
        truncated_tokens: target.left_out,
    };
    for block in shown.into_iter().chain([target]) {
        let at = sequence.ids.len() as u32;
        sequence.segments.push(BuiltSegment {
            path: block.path,
            role: Role::File,
            bytes: block.bytes,
            tokens: block.tokens.map(|token| token + at),
        });
        sequence.ids.extend(block.ids);
    }
    Ok(sequence)
}

struct Maker<'m> {
    tokenizer: &'m Tokenizer,
    scratch: Scratch,
    buffer: Encoded,
    max_length: u32,
}

struct FileBlock {
    path: String,
    ids: Vec<u32>,
    bytes: [u32; 2],
    tokens: [u32; 2],
    left_out: u32,
}

impl Maker<'_> {
    /// The block of one file, its beginning if it is longer than the whole sequence may be.
    fn block(&mut self, (path, text): &(String, String)) -> Result<FileBlock> {
        let Self { tokenizer, scratch, buffer, max_length } = self;
        let mut document = EncodedDocument::default();
        encode_document(tokenizer, text, &[], scratch, &mut document)
            .map_err(|_| Error::usage(format!("the tokenizer cannot represent the text of {path}")))?;
        let name = RepoPath::from(path.as_str());
        let limit = (*max_length / 8).max(1) as usize;
        let (header, _) = header_tokens(tokenizer, name.borrow(), limit, scratch, buffer);
        let language = source::detect(&name, text);
        let elision = ElisionTokens::new(tokenizer, language.line_comment, scratch);
        let band = Band { id: 1, min: 0, max: *max_length, overlap: 0 };
        let windows = cut(&document, text, header.len() as u32, &elision, &band);
        let markers = tokenizer.markers();
        let mut ids = vec![markers.file_start];
        ids.extend_from_slice(&header);
        let at = ids.len() as u32;
        let (mut bytes, mut end) = ([0, 0], 0);
        if let Some(window) = windows.first() {
            if window.block_length(header.len() as u32, &elision) > *max_length {
                return Err(Error::usage(format!("{max_length} tokens have no room for a part of {path}")));
            }
            end = window.tokens.end;
            bytes = [0, window.bytes.end];
            ids.extend_from_slice(&document.tokens.ids[..end as usize]);
            ids.extend_from_slice(window.tail(&elision));
        }
        ids.push(markers.file_end);
        Ok(FileBlock {
            path: path.clone(),
            ids,
            bytes,
            tokens: [at, at + end],
            left_out: document.len() - end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(texts: &[(&str, &str)]) -> Vec<(String, String)> {
        texts.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect()
    }

    #[test]
    fn the_target_comes_last_and_alone_carries_loss() {
        let tokenizer = Tokenizer::embedded();
        let built = build_file_sequence(&tokenizer, &files(&[("a.py", "a = 1\n"), ("b.py", "b = 2\n")]), 100)
            .unwrap();
        let text = tokenizer.decode(&built.ids);
        assert_eq!(text, "<|FILE_START|>a.py\na = 1\n<|FILE_END|><|FILE_START|>b.py\nb = 2\n<|FILE_END|>");
        assert_eq!(
            tokenizer.decode(&built.ids[built.loss_start as usize..]),
            "<|FILE_START|>b.py\nb = 2\n<|FILE_END|>"
        );
        assert!(built.dropped.is_empty());
    }

    #[test]
    fn earlier_files_give_way_from_the_front_and_are_named() {
        let tokenizer = Tokenizer::embedded();
        let long = "word ".repeat(60);
        let texts = files(&[("a", &long), ("b", "short\n"), ("c", &long), ("d", "target\n")]);
        let built = build_file_sequence(&tokenizer, &texts, 100).unwrap();
        assert_eq!(built.dropped, ["a", "b"].map(str::to_owned)[..built.dropped.len()]);
        assert!(built.ids.len() <= 100);
    }

    #[test]
    fn a_target_that_is_too_long_keeps_its_beginning() {
        let tokenizer = Tokenizer::embedded();
        let text: String = (0..500).map(|n| format!("x{n} = 1\n")).collect();
        let built = build_file_sequence(&tokenizer, &files(&[("a.py", &text)]), 64).unwrap();
        assert!(built.ids.len() <= 64 && built.truncated_tokens > 0);
        assert!(tokenizer.decode(&built.ids).ends_with("...\n<|FILE_END|>"));
    }

    #[test]
    fn no_files_is_refused() {
        assert!(build_file_sequence(&Tokenizer::embedded(), &[], 64).is_err());
    }
}

//! The first line of a file block: its path.

use crate::path::RepoPathRef;
use crate::tokenize::{Encoded, Scratch, Tokenizer};

/// Tokens of `path` and a newline, encoded together, at most `limit` of them: a longer path loses folders from the
/// front, then characters of its name. The flag says whether it did.
pub fn header_tokens(
    tokenizer: &Tokenizer,
    path: RepoPathRef<'_>,
    limit: usize,
    scratch: &mut Scratch,
    buffer: &mut Encoded,
) -> (Box<[u32]>, bool) {
    let full = path.header();
    let mut rest: &str = &full;
    loop {
        // A path that the tokenizer cannot represent is shown as far as it can.
        let _ = tokenizer.encode(&format!("{rest}\n"), scratch, buffer);
        if buffer.ids.len() <= limit || rest.len() < 2 {
            return (buffer.ids.as_slice().into(), rest.len() < full.len());
        }
        rest = match rest.find('/') {
            Some(at) => &rest[at + 1..],
            None => {
                let half = (rest.len() / 2..rest.len()).find(|&at| rest.is_char_boundary(at));
                &rest[half.unwrap_or(rest.len())..]
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::RepoPath;

    #[test]
    fn a_long_path_keeps_its_end() {
        let tokenizer = Tokenizer::embedded();
        let (mut scratch, mut buffer) = (Scratch::default(), Encoded::default());
        let path = RepoPath::from(format!("{}/name.rs", vec!["folder"; 200].join("/")).as_str());
        let (tokens, shortened) = header_tokens(&tokenizer, path.borrow(), 32, &mut scratch, &mut buffer);
        assert!(shortened && tokens.len() <= 32);
        assert!(tokenizer.decode(&tokens).ends_with("/name.rs\n"));
        let name = RepoPath::from("ж".repeat(400).as_str());
        let (tokens, shortened) = header_tokens(&tokenizer, name.borrow(), 32, &mut scratch, &mut buffer);
        assert!(shortened && tokens.len() <= 32 && tokens.len() > 4);
        let (tokens, shortened) =
            header_tokens(&tokenizer, RepoPathRef::new(b"a/b.c"), 32, &mut scratch, &mut buffer);
        assert_eq!((tokenizer.decode(&tokens).as_str(), shortened), ("a/b.c\n", false));
    }
}

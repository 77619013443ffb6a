//! One sequence of versions of a file, as whole texts.

use super::{BuiltSequence, elisions, kit, loose, unencodable};
use crate::path::RepoPath;
use crate::sequence::{Draft, Kit, Mark, Piece, Role, Why};
use crate::tokenize::{Scratches, Tokenizer};
use crate::{Error, Result};

/// A file after a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextVersion {
    /// The commit's id, as it is to be shown.
    pub commit: String,
    /// The commit's message in one line.
    pub subject: String,
    /// The file's whole text.
    pub text: String,
}

/// The state of the file at `path` after the oldest of `versions`, then a commit block for each newer one. The oldest
/// are dropped until the rest fits `max_length` tokens. What the commits make of the file is learnt, from the first
/// commit block's file on; of a single version, its own block.
///
/// # Errors
/// [`Error::Usage`] without versions, without room for the newest, or for text that the tokenizer cannot represent.
pub fn build_commit_chain_sequence(
    tokenizer: &Tokenizer,
    path: &str,
    versions: &[TextVersion],
    max_length: u32,
) -> Result<BuiltSequence> {
    let (elisions, scratches) = (elisions(tokenizer), Scratches::default());
    let kit = kit(tokenizer, &scratches, &elisions, max_length);
    let path = RepoPath::from(path);
    // Blocks are as long wherever they stand: each is made once, newest first, and the oldest that fits is the state.
    let mut blocks = Draft::default();
    let mut commits: Vec<(Mark, Mark, u32)> = Vec::new();
    let mut length = 0;
    let mut best = None;
    for (place, version) in versions.iter().enumerate().rev() {
        if !commits.is_empty() {
            let start = blocks.mark();
            let before = blocks.len();
            show(&kit, &mut blocks, &path, version, Why::State)?;
            let state = blocks.len() - before;
            if length + state <= max_length {
                best = Some((place, commits.len(), Some((start, blocks.mark()))));
            }
        }
        let (start, before) = (blocks.mark(), blocks.len());
        blocks
            .begin_commit(&kit, &version.commit, &version.subject)
            .map_err(unencodable(&format!("the message of {}", version.commit)))?;
        let header = blocks.len() - before;
        show(&kit, &mut blocks, &path, version, Why::Changed)?;
        blocks.end_commit(&kit);
        length += blocks.len() - before;
        if length > max_length {
            break;
        }
        commits.push((start, blocks.mark(), header));
        best = best.or(Some((place, 1, None)));
    }
    let Some((place, count, state)) = best else {
        return Err(Error::usage(match versions.is_empty() {
            true => "there are no versions to build a sequence from".to_owned(),
            false => format!("{max_length} tokens have no room for the newest version of {path}"),
        }));
    };
    let mut draft = Draft::default();
    if let Some((start, end)) = state {
        draft.append_between(&blocks, start, end);
    }
    for (number, (start, end, header)) in commits[..count].iter().rev().enumerate() {
        if number == 0 {
            draft.loss_start = draft.len() + header;
        }
        draft.append_between(&blocks, *start, *end);
    }
    let dropped = versions[..place].iter().map(|version| version.commit.clone()).collect();
    Ok(BuiltSequence::of(draft, dropped))
}

fn show(kit: &Kit<'_>, draft: &mut Draft, path: &RepoPath, version: &TextVersion, why: Why) -> Result<()> {
    let whole = Piece::new(0..version.text.len(), Role::Version, why);
    draft
        .file_block(kit, &loose(path, &version.text), &[whole])
        .map_err(unencodable(&format!("{path} at {}", version.commit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(texts: &[&str]) -> Vec<TextVersion> {
        let version = |(number, text): (usize, &&str)| TextVersion {
            commit: format!("c{number}"),
            subject: format!("change {number}"),
            text: (*text).to_owned(),
        };
        texts.iter().enumerate().map(version).collect()
    }

    #[test]
    fn the_oldest_is_the_state_and_what_commits_make_of_it_is_learnt() {
        let tokenizer = Tokenizer::embedded();
        let built = build_commit_chain_sequence(
            &tokenizer,
            "a.py",
            &versions(&["a = 1\n", "a = 2\n", "a = 3\n"]),
            200,
        )
        .unwrap();
        let text = tokenizer.decode(&built.ids);
        assert_eq!(
            text,
            "<|FILE_START|>a.py\na = 1\n<|FILE_END|>\
             <|COMMIT_START|>c1 change 1\n<|FILE_START|>a.py\na = 2\n<|FILE_END|><|COMMIT_END|>\
             <|COMMIT_START|>c2 change 2\n<|FILE_START|>a.py\na = 3\n<|FILE_END|><|COMMIT_END|>"
        );
        let learnt = tokenizer.decode(&built.ids[built.loss_start as usize..]);
        assert!(learnt.starts_with("<|FILE_START|>a.py\na = 2\n"), "{learnt}");
    }

    #[test]
    fn the_oldest_give_way_and_are_named() {
        let tokenizer = Tokenizer::embedded();
        let long = "word ".repeat(30);
        let all = versions(&[&long, &long, "x\n", "y\n"]);
        let built = build_commit_chain_sequence(&tokenizer, "a", &all, 64).unwrap();
        assert_eq!(built.dropped, ["c0"]);
        assert!(built.ids.len() <= 64);
        assert!(tokenizer.decode(&built.ids).contains("<|COMMIT_START|>c2 change 2\n<|FILE_START|>a\nx\n"));
    }

    #[test]
    fn a_single_version_stands_alone() {
        let tokenizer = Tokenizer::embedded();
        let built = build_commit_chain_sequence(&tokenizer, "a", &versions(&["x\n"]), 64).unwrap();
        assert!(tokenizer.decode(&built.ids).starts_with("<|COMMIT_START|>c0 change 0\n"));
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        let tokenizer = Tokenizer::embedded();
        assert!(build_commit_chain_sequence(&tokenizer, "a", &[], 64).is_err());
        let long = "word ".repeat(90);
        let error = build_commit_chain_sequence(&tokenizer, "a", &versions(&["x", &long]), 64).unwrap_err();
        assert!(error.to_string().contains("newest version of a"), "{error}");
    }
}

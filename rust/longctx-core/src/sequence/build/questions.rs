//! One question about snippets, with its answer.

use super::{BuiltSequence, elisions, kit, loose, unencodable};
use crate::path::RepoPath;
use crate::sequence::{Draft, Piece, Role, Why};
use crate::tokenize::markers::SNIPPETS;
use crate::tokenize::{Scratches, Tokenizer};
use crate::{Error, Result};

/// What a question is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The markers of snippets, counted from 1.
    Snippets(Vec<usize>),
    /// Text.
    Text(String),
}

/// Snippets (path and text), each after its marker, then the question and the answer. Only the answer is learnt.
///
/// # Errors
/// [`Error::Usage`] without snippets or with more than there are markers, for an answer that is empty or names a
/// snippet that is not there, if all of it does not fit `max_length` tokens, and for text that the tokenizer cannot
/// represent.
pub fn build_qa_sequence(
    tokenizer: &Tokenizer,
    snippets: &[(String, String)],
    question: &str,
    answer: &Answer,
    max_length: u32,
) -> Result<BuiltSequence> {
    if snippets.is_empty() || snippets.len() > SNIPPETS {
        let message = format!("there are {} snippets; a sequence can name 1 to {SNIPPETS}", snippets.len());
        return Err(Error::usage(message));
    }
    let (elisions, scratches) = (elisions(tokenizer), Scratches::default());
    let kit = kit(tokenizer, &scratches, &elisions, max_length);
    let mut draft = Draft::default();
    for ((path, text), marker) in snippets.iter().zip(kit.markers.snippets) {
        draft.push(&[marker]);
        let (path, whole) =
            (RepoPath::from(path.as_str()), Piece::new(0..text.len(), Role::Snippet, Why::Question));
        draft
            .file_block(&kit, &loose(&path, text), &[whole])
            .map_err(unencodable(&format!("the text of {path}")))?;
    }
    draft.own_text(&kit, &format!("Question: {question}\nAnswer: ")).map_err(unencodable("the question"))?;
    draft.learn_from_here();
    match answer {
        Answer::Snippets(numbers) => {
            for &number in numbers {
                let marker = number.checked_sub(1).filter(|&at| at < snippets.len());
                let marker = marker.and_then(|at| kit.markers.snippets.get(at)).ok_or_else(|| {
                    Error::usage(format!("the answer names snippet {number}; there are {}", snippets.len()))
                })?;
                draft.push(&[*marker]);
            }
        }
        Answer::Text(text) => draft.own_text(&kit, text).map_err(unencodable("the answer"))?,
    }
    if draft.loss_start == draft.len() {
        return Err(Error::usage("the answer is empty"));
    }
    draft.own_text(&kit, "\n").map_err(unencodable("a line break"))?;
    if draft.len() > max_length {
        let message =
            format!("snippets, question and answer take {} tokens, {max_length} are allowed", draft.len());
        return Err(Error::usage(message));
    }
    Ok(BuiltSequence::of(draft, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snippets(count: usize) -> Vec<(String, String)> {
        (1..=count).map(|number| (format!("{number}.py"), format!("x = {number}\n"))).collect()
    }

    #[test]
    fn the_answer_alone_is_learnt() {
        let tokenizer = Tokenizer::embedded();
        let answer = Answer::Snippets(vec![2]);
        let built = build_qa_sequence(&tokenizer, &snippets(2), "Which sets 2?", &answer, 200).unwrap();
        let text = tokenizer.decode(&built.ids);
        assert_eq!(
            text,
            "<|SNIPPET_1|><|FILE_START|>1.py\nx = 1\n<|FILE_END|><|SNIPPET_2|><|FILE_START|>2.py\nx = 2\n<|FILE_END|>\
             Question: Which sets 2?\nAnswer: <|SNIPPET_2|>\n"
        );
        let learnt = &built.ids[built.loss_start as usize..];
        assert_eq!(learnt[0], tokenizer.markers().snippets[1]);
        assert_eq!(tokenizer.decode(learnt), "<|SNIPPET_2|>\n");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let tokenizer = Tokenizer::embedded();
        let refused = |count, answer, length| {
            build_qa_sequence(&tokenizer, &snippets(count), "?", &answer, length).unwrap_err().to_string()
        };
        assert!(refused(0, Answer::Snippets(vec![1]), 900).contains("0 snippets"));
        assert!(refused(17, Answer::Snippets(vec![1]), 900).contains("17 snippets"));
        assert!(refused(2, Answer::Snippets(vec![3]), 900).contains("snippet 3"));
        assert!(refused(2, Answer::Snippets(vec![0]), 900).contains("snippet 0"));
        assert!(refused(2, Answer::Text(String::new()), 900).contains("empty"));
        assert!(refused(2, Answer::Text("yes".into()), 20).contains("20 are allowed"));
    }
}

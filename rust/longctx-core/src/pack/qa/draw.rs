//! Which of the questions that could be asked are.

use super::ask::{Asker, Candidate};
use super::dice::Dice;
use super::question::{Dropped, Question};
use crate::Result;

/// Questions of a sequence, fewest and most.
pub const QUESTIONS: [usize; 2] = [3, 6];
/// One in so many questions has no snippet for an answer.
const NONE_IN: usize = 10;
/// So many questions of a sequence may have the same answer.
const SAME_ANSWER: usize = 2;

/// Draws some of what can be asked about definitions, each type as likely as the others.
pub fn about_code(asker: &Asker<'_, '_>, dice: &mut Dice, dropped: &mut Dropped) -> Result<Vec<Question>> {
    let mut types: [Vec<Candidate>; 4] = Default::default();
    for candidate in asker.candidates(dropped) {
        let place = match candidate {
            Candidate::Chain(_) => 0,
            Candidate::Callee { .. } => 1,
            Candidate::Caller { .. } => 2,
            _ => 3,
        };
        types[place].push(candidate);
    }
    let mut unanswered = asker.unanswered(dice);
    let wanted = dice.between(QUESTIONS);
    let mut questions: Vec<Question> = Vec::with_capacity(wanted);
    while questions.len() < wanted {
        let filled: Vec<usize> = (0..types.len()).filter(|&place| !types[place].is_empty()).collect();
        let from = match dice.pick(&filled) {
            _ if !unanswered.is_empty() && dice.one_in(NONE_IN) => &mut unanswered,
            Some(&place) => &mut types[place],
            None => break,
        };
        let candidate = from.swap_remove(dice.below(from.len()));
        if let Some(question) = asker.word(&candidate, dice)? {
            add(&mut questions, question);
        }
    }
    Ok(questions)
}

/// Draws some of the questions that were found, and of those that no snippet answers.
pub fn some_of(mut found: Vec<Question>, mut unanswered: Vec<Question>, dice: &mut Dice) -> Vec<Question> {
    let wanted = dice.between(QUESTIONS);
    let mut questions: Vec<Question> = Vec::with_capacity(wanted);
    while questions.len() < wanted && !found.is_empty() {
        let none = !unanswered.is_empty() && dice.one_in(NONE_IN);
        let from = if none { &mut unanswered } else { &mut found };
        add(&mut questions, from.swap_remove(dice.below(from.len())));
    }
    questions
}

/// Adds a question unless one about the same thing is there, or two with the same answer.
fn add(questions: &mut Vec<Question>, question: Question) {
    let again = |other: &&Question| other.answers == question.answers;
    let known = |other: &Question| other.kind == question.kind && other.subject == question.subject;
    if !questions.iter().any(known) && questions.iter().filter(again).count() < SAME_ANSWER {
        questions.push(question);
    }
}

//! From snippets and questions to a sequence.

use serde::Serialize;

use super::dice::Dice;
use super::question::{Dropped, Proof, Question, Type};
use crate::difficulty::Features;
use crate::pack::output::Extra;
use crate::sequence::{Draft, Kit, Mark, Part, Why};
use crate::tokenize::NotLossless;
use crate::tokenize::markers::snippet as marker;

/// What is answered where no snippet is right.
pub const NONE: &str = "none of them";

/// A finished sequence.
pub struct Made {
    /// Its tokens and segments.
    pub part: Part,
    /// What its difficulty is made of.
    pub features: Features,
    /// Questions and snippets, for `meta.jsonl`.
    pub extra: Extra,
    /// The types of its questions.
    pub types: Vec<Type>,
    /// Where the answers of one snippet are, from 0.
    pub positions: Vec<usize>,
    /// How many snippets it shows.
    pub snippets: usize,
}

/// A question in `meta.jsonl`.
#[derive(Serialize)]
struct QuestionRow<'q> {
    r#type: Type,
    question: &'q str,
    answer: String,
    tokens: [u32; 2],
    proof: &'q [Proof],
}

/// A snippet in `meta.jsonl`.
#[derive(Serialize)]
struct SnippetRow<'s> {
    snippet: usize,
    path: &'s str,
    name: &'s str,
}

/// Buffers of one thread.
#[derive(Default)]
pub struct Buffers {
    /// The snippets, encoded.
    encoded: Draft,
    /// The sequence.
    draft: Draft,
}

/// What can be shown as a snippet.
pub trait Shows {
    /// Appends it, without its marker.
    ///
    /// # Errors
    /// [`NotLossless`] if the tokenizer cannot represent it.
    fn block(&self, kit: &Kit<'_>, draft: &mut Draft) -> Result<(), NotLossless>;

    /// The path of its file.
    fn path(&self) -> &str;

    /// What it is called; empty if it has no name.
    fn name(&self) -> &str;
}

/// Snippets that are encoded in [`Buffers`].
pub struct Blocks<S> {
    /// In the order in which they will stand.
    pub set: Vec<S>,
    marks: Vec<[Mark; 2]>,
}

/// Encodes snippets (the most wanted first), leaves out the last ones that `room` tokens do not hold, and shuffles.
///
/// # Errors
/// [`NotLossless`] if the tokenizer cannot represent some text.
pub fn blocks<S: Shows>(
    kit: &Kit<'_>,
    set: Vec<S>,
    room: u32,
    buffers: &mut Buffers,
    dice: &mut Dice,
) -> Result<Blocks<S>, NotLossless> {
    let encoded = &mut buffers.encoded;
    encoded.clear();
    let mut kept: Vec<(S, [Mark; 2])> = Vec::with_capacity(set.len());
    let mut markers = 0;
    for snippet in set {
        let start = encoded.mark();
        snippet.block(kit, encoded)?;
        if encoded.len() + markers + 1 > room {
            encoded.rewind(start);
        } else {
            kept.push((snippet, [start, encoded.mark()]));
            markers += 1;
        }
    }
    dice.shuffle(&mut kept);
    let (set, marks) = kept.into_iter().unzip();
    Ok(Blocks { set, marks })
}

impl<S: Shows> Blocks<S> {
    /// Puts the questions after the snippets, as many as `max` tokens hold; none if these are fewer than `least`.
    ///
    /// # Errors
    /// [`NotLossless`] if the tokenizer cannot represent a question.
    pub fn lay(
        &self,
        kit: &Kit<'_>,
        questions: Vec<Question>,
        max: u32,
        least: usize,
        buffers: &mut Buffers,
        dropped: &mut Dropped,
    ) -> Result<Option<Made>, NotLossless> {
        let Buffers { encoded, draft } = buffers;
        draft.clear();
        let mut starts = Vec::with_capacity(self.set.len());
        let mut ends = Vec::with_capacity(self.set.len());
        for (place, &[from, to]) in self.marks.iter().enumerate() {
            starts.push(draft.len());
            draft.push(&kit.markers.snippets[place..=place]);
            draft.append_between(encoded, from, to);
            ends.push(draft.segments.len());
        }
        let (mut rows, mut distances) = (Vec::new(), Vec::new());
        let mut kept: Vec<Question> = Vec::with_capacity(questions.len());
        for question in questions {
            let (mark, begins) = (draft.mark(), draft.len());
            draft.own_text(kit, &format!("Question: {}\nAnswer: ", question.text))?;
            let first = draft.len();
            if question.answers.is_empty() {
                draft.own_text(kit, NONE)?;
            }
            for &place in &question.answers {
                draft.push(&kit.markers.snippets[place..=place]);
            }
            let last = draft.len();
            draft.own_text(kit, "\n")?;
            if draft.len() > max {
                draft.rewind(mark);
                dropped.note("too long");
                continue;
            }
            if kept.is_empty() {
                draft.loss_start = first;
            }
            distances.extend(question.answers.iter().map(|&place| begins - starts[place]));
            rows.push([first, last]);
            kept.push(question);
        }
        if kept.len() < least {
            return Ok(None);
        }
        for (place, &end) in ends.iter().enumerate() {
            let from = if place == 0 { 0 } else { ends[place - 1] };
            let why = match &kept {
                all if all.iter().any(|question| question.answers.contains(&place)) => Why::Answer,
                all if all.iter().any(|question| question.about.contains(&place)) => Why::Question,
                _ => Why::Distractor,
            };
            draft.segments[from..end].iter_mut().for_each(|segment| segment.why = why);
        }
        let right = kept.iter().map(|question| question.answers.len()).min().unwrap_or(0);
        distances.sort_unstable();
        let at = |share: usize| {
            distances.get((distances.len() * share / 100).min(distances.len().saturating_sub(1))).copied()
        };
        let features = Features {
            references: kept.len() as u32,
            distance_p50: at(50).unwrap_or(0),
            distance_p90: at(90).unwrap_or(0),
            hops: kept.iter().map(|question| question.hops).max().unwrap_or(0),
            distractors: (self.set.len() - right) as u32,
            ..Features::default()
        };
        let extra = self.extra(&kept, &rows);
        let single = kept.iter().filter(|question| question.answers.len() == 1);
        Ok(Some(Made {
            positions: single.map(|question| question.answers[0]).collect(),
            types: kept.iter().map(|question| question.kind).collect(),
            snippets: self.set.len(),
            part: draft.part(),
            features,
            extra,
        }))
    }

    fn extra(&self, questions: &[Question], tokens: &[[u32; 2]]) -> Extra {
        let questions = questions.iter().zip(tokens).map(|(question, &tokens)| QuestionRow {
            r#type: question.kind,
            question: &question.text,
            answer: match &question.answers[..] {
                [] => NONE.to_owned(),
                places => places.iter().map(|place| marker(place + 1)).collect(),
            },
            tokens,
            proof: &question.proof,
        });
        let snippets = self.set.iter().zip(1..).map(|(snippet, number)| SnippetRow {
            snippet: number,
            path: snippet.path(),
            name: snippet.name(),
        });
        let mut extra = Extra::default();
        extra.add("questions", &questions.collect::<Vec<_>>());
        extra.add("snippets", &snippets.collect::<Vec<_>>());
        extra
    }
}

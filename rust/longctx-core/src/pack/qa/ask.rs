//! Questions that the syntax trees answer, about snippets of definitions.
//!
//! A question is asked only if exactly one snippet is right by the same rule for all of them. The rule is stricter than
//! the truth: a snippet that shows the name in any other way, even in a comment, makes the question ambiguous. Nor does
//! a question give a path that one snippet alone has, if that is the answer: it could be found without reading.

use super::chain;
use super::dice::Dice;
use super::index::{Called, Index, Item, is_askable, is_function};
use super::items::Items;
use super::phrases;
use super::question::{Dropped, Fact, Proof, Question, Type};
use super::resolve::is_telling;
use super::snippet::{Snippet, line_of};
use crate::Result;
use crate::pack::split::Side;
use crate::pack::world::World;
use crate::symbols::SymbolKind;

/// So many of the definitions that look like one shown are tried for a question that no snippet answers.
const TRIED: usize = 24;

/// What questions are asked about.
pub struct Asker<'a, 'w> {
    /// The repository.
    pub world: &'w World<'w>,
    /// Who calls what.
    pub index: &'a Index<'w>,
    /// What can be shown.
    pub items: &'a Items,
    /// Whose sequence it is.
    pub side: Side,
    /// The snippets, in order.
    pub set: &'a [Snippet<'w>],
}

/// A question before it is worded. Numbers of snippets count from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// Who defines a target, which others call.
    Definition { at: usize, target: u32 },
    /// Who calls a target.
    Caller { at: usize, target: u32 },
    /// Who defines what a snippet calls.
    Callee { from: usize, to: usize, called: u32 },
    /// Through which snippets calls lead.
    Chain(Vec<usize>),
    /// Nobody defines a target.
    NoDefinition { target: u32 },
    /// Nobody calls a target, which a snippet defines.
    NoCaller { at: usize, target: u32 },
}

impl<'w> Asker<'_, 'w> {
    /// All that can be asked, but for what no snippet answers.
    pub fn candidates(&self, dropped: &mut Dropped) -> Vec<Candidate> {
        let mut all = Vec::new();
        for at in 0..self.set.len() {
            self.definition(at, &mut all, dropped);
            self.callee(at, &mut all, dropped);
        }
        self.callers(&mut all, dropped);
        all.extend(chain::chains(self, dropped).into_iter().map(Candidate::Chain));
        all
    }

    /// Questions that no snippet answers.
    pub fn unanswered(&self, dice: &mut Dice) -> Vec<Candidate> {
        let mut all = Vec::new();
        for (at, snippet) in self.set.iter().enumerate() {
            let Some(item) = snippet.item else { continue };
            if let Some(target) = self.index.target_of(item).filter(|_| self.asks_about(item.document)) {
                let called = |other: &Snippet<'w>| self.may_call(other, target, &snippet.name);
                if !self.set.iter().any(called) {
                    all.push(Candidate::NoCaller { at, target });
                }
            }
        }
        if let Some(item) = dice.pick(self.set).and_then(|snippet| snippet.item) {
            let alike = self.items.alike(self.world, self.index, item, self.side, dice);
            for other in alike.into_iter().flatten().take(TRIED) {
                let Some(target) = self.index.target_of(other) else { continue };
                let Some(definition) = self.index.definition(other) else { continue };
                let unseen = !self.set.iter().any(|snippet| snippet.has_word(definition.name()));
                if unseen && self.asks_about(other.document) && !self.outside_callers(target, None).is_empty()
                {
                    all.push(Candidate::NoDefinition { target });
                }
            }
        }
        all
    }

    /// Words a question and gathers its proof; none where its names cannot be told.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn word(&self, candidate: &Candidate, dice: &mut Dice) -> Result<Option<Question>> {
        match *candidate {
            Candidate::Definition { at, target } => self.word_definition(Some(at), target, dice),
            Candidate::NoDefinition { target } => self.word_definition(None, target, dice),
            Candidate::Caller { at, target } => Ok(self.word_caller(Some(at), target, &[], dice)),
            Candidate::NoCaller { at, target } => Ok(self.word_caller(None, target, &[at], dice)),
            Candidate::Callee { from, to, called } => Ok(self.word_callee(from, to, called, dice)),
            Candidate::Chain(ref path) => Ok(chain::word(self, path, dice)),
        }
    }

    /// Whether the side may ask about a document: validation asks about its own, training shows nothing else.
    pub fn asks_about(&self, document: u32) -> bool {
        self.world.sides.of(document) == self.side
    }

    /// The statement that a snippet's definition begins where it does.
    pub fn defines(&self, at: usize) -> Option<Proof> {
        let item = self.set[at].item?;
        Some(self.defines_item(item, Some(at)))
    }

    /// The statement that a snippet shows a call.
    pub fn calls(&self, at: usize, called: &Called) -> Proof {
        let snippet = &self.set[at];
        let line = snippet.line_of(called.at);
        Proof::new(Fact::Calls, snippet.loaded.record.name, line, self.name_of(called.target), Some(at))
    }

    /// The name of a target.
    pub fn name_of(&self, target: u32) -> &'w str {
        self.index
            .definition(self.index.targets()[target as usize])
            .map_or("", |definition| definition.name())
    }

    fn defines_item(&self, item: Item, at: Option<usize>) -> Proof {
        let (line, name) =
            self.index.definition(item).map_or((0, ""), |definition| (definition.line, definition.name()));
        let path = self.world.corpus.documents.name(item.document);
        Proof::new(Fact::Defines, path, line, name, at)
    }

    fn definition(&self, at: usize, all: &mut Vec<Candidate>, dropped: &mut Dropped) {
        let snippet = &self.set[at];
        let Some(target) = snippet.item.and_then(|item| self.index.target_of(item)) else { return };
        if !self.asks_about(snippet.document) || self.index.callers(target).next().is_none() {
            return;
        }
        let alone = self.others(&[at]).all(|other| {
            let is_call = |byte| other.calls_of(target).any(|called| called.at == byte);
            !other.has_word_but(&snippet.name, is_call)
        });
        if !alone {
            dropped.note("ambiguous");
        } else if self.outside_callers(target, Some(at)).is_empty() {
            dropped.note("told by a path");
        } else {
            all.push(Candidate::Definition { at, target });
        }
    }

    fn callers(&self, all: &mut Vec<Candidate>, dropped: &mut Dropped) {
        let mut targets: Vec<u32> =
            self.set.iter().flat_map(|snippet| &snippet.calls).map(|called| called.target).collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            let item = self.index.targets()[target as usize];
            let calls_it = |snippet: &Snippet<'_>| snippet.calls_of(target).any(|called| called.sure);
            let Some(at) = self.set.iter().position(calls_it) else { continue };
            let name = self.name_of(target);
            if !self.asks_about(self.set[at].document)
                || !self.world.may_show(self.side, item.document)
                || self.set[at].defines_name(self.index, name)
            {
                continue;
            }
            if self.others(&[at]).any(|other| self.may_call(other, target, name)) {
                dropped.note("ambiguous");
            } else {
                all.push(Candidate::Caller { at, target });
            }
        }
    }

    fn callee(&self, from: usize, all: &mut Vec<Candidate>, dropped: &mut Dropped) {
        let snippet = &self.set[from];
        // `new` or `run` alone does not tell which is meant, even where no other is shown.
        let Some(item) = snippet.item else { return };
        if self.index.target_of(item).is_none() && !is_telling(&snippet.name) {
            return;
        }
        let defined_in = |target: u32| {
            let item = self.index.targets()[target as usize];
            self.set
                .iter()
                .position(|other| other.document == item.document && other.defines.contains(&item.definition))
        };
        let found: Vec<(usize, u32)> = snippet
            .own_calls(self.index)
            .filter_map(|called| Some((defined_in(called.target)?, called.target)))
            .filter(|&(to, _)| to != from)
            .collect();
        let Some(&(to, called)) = found.first() else { return };
        let same_name = |other: &Snippet<'w>| other.defines_name(self.index, &snippet.name);
        let named = |other: &Snippet<'w>| other.defined(self.index).any(|(name, _)| snippet.has_word(name));
        let elsewhere = |called: Called| defined_in(called.target).is_some_and(|at| at != to && at != from);
        if self.others(&[from]).any(same_name)
            || self.others(&[from, to]).any(named)
            || self.full_calls(snippet).any(elsewhere)
        {
            dropped.note("ambiguous");
        } else if self.asks_about(snippet.document) || self.asks_about(self.set[to].document) {
            all.push(Candidate::Callee { from, to, called });
        }
    }

    /// The snippets but for some.
    fn others<'s>(&'s self, but: &'s [usize]) -> impl Iterator<Item = &'s Snippet<'w>> {
        self.set.iter().enumerate().filter(|(at, _)| !but.contains(at)).map(|(_, other)| other)
    }

    /// Whether a snippet, or what is left out of its definition, may call a target: it has its name anywhere but where
    /// it defines it.
    fn may_call(&self, snippet: &Snippet<'w>, target: u32, name: &str) -> bool {
        let is_head =
            |byte| snippet.defined(self.index).any(|(known, head)| known == name && head.contains(&byte));
        snippet.has_word_but(name, is_head) || self.full_calls(snippet).any(|called| called.target == target)
    }

    /// The calls in all of a snippet's definition, shown or not.
    fn full_calls<'s>(&'s self, snippet: &'s Snippet<'w>) -> impl Iterator<Item = Called> + use<'s, 'w> {
        let body =
            snippet.item.and_then(|item| self.index.definition(item)).map(|definition| definition.range);
        let calls = self.index.calls(snippet.document);
        calls.filter(move |called| body.as_ref().is_some_and(|body| body.contains(&called.at)))
    }

    /// The sure calls of a target that the side may name, from functions and classes that have a name to give, and whose path
    /// does not tell that the answer is the snippet `at`.
    fn outside_callers(&self, target: u32, at: Option<usize>) -> Vec<(Item, Called)> {
        let calls = self.index.callers(target);
        calls
            .filter(|&(document, _)| {
                self.world.may_show(self.side, document) && !at.is_some_and(|at| self.tells(document, at))
            })
            .filter_map(|(document, called)| Some((Item { document, definition: called.caller? }, called)))
            .filter(|&(item, _)| {
                self.index.definition(item).is_some_and(|definition| {
                    is_askable(definition.name())
                        && (is_function(&definition) || definition.kind == SymbolKind::Class)
                })
            })
            .collect()
    }

    /// Whether the path of a document tells snippet `at` from all others.
    fn tells(&self, document: u32, at: usize) -> bool {
        self.set[at].document == document && self.others(&[at]).all(|other| other.document != document)
    }

    fn word_definition(&self, at: Option<usize>, target: u32, dice: &mut Dice) -> Result<Option<Question>> {
        let Some(&(by, called)) = dice.pick(&self.outside_callers(target, at)) else { return Ok(None) };
        let name = self.name_of(target);
        let home = self.world.load(by.document)?;
        let path = home.record.name;
        let item = self.index.targets()[target as usize];
        let mut proof = vec![
            self.defines_item(item, at),
            Proof::new(Fact::Calls, path, line_of(home.text().text, called.at), name, None),
        ];
        if at.is_none() {
            proof.push(Proof::new(Fact::Absent, &proof[0].path.clone(), 0, name, None));
        }
        let by = self.index.full_name(by);
        Ok(Some(Question {
            kind: if at.is_some() { Type::Definition } else { Type::None },
            subject: name.to_owned(),
            text: phrases::definition(dice, &[("name", name), ("by", &by), ("path", path)]),
            answers: at.into_iter().collect(),
            about: Vec::new(),
            proof,
            hops: 1,
        }))
    }

    fn word_caller(
        &self,
        at: Option<usize>,
        target: u32,
        about: &[usize],
        dice: &mut Dice,
    ) -> Option<Question> {
        let name = self.name_of(target);
        let item = self.index.targets()[target as usize];
        let shown = self.set.iter().position(|snippet| snippet.item == Some(item));
        let mut proof = vec![self.defines_item(item, shown)];
        match at {
            Some(at) => {
                proof.insert(0, self.calls(at, self.set[at].calls_of(target).find(|called| called.sure)?))
            }
            None => proof.push(Proof::new(Fact::Absent, &proof[0].path.clone(), 0, name, None)),
        }
        let path = self.world.corpus.documents.name(item.document);
        let tells = at.is_some_and(|at| self.tells(item.document, at));
        let names = [("name", name), ("path", path)];
        Some(Question {
            kind: if at.is_some() { Type::Caller } else { Type::None },
            subject: format!("caller of {name}"),
            text: phrases::caller(dice, if tells { &names[..1] } else { &names }),
            answers: at.into_iter().collect(),
            about: about.to_vec(),
            proof,
            hops: 1,
        })
    }

    fn word_callee(&self, from: usize, to: usize, target: u32, dice: &mut Dice) -> Option<Question> {
        let snippet = &self.set[from];
        let called = snippet.own_calls(self.index).find(|called| called.target == target)?;
        let item = self.index.targets()[target as usize];
        Some(Question {
            kind: Type::Callee,
            subject: snippet.name.clone(),
            text: phrases::callee(dice, &[("name", &snippet.name)]),
            answers: vec![to],
            about: vec![from],
            proof: vec![self.calls(from, called), self.defines_item(item, Some(to))],
            hops: 1,
        })
    }
}

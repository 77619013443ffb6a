//! The questions of a dataset: whether their answers stand where they say, and, with the repository, whether these are
//! right. The proofs are checked against freshly parsed files; nothing that packing knew is used.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::Defect;
use super::sources::{Source, Sources};
use crate::Result;
use crate::interrupt::Watch;
use crate::shard::npy::IndexRow;
use crate::shard::{DatasetReader, MetaRow, ProofRow, QuestionRow, SegmentRow};
use crate::tokenize::{MarkerIds, Tokenizer, markers};

/// So many questions are proved; of more, a sample.
const SAMPLE: usize = 500;
/// What is answered where no snippet is right.
const NONE: &str = "none of them";

/// A question with the snippets that it is about.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The sequence.
    place: String,
    question: QuestionRow,
    /// The tokens of the answer.
    answer: Vec<u32>,
    /// The snippets that the answer names, from 1.
    named: Vec<usize>,
    /// For each snippet what it shows.
    snippets: Arc<Vec<Vec<SegmentRow>>>,
}

/// The first question of a sequence whose answer is not where it says; and its questions, to be proved.
pub fn gather(
    ids: &MarkerIds,
    place: &str,
    row: &IndexRow,
    meta: &MetaRow,
    tokens: &[u32],
) -> (Option<Defect>, Vec<Asked>) {
    if meta.questions.is_empty() {
        return (None, Vec::new());
    }
    let snippets = Arc::new(snippets(ids, meta, tokens));
    let mut asked = Vec::with_capacity(meta.questions.len());
    let mut end = row.loss_start;
    for (number, question) in meta.questions.iter().enumerate() {
        let found = answer(ids, question, tokens, snippets.len());
        let place_of = || format!("question {} ", number + 1);
        let defect = match found {
            Err(what) => Some(place_of() + &what),
            Ok(_) if number == 0 && question.tokens[0] != end => {
                Some(format!("its loss does not begin at the first answer, token {}", question.tokens[0]))
            }
            Ok(_) if question.tokens[0] < end => Some(place_of() + "is answered before the one before it"),
            Ok((answer, named)) => {
                let (place, question) = (place.to_owned(), question.clone());
                end = question.tokens[1];
                asked.push(Asked { place, question, answer, named, snippets: snippets.clone() });
                None
            }
        };
        if let Some(what) = defect {
            return (Some(Defect { place: place.to_owned(), what }), asked);
        }
    }
    (None, asked)
}

/// The tokens of an answer and the snippets that they name, if these are what its text says.
fn answer(
    ids: &MarkerIds,
    question: &QuestionRow,
    tokens: &[u32],
    snippets: usize,
) -> Result<(Vec<u32>, Vec<usize>), String> {
    let [first, last] = question.tokens.map(|token| token as usize);
    let Some(answer) = tokens.get(first..last).filter(|answer| !answer.is_empty()) else {
        return Err(format!("has no answer in tokens {first}-{last}"));
    };
    let named: Vec<usize> = answer
        .iter()
        .filter_map(|id| ids.snippets.iter().position(|marker| marker == id))
        .map(|place| place + 1)
        .collect();
    let spelled: String = named.iter().map(|&number| markers::snippet(number)).collect();
    let is_none = question.answer == NONE && named.is_empty();
    if !is_none && (named.len() != answer.len() || spelled != question.answer) {
        return Err(format!("is answered by {spelled:?}, its metadata says {:?}", question.answer));
    }
    if let Some(number) = named.iter().find(|&&number| number > snippets) {
        return Err(format!("is answered by snippet {number} of {snippets}"));
    }
    Ok((answer.to_vec(), named))
}

/// The segments behind each snippet's marker, up to the next one.
fn snippets(ids: &MarkerIds, meta: &MetaRow, tokens: &[u32]) -> Vec<Vec<SegmentRow>> {
    let mut starts: Vec<u32> = Vec::new();
    for (at, id) in (0u32..).zip(tokens) {
        // Answers repeat the markers.
        if ids.snippets.get(starts.len()) == Some(id)
            && meta.questions.iter().all(|question| at < question.tokens[0])
        {
            starts.push(at);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([u32::MAX]);
    let inside = |range: Range<u32>| {
        meta.segments.iter().filter(|segment| range.contains(&segment.tokens[0])).cloned().collect()
    };
    starts.iter().zip(ends).map(|(&start, end)| inside(start..end)).collect()
}

/// Proves the questions, or a sample of them; says how many, and what is wrong.
///
/// # Errors
/// Those of opening the repository, and [`crate::Error::Interrupted`].
pub fn prove(
    reader: &DatasetReader,
    repository: &Path,
    mut asked: Vec<Asked>,
    watch: Watch<'_>,
) -> Result<(u64, Vec<Defect>)> {
    if asked.is_empty() {
        return Ok((0, Vec::new()));
    }
    if asked.len() > SAMPLE {
        let draw = |one: &Asked| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&reader.manifest.seed.to_le_bytes()).update(one.place.as_bytes());
            *hasher.update(&one.question.tokens[0].to_le_bytes()).finalize().as_bytes()
        };
        asked.sort_by_cached_key(draw);
        asked.truncate(SAMPLE);
    }
    watch.progress.begin("proving", "questions", asked.len() as u64);
    let path = reader.folder().join("tokenizer").join("tokenizer.json");
    let tokenizer = Tokenizer::from_file(&path, &reader.manifest.tokenizer.name)?;
    let mut names: BTreeSet<(&str, Option<&str>, Option<&str>)> = BTreeSet::new();
    for one in &asked {
        let proofs = one.question.proof.iter().filter(|proof| proof.commit.is_none());
        names.extend(proofs.map(|proof| (&*proof.path, None, None)));
        for segment in one.snippets.iter().flatten() {
            let commit = segment.commit.as_deref().filter(|_| segment.commit != reader.manifest.commit);
            names.insert((&segment.path, commit, segment.blob.as_deref().filter(|_| commit.is_some())));
        }
    }
    let imports = asked.iter().flat_map(|one| &one.question.proof);
    let imports = imports.into_iter().any(|proof| matches!(&*proof.kind, "imports" | "not-imported"));
    let sources = Sources::read(reader, repository, names, imports, watch)?;
    let found: Vec<Option<String>> = asked
        .par_iter()
        .map(|one| {
            watch.check()?;
            let defect = one.defect(&sources, &tokenizer);
            watch.progress.advance(1);
            Ok(defect)
        })
        .collect::<Result<_>>()?;
    let mut defects: Vec<Defect> = asked
        .iter()
        .zip(found)
        .filter_map(|(one, what)| Some(Defect { place: one.place.clone(), what: what? }))
        .collect();
    defects.sort_by(|a, b| (&a.place, &a.what).cmp(&(&b.place, &b.what)));
    Ok((asked.len() as u64, defects))
}

impl Asked {
    /// What is wrong with the answer.
    fn defect(&self, sources: &Sources, tokenizer: &Tokenizer) -> Option<String> {
        let about = |what: String| {
            format!("the {} question at token {}: {what}", self.question.r#type, self.question.tokens[0])
        };
        if self.named.is_empty() && tokenizer.decode(&self.answer) != NONE {
            return Some(about("its tokens do not say so".to_owned()));
        }
        let unproved = self.question.proof.iter().find_map(|proof| self.unproved(proof, sources).err());
        unproved.or_else(|| self.does_not_follow(sources).err()).map(about)
    }

    /// Whether one statement is true and the snippet shows it.
    fn unproved(&self, proof: &ProofRow, sources: &Sources) -> Result<(), String> {
        let ProofRow { path, line, name, .. } = proof;
        if let (Some(commit), Some(parent)) = (&proof.commit, &proof.parent) {
            let lines = sources.introduced(path, *line, name, [commit, parent])?;
            return self.shown_in(proof, lines, Some(commit));
        }
        let source = || sources.get(path, None).ok_or_else(|| format!("{path} cannot be read"));
        let holds = match &*proof.kind {
            "defines" => source()?.defines(name, *line),
            "calls" => source()?.calls(name, *line),
            "imports" => source()?.imports_on(*line) && sources.edge(path, name),
            "absent" => return self.absent(name, sources),
            "not-imported" => {
                let mut files = self.snippets.iter().flatten().map(|segment| &segment.path);
                !files.any(|file| sources.edge(file, name))
            }
            other => return Err(format!("nobody knows how to prove that something {other}")),
        };
        if !holds {
            return Err(format!("{path}:{line} does not say that it {} {name}", proof.kind));
        }
        match source() {
            Ok(source) => self.shown_in(proof, source.line(*line), None),
            Err(what) => Err(what),
        }
    }

    /// Whether the snippet that a statement names, if it names one, shows these bytes of the statement's file, or of a
    /// version of it.
    fn shown_in(&self, proof: &ProofRow, line: Range<u32>, commit: Option<&String>) -> Result<(), String> {
        let Some(number) = proof.snippet else { return Ok(()) };
        let shown = self.snippets.get(number.wrapping_sub(1)).map_or(&[][..], Vec::as_slice);
        let shows = |segment: &SegmentRow| {
            segment.path == proof.path
                && (commit.is_none() || segment.commit.as_ref() == commit)
                && segment.bytes[0] < line.end.max(line.start + 1)
                && segment.bytes[1] > line.start
        };
        if shown.iter().any(shows) {
            return Ok(());
        }
        Err(format!("snippet {number} does not show {}:{}", proof.path, proof.line))
    }

    /// Whether no snippet has a name but where it defines it; unless the definition is asked for, that may be shown.
    fn absent(&self, name: &str, sources: &Sources) -> Result<(), String> {
        let defined =
            self.question.proof.iter().any(|proof| proof.kind == "defines" && proof.snippet.is_some());
        for (segment, source) in self.shown(sources) {
            let heads = source.heads(name);
            let is_head = |at: u32| defined && heads.iter().any(|head| head.contains(&at));
            if source.words_in(segment.bytes).any(|(at, word)| word == name && !is_head(at)) {
                return Err(format!("{} shows {name}", segment.path));
            }
        }
        Ok(())
    }

    /// Whether the answer follows from the statements, and from nothing that another snippet shows.
    fn does_not_follow(&self, sources: &Sources) -> Result<(), String> {
        let of = |kind: &str| -> Vec<&ProofRow> {
            self.question.proof.iter().filter(|proof| proof.kind == kind).collect()
        };
        let snippets =
            |kind: &str| -> Vec<usize> { of(kind).iter().filter_map(|proof| proof.snippet).collect() };
        // One definition, and one call of it.
        let pair = || match (&of("defines")[..], &of("calls")[..]) {
            ([defines], [calls]) => defines.name == calls.name,
            _ => false,
        };
        let follows = match &*self.question.r#type {
            "definition" => snippets("defines") == self.named && pair(),
            "callee" => snippets("defines") == self.named && snippets("calls") != self.named && pair(),
            "caller" => snippets("calls") == self.named,
            "import" => snippets("imports") == self.named,
            "commit" => snippets("introduces") == self.named,
            "chain" => {
                let (defines, calls) = (of("defines"), of("calls"));
                let links = calls.iter().zip(defines.iter().skip(1)).all(|(call, to)| call.name == to.name);
                let from = calls.iter().zip(&defines).all(|(call, from)| call.snippet == from.snippet);
                snippets("defines") == self.named && calls.len() + 1 == defines.len() && links && from
            }
            "none" => self.named.is_empty() && !(of("absent").is_empty() && of("not-imported").is_empty()),
            other => return Err(format!("nobody knows what a {other} question asks for")),
        };
        if !follows {
            return Err("its answer does not follow from its proof".to_owned());
        }
        let others = |number: usize| !self.named.contains(&number);
        let again = match &*self.question.r#type {
            "definition" => of("defines").first().and_then(|proof| {
                self.shown_by(others, sources)
                    .find(|(segment, source)| source.has_head(&proof.name, segment.bytes))
            }),
            "caller" => of("calls").first().and_then(|proof| {
                self.shown_by(others, sources)
                    .find(|(segment, source)| source.has_call(&proof.name, segment.bytes))
            }),
            "commit" => of("introduces").first().and_then(|proof| {
                self.shown_by(others, sources)
                    .find(|(segment, source)| source.has_text(&proof.name, segment.bytes))
            }),
            "import" => of("imports").first().and_then(|proof| {
                self.shown_by(others, sources).find(|(segment, _)| sources.edge(&segment.path, &proof.name))
            }),
            _ => None,
        };
        match again {
            Some((segment, _)) => Err(format!("{} is as right", segment.path)),
            None => Ok(()),
        }
    }

    /// What the snippets show.
    fn shown<'s>(&'s self, sources: &'s Sources) -> impl Iterator<Item = (&'s SegmentRow, &'s Source)> {
        self.shown_by(|_| true, sources)
    }

    /// What some snippets show, by their numbers.
    fn shown_by<'s>(
        &'s self,
        which: impl Fn(usize) -> bool + 's,
        sources: &'s Sources,
    ) -> impl Iterator<Item = (&'s SegmentRow, &'s Source)> {
        let some = (1..).zip(&*self.snippets).filter(move |(number, _)| which(*number));
        some.flat_map(|(_, segments)| segments)
            .filter_map(|segment| Some((segment, sources.of_segment(segment)?)))
    }
}

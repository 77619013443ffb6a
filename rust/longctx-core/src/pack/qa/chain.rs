//! Questions that several calls in a row answer.

use std::collections::HashSet;

use super::ask::Asker;
use super::dice::Dice;
use super::phrases;
use super::question::{Dropped, Question, Type};

/// Calls in a row, fewest and most.
const HOPS: [usize; 2] = [2, 4];

/// The rows of calls from one shown definition to another, as places of snippets, such that nothing else leads from the
/// first to the last: neither other calls, nor mentions of the functions and types that the snippets define.
pub fn chains(asker: &Asker<'_, '_>, dropped: &mut Dropped) -> Vec<Vec<usize>> {
    let count = asker.set.len();
    let calls: Vec<Vec<usize>> = (0..count).map(|from| called_by(asker, from)).collect();
    let mentions: Vec<Vec<usize>> = (0..count)
        .map(|from| {
            let has = |&to: &usize| {
                to != from && asker.set[to].callable(asker.index).any(|name| asker.set[from].has_word(name))
            };
            (0..count).filter(has).collect()
        })
        .collect();
    let mut found = Vec::new();
    for first in (0..count).filter(|&at| is_unique(asker, at)) {
        let mut paths = Vec::new();
        rows(&calls, &mut vec![first], &mut paths);
        paths.retain(|path: &Vec<usize>| {
            path.len() > HOPS[0] && path.iter().any(|&at| asker.asks_about(asker.set[at].document))
        });
        let lasts: HashSet<usize> = paths.iter().filter_map(|path| path.last().copied()).collect();
        let clear: HashSet<usize> =
            lasts.iter().copied().filter(|&last| ways(&mentions, &mut vec![first], last) == 1).collect();
        for _ in clear.len()..lasts.len() {
            dropped.note("ambiguous chain");
        }
        found.extend(paths.into_iter().filter(|path| path.last().is_some_and(|last| clear.contains(last))));
    }
    found
}

/// Words a question about a row of calls.
pub fn word(asker: &Asker<'_, '_>, path: &[usize], dice: &mut Dice) -> Option<Question> {
    let (first, last) = (*path.first()?, *path.last()?);
    let mut proof = Vec::new();
    for pair in path.windows(2) {
        let (from, to) = (&asker.set[pair[0]], &asker.set[pair[1]]);
        let target = asker.index.target_of(to.item?)?;
        proof.push(asker.defines(pair[0])?);
        proof.push(asker.calls(pair[0], from.own_calls(asker.index).find(|called| called.target == target)?));
    }
    proof.push(asker.defines(last)?);
    let (name, to) = (&*asker.set[first].name, &*asker.set[last].name);
    Some(Question {
        kind: Type::Chain,
        subject: format!("{name} to {to}"),
        text: phrases::chain(dice, &[("name", name), ("to", to)]),
        answers: path.to_vec(),
        about: Vec::new(),
        proof,
        hops: path.len() as u32 - 1,
    })
}

fn is_unique(asker: &Asker<'_, '_>, at: usize) -> bool {
    asker.set[at].item.is_some_and(|item| asker.index.target_of(item).is_some())
}

/// The snippets whose definitions a snippet's definition surely calls.
fn called_by(asker: &Asker<'_, '_>, from: usize) -> Vec<usize> {
    let mut out: Vec<usize> = asker.set[from]
        .own_calls(asker.index)
        .filter_map(|called| {
            let item = asker.index.targets()[called.target as usize];
            asker.set.iter().position(|snippet| snippet.item == Some(item))
        })
        .filter(|&to| to != from)
        .collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// All rows that begin with `path` and visit nothing twice.
fn rows(calls: &[Vec<usize>], path: &mut Vec<usize>, out: &mut Vec<Vec<usize>>) {
    out.push(path.clone());
    let Some(&last) = path.last() else { return };
    if path.len() > HOPS[1] {
        return;
    }
    for &next in &calls[last] {
        if !path.contains(&next) {
            path.push(next);
            rows(calls, path, out);
            path.pop();
        }
    }
}

/// How many ways that are not longer than a row lead on from the end of `path` to `last`, at most two.
fn ways(mentions: &[Vec<usize>], path: &mut Vec<usize>, last: usize) -> usize {
    let Some(&end) = path.last() else { return 0 };
    if end == last {
        return 1;
    }
    let mut count = 0;
    if path.len() > HOPS[1] {
        return 0;
    }
    for &next in &mentions[end] {
        if count < 2 && !path.contains(&next) {
            path.push(next);
            count += ways(mentions, path, last);
            path.pop();
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_a_length_and_ways_are_counted() {
        let calls = [vec![1], vec![2, 3], vec![3], vec![4], vec![5], vec![0]];
        let mut paths = Vec::new();
        rows(&calls, &mut vec![0], &mut paths);
        assert!(paths.contains(&vec![0, 1, 2, 3, 4]) && paths.contains(&vec![0, 1, 3, 4, 5]));
        assert!(paths.iter().all(|path| path.len() <= 5));
        assert_eq!(ways(&calls, &mut vec![0], 2), 1);
        assert_eq!(ways(&calls, &mut vec![0], 3), 2);
        assert_eq!(ways(&calls, &mut vec![1], 1), 1);
    }
}

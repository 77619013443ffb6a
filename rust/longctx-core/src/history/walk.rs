//! Which commits the history is made of, newest first.

use std::collections::{BinaryHeap, HashMap};
use std::path::Path;

use gix::ObjectId;

use super::line::Line;
use super::node::{Node, Parents};
use super::store::{Reader, Store, causes, repository_error};
use super::{Commit, HistoryOptions, Mode, Note, Reason};
use crate::Result;
use crate::cache::Cache;
use crate::interrupt::Watch;

/// What a commit is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// It has no parent, or lies on the boundary of a shallow clone: everything in it is new.
    Nothing,
    /// The tree of its (first) parent.
    Tree(ObjectId),
    /// Its parent is missing.
    Missing,
}

/// A commit to look into.
pub(super) struct Step {
    /// What is told of it.
    pub(super) commit: Commit,
    /// Its tree.
    pub(super) tree: ObjectId,
    /// The tree it is compared with.
    pub(super) base: Base,
    /// The subject as written, even where the body speaks for it.
    pub(super) subject: String,
}

impl Step {
    fn new(node: Node, base: Base) -> Self {
        let subject = node.written().to_owned();
        Self { commit: node.commit, tree: node.tree, base, subject }
    }
}

/// The commits walked and what was met on the way.
pub(super) struct Walk {
    /// Newest first; in full mode no commit stands before one of its descendants.
    pub(super) steps: Vec<Step>,
    /// The commit at which the walk began, and its tree.
    pub(super) tip: (ObjectId, ObjectId),
    /// Commits left out already, by reason.
    pub(super) left_out: Vec<(Reason, ObjectId)>,
    /// What is unusual about the repository.
    pub(super) notes: Vec<Note>,
}

/// Walks the history of `HEAD`, or of all branches.
pub(super) fn walk(
    store: &Store,
    path: &Path,
    options: &HistoryOptions,
    cache: &Cache,
    watch: Watch<'_>,
) -> Result<Walk> {
    let repo = store.repository();
    let parents = Parents::read(&repo, path)?;
    let tip = match options.start {
        Some(id) => id,
        None => head(&repo, path)?,
    };
    let mut walk =
        Walk { steps: Vec::new(), tip: (tip, tip), left_out: Vec::new(), notes: parents.notes(&repo) };
    store.with_reader(|reader| {
        let Some(first) = Node::read(reader, tip, &parents) else {
            let named = if options.start.is_some() { "" } else { " of HEAD" };
            return Err(repository_error(path, &format!("the commit {tip}{named} is missing")));
        };
        walk.tip.1 = first.tree;
        match options.mode {
            Mode::FirstParent => first_parent(reader, &parents, options, cache, watch, &mut walk),
            Mode::Full => {
                let tips = if options.start.is_some() { vec![tip] } else { branches(&repo, path, tip)? };
                full(reader, &parents, options, watch, &mut walk, tips)
            }
        }
    })?;
    Ok(walk)
}

fn head(repo: &gix::Repository, path: &Path) -> Result<ObjectId> {
    let head = repo
        .head()
        .map_err(|error| repository_error(path, &format!("HEAD cannot be read: {}", causes(&error))))?;
    if head.is_unborn() {
        return Err(repository_error(path, "has no commits yet"));
    }
    let id = head
        .into_peeled_id()
        .map_err(|error| repository_error(path, &format!("HEAD leads to no commit: {}", causes(&error))))?;
    Ok(id.detach())
}

fn first_parent(
    reader: &mut Reader,
    parents: &Parents,
    options: &HistoryOptions,
    cache: &Cache,
    watch: Watch<'_>,
    walk: &mut Walk,
) -> Result<()> {
    // Where something else than the commits decides which follow each other, nothing is known of them.
    let mut line =
        Line::new(reader, parents, Some(cache).filter(|cache| cache.is_on() && walk.notes.is_empty()));
    let mut current = line.node(walk.tip.0);
    let mut ended = None;
    while let Some(node) = current.take() {
        watch.check()?;
        if ended.is_none() && options.since.is_some_and(|since| node.commit.time < since) {
            ended = Some(Reason::Since);
        }
        if ended.is_none() && options.max_commits.is_some_and(|most| walk.steps.len() >= most) {
            ended = Some(Reason::MaxCommits);
        }
        let next = node.parents.first().map(|&id| line.node(id));
        let base = match &next {
            None => Base::Nothing,
            Some(None) => Base::Missing,
            Some(Some(parent)) => Base::Tree(parent.tree),
        };
        match ended {
            None => walk.steps.push(Step::new(node, base)),
            Some(reason) => walk.left_out.push((reason, node.commit.id)),
        }
        current = next.flatten();
    }
    Ok(())
}

fn full(
    reader: &mut Reader,
    parents: &Parents,
    options: &HistoryOptions,
    watch: Watch<'_>,
    walk: &mut Walk,
    tips: Vec<ObjectId>,
) -> Result<()> {
    let mut nodes: HashMap<ObjectId, Option<Node>> = HashMap::new();
    let mut open = tips;
    while let Some(id) = open.pop() {
        if nodes.contains_key(&id) {
            continue;
        }
        watch.check()?;
        let node = Node::read(reader, id, parents);
        if let Some(node) = &node {
            open.extend(node.parents.iter().filter(|parent| !nodes.contains_key(*parent)));
        }
        nodes.insert(id, node);
    }
    for id in newest_first(&nodes) {
        let Some(node) = nodes.get(&id).and_then(Option::as_ref) else { continue };
        let reason = if node.commit.merge {
            Some(Reason::Merge)
        } else if options.since.is_some_and(|since| node.commit.time < since) {
            Some(Reason::Since)
        } else if options.max_commits.is_some_and(|most| walk.steps.len() >= most) {
            Some(Reason::MaxCommits)
        } else {
            None
        };
        if let Some(reason) = reason {
            walk.left_out.push((reason, id));
            continue;
        }
        let base = match node.parents.first() {
            None => Base::Nothing,
            Some(parent) => match nodes.get(parent).and_then(Option::as_ref) {
                Some(parent) => Base::Tree(parent.tree),
                None => Base::Missing,
            },
        };
        walk.steps.push(Step::new(node.clone(), base));
    }
    Ok(())
}

/// The commits by falling time, but every one after all its descendants.
fn newest_first(nodes: &HashMap<ObjectId, Option<Node>>) -> Vec<ObjectId> {
    let known = || nodes.iter().filter_map(|(id, node)| Some((*id, node.as_ref()?)));
    let mut children: HashMap<ObjectId, usize> = HashMap::new();
    for (_, node) in known() {
        for parent in &node.parents {
            *children.entry(*parent).or_default() += 1;
        }
    }
    let mut ready: BinaryHeap<(i64, ObjectId)> = known()
        .filter(|(id, _)| !children.contains_key(id))
        .map(|(id, node)| (node.commit.time, id))
        .collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some((_, id)) = ready.pop() {
        order.push(id);
        let Some(node) = nodes.get(&id).and_then(Option::as_ref) else { continue };
        for parent in &node.parents {
            let Some(left) = children.get_mut(parent) else { continue };
            *left -= 1;
            if *left == 0
                && let Some(parent_node) = nodes.get(parent).and_then(Option::as_ref)
            {
                ready.push((parent_node.commit.time, *parent));
            }
        }
    }
    order
}

/// The commits that `HEAD`, local and remote branches point to.
fn branches(repo: &gix::Repository, path: &Path, head: ObjectId) -> Result<Vec<ObjectId>> {
    let unreadable = |error: &dyn std::error::Error| {
        repository_error(path, &format!("branches cannot be listed: {}", causes(error)))
    };
    let mut tips = vec![head];
    let platform = repo.references().map_err(|error| unreadable(&error))?;
    let local = platform.local_branches().map_err(|error| unreadable(&error))?;
    let remote = platform.remote_branches().map_err(|error| unreadable(&error))?;
    for branch in local.chain(remote) {
        let mut branch = branch.map_err(|error| unreadable(&error))?;
        // A dangling symbolic reference, such as a remote's HEAD after its branch is gone, leads nowhere.
        if let Ok(id) = branch.peel_to_id() {
            tips.push(id.detach());
        }
    }
    Ok(tips)
}

//! Which commits the history is made of, newest first.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::path::Path;

use gix::ObjectId;

use super::message::{CommitText, is_empty_talk};
use super::store::{Place, Reader, Store, causes, repository_error};
use super::{Commit, HistoryOptions, Mode, Note, ObjectKind, Reason};
use crate::interrupt::Watch;
use crate::{Error, Result};

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
pub(super) fn walk(store: &Store, path: &Path, options: &HistoryOptions, watch: Watch<'_>) -> Result<Walk> {
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
            Mode::FirstParent => first_parent(reader, &parents, options, watch, &mut walk, first),
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

/// A commit as far as the walk needs it.
struct Node {
    tree: ObjectId,
    parents: Vec<ObjectId>,
    commit: Commit,
    subject: String,
}

impl Node {
    fn read(reader: &mut Reader, id: ObjectId, parents: &Parents) -> Option<Self> {
        let mut buffer = Vec::new();
        let place = Place { commit: None, path: &[] };
        if !reader.read(id, ObjectKind::Commit, place, &mut buffer) {
            return None;
        }
        let Some(text) = CommitText::parse(&buffer) else {
            reader.note_missing(id, ObjectKind::Commit, place, Some("is malformed".to_owned()));
            return None;
        };
        let subject = text.subject();
        let merge = text.parents.len() > 1;
        let spoken = if merge && is_empty_talk(&subject) { text.body_line() } else { None };
        let author = text.author_text();
        let parents = parents.of(id, text.parents);
        let commit = Commit {
            id,
            parent: parents.first().copied(),
            subject: spoken.unwrap_or_else(|| subject.clone()),
            time: text.time,
            author,
            merge,
            left_out: None,
        };
        Some(Self { tree: text.tree, parents, commit, subject })
    }

    fn step(self, base: Base) -> Step {
        Step { commit: self.commit, tree: self.tree, base, subject: self.subject }
    }
}

fn first_parent(
    reader: &mut Reader,
    parents: &Parents,
    options: &HistoryOptions,
    watch: Watch<'_>,
    walk: &mut Walk,
    first: Node,
) -> Result<()> {
    let mut current = Some(first);
    let mut ended = None;
    while let Some(node) = current.take() {
        watch.check()?;
        if ended.is_none() && options.since.is_some_and(|since| node.commit.time < since) {
            ended = Some(Reason::Since);
        }
        if ended.is_none() && options.max_commits.is_some_and(|most| walk.steps.len() >= most) {
            ended = Some(Reason::MaxCommits);
        }
        let next = node.parents.first().map(|&id| Node::read(reader, id, parents));
        let base = match &next {
            None => Base::Nothing,
            Some(None) => Base::Missing,
            Some(Some(parent)) => Base::Tree(parent.tree),
        };
        match ended {
            None => walk.steps.push(node.step(base)),
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
        walk.steps.push(Step {
            commit: node.commit.clone(),
            tree: node.tree,
            base,
            subject: node.subject.clone(),
        });
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

/// Who a commit's parents are: what it says, unless a graft or the boundary of a shallow clone says otherwise.
struct Parents {
    grafts: HashMap<ObjectId, Vec<ObjectId>>,
    shallow: HashSet<ObjectId>,
}

impl Parents {
    fn read(repo: &gix::Repository, path: &Path) -> Result<Self> {
        let shallow = repo.shallow_commits().map_err(|error| {
            repository_error(path, &format!("its list of shallow commits: {}", causes(&error)))
        })?;
        let file = repo.common_dir().join("info/grafts");
        let grafts = match std::fs::read(&file) {
            Ok(text) => parse_grafts(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => HashMap::new(),
            Err(error) => return Err(Error::io("read", &file, error)),
        };
        Ok(Self { grafts, shallow: shallow.iter().flat_map(|list| list.iter().copied()).collect() })
    }

    fn of(&self, id: ObjectId, own: Vec<ObjectId>) -> Vec<ObjectId> {
        if self.shallow.contains(&id) {
            return Vec::new();
        }
        self.grafts.get(&id).cloned().unwrap_or(own)
    }

    fn notes(&self, repo: &gix::Repository) -> Vec<Note> {
        let mut notes = Vec::new();
        if !self.shallow.is_empty() {
            notes.push(Note::Shallow { boundary: self.shallow.len() });
        }
        if !self.grafts.is_empty() {
            notes.push(Note::Grafts { commits: self.grafts.len() });
        }
        let replaced = repo.references().is_ok_and(|all| {
            all.prefixed("refs/replace/").is_ok_and(|mut replacements| replacements.next().is_some())
        });
        if replaced {
            notes.push(Note::Replaced);
        }
        let config = repo.config_snapshot();
        let promisor = config
            .plumbing()
            .sections_by_name("remote")
            .into_iter()
            .flatten()
            .any(|section| section.value("promisor").is_some_and(|value| value.as_slice() == b"true"));
        if promisor || config.string("extensions.partialClone").is_some() {
            notes.push(Note::Partial);
        }
        notes
    }
}

fn parse_grafts(text: &[u8]) -> HashMap<ObjectId, Vec<ObjectId>> {
    text.split(|&byte| byte == b'\n')
        .filter(|line| !line.starts_with(b"#"))
        .filter_map(|line| {
            let mut ids = line.trim_ascii().split(|&byte| byte == b' ').map(ObjectId::from_hex);
            let commit = ids.next()?.ok()?;
            let parents = ids.collect::<std::result::Result<Vec<_>, _>>().ok()?;
            Some((commit, parents))
        })
        .collect()
}

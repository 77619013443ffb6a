//! Reading orders: dependencies first with cycles opened at their weakest kind of edge, by path, or shuffled.

use std::collections::BTreeSet;

use super::{Edge, EdgeKind, FileIndex, Graph};

/// In which order files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// What is needed comes before who needs it.
    Deps,
    /// Sorted bytewise.
    Path,
    /// Shuffled by this seed. A file keeps its place relative to the others when files come or go.
    Random(u64),
}

impl Graph {
    /// All files in the given order.
    pub fn order(&self, order: Order) -> Vec<FileIndex> {
        let mut all: Vec<FileIndex> = (0..self.files.len() as FileIndex).collect();
        match order {
            Order::Deps => Sorter::new(self).sort(&all),
            Order::Path => all,
            Order::Random(seed) => {
                all.sort_by_cached_key(|&file| {
                    let mut hasher = blake3::Hasher::new();
                    hasher.update(&seed.to_le_bytes()).update(self.files[file as usize].as_bytes());
                    (*hasher.finalize().as_bytes(), file)
                });
                all
            }
        }
    }

    /// The cycles over edges of `weakest` and all stronger kinds: groups of files that all need each other, each
    /// group sorted, the largest group first.
    pub fn cycles(&self, weakest: EdgeKind) -> Vec<Vec<FileIndex>> {
        let all: Vec<FileIndex> = (0..self.files.len() as FileIndex).collect();
        let mut cycles = Sorter::new(self).components(&all, weakest);
        cycles.retain(|cycle| cycle.len() > 1);
        for cycle in &mut cycles {
            cycle.sort_unstable();
        }
        cycles.sort_by_key(|cycle| (std::cmp::Reverse(cycle.len()), cycle[0]));
        cycles
    }
}

const UNSEEN: u32 = u32::MAX;

/// Scratch space for ordering parts of one graph.
struct Sorter<'g> {
    graph: &'g Graph,
    /// The number of the part that each file was last looked at in.
    part: Vec<u32>,
    parts: u32,
    seen: Vec<u32>,
    low: Vec<u32>,
    on_stack: Vec<bool>,
}

impl<'g> Sorter<'g> {
    fn new(graph: &'g Graph) -> Self {
        let count = graph.files.len();
        Self {
            graph,
            part: vec![0; count],
            parts: 0,
            seen: vec![UNSEEN; count],
            low: vec![0; count],
            on_stack: vec![false; count],
        }
    }

    /// Dependencies first. Works through a list instead of calling itself.
    fn sort(&mut self, files: &[FileIndex]) -> Vec<FileIndex> {
        let mut out = Vec::with_capacity(files.len());
        let all = |component| (component, EdgeKind::ALL[0]);
        let mut work: Vec<_> = self.components(files, EdgeKind::ALL[0]).into_iter().rev().map(all).collect();
        while let Some((cycle, floor)) = work.pop() {
            match self.kinds_within(&cycle, floor) {
                Some((weakest, strongest)) if weakest < strongest => {
                    let next = EdgeKind::ALL.into_iter().find(|kind| *kind > weakest).unwrap_or(strongest);
                    let parts = self.components(&cycle, next).into_iter().rev();
                    work.extend(parts.map(|part| (part, next)));
                }
                Some((kind, _)) => out.extend(self.open(&cycle, kind)),
                None => out.extend(cycle),
            }
        }
        out
    }

    fn enter(&mut self, files: &[FileIndex]) {
        self.parts += 1;
        for &file in files {
            self.part[file as usize] = self.parts;
            self.seen[file as usize] = UNSEEN;
        }
    }

    fn inside(&self, edge: &Edge) -> bool {
        self.part[edge.to as usize] == self.parts
    }

    /// The weakest and the strongest kind, from `floor` on, of the edges between two of `files`.
    fn kinds_within(&mut self, files: &[FileIndex], floor: EdgeKind) -> Option<(EdgeKind, EdgeKind)> {
        self.enter(files);
        let edges = files.iter().flat_map(|&file| self.graph.needs(file));
        let kinds = edges.filter(|edge| edge.kind >= floor && self.inside(edge));
        kinds.map(|edge| (edge.kind, edge.kind)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The strongly connected components of `files` over edges of at least `weakest`. Tarjan's algorithm gives every
    /// component after those that it needs; files and edges are taken by path, so the order is stable.
    fn components(&mut self, files: &[FileIndex], weakest: EdgeKind) -> Vec<Vec<FileIndex>> {
        self.enter(files);
        let graph = self.graph;
        let mut out = Vec::new();
        let mut next = 0;
        let mut stack: Vec<FileIndex> = Vec::new();
        let mut calls: Vec<(FileIndex, usize)> = Vec::new();
        for &root in files {
            if self.seen[root as usize] == UNSEEN {
                calls.push((root, 0));
            }
            while let Some((file, resume)) = calls.pop() {
                let at = file as usize;
                if self.seen[at] == UNSEEN {
                    self.seen[at] = next;
                    self.low[at] = next;
                    next += 1;
                    stack.push(file);
                    self.on_stack[at] = true;
                }
                let mut child = None;
                let open = (resume..).map_while(|place| Some((place, graph.need(file, place)?)));
                for (offset, edge) in open {
                    if edge.kind < weakest || !self.inside(&edge) {
                        continue;
                    }
                    if self.seen[edge.to as usize] == UNSEEN {
                        child = Some((offset, edge.to));
                        break;
                    }
                    if self.on_stack[edge.to as usize] {
                        self.low[at] = self.low[at].min(self.low[edge.to as usize]);
                    }
                }
                if let Some((offset, to)) = child {
                    // Comes back to the same edge and then finds it seen.
                    calls.push((file, offset));
                    calls.push((to, 0));
                } else if self.low[at] == self.seen[at] {
                    let mut component = Vec::new();
                    while let Some(member) = stack.pop() {
                        self.on_stack[member as usize] = false;
                        component.push(member);
                        if member == file {
                            break;
                        }
                    }
                    component.sort_unstable();
                    out.push(component);
                }
            }
        }
        out
    }

    /// Orders one cycle of a single kind with few edges against the order: the greedy heuristic of Eades, Lin and
    /// Smyth. A file without open needs goes to the front, one that nobody needs to the back, else the one goes to
    /// the front that is needed by most and needs least.
    fn open(&mut self, files: &[FileIndex], kind: EdgeKind) -> Vec<FileIndex> {
        self.enter(files);
        let graph = self.graph;
        let mut needs = vec![0_i64; files.len()];
        let mut needed = vec![0_i64; files.len()];
        let place = |file: FileIndex| files.binary_search(&file).ok();
        let within = |sorter: &Self, edge: &Edge| edge.kind == kind && sorter.inside(edge);
        for (at, &file) in files.iter().enumerate() {
            for edge in graph.needs(file).filter(|edge| within(self, edge)) {
                needs[at] += 1;
                if let Some(to) = place(edge.to) {
                    needed[to] += 1;
                }
            }
        }
        // Smaller comes first: no needs, then nobody's need, then by the difference.
        let key = |needs: i64, needed: i64, at: usize| match (needs, needed) {
            (0, _) => (0, 0, at),
            (_, 0) => (1, 0, at),
            _ => (2, needs - needed, at),
        };
        let mut queue: BTreeSet<_> = (0..files.len()).map(|at| key(needs[at], needed[at], at)).collect();
        let (mut front, mut back) = (Vec::new(), Vec::new());
        while let Some((class, _, at)) = queue.pop_first() {
            if class == 1 {
                back.push(files[at])
            } else {
                front.push(files[at])
            }
            self.part[files[at] as usize] = 0;
            let file = files[at];
            let users = graph.needed_by(file).filter(|edge| edge.kind == kind).map(|edge| (edge.from, -1, 0));
            let used = graph.needs(file).filter(|edge| edge.kind == kind).map(|edge| (edge.to, 0, -1));
            for (other, fewer_needs, fewer_users) in users.chain(used) {
                if self.part[other as usize] != self.parts {
                    continue;
                }
                if let Some(at) = place(other) {
                    queue.remove(&key(needs[at], needed[at], at));
                    needs[at] += fewer_needs;
                    needed[at] += fewer_users;
                    queue.insert(key(needs[at], needed[at], at));
                }
            }
        }
        front.extend(back.into_iter().rev());
        front
    }
}

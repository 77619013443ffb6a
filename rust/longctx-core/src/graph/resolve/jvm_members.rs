//! Java: the types in the signatures of the methods that a file calls. The compiler names them in the class file whether
//! the source does or not.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::graph::FileIndex;
use crate::graph::facts::{Links, Members, Receiver};

/// How far supertypes and chains of calls are followed.
const MAX_FILES: usize = 400;

/// What one file offers, with its types found.
#[derive(Default)]
struct Offer {
    /// By the number of the name, and arity.
    members: HashMap<(u32, u16), Vec<FileIndex>>,
    supers: Vec<FileIndex>,
}

impl Offer {
    /// The types of a member by the number of its name.
    fn member(&self, name: Option<u32>, arity: u16) -> &[FileIndex] {
        name.and_then(|name| self.members.get(&(name, arity))).map_or(&[], Vec::as_slice)
    }
}

/// All offers by file.
#[derive(Default)]
pub(super) struct Offers {
    of: HashMap<FileIndex, Offer>,
    /// Numbers of names that some member has.
    names: HashMap<Box<str>, u32>,
}

impl Offers {
    /// Adds a file; `find` gives the files of a type that it names.
    pub fn add(&mut self, file: FileIndex, links: &Links, find: impl Fn(&str) -> Vec<FileIndex>) {
        let Some(members) = &links.members else { return };
        let mut offer = Offer::default();
        for member in &members.offered {
            let types: Vec<FileIndex> = member.types.iter().flat_map(|name| find(name)).collect();
            // Which of several methods of one name is called cannot be told: what they have in common is certain.
            let next = self.names.len() as u32;
            let name = *self.names.entry(member.name.clone()).or_insert(next);
            match offer.members.entry((name, member.arity)) {
                Entry::Occupied(mut known) => known.get_mut().retain(|file| types.contains(file)),
                Entry::Vacant(place) => {
                    place.insert(types);
                }
            }
        }
        offer.supers = members.supers.iter().flat_map(|name| find(name)).collect();
        offer.supers.retain(|other| *other != file);
        self.of.insert(file, offer);
    }

    /// The files of types that `from` gets by calling, each with the line of a call. `named` are those it names,
    /// `find` gives the files of a type by its name, and static imports lead to `statics`.
    pub fn reached(
        &self,
        from: FileIndex,
        members: &Members,
        (named, statics): (&[FileIndex], &[FileIndex]),
        find: impl Fn(&str) -> Vec<FileIndex>,
    ) -> BTreeMap<FileIndex, u32> {
        let mut out: BTreeMap<FileIndex, u32> = BTreeMap::new();
        let mut above = HashSet::new();
        self.climb(from, &mut above);
        // What it overrides: the compiler bridges to the types of the method above.
        for offer in above.iter().filter(|file| **file != from).filter_map(|file| self.of.get(file)) {
            for member in &members.offered {
                for &to in offer.member(self.number(&member.name), member.arity) {
                    out.entry(to).or_insert(1);
                }
            }
        }
        for file in statics {
            self.climb(*file, &mut above);
        }
        let mut types: HashMap<&str, HashSet<FileIndex>> = HashMap::new();
        let mut unknown: HashMap<(u32, u16), u32> = HashMap::new();
        for (call, line) in &members.called {
            let Some(name) = self.number(&call.name) else { continue };
            let on = match &call.on {
                Receiver::Own => &above,
                Receiver::Type(name) => types.entry(name).or_insert_with(|| {
                    let mut around = HashSet::new();
                    find(name).into_iter().for_each(|file| self.climb(file, &mut around));
                    around
                }),
                Receiver::Unknown => {
                    unknown.entry((name, call.arity)).or_insert(*line);
                    continue;
                }
            };
            let offers = on.iter().filter_map(|file| self.of.get(file));
            for to in offers.flat_map(|offer| offer.member(Some(name), call.arity)) {
                let known = out.entry(*to).or_insert(*line);
                *known = (*known).min(*line);
            }
        }
        // Chains of calls: each may be on any type seen so far.
        let mut seen: HashSet<FileIndex> = HashSet::new();
        let mut work: Vec<FileIndex> =
            named.iter().copied().chain([from]).chain(out.keys().copied()).collect();
        while let Some(file) = work.pop() {
            if seen.len() > MAX_FILES {
                break;
            }
            let mut around = HashSet::new();
            self.climb(file, &mut around);
            for member_of in around {
                if !seen.insert(member_of) {
                    continue;
                }
                for (key, types) in self.of.get(&member_of).into_iter().flat_map(|offer| &offer.members) {
                    let Some(&line) = unknown.get(key) else { continue };
                    for &to in types {
                        let known = out.entry(to).or_insert(line);
                        *known = (*known).min(line);
                        if !seen.contains(&to) {
                            work.push(to);
                        }
                    }
                }
            }
        }
        out
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    /// A file and those of its supertypes.
    fn climb(&self, file: FileIndex, out: &mut HashSet<FileIndex>) {
        let mut work = vec![file];
        while let Some(file) = work.pop() {
            if out.len() < MAX_FILES && out.insert(file) {
                work.extend(self.of.get(&file).into_iter().flat_map(|offer| &offer.supers));
            }
        }
    }
}

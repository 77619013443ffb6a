//! Where documents lie and which of them are called alike, in numbers that are quickly compared.

use rustc_hash::FxHashMap;

use crate::buckets::Buckets;
use crate::pack::documents::Documents;

/// What all folders lie in.
const NOWHERE: u32 = 0;

/// The folders and names of all documents.
#[derive(Default)]
pub struct Places {
    /// For each document its folder.
    folders: Vec<u32>,
    tree: Folders,
    /// For each document the number of its stem.
    stems: Vec<u32>,
    /// Documents by stem.
    sharing: Buckets,
}

/// A tree of folders.
#[derive(Default)]
struct Folders {
    parents: Vec<u32>,
    depths: Vec<u32>,
}

impl Places {
    /// Those of some documents.
    pub fn new(documents: &Documents) -> Self {
        Self::of_names(documents.iter().map(|record| record.name))
    }

    fn of_names<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Self {
        let mut tree = Folders { parents: vec![NOWHERE], depths: vec![0] };
        let mut known: FxHashMap<&str, u32> = FxHashMap::default();
        let folders = names.clone().map(|name| tree.number(parent(name).unwrap_or_default(), &mut known));
        let folders = folders.collect();
        let mut numbers: FxHashMap<String, u32> = FxHashMap::default();
        let stems = names.map(|name| {
            let next = numbers.len() as u32;
            *numbers.entry(stem(name)).or_insert(next)
        });
        let stems: Vec<u32> = stems.collect();
        let sharing = Buckets::new(numbers.len(), stems.iter().copied());
        Self { folders, tree, stems, sharing }
    }

    /// The documents with the stem of one, itself included, in order.
    pub fn of_stem(&self, document: u32) -> &[u32] {
        self.sharing.of(self.stems[document as usize])
    }

    /// Whether two documents lie in one folder, and how many of the first names in the paths of their folders are the
    /// same.
    pub fn folders_of(&self, one: u32, other: u32) -> (bool, u32) {
        let [one, other] = [one, other].map(|document| self.folders[document as usize]);
        (one == other, self.tree.shared(one, other))
    }
}

impl Folders {
    /// The number of a folder.
    fn number<'n>(&mut self, path: &'n str, known: &mut FxHashMap<&'n str, u32>) -> u32 {
        // Not by recursion: a path in a repository may be deeper than the stack.
        let mut unknown = Vec::new();
        let (mut folder, mut number) = (Some(path), NOWHERE);
        while let Some(path) = folder {
            if let Some(&there) = known.get(path) {
                number = there;
                break;
            }
            unknown.push(path);
            folder = parent(path);
        }
        for path in unknown.into_iter().rev() {
            self.parents.push(number);
            self.depths.push(self.depths[number as usize] + 1);
            number = self.parents.len() as u32 - 1;
            known.insert(path, number);
        }
        number
    }

    /// How many folders both are in, themselves included.
    fn shared(&self, mut one: u32, mut other: u32) -> u32 {
        let depth = |folder: u32| self.depths[folder as usize];
        while one != other {
            let deeper = if depth(one) > depth(other) { &mut one } else { &mut other };
            *deeper = self.parents[*deeper as usize];
        }
        depth(one)
    }
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(parent, _)| parent)
}

/// The name without endings and the marks of a test: `FooTest.java`, `foo_test.go`, `test_foo.py`, `foo.spec.ts`, `foo.h`.
fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.trim_start_matches('.').split('.').next().unwrap_or(name);
    let name = name.strip_suffix("Tests").or(name.strip_suffix("Test")).unwrap_or(name).to_lowercase();
    let bare = name.trim_start_matches("test_").trim_end_matches("_test").trim_end_matches("_spec");
    let bare = bare.trim_end_matches("-test").trim_end_matches("_tests");
    if bare.is_empty() { name } else { bare.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shared_folders_are_names_in_common(
            folders in proptest::collection::vec("[ab]{0,2}(/[ab]{1,2}){0,4}", 2..6),
        ) {
            let names: Vec<String> = folders.iter().map(|folder| format!("{folder}/x")).collect();
            let places = Places::of_names(names.iter().map(|name| &**name));
            for (one, a) in (0..).zip(&folders) {
                for (other, b) in (0..).zip(&folders) {
                    let same = a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b).count();
                    prop_assert_eq!(places.folders_of(one, other), (a == b, same as u32));
                }
            }
        }
    }

    #[test]
    fn counterparts_have_one_stem() {
        let names = [
            "a/foo.py",
            "tests/test_foo.py",
            "foo_test.go",
            "bar.py",
            "src/Foo.java",
            "FooTest.java",
            "foo.spec.ts",
            "test_bar.py",
            "foo.h",
        ];
        let places = Places::of_names(names.into_iter());
        assert_eq!(places.of_stem(2), [0, 1, 2, 4, 5, 6, 8]);
        assert_eq!(places.of_stem(7), [3, 7]);
        assert_eq!(stem("test_.py"), "test_");
        assert_ne!(stem("foo_bar.py"), stem("foo.py"));
    }

    #[test]
    fn files_of_the_root_share_a_folder() {
        let places = Places::of_names(["x", "y", "a/x"].into_iter());
        assert_eq!(places.folders_of(0, 1), (true, 1));
        assert_eq!(places.folders_of(0, 2), (false, 0));
    }
}

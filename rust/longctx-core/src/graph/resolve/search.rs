//! Folders that files are looked for in, however many there are: a file is found by its name, then asked for its folder.

use std::collections::HashMap;

use super::tree::{Tree, join, name, parent};
use crate::graph::FileIndex;

/// Folders in the order in which they are searched.
pub(super) struct SearchFolders<'a> {
    tree: &'a Tree<'a>,
    folders: Vec<&'a str>,
    /// By a number of steps up and where they lead, the folders, by place, that they lead from.
    above: HashMap<(usize, &'a str), Vec<usize>>,
}

impl<'a> SearchFolders<'a> {
    pub fn new(tree: &'a Tree<'a>, folders: Vec<&'a str>) -> Self {
        let mut above: HashMap<(usize, &str), Vec<usize>> = HashMap::new();
        for (place, &folder) in folders.iter().enumerate() {
            let (mut at, mut steps) = (folder, 0);
            loop {
                above.entry((steps, at)).or_default().push(place);
                if at.is_empty() {
                    break;
                }
                (at, steps) = (parent(at), steps + 1);
            }
        }
        Self { tree, folders, above }
    }

    /// The files at `path`, which may have `.` and `..` in it, and `ending`, seen from each of the folders that has one,
    /// with the folder's place; in no order.
    pub fn find(&self, path: &str, ending: &str) -> Vec<(usize, FileIndex)> {
        let (steps, rest) = climbs(path);
        if rest.is_empty() {
            let whole = |folder: &str| join(folder, path).map(|whole| format!("{whole}{ending}"));
            let at = |folder: &&str| whole(folder).and_then(|whole| self.tree.file(&whole));
            let all = self.folders.iter().enumerate();
            return all.filter_map(|(place, folder)| Some((place, at(folder)?))).collect();
        }
        let rest = format!("{rest}{ending}");
        let mut found = Vec::new();
        for &file in self.tree.named(name(&rest)) {
            let Some(head) = self.tree.path(file).strip_suffix(rest.as_str()) else { continue };
            let folder = match head.strip_suffix('/') {
                Some(folder) => folder,
                None if head.is_empty() => "",
                None => continue,
            };
            let places = self.above.get(&(steps, folder)).into_iter().flatten();
            found.extend(places.map(|&place| (place, file)));
        }
        found
    }
}

/// How far a path climbs above where it begins, and how it goes on from there.
fn climbs(path: &str) -> (usize, String) {
    let (mut steps, mut parts) = (0, Vec::new());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => steps += 1,
            ".." => {}
            part => parts.push(part),
        }
    }
    (steps, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_found_is_what_joining_each_folder_finds(
            paths in prop::collection::btree_set("([ab]/){0,3}[abc]", 1..20),
            folders in prop::collection::btree_set("([ab](/[ab]){0,2})?", 0..6),
            wanted in "(\\.\\./|\\./|[ab]/|/){0,4}(\\.\\.|\\.|[abc]|)",
            ending in "(|c)",
        ) {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let tree = Tree::new(&paths);
            let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
            let search = SearchFolders::new(&tree, folders.clone());
            let mut found = search.find(&wanted, &ending);
            found.sort_unstable();
            let whole = |folder: &str| join(folder, &wanted).map(|whole| format!("{whole}{ending}"));
            let joined = folders.iter().enumerate().filter_map(|(place, folder)| {
                Some((place, tree.file(&whole(folder)?)?))
            });
            prop_assert_eq!(found, joined.collect::<Vec<_>>());
        }
    }
}

//! Which files are kept for validation.

use super::clusters::{Cluster, Clusters, Groups};

/// A side of the split; the discriminant is the place in [`super::write::SPLITS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Learnt.
    Train = 0,
    /// Kept to measure with.
    Val = 1,
}

impl Side {
    /// Both, by discriminant.
    pub const ALL: [Self; 2] = [Self::Train, Self::Val];
}

/// The side of every document, and the cluster that it was drawn with.
pub struct Sides {
    validation: Vec<bool>,
    groups: Groups,
}

impl Sides {
    /// Sides as [`draw`] draws them.
    pub fn new(validation: Vec<bool>, groups: Groups) -> Self {
        Self { validation, groups }
    }

    /// The side of a document.
    pub fn of(&self, document: u32) -> Side {
        if self.validation.get(document as usize).copied().unwrap_or(false) { Side::Val } else { Side::Train }
    }

    /// The cluster of a document.
    pub fn cluster(&self, document: u32) -> Option<&Cluster> {
        self.groups.clusters.get(*self.groups.of.get(document as usize)? as usize)
    }

    /// All clusters, by their first document.
    pub fn clusters(&self) -> impl Iterator<Item = &Cluster> {
        self.groups.clusters.iter()
    }
}

/// For each document whether it is for validation. `paths` are those of all documents, sorted.
///
/// Whole clusters are drawn by a hash of seed and their first path, until `share` of the files, rounded, is reached. A
/// cluster that would take the files drawn to more than one and a half times that number is passed over. With a share
/// above zero and at least two clusters, each side has a file: where all are passed over, the smallest is drawn.
///
/// Adding a file moves at most one cluster, unless it joins one or one is passed over because of it.
pub fn draw<'p>(
    clusters: &Clusters,
    paths: impl IntoIterator<Item = &'p [u8]>,
    share: f64,
    seed: u64,
) -> Vec<bool> {
    let Groups { of, clusters } = clusters.groups();
    let mut lots: Vec<(u64, u32)> = Vec::with_capacity(clusters.len());
    for (&cluster, path) in of.iter().zip(paths) {
        // Clusters are numbered by first document, so a cluster's first path is the one that meets its number.
        if cluster as usize == lots.len() {
            lots.push((lot(path, seed), cluster));
        }
    }
    lots.sort_unstable();

    let size = |cluster: u32| clusters[cluster as usize].size as usize;
    let mut wanted = (of.len() as f64 * share).round() as usize;
    if share > 0.0 && clusters.len() > 1 {
        wanted = wanted.max(1);
    }
    let mut drawn: Vec<bool> = vec![false; clusters.len()];
    let (mut files, mut left) = (0, clusters.len());
    for &(_, cluster) in &lots {
        if files >= wanted || left <= 1 {
            break;
        }
        if files + size(cluster) <= wanted + wanted / 2 {
            drawn[cluster as usize] = true;
            files += size(cluster);
            left -= 1;
        }
    }
    if files == 0
        && wanted > 0
        && left > 1
        && let Some(&(_, cluster)) = lots.iter().min_by_key(|&&(_, cluster)| size(cluster))
    {
        drawn[cluster as usize] = true;
    }
    of.iter().map(|&cluster| drawn[cluster as usize]).collect()
}

fn lot(path: &[u8], seed: u64) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"longctx split");
    hasher.update(&seed.to_le_bytes());
    hasher.update(path);
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::clusters::Reason;
    use super::*;

    /// Draws among `f0`, `f1`, ...; neighbours are in one cluster where `contents` has the same number.
    fn split_of(contents: &[usize], share: f64, seed: u64) -> Vec<bool> {
        let paths: Vec<String> = (0..contents.len()).map(|n| format!("f{n}")).collect();
        let mut clusters = Clusters::new(contents.len());
        clusters.join_equal(contents.iter());
        draw(&clusters, paths.iter().map(|path| path.as_bytes()), share, seed)
    }

    fn split(count: usize, share: f64, seed: u64) -> Vec<bool> {
        split_of(&(0..count).collect::<Vec<_>>(), share, seed)
    }

    fn drawn(validation: &[bool]) -> usize {
        validation.iter().filter(|&&val| val).count()
    }

    /// The numbers of clusters of these sizes, file by file.
    fn clustered(sizes: &[usize]) -> Vec<usize> {
        sizes.iter().enumerate().flat_map(|(cluster, &size)| std::iter::repeat_n(cluster, size)).collect()
    }

    #[test]
    fn the_share_is_met_and_the_seed_decides_which() {
        assert_eq!(drawn(&split(1000, 0.15, 1)), 150);
        assert_ne!(split(1000, 0.15, 1), split(1000, 0.15, 2));
        assert_eq!(split(1000, 0.15, 1), split(1000, 0.15, 1));
        assert_eq!(drawn(&split(100, 0.0, 1)), 0);
    }

    #[test]
    fn files_in_no_cluster_are_drawn_as_they_always_were() {
        let validation = split(20, 0.25, 42);
        let which: Vec<usize> = (0..20).filter(|&file| validation[file]).collect();
        assert_eq!(which, [2, 8, 16, 17, 19]);
    }

    #[test]
    fn one_more_file_moves_few_others() {
        let (small, large) = (split(500, 0.2, 7), split(501, 0.2, 7));
        assert!(small.iter().zip(&large).filter(|(a, b)| a != b).count() <= 1);
    }

    #[test]
    fn small_repositories_keep_a_file_on_each_side() {
        assert_eq!(drawn(&split(2, 0.15, 3)), 1);
        assert_eq!(split(1, 0.15, 3), [false]);
        assert_eq!(split(0, 0.15, 3), [false; 0]);
        assert_eq!(drawn(&split(3, 0.99, 3)), 2);
    }

    #[test]
    fn a_cluster_is_on_one_side_whatever_joined_it() {
        let paths: Vec<String> = (0..100).map(|n| format!("f{n}")).collect();
        for seed in 0..20 {
            let mut clusters = Clusters::new(100);
            clusters.join(3, 70, Reason::Renamed);
            clusters.join(70, 20, Reason::NearDuplicate);
            let validation = draw(&clusters, paths.iter().map(|path| path.as_bytes()), 0.5, seed);
            assert!(validation[3] == validation[70] && validation[3] == validation[20]);
        }
    }

    #[test]
    fn a_great_cluster_does_not_swallow_the_share() {
        let contents = clustered(&[&[400][..], &[1; 600]].concat());
        for seed in 0..20 {
            let validation = split_of(&contents, 0.15, seed);
            assert_eq!(drawn(&validation), 150);
            assert!(!validation[0]);
        }
    }

    #[test]
    fn the_smallest_cluster_is_drawn_where_all_are_great() {
        for seed in 0..20 {
            assert_eq!(drawn(&split_of(&clustered(&[50, 20, 30]), 0.1, seed)), 20);
        }
    }

    proptest! {
        #[test]
        fn clusters_stay_whole_and_both_sides_have_files(
            sizes in prop::collection::vec(1usize..30, 0..40), share in 0.0..0.9, seed: u64,
        ) {
            let contents = clustered(&sizes);
            let validation = split_of(&contents, share, seed);
            for (one, other) in contents.iter().zip(&validation).zip(contents.iter().zip(&validation).skip(1)) {
                prop_assert!(one.0 != other.0 || one.1 == other.1);
            }
            let (files, wanted) = (drawn(&validation), (contents.len() as f64 * share).round() as usize);
            if sizes.len() > 1 && share > 0.0 {
                prop_assert!(files > 0 && files < contents.len());
                let smallest = sizes.iter().copied().min().unwrap_or(0);
                prop_assert!(files <= (wanted.max(1) * 3 / 2).max(smallest));
            } else {
                prop_assert_eq!(files, 0);
            }
        }

        #[test]
        fn one_more_file_moves_at_most_one_small_cluster(
            sizes in prop::collection::vec(1usize..5, 20..60), share in 0.2..0.7, seed: u64,
        ) {
            let mut contents = clustered(&sizes);
            let before = split_of(&contents, share, seed);
            contents.push(sizes.len());
            let after = split_of(&contents, share, seed);
            let moved = before.iter().zip(&after).zip(&contents).filter(|((one, other), _)| one != other);
            let mut moved: Vec<usize> = moved.map(|(_, &cluster)| cluster).collect();
            moved.dedup();
            prop_assert!(moved.len() <= 1);
        }
    }
}

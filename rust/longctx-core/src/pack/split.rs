//! Which files are kept for validation.

use std::collections::HashMap;

use super::output::Side;

/// The side of every document.
pub struct Sides {
    validation: Vec<bool>,
}

impl Sides {
    /// Sides as [`validation_files`] draws them.
    pub fn new(validation: Vec<bool>) -> Self {
        Self { validation }
    }

    /// The side of a document.
    pub fn of(&self, document: u32) -> Side {
        if self.validation.get(document as usize).copied().unwrap_or(false) { Side::Val } else { Side::Train }
    }
}

/// For each document, sorted by path, whether it is for validation. `share` of the files, rounded, are drawn by a hash of
/// seed and path, so that adding a file moves at most one other; files of equal content stay on one side. With a share
/// above zero and at least two different contents, each side has a file.
pub fn validation_files<'d>(
    documents: impl Iterator<Item = (&'d [u8], &'d str)>,
    share: f64,
    seed: u64,
) -> Vec<bool> {
    let documents: Vec<(&[u8], &str)> = documents.collect();
    let mut groups: HashMap<&str, usize> = HashMap::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (index, &(_, blob)) in documents.iter().enumerate() {
        let group = *groups.entry(blob).or_insert_with(|| {
            members.push(Vec::new());
            members.len() - 1
        });
        members[group].push(index);
    }
    let mut drawn: Vec<(u64, usize)> = members
        .iter()
        .enumerate()
        .filter_map(|(group, files)| Some((draw(documents[*files.first()?].0, seed), group)))
        .collect();
    drawn.sort_unstable();
    let mut wanted = (documents.len() as f64 * share).round() as usize;
    if share > 0.0 && members.len() > 1 {
        wanted = wanted.max(1);
    }
    let mut validation = vec![false; documents.len()];
    let mut taken = 0;
    for &(_, group) in drawn.iter().take(members.len().saturating_sub(1)) {
        if taken >= wanted {
            break;
        }
        for &file in &members[group] {
            validation[file] = true;
        }
        taken += members[group].len();
    }
    validation
}

fn draw(path: &[u8], seed: u64) -> u64 {
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
    use super::*;

    fn split(count: usize, share: f64, seed: u64) -> Vec<bool> {
        let names: Vec<(String, String)> = (0..count).map(|n| (format!("f{n}"), format!("b{n}"))).collect();
        validation_files(names.iter().map(|(path, blob)| (path.as_bytes(), blob.as_str())), share, seed)
    }

    #[test]
    fn the_share_is_met_and_the_seed_decides_which() {
        assert_eq!(split(1000, 0.15, 1).iter().filter(|&&val| val).count(), 150);
        assert_ne!(split(1000, 0.15, 1), split(1000, 0.15, 2));
        assert_eq!(split(1000, 0.15, 1), split(1000, 0.15, 1));
        assert!(split(100, 0.0, 1).iter().all(|&val| !val));
    }

    #[test]
    fn one_more_file_moves_few_others() {
        let (small, large) = (split(500, 0.2, 7), split(501, 0.2, 7));
        assert!(small.iter().zip(&large).filter(|(a, b)| a != b).count() <= 1);
    }

    #[test]
    fn small_repositories_keep_a_file_on_each_side() {
        assert_eq!(split(2, 0.15, 3).iter().filter(|&&val| val).count(), 1);
        assert_eq!(split(1, 0.15, 3), [false]);
        assert_eq!(split(3, 0.99, 3).iter().filter(|&&val| val).count(), 2);
    }

    #[test]
    fn equal_content_stays_on_one_side() {
        let names: Vec<String> = (0..100).map(|n| format!("f{n}")).collect();
        let blobs = ["same", "other"];
        let files = names.iter().enumerate().map(|(n, name)| (name.as_bytes(), blobs[usize::from(n == 50)]));
        let validation = validation_files(files, 0.5, 9);
        let same: Vec<bool> = (0..100).filter(|&n| n != 50).map(|n| validation[n]).collect();
        assert!(same.iter().all(|&val| val == same[0]));
    }
}

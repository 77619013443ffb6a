//! Pairs of near duplicates among many sketches, without comparing all with all.

use rayon::prelude::*;

use super::shingles::scramble;
use super::{BINS, Sketch, agreement};
use crate::pack::clusters::DisjointSets;

/// Sketches are compared where they agree in all rows of one band. Two texts of similarity J are never compared with the
/// probability (1 - J^ROWS)^BANDS: for 0.8 that is 3e-6, and for texts of 0.3, which need no comparison, 97 %.
const ROWS: usize = 6;

/// As many as the bins make.
const BANDS: usize = BINS / ROWS;

/// Bins in which near duplicates agree at least: 0.7 of all. A similarity of 0.8 is estimated lower with a probability of
/// 8e-5, the lower tail of the binomial distribution. Texts of few shingles have fewer independent bins: measured,
/// it is 3e-4 with 50 shingles and 2e-3 with five.
const NEAR: u32 = (BINS as u32 * 7).div_ceil(10);

/// Pairs that agree in as many bins, 0.9 of all, count as near duplicates whatever bar the caller sets: what they connect is
/// not compared again, which spares nearly all comparisons among the versions of a file. A similarity of 0.8 is estimated
/// as high with a probability of 7e-6 (1e-2 in texts of ten shingles).
const SURE: u32 = (BINS as u32 * 9).div_ceil(10);

/// Each sketch is compared with this many before it in a bucket. Greater buckets are sorted by the bins that
/// follow the band's, so that the more two sketches have in common the nearer they are (Bawa, Condie, Ganesan: LSH
/// Forest, 2005).
const WINDOW: usize = 32;

/// As many bands are searched at the same time as their hashes have room in so many bytes, but two at least.
const BANDS_BYTES: usize = 8 << 20;

/// Links are thinned out when there are so many for each sketch.
const LINKS: usize = 2;

/// Two near duplicates by their places among the distinct sketches; of rising order, the most similar first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    disagreement: u32,
    one: u32,
    other: u32,
}

/// Pairs of sketches whose estimated similarity is at least 0.7, by their places in `sketches`, the lesser first, sorted.
/// A pair of similarity 0.8 is missed with a probability of 1e-4 (2e-3 in texts of five shingles), a pair of 0.85 almost
/// never.
///
/// Of the pairs found that close a circle only the most similar stay, so there are fewer pairs than sketches, and whoever
/// drops those of an estimate below any bar up to 0.9 keeps the same connections as if none had been left out. Who drops
/// pairs by their exact similarity should set the bar lower, by the 0.1 that estimates may be wrong, than what must not be lost.
///
/// Which sketches are connected does not depend on their order. Time and memory grow with the number of sketches: each
/// is compared with at most 32 others in each of 42 bands.
pub fn near_duplicates(sketches: &[Sketch]) -> Vec<(u32, u32)> {
    let sketch = |index: u32| &sketches[index as usize];
    // Most are told apart by their first bins, which lie together here.
    let first = |index: u32| (sketch(index)[0], sketch(index)[1], index);
    let mut order: Vec<(u32, u32, u32)> = (0..sketches.len() as u32).map(first).collect();
    order.par_sort_unstable_by(|one, other| {
        let bins = |of: &(u32, u32, u32)| (of.0, of.1);
        let rest = || sketch(one.2).cmp(sketch(other.2)).then(one.2.cmp(&other.2));
        bins(one).cmp(&bins(other)).then_with(rest)
    });
    let order: Vec<u32> = order.into_iter().map(|(_, _, index)| index).collect();
    let mut pairs = Vec::new();
    let mut firsts = Vec::new();
    for same in order.chunk_by(|&one, &other| sketch(one) == sketch(other)) {
        firsts.push(same[0]);
        pairs.extend(same.windows(2).map(|pair| (pair[0], pair[1])));
    }
    let distinct: Vec<&Sketch> = firsts.iter().map(|&first| sketch(first)).collect();
    let mut found = Found { sure: DisjointSets::new(distinct.len()), links: Vec::new() };
    found.search(&distinct);
    found.keep_forest();
    pairs.extend(found.links.iter().map(|link| {
        let (one, other) = (firsts[link.one as usize], firsts[link.other as usize]);
        (one.min(other), one.max(other))
    }));
    pairs.sort_unstable();
    pairs
}

/// What was found among distinct sketches, in an order that depends on nothing else.
struct Found {
    sure: DisjointSets,
    links: Vec<Link>,
}

impl Found {
    /// Compares sketches that agree in all rows of a band, some bands at the same time. The first ones, which find most of
    /// what is sure, are few, so that the others need not find it again.
    fn search(&mut self, sketches: &[&Sketch]) {
        // Hashes are there twice: as they are made, and with their places.
        let band_bytes = 2 * sketches.len().max(1) * size_of::<u64>();
        let most = (BANDS_BYTES / band_bytes).clamp(2, BANDS);
        let (mut done, mut at_once) = (0, 2);
        while done < BANDS {
            let bands = done..(done + at_once).min(BANDS);
            done = bands.end;
            at_once = (2 * at_once).min(most);
            // Sketch by sketch, for each lies in another place of memory.
            let count = bands.len();
            let mut hashes = vec![0; sketches.len() * count];
            hashes.par_chunks_mut(count).zip(sketches).for_each(|(hashes, sketch)| {
                for (hash, band) in hashes.iter_mut().zip(bands.clone()) {
                    *hash = hash_of(&sketch[band * ROWS..(band + 1) * ROWS]);
                }
            });
            let of_band = |band: usize| hashes.iter().skip(band - bands.start).step_by(count).copied();
            let found = bands
                .clone()
                .into_par_iter()
                .with_max_len(1)
                .map(|band| self.search_band(sketches, band, of_band(band)));
            let found: Vec<Vec<Link>> = found.collect();
            found.into_iter().flatten().for_each(|link| self.add(link));
        }
    }

    /// The links of a band, but for those between what is sure to be connected. `hashes` are those of all sketches.
    fn search_band(&self, sketches: &[&Sketch], band: usize, hashes: impl Iterator<Item = u64>) -> Vec<Link> {
        let mut found = Self { sure: self.sure.clone(), links: Vec::new() };
        // Hash and place in one number, which is quickly sorted. What has the same hash by chance is compared in vain.
        let bits = usize::BITS - sketches.len().leading_zeros();
        let mut keyed: Vec<u64> =
            (0u64..).zip(hashes).map(|(place, hash)| hash >> bits << bits | place).collect();
        keyed.sort_unstable();
        let (mut places, mut roots) = (Vec::new(), Vec::new());
        for bucket in keyed.chunk_by(|one, other| one >> bits == other >> bits) {
            if bucket.len() < 2 {
                continue;
            }
            places.clear();
            places.extend(bucket.iter().map(|&key| (key & ((1 << bits) - 1)) as u32));
            if places.len() > WINDOW {
                let following = |&place: &u32| {
                    let (before, after) = sketches[place as usize].split_at((band + 1) * ROWS);
                    after.iter().chain(before)
                };
                places.sort_unstable_by(|one, other| following(one).cmp(following(other)));
            }
            found.search_bucket(sketches, &places, &mut roots);
        }
        found.links
    }

    /// Compares the sketches of a bucket with those that stand shortly before them; `roots` is a buffer.
    fn search_bucket(&mut self, sketches: &[&Sketch], bucket: &[u32], roots: &mut Vec<u32>) {
        roots.clear();
        roots.extend(bucket.iter().map(|&place| self.sure.root(place)));
        // The versions of a file, in all bands but the first ones.
        if roots.iter().all(|&root| root == roots[0]) {
            return;
        }
        for at in 1..bucket.len() {
            let mut own = self.sure.root(bucket[at]);
            for earlier in (at.saturating_sub(WINDOW)..at).rev() {
                // Roots that were looked up before a set grew are still of that set.
                if roots[earlier] != own && self.sure.root(roots[earlier]) != own {
                    self.compare(sketches, bucket[earlier], bucket[at]);
                    own = self.sure.root(own);
                }
            }
            roots[at] = own;
        }
    }

    fn compare(&mut self, sketches: &[&Sketch], one: u32, other: u32) {
        let agreement = agreement(sketches[one as usize], sketches[other as usize]);
        if agreement >= NEAR {
            let (one, other) = (one.min(other), one.max(other));
            self.add(Link { disagreement: BINS as u32 - agreement, one, other });
        }
    }

    fn add(&mut self, link: Link) {
        if link.disagreement <= BINS as u32 - SURE {
            self.sure.join(link.one, link.other);
        }
        self.links.push(link);
        if self.links.len() > LINKS * self.sure.len() {
            self.keep_forest();
        }
    }

    /// Drops the links between what more similar links connect (Kruskal's maximum spanning forest).
    fn keep_forest(&mut self) {
        let mut sets = DisjointSets::new(self.sure.len());
        self.links.par_sort_unstable();
        self.links.retain(|link| sets.join(link.one, link.other));
    }
}

/// A hash of the rows of a band.
fn hash_of(rows: &[u32]) -> u64 {
    let (pairs, _) = rows.as_chunks::<2>();
    pairs.iter().fold(0, |hash, &[one, other]| scramble(hash ^ (u64::from(one) << 32 | u64::from(other))))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Dice;
    use super::super::{overlap, set, similarity, sketch};
    use super::*;
    use crate::pack::clusters::{Clusters, Reason};

    /// For each sketch the first one of its cluster.
    fn connected(count: usize, pairs: impl Iterator<Item = (u32, u32)>) -> Vec<u32> {
        let mut clusters = Clusters::new(count);
        for (one, other) in pairs {
            clusters.join(one, other, Reason::NearDuplicate);
        }
        let groups = clusters.groups();
        groups.of.iter().map(|&number| groups.clusters[number as usize].first).collect()
    }

    fn family(dice: &mut Dice, words: usize, members: usize, edits: usize) -> Vec<String> {
        let base = dice.words(words);
        let mut edited = |_| {
            let mut copy = base.clone();
            let times = dice.below(edits + 1);
            dice.edit(&mut copy, times);
            copy.join(" ")
        };
        (0..members).map(&mut edited).collect()
    }

    /// A sketch that agrees with `base` in about `share` of its bins.
    fn relative(dice: &mut Dice, base: &Sketch, share: f64) -> Sketch {
        base.map(
            |bin| {
                if (dice.below(1000) as f64) < share * 1000.0 { bin } else { dice.below(1 << 32) as u32 }
            },
        )
    }

    #[test]
    fn similar_texts_are_connected_and_strangers_are_not() {
        let mut dice = Dice(1);
        let mut texts = Vec::new();
        for words in [8, 20, 40, 60, 100, 150, 200, 300, 400, 500] {
            for edits in [0, 2, 5, 20] {
                texts.extend(family(&mut dice, words, 12, edits));
            }
        }
        let sketches: Vec<Sketch> = texts.iter().map(|text| sketch(text)).collect();
        let sets: Vec<Vec<u64>> = texts.iter().map(|text| set(text)).collect();
        let exact = |one: u32, other: u32| overlap(&sets[one as usize], &sets[other as usize]);

        let pairs = near_duplicates(&sketches);
        assert!(pairs.len() < texts.len());
        assert!(pairs.iter().all(|&(one, other)| exact(one, other) > 0.6));
        let confirmed = pairs.into_iter().filter(|&(one, other)| exact(one, other) >= 0.7);
        let clusters = connected(texts.len(), confirmed);
        let mut found = 0;
        for one in 0..texts.len() as u32 {
            for other in 0..one {
                if exact(one, other) >= 0.8 {
                    assert_eq!(clusters[one as usize], clusters[other as usize], "{one} and {other}");
                    found += 1;
                } else if one / 12 != other / 12 {
                    assert_ne!(clusters[one as usize], clusters[other as usize], "{one} and {other}");
                }
            }
        }
        assert!(found > 1000);
    }

    #[test]
    fn the_versions_of_a_file_are_connected_though_the_first_and_the_last_have_nothing_in_common() {
        let mut dice = Dice(2);
        let mut words = dice.words(300);
        let mut sketches = Vec::new();
        for _ in 0..1000 {
            sketches.push(sketch(&words.join(" ")));
            dice.edit(&mut words, 3);
        }
        assert!(similarity(&sketches[0], &sketches[999]) < 0.1);
        let pairs = near_duplicates(&sketches);
        assert_eq!(pairs.len(), 999);
        assert!(connected(1000, pairs.into_iter()).iter().all(|&first| first == 0));
    }

    #[test]
    fn equal_sketches_make_a_chain() {
        let sketches = vec![sketch("a"), sketch("b"), sketch("a"), sketch("a")];
        assert_eq!(near_duplicates(&sketches), [(0, 2), (2, 3)]);
        assert_eq!(near_duplicates(&vec![sketch(""); 20_000]).len(), 19_999);
        assert_eq!(near_duplicates(&[]), []);
    }

    #[test]
    fn duplicates_are_connected_in_a_crowd_whose_buckets_are_too_great_to_compare_all() {
        let mut dice = Dice(3);
        let base = sketch("");
        // Three thousand that agree in 0.64 with each other, copies of some, and a few nearer to what all have in common.
        let mut sketches: Vec<Sketch> = (0..3000).map(|_| relative(&mut dice, &base, 0.8)).collect();
        for one in 0..300 {
            let copy = relative(&mut dice, &sketches[one], 0.8);
            sketches.push(copy);
        }
        sketches.extend((0..40).map(|_| relative(&mut dice, &base, 0.93)));
        let copies = (0..300).map(|one| (one, one + 3000));
        let central = (3300..3340).flat_map(|one| (3300..one).map(move |other| (other, one)));
        let alike: Vec<(u32, u32)> = copies.chain(central).collect();

        let agreement =
            |(one, other): (u32, u32)| agreement(&sketches[one as usize], &sketches[other as usize]);
        let (pairs, mut found) = (near_duplicates(&sketches), 0);
        for level in NEAR..SURE {
            let as_similar = pairs.iter().copied().filter(|&pair| agreement(pair) >= level);
            let clusters = connected(sketches.len(), as_similar);
            for &(one, other) in alike.iter().filter(|&&pair| agreement(pair) == level) {
                assert_eq!(clusters[one as usize], clusters[other as usize], "they agree in {level} bins");
                found += 1;
            }
        }
        assert!(found > 1000);
    }

    #[test]
    fn the_order_of_sketches_does_not_change_what_is_connected() {
        let mut dice = Dice(4);
        let bases: Vec<Sketch> = (0..20).map(|n| sketch(&n.to_string())).collect();
        let members = (0..2000).map(|_| dice.below(20)).collect::<Vec<_>>();
        let sketches: Vec<Sketch> =
            members.iter().map(|&base| relative(&mut dice, &bases[base], 0.85)).collect();
        let mut order: Vec<u32> = (0..2000).collect();
        for end in (1..2000).rev() {
            order.swap(dice.below(end + 1), end);
        }
        let shuffled: Vec<Sketch> = order.iter().map(|&from| sketches[from as usize]).collect();
        let back = near_duplicates(&shuffled)
            .into_iter()
            .map(|(one, other)| (order[one as usize], order[other as usize]));
        let clusters = connected(2000, near_duplicates(&sketches).into_iter());
        assert_eq!(clusters, connected(2000, back));
        assert!(clusters.iter().zip(&members).all(|(&first, &base)| members[first as usize] == base));
    }
}

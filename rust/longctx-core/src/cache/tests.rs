use super::*;

fn key(number: u64) -> Key {
    KeyMaker::new("test").number(number).key()
}

/// Keeps these values under their own numbers.
fn keep(folder: &Path, numbers: std::ops::Range<u64>) -> CacheReport {
    let cache = Cache::open(folder, Path::new("/repository"));
    for number in numbers {
        if cache.get(&key(number)).is_none() {
            cache.put(key(number), &number.to_le_bytes().repeat(number as usize));
        }
    }
    cache.finish().unwrap()
}

fn file(folder: &Path) -> PathBuf {
    folder.join(file_name(Path::new("/repository")))
}

#[test]
fn what_one_run_keeps_the_next_one_finds() {
    let folder = tempfile::tempdir().unwrap();
    let first = keep(folder.path(), 0..100);
    assert_eq!((first.hits, first.misses, first.problem), (0, 100, None));
    let second = keep(folder.path(), 50..150);
    assert_eq!((second.hits, second.misses, second.problem), (50, 50, None));
    let cache = Cache::open(folder.path(), Path::new("/repository"));
    for number in 0..150 {
        assert_eq!(cache.get(&key(number)).unwrap(), number.to_le_bytes().repeat(number as usize));
    }
    assert!(cache.get(&key(150)).is_none());
    assert!(Cache::open(folder.path(), Path::new("/other")).get(&key(1)).is_none());
}

#[test]
fn what_was_carried_over_early_is_what_would_be_in_the_end() {
    let [early, late] = [true, false].map(|early| {
        let folder = tempfile::tempdir().unwrap();
        // Large enough that some are copied together and some not.
        keep(folder.path(), 0..400);
        let cache = Cache::open(folder.path(), Path::new("/repository"));
        (100..300).for_each(|number| drop(cache.get(&key(number))));
        cache.put(key(1000), b"new");
        if early {
            cache.carry_over();
        }
        cache.put(key(1001), b"newer");
        let report = cache.finish().unwrap();
        assert_eq!((report.hits, report.problem), (200, None));
        let cache = Cache::open(folder.path(), Path::new("/repository"));
        let old = (0..400).all(|number| {
            cache.get(&key(number)).is_some_and(|value| value == number.to_le_bytes().repeat(number as usize))
        });
        assert!(
            old && cache.get(&key(1000)).unwrap() == b"new" && cache.get(&key(1001)).unwrap() == b"newer"
        );
        let reader = Reader::open(&file(folder.path())).unwrap().unwrap();
        let ages: Vec<u8> = (0..400).map(|number| reader.age(reader.find(&key(number)).unwrap())).collect();
        (report.bytes, ages)
    });
    assert_eq!(early, late);
    assert_eq!((early.1[0], early.1[100], early.1[299], early.1[300]), (1, 0, 0, 1));
}

#[test]
fn values_that_nobody_asks_for_are_dropped_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), 0..10);
    for run in 0..=u64::from(OLDEST) {
        assert!(Reader::open(&file(folder.path())).unwrap().unwrap().find(&key(5)).is_some());
        keep(folder.path(), 100 + run..101 + run);
    }
    assert!(Reader::open(&file(folder.path())).unwrap().unwrap().find(&key(5)).is_none());
}

#[test]
fn a_run_that_adds_nothing_leaves_the_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), 0..10);
    let before = std::fs::read(file(folder.path())).unwrap();
    assert_eq!(keep(folder.path(), 0..5).hits, 5);
    assert_eq!(std::fs::read(file(folder.path())).unwrap(), before);
}

#[test]
fn a_damaged_byte_makes_values_missing_and_never_wrong() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), 0..20);
    let whole = std::fs::read(file(folder.path())).unwrap();
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 1 << (at % 8);
        std::fs::write(file(folder.path()), broken).unwrap();
        let cache = Cache::open(folder.path(), Path::new("/repository"));
        for number in 0..20 {
            let value = cache.get(&key(number));
            assert!(value.is_none_or(|value| value == number.to_le_bytes().repeat(number as usize)));
        }
        assert!(cache.finish().unwrap().problem.unwrap().contains("damaged"), "byte {at}");
    }
}

#[test]
fn a_damaged_value_that_is_made_again_is_whole_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), 0..20);
    let mut broken = std::fs::read(file(folder.path())).unwrap();
    // The first value with a byte.
    broken[16] ^= 1;
    std::fs::write(file(folder.path()), broken).unwrap();
    let report = keep(folder.path(), 0..20);
    assert_eq!((report.hits, report.misses), (19, 1));
    let report = keep(folder.path(), 0..20);
    assert_eq!((report.hits, report.problem), (20, None));
}

#[test]
fn a_file_cut_short_or_of_garbage_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), 0..20);
    let whole = std::fs::read(file(folder.path())).unwrap();
    let garbage: Vec<u8> = (0..5000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let cuts = (0..whole.len()).step_by(97).map(|end| &whole[..end]).chain([&garbage[..]]);
    for content in cuts {
        std::fs::write(file(folder.path()), content).unwrap();
        let report = keep(folder.path(), 0..20);
        assert_eq!((report.hits, report.misses), (0, 20));
        assert!(report.problem.unwrap().contains("is damaged; it is made again"));
        assert_eq!(keep(folder.path(), 0..20).hits, 20);
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_a_problem_and_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "x").unwrap();
    let report = keep(&blocked.join("cache"), 0..3);
    assert_eq!((report.hits, report.misses, report.bytes), (0, 3, 0));
    assert!(report.problem.unwrap().contains("cannot be made"));
}

#[test]
fn the_same_value_twice_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), Path::new("/repository"));
    cache.put(key(1), b"one");
    cache.put(key(1), b"one");
    cache.finish().unwrap();
    assert_eq!(Reader::open(&file(folder.path())).unwrap().unwrap().len(), 1);
}

#[test]
fn what_was_left_unfinished_long_ago_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| folder.path().join(format!("{}{name}", evict::TEMPORARY)));
    for path in [&old, &new] {
        std::fs::write(path, "x").unwrap();
    }
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(90_000);
    std::fs::File::options().append(true).open(&old).unwrap().set_modified(long_ago).unwrap();
    keep(folder.path(), 0..1);
    assert_eq!((old.exists(), new.exists()), (false, true));
}

#[test]
fn keys_know_where_their_parts_end() {
    let of = |parts: &[&[u8]]| {
        let mut maker = KeyMaker::new("test");
        for part in parts {
            maker.add(part);
        }
        maker.key()
    };
    assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
    assert_ne!(of(&[b"ab"]), of(&[b"ab", b""]));
}

//! Packs that lie: whatever they say, a blob is read, or it is named.

use std::path::PathBuf;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use sha1::{Digest as _, Sha1};

use super::sandbox::{Sandbox, id};
use crate::history::{Blob, Blobs, ObjectId};

const LARGEST: u64 = 1 << 20;
/// Sizes that a header may claim and no machine has room for, and some that it has.
const CLAIMS: [u64; 4] = [1 << 20, 1 << 31, 1 << 40, u64::MAX >> 4];

/// A file and its bytes.
type Stored = (PathBuf, Vec<u8>);
/// A blob's id and its bytes.
type Content = (ObjectId, Vec<u8>);

/// A repository with one pack in which versions of a file are made of each other, its pack and index, and the blobs.
fn packed() -> (Sandbox, [Stored; 2], Vec<Content>) {
    let sandbox = Sandbox::new();
    let mut blobs = Vec::new();
    for version in 0..12 {
        let text: String = (0..80).map(|line| format!("line {} of {line}\n", line % 12 == version)).collect();
        sandbox.write("file.txt", &text);
        sandbox.commit("change");
        blobs.push((id(&sandbox.git(["rev-parse", "HEAD:file.txt"])), text.into_bytes()));
    }
    sandbox.git(["repack", "-q", "-a", "-d", "-f"]);
    let folder = sandbox.root().join(".git/objects/pack");
    let files = ["pack", "idx"].map(|ending| {
        let mut entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let path = entries.find(|path| path.extension().is_some_and(|one| one == ending)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    });
    (sandbox, files, blobs)
}

/// Puts other bytes in place of a file that is read-only.
fn replace(path: &PathBuf, bytes: &[u8]) {
    let _ = std::fs::remove_file(path);
    std::fs::write(path, bytes).unwrap();
}

/// Reads all blobs; those that are not read must be named, and none may be larger than asked for.
fn read_all(sandbox: &Sandbox, ids: impl Iterator<Item = ObjectId>) -> Vec<Option<Vec<u8>>> {
    let Ok(blobs) = Blobs::open(&sandbox.root()) else { return Vec::new() };
    let mut missing = Vec::new();
    let mut buffer = Vec::new();
    let all = ids
        .map(|id| {
            let quiet = matches!(blobs.glance(id, LARGEST, &mut Vec::new()), Blob::Missing);
            match blobs.read_at_most(id, LARGEST, &mut buffer) {
                Blob::Bytes(bytes) => {
                    assert!(bytes.len() as u64 <= LARGEST && !quiet);
                    Some(bytes.to_vec())
                }
                Blob::TooLarge(size) => {
                    assert!(size > LARGEST && !quiet);
                    None
                }
                Blob::Missing => {
                    assert!(quiet);
                    missing.push(id);
                    None
                }
            }
        })
        .collect();
    missing.sort_unstable();
    missing.dedup();
    assert_eq!(blobs.missing().iter().map(|object| object.id).collect::<Vec<_>>(), missing);
    // A reader whose buffers a lie had filled would still hold them.
    assert!(buffer.capacity() <= 64 << 20, "{}", buffer.capacity());
    all
}

#[test]
fn wrong_bytes_and_missing_ends_are_survived() {
    let (sandbox, files, blobs) = packed();
    let ids = || blobs.iter().map(|(id, _)| *id);
    assert!(read_all(&sandbox, ids()).into_iter().eq(blobs.iter().map(|(_, bytes)| Some(bytes.clone()))));
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let sizes = files.each_ref().map(|(_, bytes)| bytes.len());
    let lie = (0..2_usize, any::<prop::sample::Index>(), 0..10_u8);
    for _ in 0..400 {
        let (file, at, bit) = lie.new_tree(&mut runner).unwrap().current();
        let (path, bytes) = &files[file];
        let mut bytes = bytes.clone();
        let at = at.index(sizes[file]);
        match bit {
            0..8 => bytes[at] ^= 1 << bit,
            8 => bytes[at..].fill(0xff),
            _ => bytes.truncate(at),
        }
        replace(path, &bytes);
        read_all(&sandbox, ids());
        replace(path, &files[file].1);
    }
    assert!(read_all(&sandbox, ids()).into_iter().all(|bytes| bytes.is_some()));
}

/// The kind of an entry, its claimed size, what stands before its data, and its data.
type Entry = (u8, u64, Vec<u8>, Vec<u8>);

/// A repository with a pack of these entries; ids are made up, `0101...` for the first.
fn pack_of(entries: &[Entry]) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend((entries.len() as u32).to_be_bytes());
    let mut offsets = Vec::new();
    for (kind, size, base, data) in entries {
        offsets.push(pack.len() as u32);
        let mut rest = size >> 4;
        pack.push(kind << 4 | (size & 15) as u8 | if rest > 0 { 0x80 } else { 0 });
        while rest > 0 {
            let more = if rest > 0x7f { 0x80 } else { 0 };
            pack.push((rest & 0x7f) as u8 | more);
            rest >>= 7;
        }
        pack.extend(base);
        pack.extend(stored(data));
    }
    let sum = Sha1::digest(&pack);
    pack.extend(sum);
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    let count = entries.len() as u32;
    index.extend((0..256_u32).flat_map(|first| first.min(count).to_be_bytes()));
    (1..=count).for_each(|n| index.extend([n as u8; 20]));
    index.extend(vec![0; 4 * entries.len()]);
    offsets.iter().for_each(|offset| index.extend(offset.to_be_bytes()));
    index.extend(sum);
    let sum = Sha1::digest(&index);
    index.extend(sum);
    let folder = sandbox.root().join(".git/objects/pack");
    std::fs::write(folder.join(format!("pack-{}.pack", "1".repeat(40))), pack).unwrap();
    std::fs::write(folder.join(format!("pack-{}.idx", "1".repeat(40))), index).unwrap();
    sandbox
}

/// A zlib stream that holds `data` as it is.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16;
    let mut out = vec![0x78, 0x01, 0x01];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(data);
    let (mut low, mut high) = (1_u32, 0_u32);
    for &byte in data {
        low = (low + u32::from(byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    out.extend((high << 16 | low).to_be_bytes());
    out
}

/// A difference that claims these sizes before and after, and gives the first `copied` bytes.
fn difference(before: u64, after: u64, copied: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for mut size in [before, after] {
        while size > 0x7f {
            out.push(size as u8 | 0x80);
            size >>= 7;
        }
        out.push(size as u8);
    }
    out.extend([0x90, copied]);
    out
}

fn read_made_up(entries: &[Entry]) -> Vec<Option<Vec<u8>>> {
    let ids = (1..=entries.len()).map(|n| id(&format!("{n:02x}").repeat(20)));
    read_all(&pack_of(entries), ids)
}

const BLOB: u8 = 3;
const BY_ID: u8 = 7;

#[test]
fn a_pack_made_by_hand_is_read() {
    let delta = difference(5, 3, 3);
    let read = read_made_up(&[
        (BLOB, 5, vec![], b"hello".to_vec()),
        (BY_ID, delta.len() as u64, vec![1; 20], delta),
    ]);
    assert_eq!(read, [Some(b"hello".to_vec()), Some(b"hel".to_vec())]);
}

#[test]
fn sizes_that_are_not_true_take_no_memory() {
    for claim in CLAIMS {
        let small = difference(5, 3, 3);
        let result = difference(5, claim, 3);
        let base = difference(claim, 3, 3);
        let read = read_made_up(&[
            (BLOB, 5, vec![], b"hello".to_vec()),
            (BLOB, claim, vec![], b"hello".to_vec()),
            // The result of a difference, and one made of that.
            (BY_ID, result.len() as u64, vec![1; 20], result),
            (BY_ID, base.len() as u64, vec![3; 20], base),
            // The difference itself.
            (BY_ID, claim, vec![1; 20], small.clone()),
            // A base that is not what it says.
            (BY_ID, small.len() as u64, vec![2; 20], small),
        ]);
        assert_eq!(read[0].as_deref(), Some(&b"hello"[..]));
        assert!(read[1..].iter().all(Option::is_none), "{claim}: {read:?}");
    }
}

#[test]
fn differences_of_each_other_end() {
    let delta = difference(5, 5, 5);
    let entry = |base: u8| (BY_ID, delta.len() as u64, vec![base; 20], delta.clone());
    // Of each other, of itself, and of one that is not there.
    assert_eq!(read_made_up(&[entry(2), entry(1), entry(3), entry(9)]), [const { None }; 4]);
}

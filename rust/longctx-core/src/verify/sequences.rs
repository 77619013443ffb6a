//! The sequences of one shard: offsets, ids, markers, metadata.

use std::collections::HashSet;

use super::Defect;
use super::documents::{Piece, Place, Places};
use super::markers;
use super::questions::{self, Asked};
use crate::Result;
use crate::difficulty::Difficulty;
use crate::interrupt::Watch;
use crate::sequence::Kind;
use crate::shard::manifest::Shard;
use crate::shard::npy::IndexRow;
use crate::shard::{DatasetReader, MetaRow};

/// What one shard gave.
#[derive(Default)]
pub struct Part {
    /// What is wrong with its sequences.
    pub defects: Vec<Defect>,
    /// Ids of its sequences.
    pub ids: Vec<String>,
    /// Where the text of which document lies.
    pub places: Places,
    /// What is asked, to be proved.
    pub asked: Vec<Asked>,
}

/// Checks shard `number`; notes its segments if they are to be `compared` with a repository.
pub fn check(
    reader: &DatasetReader,
    shard: &Shard,
    number: u32,
    compared: bool,
    watch: Watch<'_>,
) -> Result<Part> {
    let mut part = Part::default();
    let mut file = reader.shard(shard)?;
    let mut ids = Vec::new();
    let mut end = 0;
    loop {
        watch.check()?;
        let (row, meta) = match file.next(&mut ids) {
            Ok(Some(found)) => found,
            Ok(None) => break,
            Err(error) => {
                let place = format!("{}/{}", shard.split, shard.name);
                part.defects.push(Defect { place, what: error.to_string() });
                return Ok(part);
            }
        };
        let found = sequence_defects(reader, &row, &meta, &ids, end);
        let place = || format!("{}/{} {}", shard.split, shard.name, meta.id);
        part.defects.extend(found.into_iter().map(|what| Defect { place: place(), what }));
        let (defect, asked) =
            questions::gather(&reader.manifest.tokenizer.markers, &place(), &row, &meta, &ids);
        part.defects.extend(defect);
        if compared {
            part.asked.extend(asked);
        }
        if compared {
            for segment in &meta.segments {
                let range = segment.tokens;
                part.places.note(
                    segment,
                    reader.manifest.commit.as_deref(),
                    Place {
                        shard: number,
                        token: row.offset + u64::from(range[0]),
                        count: range[1].saturating_sub(range[0]),
                        bytes: segment.bytes,
                        piece: Piece::of_role(&segment.role),
                    },
                );
            }
        }
        end = row.offset + u64::from(row.length);
        part.ids.push(meta.id);
        watch.progress.advance(1);
    }
    if end != shard.tokens {
        let place = format!("{}/{}", shard.split, shard.name);
        part.defects.push(Defect {
            place,
            what: format!("{} tokens are in no sequence", shard.tokens - end.min(shard.tokens)),
        });
    }
    Ok(part)
}

fn sequence_defects(
    reader: &DatasetReader,
    row: &IndexRow,
    meta: &MetaRow,
    ids: &[u32],
    end: u64,
) -> Vec<String> {
    let manifest = &reader.manifest;
    let mut defects = Vec::new();
    if row.offset != end {
        defects.push(format!("it begins at token {}, the sequence before it ends at {end}", row.offset));
    }
    if row.loss_start >= row.length {
        defects.push(format!(
            "its loss begins at token {} of {}: it teaches nothing",
            row.loss_start, row.length
        ));
    }
    match manifest.bands.iter().find(|band| band.id == row.band) {
        None => defects.push(format!("its band {} is not in the manifest", row.band)),
        Some(band) if row.length > band.max => {
            defects.push(format!("it has {} tokens, band {} allows {}", row.length, band.id, band.max));
        }
        Some(_) => {}
    }
    let name = |index: u8, names: Vec<serde_json::Value>| names.get(usize::from(index)).cloned();
    let kinds = Kind::ALL.iter().filter_map(|kind| serde_json::to_value(kind).ok()).collect();
    let levels = Difficulty::ALL.iter().filter_map(|level| serde_json::to_value(level).ok()).collect();
    if name(row.kind, kinds).is_none_or(|name| name != meta.kind.as_str()) {
        defects.push(format!("the index says kind {}, its metadata {}", row.kind, meta.kind));
    }
    if name(row.difficulty, levels).is_none_or(|name| name != meta.difficulty.as_str()) {
        defects
            .push(format!("the index says difficulty {}, its metadata {}", row.difficulty, meta.difficulty));
    }
    if let Some(id) = ids.iter().find(|&&id| id >= manifest.tokenizer.vocab_size) {
        defects.push(format!("token {id} is not in the vocabulary of {}", manifest.tokenizer.vocab_size));
    }
    let files: HashSet<&str> = meta.segments.iter().map(|segment| segment.path.as_str()).collect();
    if files.len() != usize::from(row.files) {
        defects.push(format!("the index says {} files, its metadata has {}", row.files, files.len()));
    }
    defects.extend(markers::defect(&manifest.tokenizer.markers, &meta.kind, ids));
    defects.extend(segment_defect(reader, meta, ids));
    defects
}

fn segment_defect(reader: &DatasetReader, meta: &MetaRow, ids: &[u32]) -> Option<String> {
    let markers = reader.manifest.tokenizer.markers;
    let mut end = 0;
    for segment in &meta.segments {
        let [first, last] = segment.tokens;
        if first < end || last < first || last as usize > ids.len() || segment.bytes[0] > segment.bytes[1] {
            return Some(format!(
                "segment {} has tokens {first}-{last} after {end}, of {}",
                segment.path,
                ids.len()
            ));
        }
        let inside = &ids[first as usize..last as usize];
        if inside.iter().any(|&id| markers.contains(id)) {
            return Some(format!("there is a marker inside the text of {}", segment.path));
        }
        end = last;
    }
    None
}

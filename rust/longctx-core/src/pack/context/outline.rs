//! Before a later window of a long file: the file's import lines, and the heads of the definitions that the window
//! begins in.

use super::{Chooser, Targets, append_block, estimate, whole_lines};
use crate::sequence::{Draft, Piece, Role, Why};

impl Chooser<'_> {
    /// Appends one block of the first target's file, of at most `room` tokens.
    pub(super) fn outline(&self, targets: &Targets<'_>, room: u32, draft: &mut Draft) {
        let Some(own) = targets.first() else { return };
        let Some(facts) = self.world.facts(&own.record) else { return };
        let text = own.text().text;
        let begins = targets.begins;
        let around = facts.definitions.iter().filter(|definition| {
            (definition.range.start as usize) < begins && begins < definition.range.end as usize
        });
        let mut pieces: Vec<Piece> = around
            .map(|definition| {
                let head = definition.signature.start as usize..definition.signature.end as usize;
                Piece {
                    name: Some(definition.name().into()),
                    ..Piece::new(whole_lines(text, head), Role::Signature, Why::Enclosing)
                }
            })
            .collect();
        let imports = self.world.import_lines(own).iter();
        pieces.extend(imports.map(|range| Piece::new(range.clone(), Role::Imports, Why::OwnImports)));
        pieces.retain(|piece| piece.bytes.end <= begins);
        pieces.sort_by_key(|piece| (piece.bytes.start, std::cmp::Reverse(piece.bytes.end)));
        let mut end = 0;
        pieces.retain(|piece| {
            let apart = piece.bytes.start >= end;
            if apart {
                end = piece.bytes.end;
            }
            apart
        });
        // Import lines give way first, from the front; long blocks of them as a whole.
        let mut giving_way: Vec<usize> = (0..pieces.len()).collect();
        giving_way.sort_by_key(|&at| pieces[at].role != Role::Imports);
        let mut bytes: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
        let mut is_gone = vec![false; pieces.len()];
        for least in giving_way {
            if estimate(&own.record, bytes) <= room {
                let left = pieces.iter().zip(&is_gone).filter(|(_, gone)| !**gone);
                let left: Vec<Piece> = left.map(|(piece, _)| piece.clone()).collect();
                if append_block(self.world, own, &left, room, draft) {
                    return;
                }
            }
            is_gone[least] = true;
            bytes -= pieces[least].bytes.len();
        }
    }
}

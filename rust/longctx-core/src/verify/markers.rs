//! The grammar of a sequence: which markers may follow which.

use crate::tokenize::MarkerIds;

/// What a marker may stand in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    File,
    Commit,
    /// A file block of a commit.
    FileOfCommit,
}

/// The first marker of a sequence of this kind that stands where it must not, or text outside of every block. Only
/// questions may have such text, and the markers of snippets.
pub fn defect(markers: &MarkerIds, kind: &str, ids: &[u32]) -> Option<String> {
    let mut inside = Inside::Nothing;
    for (at, &id) in ids.iter().enumerate() {
        let next = match (id, inside) {
            (id, Inside::Nothing) if id == markers.file_start => Inside::File,
            (id, Inside::Commit) if id == markers.file_start => Inside::FileOfCommit,
            (id, Inside::File) if id == markers.file_end => Inside::Nothing,
            (id, Inside::FileOfCommit) if id == markers.file_end => Inside::Commit,
            (id, Inside::Nothing) if id == markers.commit_start && kind != "hierarchical" => Inside::Commit,
            (id, Inside::Commit) if id == markers.commit_end => Inside::Nothing,
            (id, Inside::Nothing) if kind == "qa" && !is_block(markers, id) => Inside::Nothing,
            (id, inside) if inside != Inside::Nothing && !markers.contains(id) => inside,
            (id, Inside::File | Inside::FileOfCommit) if id == markers.file_start => {
                return Some(format!("token {at} begins a file inside a file"));
            }
            (id, Inside::Nothing) if !markers.contains(id) => {
                return Some(format!("token {at} is outside every file"));
            }
            _ => return Some(format!("token {at} is a marker where none may be")),
        };
        inside = next;
    }
    match inside {
        Inside::Nothing => None,
        Inside::Commit => Some("its last commit does not end".to_owned()),
        Inside::File | Inside::FileOfCommit => Some("its last file does not end".to_owned()),
    }
}

fn is_block(markers: &MarkerIds, id: u32) -> bool {
    markers.contains(id) && !markers.snippets.contains(&id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenize::Tokenizer;

    #[test]
    fn blocks_begin_and_end_in_turn() {
        let m = Tokenizer::embedded().markers();
        let file = |ids: &mut Vec<u32>| ids.extend([m.file_start, 40, m.file_end]);
        let mut files = Vec::new();
        file(&mut files);
        file(&mut files);
        let mut commit = files.clone();
        commit.extend([m.commit_start, 41]);
        file(&mut commit);
        commit.push(m.commit_end);
        let mut qa = vec![m.snippets[0]];
        qa.extend(&commit);
        qa.extend([42, m.snippets[0], 43]);
        for (kind, ids, right) in [
            ("hierarchical", &files, true),
            ("hierarchical", &commit, false),
            ("commits", &commit, true),
            ("commits", &qa, false),
            ("qa", &qa, true),
        ] {
            assert_eq!(defect(&m, kind, ids).is_none(), right, "{kind}");
        }
        for broken in
            [&files[..2], &files[1..], &[m.file_start, m.file_start][..], &[m.commit_start][..], &[40]]
        {
            assert!(defect(&m, "commits", broken).is_some());
        }
        assert!(defect(&m, "qa", &[m.file_start, m.snippets[1], m.file_end]).is_some());
        assert!(defect(&m, "qa", &[m.file_end]).is_some());
    }
}

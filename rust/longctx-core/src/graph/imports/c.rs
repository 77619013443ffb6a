//! C and C++ `#include`, read line by line: macros break syntax trees of C, the preprocessor's lines they leave alone.

use memchr::{memchr, memmem};

use crate::graph::EdgeKind;
use crate::graph::facts::{Form, Import, Links};

pub(super) fn extract(text: &str, links: &mut Links) {
    let mut in_comment = false;
    for (line, row) in text.split('\n').zip(1_u32..) {
        if in_comment {
            match memmem::find(line.as_bytes(), b"*/") {
                Some(end) => in_comment = opens_comment(&line[end + 2..]),
                None => continue,
            }
            continue;
        }
        let trimmed = line.trim_start();
        if let Some(directive) = trimmed.strip_prefix('#') {
            links.imports.extend(include(directive.trim_start(), row));
        }
        in_comment = memchr(b'/', trimmed.as_bytes()).is_some() && opens_comment(trimmed);
    }
}

fn include(directive: &str, line: u32) -> Option<Import> {
    let rest = directive.strip_prefix("include").or_else(|| directive.strip_prefix("import"))?;
    let rest = rest.strip_prefix("_next").unwrap_or(rest).trim_start();
    let (form, end) = match rest.as_bytes().first()? {
        b'"' => (Form::File, '"'),
        b'<' => (Form::Search, '>'),
        _ => return None,
    };
    let path = &rest[1..];
    let path = &path[..path.find(end)?];
    (!path.is_empty()).then(|| Import::new(line, EdgeKind::Include, form, path))
}

/// A block comment begins on this line and does not end on it.
fn opens_comment(line: &str) -> bool {
    let bytes = line.as_bytes();
    let mut at = 0;
    let mut quote = None;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            // Between digits an apostrophe separates them.
            (None, b'\'') if at > 0 && bytes[at - 1].is_ascii_alphanumeric() => {}
            (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
            (None, b'/') if bytes.get(at + 1) == Some(&b'/') => return false,
            (None, b'/') if bytes.get(at + 1) == Some(&b'*') => match memmem::find(&bytes[at + 2..], b"*/") {
                Some(end) => at += end + 3,
                None => return true,
            },
            _ => {}
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn included(text: &str) -> Vec<String> {
        let mut links = Links::default();
        extract(text, &mut links);
        links.imports.iter().map(|import| format!("{} {}", import.line, import.path)).collect()
    }

    #[test]
    fn includes_in_comments_do_not_count() {
        let text = "/* a\n#include \"no.h\"\n*/\n#include \"yes.h\" /* x */\n// #include \"no.h\"\n # include <z.h>\n";
        assert_eq!(included(text), ["4 yes.h", "6 z.h"]);
    }

    #[test]
    fn a_comment_that_begins_in_a_string_is_none() {
        assert_eq!(included("char *glob = \"/*\";\n#include \"a.h\"\n"), ["2 a.h"]);
        assert_eq!(included("int apostrophe = 1'000; /* x\n#include \"no.h\"\n*/\n"), Vec::<String>::new());
    }
}

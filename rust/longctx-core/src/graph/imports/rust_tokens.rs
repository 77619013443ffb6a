//! Rust text without a syntax tree: the trees of `use`, and the items and paths in the tokens of a macro call.

/// One name that a `use` brings in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The full path, with `self` at its end taken off.
    pub path: String,
    /// What it is called here.
    pub name: Box<str>,
    /// The path is a module whose every name is meant.
    pub glob: bool,
}

/// How deep braces in a `use` may go.
const MAX_DEPTH: usize = 32;

/// The leaves of a use tree: `a::{b, c::{self, d as e}, f::*}`.
pub(super) fn leaves(tree: &str) -> Vec<Leaf> {
    let clean = without_comments(tree);
    let mut out = Vec::new();
    grow(&clean, "", 0, &mut out);
    out
}

fn grow(tree: &str, prefix: &str, depth: usize, out: &mut Vec<Leaf>) {
    let tree = tree.trim();
    if tree.is_empty() || depth > MAX_DEPTH {
        return;
    }
    if let Some(open) = tree.find('{') {
        let head = tree[..open].trim();
        let inner = tree[open + 1..].trim_end().strip_suffix('}').unwrap_or(&tree[open + 1..]);
        let prefix = format!("{prefix}{}", compact(head));
        for part in split_commas(inner) {
            grow(part, &prefix, depth + 1, out);
        }
        return;
    }
    let (path, alias) = match tree.split_once(" as ") {
        Some((path, alias)) => (path, Some(alias.trim())),
        None => (tree, None),
    };
    let path = format!("{prefix}{}", compact(path));
    if let Some(module) = path.strip_suffix('*') {
        let module = module.strip_suffix("::").unwrap_or(module);
        out.push(Leaf { path: module.to_owned(), name: "*".into(), glob: true });
        return;
    }
    let path = path.strip_suffix("::self").unwrap_or(&path);
    let name = alias.unwrap_or_else(|| path.rsplit("::").next().unwrap_or(path));
    out.push(Leaf { path: path.to_owned(), name: name.into(), glob: false });
}

fn compact(path: &str) -> String {
    path.chars().filter(|c| !c.is_whitespace()).collect::<String>().replace("r#", "")
}

fn without_comments(text: &str) -> String {
    if !text.contains("//") && !text.contains("/*") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        out.push_str(&rest[..at]);
        let after = &rest[at..];
        rest = if after.starts_with("//") {
            &after[after.find('\n').unwrap_or(after.len())..]
        } else if after.starts_with("/*") {
            &after[after.find("*/").map_or(after.len(), |end| end + 2)..]
        } else {
            out.push('/');
            &after[1..]
        };
    }
    out.push_str(rest);
    out
}

/// Splits at the commas that stand in no braces.
fn split_commas(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut out = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                out.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

/// Something in the tokens of a macro call.
pub(super) enum Found<'s> {
    /// `mod a;` with the `#[path]` before it.
    Module(&'s str, Option<&'s str>),
    /// The tree of a `use`, and whether it is public.
    Use(&'s str, bool),
    /// A path of two names or more.
    Path(&'s str),
}

/// Goes through tokens; tells the line of each find, counted from the start of `text`, and the inline modules that it
/// stands in.
pub(super) fn scan<'s>(text: &'s str, mut found: impl FnMut(u32, &[&'s str], Found<'s>)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut row = 0;
    let mut public = false;
    let mut path_attribute = None;
    let mut depth = 0_usize;
    let mut modules: Vec<&str> = Vec::new();
    let mut opened: Vec<usize> = Vec::new();
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'\n' => {
                row += 1;
                at += 1;
            }
            b'{' => {
                depth += 1;
                at += 1;
            }
            b'}' => {
                if opened.last() == Some(&depth) {
                    opened.pop();
                    modules.pop();
                }
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'"' => {
                let end = string_end(bytes, at);
                row += newlines(&bytes[at..end]);
                at = end;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                let end = memchr::memmem::find(&bytes[at..], b"*/").map_or(bytes.len(), |end| at + end + 2);
                row += newlines(&bytes[at..end]);
                at = end;
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let end = path_end(bytes, at);
                let word = &text[at..end];
                let line = row;
                match word {
                    "pub" => public = true,
                    "mod" => {
                        let name_at = skip_space(bytes, end);
                        let name_end = path_end(bytes, name_at);
                        let name = &text[name_at..name_end];
                        match bytes.get(skip_space(bytes, name_end)) {
                            Some(b';') if !name.is_empty() => {
                                found(line, &modules, Found::Module(name, path_attribute.take()));
                            }
                            Some(b'{') if !name.is_empty() => {
                                modules.push(name);
                                opened.push(depth + 1);
                            }
                            _ => {}
                        }
                        public = false;
                    }
                    "use" => {
                        let stop = memchr::memchr(b';', &bytes[end..]).map_or(end, |stop| end + stop);
                        // Anything else than a use tree here is the word `use` in a macro's own language.
                        if stop > end && !bytes[end..stop].iter().any(|byte| b"()=\"".contains(byte)) {
                            found(line, &modules, Found::Use(&text[end..stop], public));
                            row += newlines(&bytes[at..stop]);
                            at = stop;
                            public = false;
                            continue;
                        }
                        public = false;
                    }
                    "path" => path_attribute = quoted_value(text, end),
                    word if word.contains("::") => found(line, &modules, Found::Path(word)),
                    // `pub(crate)` leaves `public` as it is.
                    "crate" | "super" | "in" | "self" => {}
                    _ => public = false,
                }
                at = end;
            }
            _ => at += 1,
        }
    }
}

fn newlines(bytes: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn skip_space(bytes: &[u8], start: usize) -> usize {
    start + bytes[start..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The end of a name, or of names joined by `::`.
fn path_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        at += bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let joined =
            bytes[at..].starts_with(b"::") && bytes.get(at + 2).is_some_and(|byte| is_word_start(*byte));
        if !joined {
            return at;
        }
        at += 2;
    }
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// `= "value"` at `at`.
fn quoted_value(text: &str, at: usize) -> Option<&str> {
    text[at..].trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(tree: &str) -> Vec<String> {
        leaves(tree)
            .into_iter()
            .map(|leaf| format!("{}{}={}", leaf.path, if leaf.glob { "::*" } else { "" }, leaf.name))
            .collect()
    }

    #[test]
    fn use_trees_come_apart_into_their_leaves() {
        assert_eq!(
            paths("a::{self, b::{c, d as e}, // note, with { braces\n f::*}"),
            ["a=a", "a::b::c=c", "a::b::d=e", "a::f::*=*"]
        );
        assert_eq!(paths("::x::r#type"), ["::x::type=type"]);
        assert_eq!(paths("{a::b, c}"), ["a::b=b", "c=c"]);
    }

    #[test]
    fn inline_modules_in_macro_calls_are_known() {
        let mut seen = Vec::new();
        scan("{ mod a { mod b { use super::x; } mod c; } use y; }", |_, modules, found| {
            if let Found::Use(path, _) | Found::Module(path, _) = found {
                seen.push(format!("{}:{}", modules.join("::"), path.trim()));
            }
        });
        assert_eq!(seen, ["a::b:super::x", "a:c", ":y"]);
    }

    #[test]
    fn items_and_paths_in_macro_calls_are_found() {
        let mut seen = Vec::new();
        let text = "{\n  #[path = \"unix/x.rs\"]\n  pub(crate) mod x;\n pub use crate::a::{b,\n c};\n f(\"no::no\", crate::d::e) }";
        scan(text, |row, _, found| {
            seen.push(match found {
                Found::Module(name, path) => format!("{row} mod {name} {path:?}"),
                Found::Use(tree, public) => format!("{row} use {public} {}", tree.trim().replace('\n', "")),
                Found::Path(path) => format!("{row} {path}"),
            });
        });
        assert_eq!(seen, ["2 mod x Some(\"unix/x.rs\")", "3 use true crate::a::{b, c}", "5 crate::d::e"]);
    }
}

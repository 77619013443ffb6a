//! Generated files, by their path.

/// Whether the path alone says that a program wrote the file.
pub(in crate::source) fn by_path(path: &[u8]) -> bool {
    in_generated_folder(path)
        || is_generated_name(super::name(path))
        || memchr::memmem::find(path, b"Cargo.toml.orig").is_some()
}

fn in_generated_folder(path: &[u8]) -> bool {
    let Some(slash) = memchr::memrchr(b'/', path) else { return false };
    let mut above: &[u8] = b"";
    let mut next = 0;
    for part in path[..slash].split(|&byte| byte == b'/') {
        next += part.len() + 1;
        let found = match part {
            b".idea" | b"Pods" | b"htmlcov" => true,
            b"Build" => above == b"Carthage",
            _ => {
                part.starts_with(b".pnp.")
                    || part.ends_with(b"__generated__")
                    || part.ends_with(b"node_modules")
                    || part.ends_with(b"Godeps")
                    || part.ends_with(b"vendor") && is_domain(&path[next..])
            }
        };
        if found {
            return true;
        }
        above = part;
    }
    above == b".sqlx" && is_sqlx_query(&path[slash + 1..])
}

/// Whether a path below `vendor` begins with a domain, as Go's vendored packages do.
fn is_domain(path: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 9] = [b"com", b"edu", b"gov", b"in", b"me", b"net", b"org", b"fm", b"io"];
    let mut rest = path;
    loop {
        let label = rest.iter().take_while(|&&byte| byte.is_ascii_alphanumeric() || byte == b'-').count();
        if label == 0 || rest[0] == b'-' || rest[label - 1] == b'-' || rest.get(label) != Some(&b'.') {
            return false;
        }
        rest = &rest[label + 1..];
        if ENDINGS.iter().any(|ending| rest.starts_with(ending)) {
            return true;
        }
    }
}

fn is_sqlx_query(name: &[u8]) -> bool {
    name.strip_prefix(b"query-").and_then(|rest| rest.strip_suffix(b".json")).is_some_and(|hash| {
        hash.len() == 64 && hash.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn is_generated_name(name: &[u8]) -> bool {
    let ends =
        |end: &[u8]| name.len() >= end.len() && name[name.len() - end.len()..].eq_ignore_ascii_case(end);
    match super::extension(name) {
        b".nib" | b".xcworkspacedata" | b".xcuserstate" => return true,
        b".c" | b".h" | b".php" => {
            let stem = &name[..name.len() - super::extension(name).len()];
            return stem.len() > 4 && stem.ends_with(b".zep");
        }
        _ => {}
    }
    name == b".secrets.baseline"
        || name.starts_with(b".pnp.")
        || ends(b".designer.cs")
        || ends(b".designer.vb")
        || ends(b".feature.cs")
        || ends(b"_tlb.pas")
        || [&b"gradlew"[..], b"gradlew.bat", b"mvnw", b"mvnw.cmd"]
            .iter()
            .any(|w| name.eq_ignore_ascii_case(w))
}

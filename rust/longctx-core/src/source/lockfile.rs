//! Lockfiles of package managers, by name.
//!
//! Those that linguist counts as generated, and by the same token those of the other common package managers.

/// Whole names.
const NAMES: &[&str] = &[
    "bun.lock",
    "bun.lockb",
    "Cartfile.resolved",
    "buildscript-gradle.lockfile",
    "cabal.project.freeze",
    "conan.lock",
    "flake.lock",
    "Gemfile.lock",
    "go.sum",
    "go.work.sum",
    "gradle.lockfile",
    "mix.lock",
    "MODULE.bazel.lock",
    "packages.lock.json",
    "paket.lock",
    "Podfile.lock",
    "pubspec.lock",
    "pylock.toml",
    "rebar.lock",
    "shard.lock",
    "stack.yaml.lock",
    "yarn.lock",
    ".terraform.lock.hcl",
];

/// Names that linguist looks for anywhere in a path.
const ANYWHERE: &[&str] = &[
    "composer.lock",
    "Cargo.lock",
    "deno.lock",
    "Gopkg.lock",
    "glide.lock",
    "Package.resolved",
    "poetry.lock",
    "pdm.lock",
    "uv.lock",
    "pixi.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "Pipfile.lock",
];

/// Whether the path is that of a lockfile.
pub(super) fn is_lockfile(path: &[u8]) -> bool {
    // Every rule needs one of these; most paths have none.
    let may_be = memchr::memmem::find(path, b"lock").is_some()
        || memchr::memmem::find(path, b".resolved").is_some()
        || path.ends_with(b".sum")
        || path.ends_with(b".toml")
        || path.ends_with(b".freeze")
        || memchr::memmem::find(path, b"shrinkwrap").is_some();
    if !may_be {
        return false;
    }
    let name = super::generated::name(path);
    NAMES.iter().any(|known| known.as_bytes() == name)
        || ANYWHERE.iter().any(|known| memchr::memmem::find(path, known.as_bytes()).is_some())
        || is_esy(name)
        || is_mise(name)
        || is_julia_manifest(name)
}

/// `esy.lock`, or a word before it. As in linguist's pattern the dot may be any character.
fn is_esy(name: &[u8]) -> bool {
    let Some(at) = name.len().checked_sub(8) else { return false };
    if !name[at..].starts_with(b"esy") || !name.ends_with(b"lock") {
        return false;
    }
    match name[..at].strip_suffix(b".") {
        None => at == 0,
        Some(word) => !word.is_empty() && word.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_'),
    }
}

fn is_mise(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"mise").and_then(|rest| rest.strip_suffix(b".lock")) else {
        return false;
    };
    rest.is_empty() || (rest.len() > 1 && rest[0] == b'.')
}

/// `Manifest.toml`, `JuliaManifest.toml`, `Manifest-v1.11.toml`.
fn is_julia_manifest(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"Julia").unwrap_or(name);
    let Some(rest) = name.strip_prefix(b"Manifest").and_then(|rest| rest.strip_suffix(b".toml")) else {
        return false;
    };
    let Some(version) = rest.strip_prefix(b"-v") else { return rest.is_empty() };
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let mut parts = version.split(|&byte| byte == b'.');
    matches!((parts.next(), parts.next(), parts.next()), (Some(a), Some(b), None) if digits(a) && digits(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lockfiles_are_known_by_name() {
        for path in [
            "Cargo.lock",
            "a/package-lock.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "go.sum",
            "esy.lock",
            "x/dev.esy.lock",
            "mise.lock",
            "mise.ci.lock",
            "Manifest.toml",
            "JuliaManifest-v1.11.toml",
            ".terraform.lock.hcl",
            "Gemfile.lock",
            "Package.resolved",
        ] {
            assert!(is_lockfile(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn other_names_are_not() {
        for path in [
            "src/lock.rs",
            "spinlock.c",
            "Cargo.toml",
            "block.toml",
            "miser.lock",
            "pyproject.toml",
            "a.sum",
            "flake.lock/a",
        ] {
            assert!(!is_lockfile(path.as_bytes()), "{path}");
        }
    }
}

//! The include and exclude globs of the user.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::WalkOptions;
use super::rules::native;
use crate::{Error, Result};

/// The compiled globs. Paths are relative to the root of the listing.
pub(super) struct Globs {
    include: Option<Gitignore>,
    exclude: Gitignore,
}

impl Globs {
    /// Fails with [`Error::Usage`], naming the glob, if one cannot be parsed.
    pub(super) fn new(options: &WalkOptions) -> Result<Self> {
        let include = match options.include.as_slice() {
            [] => None,
            globs => Some(compile(globs, "--include")?),
        };
        Ok(Self { include, exclude: compile(&options.exclude, "--exclude")? })
    }

    /// Whether an exclude glob matches.
    pub(super) fn excluded(&self, path: &[u8], folder: bool) -> bool {
        !self.exclude.is_empty() && self.exclude.matched(native(path), folder).is_ignore()
    }

    /// Whether the include globs let it in; `above`: whether they let in the folder it lies in.
    pub(super) fn included(&self, path: &[u8], folder: bool, above: bool) -> bool {
        match &self.include {
            None => true,
            Some(include) => match include.matched(native(path), folder) {
                ignore::Match::None => above,
                ignore::Match::Ignore(_) => true,
                ignore::Match::Whitelist(_) => false,
            },
        }
    }

    /// Whether the root itself is let in.
    pub(super) fn root_included(&self) -> bool {
        self.include.is_none()
    }
}

fn compile(globs: &[String], option: &str) -> Result<Gitignore> {
    let mut builder = GitignoreBuilder::new("");
    builder.allow_unclosed_class(false);
    for glob in globs {
        // A glob on the command line is never a comment.
        let line = if glob.starts_with('#') { format!("\\{glob}") } else { glob.clone() };
        builder
            .add_line(None, &line)
            .map_err(|error| Error::usage(format!("{option} {glob:?} is not a glob: {error}")))?;
    }
    builder.build().map_err(|error| Error::usage(format!("the {option} globs cannot be used: {error}")))
}

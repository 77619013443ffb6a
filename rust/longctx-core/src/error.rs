//! The one error type of the engine. Every variant names the path, commit or line it is about.

use std::io;
use std::path::{Path, PathBuf};

/// Result of the engine's fallible calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, where, and (through [`Error::hint`]) what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {action} {}: {}", path.display(), describe(source))]
    Io {
        /// What was attempted, as a verb: "read", "write", "create".
        action: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },

    /// The caller asked for something that makes no sense; nothing was started.
    #[error("{message}")]
    Usage {
        /// One sentence: what is wrong and where.
        message: String,
        /// What to do instead, if there is one clear thing.
        hint: Option<String>,
    },

    /// A repository could not be opened or read as a whole.
    #[error("{}: {message}", path.display())]
    Repository {
        /// The repository's folder.
        path: PathBuf,
        /// One clause: what is wrong with it.
        message: String,
    },

    /// A `tokenizer.json` cannot be used.
    #[error("tokenizer {}: {message}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// One clause: what is wrong with it.
        message: String,
    },

    /// A dataset on disk is not whole or not what its manifest says.
    #[error("dataset {}: {message}", path.display())]
    Dataset {
        /// The file within the dataset, or its folder.
        path: PathBuf,
        /// One clause: what is wrong with it.
        message: String,
    },

    /// Ctrl-C, or the caller's cancel flag.
    #[error("interrupted")]
    Interrupted,
}

/// How a caller should react to an [`Error`]; the command's exit code follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request was wrong: exit code 2.
    Usage,
    /// The request was right and failed: exit code 1.
    Failure,
    /// The user stopped it: exit code 130.
    Interrupted,
}

impl Error {
    /// An [`Error::Io`] about `path`.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_path_buf(), source }
    }

    /// An [`Error::Usage`] without a hint.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// An [`Error::Usage`] that says what to do instead.
    pub fn usage_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// How a caller should react.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Usage { .. } | Self::Tokenizer { .. } => ErrorKind::Usage,
            Self::Interrupted => ErrorKind::Interrupted,
            Self::Io { .. } | Self::Repository { .. } | Self::Dataset { .. } => ErrorKind::Failure,
        }
    }

    /// What the user can do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Usage { hint, .. } => hint.as_deref(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some space or choose another output folder with -o")
            }
            _ => None,
        }
    }
}

/// The system's reason without the "(os error 2)" that means nothing to a user.
fn describe(source: &io::Error) -> String {
    let text = source.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_name_action_and_path_without_error_numbers() {
        let error = Error::io("read", "a/b", io::Error::from_raw_os_error(2));
        assert_eq!(error.to_string(), "cannot read a/b: no such file or directory");
        assert_eq!(error.kind(), ErrorKind::Failure);
    }

    #[test]
    fn a_full_disk_comes_with_advice() {
        let error = Error::io("write", "x", io::Error::from_raw_os_error(28));
        assert!(error.hint().is_some_and(|hint| hint.contains("-o")));
    }
}

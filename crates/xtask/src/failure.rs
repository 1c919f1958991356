//! What can go wrong in a command, and the exit code that says so.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something that the command checks is not as it should be; the text is the list of findings.
    #[error("{0}")]
    Findings(String),
    #[error("{operation} {}: {source}", path.display())]
    File {
        operation: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: {message}", path.display())]
    Content { path: PathBuf, message: String },
    /// The machine lacks something that only a person with more rights can add.
    #[error("{0}")]
    Missing(String),
    /// Everything has been said already.
    #[error("failed")]
    Reported,
    #[error("{program}: {message}")]
    Tool { program: String, message: String },
}

impl Failure {
    pub(crate) fn file(
        operation: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File {
            operation,
            path: path.to_path_buf(),
            source,
        }
    }

    pub(crate) fn content(path: &Path, message: impl ToString) -> Self {
        Self::Content {
            path: path.to_path_buf(),
            message: message.to_string(),
        }
    }

    /// 2 asks for help from outside (install something); 1 is every other failure.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Missing(_) => ExitCode::from(2),
            Self::Content { .. }
            | Self::File { .. }
            | Self::Findings(_)
            | Self::Reported
            | Self::Tool { .. } => ExitCode::FAILURE,
        }
    }
}

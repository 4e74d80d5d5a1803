use model::{AppId, Explain, Problem};
use std::{io, path::PathBuf};

/// Why an app could not be connected or disconnected. Nothing was written when one of these is returned.
#[derive(Debug, thiserror::Error)]
pub enum AppsError {
    /// No data file has this id.
    #[error("no app is known as {0}")]
    Unknown(AppId),
    /// The app can't reach Bellhop that way.
    #[error("{app} can't be connected that way")]
    Method {
        /// The app's name.
        app: String,
    },
    /// There is no place for the app's config on this system.
    #[error("where {app} keeps its config on this system is not known")]
    NoPlace {
        /// The app's name.
        app: String,
    },
    /// The config is no valid document.
    #[error("{file}:{line}:{column}: {what}")]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What the parser says; never a piece of the file.
        what: String,
    },
    /// The config is not UTF-8.
    #[error("{file}:{line}: not UTF-8")]
    Encoding {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The document is valid, but something else stands where entries belong.
    #[error("{file}:{line}: {key} is no group of entries")]
    Form {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key; empty for the whole document.
        key: String,
    },
    /// A key that matters stands there twice: which one counts, only the app knows.
    #[error("{file}:{line}: {key} stands there twice")]
    Twice {
        /// The file.
        file: PathBuf,
        /// The line of the second, from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// An entry named `bellhop` that Bellhop did not write.
    #[error("{file}: an entry named bellhop is not ours")]
    Taken {
        /// The app's name.
        app: String,
        /// The file.
        file: PathBuf,
    },
    /// The file is marked read-only.
    #[error("{file} is read-only")]
    ReadOnly {
        /// The file.
        file: PathBuf,
    },
    /// The system does not let Bellhop at the file or its folder.
    #[error("no permission for {file}")]
    Denied {
        /// The file.
        file: PathBuf,
    },
    /// Another program has the file locked.
    #[error("{file} is in use")]
    Busy {
        /// The file.
        file: PathBuf,
    },
    /// The file changed between reading and writing.
    #[error("{file} changed meanwhile")]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// Something that is no file stands in the config's place.
    #[error("{file} is no file")]
    NoFile {
        /// Its path.
        file: PathBuf,
    },
    /// The file is larger than any config.
    #[error("{file} is too large")]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// No space is left, or the disk failed.
    #[error("{file}: {source}")]
    Disk {
        /// The file.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A path of ours can't be written into a config: it is no text.
    #[error("{path} is no text")]
    Unwritable {
        /// The path.
        path: PathBuf,
    },
    /// The edit would have changed something else too; so it was not made.
    #[error("{file}: the edit would touch more than our entry")]
    Unsafe {
        /// The file.
        file: PathBuf,
    },
}

impl AppsError {
    /// What the system's error on `file` means.
    pub(crate) fn system(file: impl Into<PathBuf>, source: io::Error) -> Self {
        let file = file.into();
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::Denied { file },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { file },
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => Self::NoFile { file },
            io::ErrorKind::ResourceBusy | io::ErrorKind::ExecutableFileBusy => Self::Busy { file },
            // ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION have no kind of their own.
            _ if cfg!(windows) && matches!(source.raw_os_error(), Some(32 | 33)) => Self::Busy { file },
            _ => Self::Disk { file, source },
        }
    }
}

impl Explain for AppsError {
    fn problem(&self) -> Problem {
        const AGAIN: &str = "Then connect again.";
        match self {
            Self::Unknown(id) => Problem::new(
                "apps.unknown",
                format!("Bellhop knows no app named “{id}”."),
                "The list of apps shows the names that can be used.",
            )
            .with("app", id),
            Self::Method { app } => Problem::new(
                "apps.method",
                format!("{app} can’t be connected that way."),
                "Connect it without choosing how; Bellhop then takes the way that works.",
            )
            .with("app", app),
            Self::NoPlace { app } => Problem::new(
                "apps.no_place",
                format!("Bellhop doesn’t know where {app} keeps its settings on this computer."),
                "Start the app once, then connect again.",
            )
            .with("app", app),
            Self::Syntax { file, line, column, what } => Problem::new(
                "apps.syntax",
                format!(
                    "The settings file {} has a mistake in line {line}, column {column}: {what}.",
                    file.display()
                ),
                format!("Open the file and correct that line; Bellhop has not touched it. {AGAIN}"),
            )
            .with("file", file.display())
            .with("line", line)
            .with("column", column),
            Self::Encoding { file, line } => Problem::new(
                "apps.encoding",
                format!(
                    "The settings file {} holds characters that are no text, in line {line}.",
                    file.display()
                ),
                format!("Open the file, save it as UTF-8; Bellhop has not touched it. {AGAIN}"),
            )
            .with("file", file.display())
            .with("line", line),
            Self::Form { file, line, key } if key.is_empty() => Problem::new(
                "apps.form",
                format!(
                    "The settings file {} (line {line}) is not built as the app expects it.",
                    file.display()
                ),
                format!("Open the file and correct it; Bellhop has not touched it. {AGAIN}"),
            )
            .with("file", file.display())
            .with("line", line),
            Self::Form { file, line, key } => Problem::new(
                "apps.form",
                format!(
                    "“{key}” in {}, line {line}, is not the list of entries it should be.",
                    file.display()
                ),
                format!("Open the file and correct that line; Bellhop has not touched it. {AGAIN}"),
            )
            .with("file", file.display())
            .with("line", line)
            .with("key", key),
            Self::Twice { file, line, key } => Problem::new(
                "apps.twice",
                format!("“{key}” stands twice in {}, the second time in line {line}.", file.display()),
                format!("Open the file and delete one of the two; Bellhop has not touched it. {AGAIN}"),
            )
            .with("file", file.display())
            .with("line", line)
            .with("key", key),
            Self::Taken { app, file } => Problem::new(
                "apps.taken",
                format!("{app} already has an entry named “bellhop” that Bellhop did not write."),
                format!("Rename or delete that entry in {}. {AGAIN}", file.display()),
            )
            .with("app", app)
            .with("file", file.display()),
            Self::ReadOnly { file } => Problem::new(
                "apps.read_only",
                format!("The settings file {} is write-protected.", file.display()),
                format!("Take the protection off the file. {AGAIN}"),
            )
            .with("file", file.display()),
            Self::Denied { file } => Problem::new(
                "apps.denied",
                format!("Bellhop may not change {}.", file.display()),
                format!("Give yourself the right to write in that folder. {AGAIN}"),
            )
            .with("file", file.display()),
            Self::Busy { file } => Problem::new(
                "apps.busy",
                format!("Another program is using {} right now.", file.display()),
                format!("Close the app. {AGAIN}"),
            )
            .with("file", file.display()),
            Self::Changed { file } => Problem::new(
                "apps.changed",
                format!("{} was changed by another program just now.", file.display()),
                "Look at the change again, then connect.",
            )
            .with("file", file.display()),
            Self::NoFile { file } => Problem::new(
                "apps.no_file",
                format!("Where the settings file {} should be, there is something else.", file.display()),
                format!("Move it away. {AGAIN}"),
            )
            .with("file", file.display()),
            Self::TooLarge { file } => Problem::new(
                "apps.too_large",
                format!("{} is far larger than a settings file can be.", file.display()),
                "Check what the file is; Bellhop has not touched it.",
            )
            .with("file", file.display()),
            Self::Disk { file, source } if source.kind() == io::ErrorKind::StorageFull => Problem::new(
                "apps.full",
                "There is no space left on the disk.",
                format!("Make some room; {} is as it was. {AGAIN}", file.display()),
            )
            .with("file", file.display()),
            Self::Disk { file, source } => Problem::new(
                "apps.disk",
                format!("{} could not be read or written: {source}.", file.display()),
                "Check the disk, then connect again.",
            )
            .with("file", file.display()),
            Self::Unwritable { path } => Problem::new(
                "apps.unwritable",
                format!(
                    "The name of {} holds characters that can’t stand in a settings file.",
                    path.display()
                ),
                "Rename that folder, or move Bellhop to another one.",
            )
            .with("file", path.display()),
            Self::Unsafe { file } => Problem::new(
                "apps.unsafe",
                format!("Bellhop can’t change {} without touching something else in it.", file.display()),
                "Add the entry by hand: the app’s guide shows it. Bellhop has not touched the file.",
            )
            .with("file", file.display()),
        }
    }
}

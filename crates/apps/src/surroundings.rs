use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

/// The system an app's files are looked for on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux and other systems that follow the XDG base directories.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

impl Platform {
    /// The one this program was built for.
    pub const fn here() -> Self {
        if cfg!(target_os = "macos") {
            Self::Macos
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Linux
        }
    }
}

/// All that this room knows of the computer.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The person's home folder: what `~` means.
    pub home_dir: PathBuf,
    /// Variables that move configs and programs, such as `CLAUDE_CONFIG_DIR`, `CODEX_HOME`,
    /// `XDG_CONFIG_HOME` and `APPDATA`. A variable that is empty counts as missing.
    pub env: BTreeMap<String, PathBuf>,
    /// The folders programs are looked for in, in order.
    pub path: Vec<PathBuf>,
    /// The absolute path of the program `bellhop`, which apps start as the bridge.
    pub bridge: PathBuf,
    /// Bellhop's own home, told to the bridge: apps start it with almost no environment.
    pub bellhop_home: PathBuf,
    /// The address apps use, such as `http://127.0.0.1:27440/mcp`.
    pub endpoint: String,
    /// The folder for copies of configs as they were before Bellhop first touched them. Made when needed, for
    /// its owner only: those files may hold keys.
    pub backups: PathBuf,
}

/// The variables that data files may name.
const VARIABLES: [&str; 10] = [
    "APPDATA",
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "LOCALAPPDATA",
    "ProgramFiles",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "npm_config_prefix",
];

impl Surroundings {
    /// The surroundings of this process: its variables and its `PATH`.
    pub fn of_process(
        home_dir: impl Into<PathBuf>,
        bridge: impl Into<PathBuf>,
        bellhop_home: impl Into<PathBuf>,
        endpoint: impl Into<String>,
        backups: impl Into<PathBuf>,
    ) -> Self {
        let env = VARIABLES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), PathBuf::from(env::var_os(name)?))))
            .collect();
        let path = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
        Self {
            home_dir: home_dir.into(),
            env,
            path,
            bridge: bridge.into(),
            bellhop_home: bellhop_home.into(),
            endpoint: endpoint.into(),
            backups: backups.into(),
        }
    }

    /// The path that a data file's `template` means: `~` is the home folder, a part that begins with `$` a
    /// variable. `None` when that variable is missing, so that the next template counts.
    pub(crate) fn expand(&self, template: &str) -> Option<PathBuf> {
        let mut parts = template.split('/');
        let first = parts.next()?;
        let mut path = if first == "~" {
            self.home_dir.clone()
        } else if let Some(name) = first.strip_prefix('$') {
            self.variable(name)?.to_owned()
        } else if first.is_empty() {
            PathBuf::from("/")
        } else {
            // "C:" and the like: joined to nothing, it would be relative to that drive's current folder.
            PathBuf::from(format!("{first}/"))
        };
        path.extend(parts);
        Some(path)
    }

    /// A variable, unless it is missing, empty or relative: relative to what, only the app would know.
    pub(crate) fn variable(&self, name: &str) -> Option<&Path> {
        let value = self.env.get(name)?;
        value.is_absolute().then_some(value.as_path())
    }
}

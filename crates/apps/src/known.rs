use crate::Platform;
use model::AppId;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// How an app reaches Bellhop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The loopback endpoint, over HTTP.
    Http,
    /// The bridge, over stdio.
    Bridge,
}

/// The language of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// JSON, as the app reads it: a comment is a mistake.
    Json,
    /// JSON with comments and trailing commas.
    Jsonc,
    /// TOML.
    Toml,
}

/// What is known of an app: one file under `data/`.
///
/// In paths `~` is the home folder, and a first part that begins with `$` a variable of the environment; a
/// path whose variable is missing does not count. `/` separates on every platform.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// Its id, which is the file's name too.
    pub(crate) id: AppId,
    /// Its name, as its makers write it.
    pub(crate) name: String,
    /// The day somebody last compared this file with the app or its documentation.
    #[cfg_attr(not(test), allow(dead_code, reason = "read by people and by the tests"))]
    pub(crate) checked: String,
    /// The config's language.
    pub(crate) format: Format,
    /// The keys that lead to the group of entries.
    pub(crate) entries: Vec<String>,
    /// How the app reaches Bellhop unless the person chooses otherwise.
    pub(crate) default: Method,
    next: Next,
    /// What the app calls itself: `clientInfo.name`, and the `client_name` it registers.
    pub(crate) client_names: Vec<String>,
    /// The names of its processes.
    pub(crate) programs: Vec<String>,
    /// How redirects that nobody else uses begin.
    pub(crate) redirects: Vec<String>,
    /// The entry for the endpoint, if the app takes one.
    pub(crate) http: Option<Map<String, Value>>,
    /// The entry for the bridge, if the app takes one.
    pub(crate) bridge: Option<Map<String, Value>>,
    linux: Places,
    macos: Places,
    windows: Places,
}

/// What the person does after the config was written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Next {
    http: String,
    bridge: String,
}

/// Where an app and its config are on one platform.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Places {
    /// The config: the first that counts.
    pub(crate) config: Vec<ConfigPath>,
    /// Programs on the `PATH` that mean it is installed.
    pub(crate) on_path: Vec<String>,
    /// Desktop entries that mean it is installed.
    pub(crate) desktop_files: Vec<String>,
    /// Files and folders that mean it is installed; one part may hold a `*`.
    pub(crate) places: Vec<String>,
}

/// A path a config may have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigPath {
    /// The path.
    pub(crate) path: String,
    /// It only counts where this exists.
    #[serde(rename = "if")]
    pub(crate) only_if: Option<String>,
}

impl Known {
    /// The ways it can reach Bellhop, its default first.
    pub(crate) fn methods(&self) -> Vec<Method> {
        let mut methods = vec![self.default];
        methods.extend(
            [Method::Http, Method::Bridge]
                .into_iter()
                .filter(|m| *m != self.default && self.shape(*m).is_some()),
        );
        methods
    }

    /// What an entry looks like, with `{…}` for what depends on the computer.
    pub(crate) fn shape(&self, method: Method) -> Option<&Map<String, Value>> {
        match method {
            Method::Http => self.http.as_ref(),
            Method::Bridge => self.bridge.as_ref(),
        }
    }

    /// What the person does after an entry was written.
    pub(crate) fn next(&self, method: Method) -> String {
        match method {
            Method::Http => self.next.http.clone(),
            Method::Bridge => self.next.bridge.clone(),
        }
    }

    /// What the person does after the entry was taken out.
    pub(crate) fn next_after_undo(&self) -> String {
        format!("Start {} again: until then it may go on looking for Bellhop.", self.name)
    }

    /// Where it is on this platform.
    pub(crate) fn places(&self, platform: Platform) -> &Places {
        match platform {
            Platform::Linux => &self.linux,
            Platform::Macos => &self.macos,
            Platform::Windows => &self.windows,
        }
    }
}

const FILES: [(&str, &str); 4] = [
    ("claude-code", include_str!("../data/claude-code.toml")),
    ("claude-desktop", include_str!("../data/claude-desktop.toml")),
    ("codex", include_str!("../data/codex.toml")),
    ("cursor", include_str!("../data/cursor.toml")),
];

/// All apps Bellhop knows.
pub(crate) fn all() -> &'static [Known] {
    // The files are part of the program, and a test reads each of them: a mistake in one never ships.
    static KNOWN: LazyLock<Vec<Known>> =
        LazyLock::new(|| FILES.iter().filter_map(|(_, text)| toml::from_str(text).ok()).collect());
    &KNOWN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_file_is_read_and_says_what_it_must() {
        for (id, text) in FILES {
            let known: Known = toml::from_str(text).unwrap_or_else(|e| panic!("{id}: {e}"));
            assert_eq!(known.id.as_str(), id);
            assert!(known.checked.parse::<toml::value::Datetime>().is_ok(), "{id}: checked");
            assert!(known.shape(known.default).is_some(), "{id}: the default has no shape");
            assert!(!known.entries.is_empty(), "{id}");
            for method in known.methods() {
                assert!(known.next(method).ends_with('.'), "{id}: what comes next is no sentence");
            }
            for platform in [Platform::Linux, Platform::Macos, Platform::Windows] {
                let places = known.places(platform);
                let config = places.config.last().unwrap_or_else(|| panic!("{id}: no config"));
                assert!(config.only_if.is_none(), "{id}: the last config must always count");
                assert!(!places.places.is_empty(), "{id}");
            }
        }
        assert_eq!(all().len(), FILES.len());
    }

    #[test]
    fn every_file_in_the_data_folder_is_part_of_the_program() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, FILES.map(|(id, _)| id.to_owned()));
    }

    #[test]
    fn claude_desktop_is_offered_the_bridge_alone() {
        let known = all().iter().find(|k| k.id.as_str() == "claude-desktop").unwrap();
        assert_eq!(known.methods(), [Method::Bridge]);
    }
}

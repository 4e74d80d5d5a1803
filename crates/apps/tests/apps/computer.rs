use bellhop_apps::{Apps, Method, Platform, Surroundings};
use model::AppId;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A computer with nothing on it but a home folder. Gone when dropped.
pub(crate) struct Computer {
    folder: TempDir,
    pub(crate) surroundings: Surroundings,
    pub(crate) platform: Platform,
}

impl Computer {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let surroundings = Surroundings {
            home_dir: at("home"),
            // Desktop entries of the machine the tests run on must not count.
            env: BTreeMap::from([("XDG_DATA_DIRS".to_owned(), at("share"))]),
            path: vec![at("bin")],
            // Both are written into configs as they are, and the same in every run.
            bridge: "/opt/Bell \"hop\"/bellhop".into(),
            bellhop_home: "/home/jürgen müller/.local/share/bellhop".into(),
            endpoint: "http://127.0.0.1:27440/mcp".to_owned(),
            backups: at("bellhop/backups"),
        };
        fs::create_dir(&surroundings.home_dir).unwrap();
        fs::create_dir(at("bin")).unwrap();
        Self { folder, surroundings, platform: Platform::Linux }
    }

    pub(crate) fn apps(&self) -> Apps {
        Apps::on(self.platform, self.surroundings.clone())
    }

    /// A path in the home folder.
    pub(crate) fn home(&self, path: &str) -> PathBuf {
        self.surroundings.home_dir.join(path)
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The config of an app.
    pub(crate) fn config(&self, app: &str) -> PathBuf {
        self.apps().get(&app.into()).unwrap().file.unwrap()
    }

    pub(crate) fn write(&self, app: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let config = self.config(app);
        fs::create_dir_all(config.parent().unwrap()).unwrap();
        fs::write(&config, content).unwrap();
        config
    }

    /// Everything below the home folder, as paths and contents.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut seen = BTreeMap::new();
        walk(&self.surroundings.home_dir, &mut seen);
        seen
    }
}

fn walk(folder: &Path, seen: &mut BTreeMap<PathBuf, Option<Vec<u8>>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            seen.insert(path.clone(), None);
            walk(&path, seen);
        } else {
            seen.insert(path.clone(), Some(fs::read(&path).unwrap()));
        }
    }
}

pub(crate) fn id(app: &str) -> AppId {
    app.into()
}

pub(crate) const BOTH: [Option<Method>; 3] = [None, Some(Method::Http), Some(Method::Bridge)];

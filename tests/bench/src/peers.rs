//! The peers: other programs that bring a remote MCP server to an app, as their own documents start them.

use crate::{
    message::Era,
    subject::{Reach, Subject},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A peer, and how it is started.
struct Peer {
    key: &'static str,
    program: Vec<PathBuf>,
    args: &'static [&'static str],
    /// Where its version stands.
    version: Option<String>,
}

/// All of them, in front of this endpoint. `home` is where they may keep what they like.
pub(crate) fn peers(url: &str, home: &Path) -> Vec<Subject> {
    all().into_iter().map(|peer| peer.subject(url, home)).collect()
}

fn all() -> [Peer; 5] {
    let node = here("node_modules/node/bin/node");
    let npm = |key: &'static str, script: &str, args| {
        let manifest = fs::read_to_string(here("node_modules").join(key).join("package.json"));
        let version = manifest.ok().and_then(|text| {
            let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
            Some(manifest["version"].as_str()?.to_owned())
        });
        let script = here("node_modules").join(key).join(script);
        Peer { key, program: vec![node.clone(), script], args, version }
    };
    let pypi = |key: &'static str, args| {
        let version = version_in(&fetched("python/installed.txt"), &format!("{key}=="));
        Peer { key, program: vec![fetched("python/bin").join(key)], args, version }
    };
    [
        Peer {
            key: "hyper-mcp-remote",
            program: vec![fetched("bin/hyper-mcp-remote")],
            args: &["URL"],
            version: version_in(&fetched(".crates.toml"), "\"hyper-mcp-remote "),
        },
        pypi("mcp-stdio", &["URL"]),
        npm("supergateway", "dist/index.js", &["--streamableHttp", "URL", "--logLevel", "none"]),
        npm("mcp-remote", "dist/proxy.js", &["URL", "--allow-http", "--silent"]),
        pypi("mcp-proxy", &["--transport", "streamablehttp", "URL"]),
    ]
}

impl Peer {
    fn subject(self, url: &str, home: &Path) -> Subject {
        let missing = self.program.iter().find(|path| !path.is_file());
        let name = match &self.version {
            Some(version) => format!("{} {version}", self.key),
            None => self.key.to_owned(),
        };
        let reach = match missing {
            Some(_) => Reach::Not("it could not be installed here".to_owned()),
            None => {
                let words: Vec<String> = self.args.iter().map(|arg| arg.replace("URL", url)).collect();
                let (program, home) = (self.program, home.to_owned());
                Reach::Stdio(Box::new(move || {
                    let mut command = Command::new(&program[0]);
                    command
                        .args(&program[1..])
                        .args(&words)
                        .env_clear()
                        .env("HOME", &home)
                        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
                        .current_dir(&home);
                    command
                }))
            }
        };
        Subject { key: self.key, name, era: Era::Legacy, reach, base: "direct" }
    }
}

/// A file of `tests/bench/peers`.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(path)
}

/// A file of the folder that `cargo xtask bench` fetches peers into.
fn fetched(path: &str) -> PathBuf {
    env::var_os("BELLHOP_BENCH_PEERS").map(PathBuf::from).unwrap_or_default().join(path)
}

fn version_in(file: &Path, before: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.split_once(before)?.1;
    Some(rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').next()?.to_owned())
}

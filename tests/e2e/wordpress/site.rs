use bellhop_tests::{Process, peers, until};
use serde_json::Value;
use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::{fs::symlink, net::UnixStream},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The password with which `anna` and `bo` log in.
pub(super) const PASSWORD: &str = "tea for two at four";

/// How a site is looked at.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    /// Where people reach it; `None` for where php listens.
    pub(super) url: Option<String>,
    /// The folder of the address in which it lies, such as `/blog`.
    pub(super) folder: &'static str,
    /// Its environment type.
    pub(super) kind: &'static str,
    /// What it has of `tests/peers/wordpress/plugins`.
    pub(super) plugins: &'static [&'static str],
    /// Whether the web server keeps the `Authorization` header to itself.
    pub(super) stripped: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self { url: None, folder: "", kind: "local", plugins: &["mcp"], stripped: false }
    }
}

/// A database with an installed WordPress, and a copy of its program.
pub(super) struct WordPress {
    folder: TempDir,
    _database: Process,
}

/// A web server before it.
pub(super) struct Served {
    /// Where people reach the site.
    pub(super) url: String,
    /// The port on which php listens.
    pub(super) port: u16,
    _php: Process,
}

impl WordPress {
    /// Install one.
    pub(super) async fn install() -> Self {
        let folder = tempfile::Builder::new().prefix("bellhop-wp-").tempdir().unwrap();
        let package = env::var_os("BELLHOP_WORDPRESS").unwrap_or_else(|| "/usr/share/wordpress".into());
        let package = PathBuf::from(package);
        assert!(
            package.join("wp-load.php").is_file(),
            "{}: use `cargo xtask test --only wordpress`",
            package.display()
        );
        let tree = folder.path().join("tree");
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(&package).arg(&tree);
        done(copy).await;
        // What the package leaves to others lies beside it.
        for shared in ["javascript", "php"] {
            symlink(Path::new("/usr/share").join(shared), folder.path().join(shared)).unwrap();
        }
        let config = tree.join("wp-config.php");
        let _ = fs::remove_file(&config);
        fs::copy(peers("wordpress/wp-config.php"), config).unwrap();
        let data = folder.path().join("data");
        let mut make = Command::new("mariadb-install-db");
        make.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        done(as_root_too(make.arg(format!("--datadir={}", data.display())).arg(SMALL_LOG))).await;
        let socket = folder.path().join("sql");
        let mut serve = Command::new("/usr/sbin/mariadbd");
        serve.args([
            "--no-defaults",
            "--skip-networking",
            "--skip-grant-tables",
            "--performance-schema=off",
            SMALL_LOG,
        ]);
        serve.args(["--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0"]);
        serve.arg(format!("--datadir={}", data.display())).arg(format!("--socket={}", socket.display()));
        let database = Process::start(as_root_too(&mut serve));
        until("the database is there", async || UnixStream::connect(&socket).ok()).await;
        let wordpress = Self { folder, _database: database };
        wordpress.php("install.php", &[]).await;
        wordpress
    }

    /// Serve it.
    pub(super) async fn serve(&self, setup: Setup) -> Served {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let url = setup.url.clone().unwrap_or_else(|| format!("http://127.0.0.1:{port}{}", setup.folder));
        let own = self.folder.path().join(port.to_string());
        let plugins = own.join("plugins");
        fs::create_dir_all(&plugins).unwrap();
        for plugin in setup.plugins {
            let name = format!("{plugin}.php");
            fs::copy(peers("wordpress/plugins").join(&name), plugins.join(&name)).unwrap();
        }
        let root = match setup.folder {
            "" => self.tree(),
            folder => {
                let root = own.join("root");
                fs::create_dir_all(&root).unwrap();
                symlink(self.tree(), root.join(folder.trim_start_matches('/'))).unwrap();
                root
            }
        };
        let mut php = self.command(&url, &plugins);
        php.env("SITE_TYPE", setup.kind).env("PHP_CLI_SERVER_WORKERS", "4");
        if setup.stripped {
            php.env("SITE_STRIPPED", "1");
        }
        php.args(["-S", &format!("127.0.0.1:{port}"), "-t"]).arg(root);
        let php = Process::start(php);
        until("php serves", async || TcpStream::connect(("127.0.0.1", port)).ok()).await;
        Served { url, port, _php: php }
    }

    /// The application passwords in the profile of `anna`: their names.
    pub(super) async fn passwords(&self) -> Vec<String> {
        let all = self.php("ask.php", &["passwords"]).await;
        all.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    }

    /// An application password of `anna`, made as in the profile.
    pub(super) async fn make(&self, name: &str) -> String {
        self.php("ask.php", &["make", name]).await.as_str().unwrap().to_owned()
    }

    /// The titles of what was written.
    pub(super) async fn posts(&self) -> Value {
        self.php("ask.php", &["posts"]).await
    }

    /// Run a script of `tests/peers/wordpress`; what it answers.
    async fn php(&self, script: &str, args: &[&str]) -> Value {
        let mut php = self.command("http://localhost", &self.folder.path().join("none"));
        php.env("SITE_TYPE", "local").env("SITE_PASSWORD", PASSWORD);
        php.arg(peers("wordpress").join(script)).arg(self.tree()).args(args);
        let said = done(php).await;
        serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap_or_default()
    }

    fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    fn command(&self, url: &str, plugins: &Path) -> Command {
        let mut php = Command::new("php");
        php.env("SITE_URL", url)
            .env("SITE_PLUGINS", plugins)
            .env("SITE_SOCKET", self.folder.path().join("sql"));
        php
    }
}

/// A log of the default size would be most of the database.
const SMALL_LOG: &str = "--innodb-log-file-size=8M";

/// MariaDB refuses to run as root unless it is told to.
fn as_root_too(command: &mut Command) -> Command {
    let mut own = Command::new(command.get_program());
    own.args(command.get_args());
    if rustix::process::getuid().is_root() {
        own.arg("--user=root");
    }
    own
}

/// Run a command to its end, which is a good one; what it said.
async fn done(command: Command) -> String {
    let mut process = Process::start(command);
    process.close();
    let status = process.ended().await;
    assert!(status.success(), "{status}\n{}\n{}", process.output(), process.errors());
    process.output()
}

use super::webdriver::{Page, test};
use bellhop_tests::{Bellhop, Process, Setup, approve, program, until};
use serde_json::Value;
use std::{env, fs, net::TcpListener, path::PathBuf, process::Command};

/// Bellhop's desktop in a home of its own, with the session's display, bus and keyring, and a person with a home
/// folder of their own.
pub(crate) struct Desk {
    tray: Option<Process>,
    /// The port on which the first window that opens lets itself be driven.
    driven: u16,
    /// The same Bellhop as the terminal sees it.
    pub(crate) bellhop: Bellhop,
    /// More of the environment, such as a language.
    pub(crate) environment: Vec<(&'static str, String)>,
}

impl Desk {
    /// One that does not run yet.
    pub(crate) fn cold() -> Self {
        Self::of(Bellhop::cold(Setup::default()))
    }

    /// The desktop of this Bellhop, not running yet.
    pub(crate) fn of(bellhop: Bellhop) -> Self {
        assert!(env::var_os("DISPLAY").is_some(), "run this with `cargo xtask session --desktop -- …`");
        // The browser of the session is this person's too.
        let session = PathBuf::from(env::var_os("HOME").unwrap());
        for file in [".local/share/applications/session-browser.desktop", ".config/mimeapps.list"] {
            let own = bellhop.person.join(file);
            fs::create_dir_all(own.parent().unwrap()).unwrap();
            fs::copy(session.join(file), own).unwrap();
        }
        let driven = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        Self { tray: None, driven, bellhop, environment: Vec::new() }
    }

    /// One whose keys are open, for this session only, and whose window is closed.
    pub(crate) async fn ready() -> Self {
        Self::with_keys("keys-session").await
    }

    /// One whose key is in the session's keyring, and whose window is closed.
    pub(crate) async fn in_keychain() -> Self {
        Self::with_keys("keys-keychain").await
    }

    async fn with_keys(choice: &str) -> Self {
        let mut desk = Self::cold();
        desk.run(&[]).await;
        let window = desk.window().await;
        window.click(&test(choice)).await;
        window.click(&test("unlock")).await;
        window.see(&test("screen-connections")).await;
        desk.close(window).await;
        desk
    }

    /// Start the tray process, and wait until it answers.
    pub(crate) async fn run(&mut self, args: &[&str]) {
        self.start(args);
        self.answers().await;
    }

    /// Start the tray process.
    pub(crate) fn start(&mut self, args: &[&str]) {
        self.tray = Some(Process::start(self.command(args)));
    }

    /// Wait until Bellhop answers.
    pub(crate) async fn answers(&self) {
        until("Bellhop answers", async || {
            (self.bellhop.run(&["status"]).await.code == Some(0)).then_some(())
        })
        .await;
    }

    /// The command `bellhop-desktop`, as this person's session starts it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.in_session(program("bellhop-desktop"));
        command.args(args);
        command
    }

    /// Any program of this person's session.
    pub(crate) fn in_session(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("HOME", &self.bellhop.person)
            .env("BELLHOP_HOME", &self.bellhop.home)
            .env("BELLHOP_PORT", self.bellhop.port.to_string())
            .env("BELLHOP_OPENED", self.opened_file())
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("WEBKIT_INSPECTOR_SERVER", format!("127.0.0.1:{}", self.driven))
            .env("LANG", "C.UTF-8")
            .env_remove("LANGUAGE")
            .env_remove("LC_ALL")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.bellhop.person);
        command
    }

    /// The tray process.
    pub(crate) fn tray(&mut self) -> &mut Process {
        self.tray.as_mut().unwrap()
    }

    /// The window that is open, or opens next.
    pub(crate) async fn window(&self) -> Page {
        Page::window(self.driven).await
    }

    /// The main window, opened as a person does: by starting Bellhop again.
    pub(crate) async fn open(&self) -> Page {
        let mut again = Process::start(self.command(&[]));
        assert!(again.ended().await.success());
        self.window().await
    }

    /// Close the window as its keyboard shortcut does, and wait until its process is gone.
    pub(crate) async fn close(&self, window: Page) {
        // A little later, so that the script's own answer still finds a window to leave by.
        let keys = "setTimeout(() =>
            window.dispatchEvent(new KeyboardEvent('keydown', { key: 'w', ctrlKey: true })), 100)";
        window.run(keys, Value::Null).await;
        self.no_window().await;
    }

    /// Wait until no window is open.
    pub(crate) async fn no_window(&self) {
        until("no window is open", async || self.windows().is_empty().then_some(())).await;
    }

    /// The arguments of each window process that is open.
    pub(crate) fn windows(&self) -> Vec<Vec<String>> {
        let all = self.processes().into_iter().map(|(_, args)| args);
        all.filter(|args| args.iter().any(|arg| arg == "--window")).collect()
    }

    /// All processes of this home that are not this test's own: their ids and arguments.
    pub(crate) fn processes(&self) -> Vec<(u32, Vec<String>)> {
        let own = format!("BELLHOP_HOME={}", self.bellhop.home.display());
        let texts = |bytes: Vec<u8>| -> Vec<String> {
            bytes.split(|b| *b == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
        };
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let read = |name| fs::read(entry.path().join(name)).map(texts).unwrap_or_default();
            if read("environ").contains(&own) {
                found.push((pid, read("cmdline")));
            }
        }
        found
    }

    /// The addresses that Bellhop opened in the browser so far.
    pub(crate) fn opened(&self) -> Vec<String> {
        let text = fs::read_to_string(self.opened_file()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Wait for the address that is opened as the `count`th.
    pub(crate) async fn opens(&self, count: usize) -> String {
        until("the browser opens", async || self.opened().get(count - 1).cloned()).await
    }

    fn opened_file(&self) -> PathBuf {
        self.bellhop.folder().join("opened")
    }

    /// Sign in to the playground, with the window or without.
    pub(crate) async fn playground(&self) {
        let before = self.opened().len();
        let mut adding = Process::start(self.bellhop.command(&["services", "add", "playground"]));
        adding.close();
        approve(&self.opens(before + 1).await, "allow").await;
        assert!(adding.ended().await.success(), "{}", adding.errors());
    }

    /// How Bellhop is.
    pub(crate) async fn status(&self) -> Value {
        self.bellhop.json(&["status"]).await
    }
}

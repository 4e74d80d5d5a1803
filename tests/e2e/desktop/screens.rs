//! Each screen in the real window: nothing that axe finds, and a picture in `tests/out` to look at.

use super::{
    desk::Desk,
    webdriver::{Page, test},
};
use bellhop_tests::{App, Process, Session, approve};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

/// What axe found: rule, what it means, and where.
const LOOK: &str = "return axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
    violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target).join(', ')}`))";

#[tokio::test]
async fn no_screen_has_what_axe_finds() {
    Tour::new("light-en", &[("LANG", "en_US.UTF-8")]).walk().await;
}

#[tokio::test]
async fn no_screen_has_what_axe_finds_in_german_and_in_the_dark() {
    let environment = [("LANG", "de_DE.UTF-8"), ("LANGUAGE", "de"), ("GTK_THEME", "Adwaita:dark")];
    Tour::new("dark-de", &environment).walk().await;
}

/// A walk through all screens.
struct Tour {
    desk: Desk,
    name: &'static str,
    axe: String,
}

impl Tour {
    fn new(name: &'static str, environment: &[(&'static str, &str)]) -> Self {
        let mut desk = Desk::cold();
        desk.environment = environment.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        for (file, text) in [
            (".codex/config.toml", "model = \"best\"\n"),
            (".cursor/mcp.json", "{}\n"),
            (".claude.json", "{ not json\n"),
        ] {
            let file = desk.bellhop.person.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
        Self { desk, name, axe: fs::read_to_string(axe).unwrap() }
    }

    async fn walk(mut self) {
        self.desk.run(&[]).await;
        let window = self.desk.window().await;
        self.keys(&window).await;
        self.services(&window).await;
        self.apps(&window).await;
        self.desk.close(window).await;

        let cursor = self.consent("Cursor").await;
        let codex = self.consent("Codex").await;
        codex.tools().await;
        let window = self.desk.open().await;
        self.connections(&window, &cursor).await;
        self.rest(&window).await;

        self.desk.tray().kill();
        window.see(&test("screen-gone")).await;
        self.look(&window, "gone").await;
        window.leave(&test("close")).await;
        self.desk.no_window().await;
        self.failed().await;
    }

    async fn keys(&self, window: &Page) {
        window.see(&test("notice")).await;
        self.look(window, "keys").await;
        window.click(&test("keys-passphrase")).await;
        window.fill(&test("passphrase"), "short").await;
        self.look(window, "keys-passphrase").await;
        window.click(&test("keys-session")).await;
        window.click(&test("unlock")).await;
        window.see(&test("to-services")).await;
        self.look(window, "connections-none").await;
    }

    async fn services(&self, window: &Page) {
        window.click(&test("nav-services")).await;
        window.see(&test("connect-playground")).await;
        self.look(window, "services-none").await;
        window.fill(&test("address"), "127.0.0.1:9/mcp").await;
        window.click(&test("connect-address")).await;
        window.see(&test("problem")).await;
        self.look(window, "services-problem").await;
        window.click(&test("connect-playground")).await;
        window.see("[data-test=sign-in][data-phase=browser] [role=timer]").await;
        self.look(window, "services-waiting").await;
        approve(self.desk.opened().last().unwrap(), "allow").await;
        window.see("[data-test=service][data-state=connected]").await;
        window.click("[data-test=service] [data-test=details]").await;
        self.look(window, "services").await;
    }

    async fn apps(&self, window: &Page) {
        window.click(&test("nav-apps")).await;
        window.click(&test("connect-app-codex")).await;
        window.see(&test("diff")).await;
        self.look(window, "apps-preview").await;
        window.click(&test("write")).await;
        window.see(&test("written")).await;
        window.click("[data-test=apps-elsewhere] summary").await;
        self.look(window, "apps").await;
    }

    /// Let an app in, by the consent window.
    async fn consent(&self, name: &str) -> Session {
        let app = App::register(&self.desk.bellhop, "/mcp", name).await;
        let asking = app.ask(None).await;
        let consent = self.desk.window().await;
        consent.says(&test("app-name"), name).await;
        consent.click("[data-test=behind] summary").await;
        // Its colours change in the moment in which it can be pressed.
        consent.see("[data-test=allow]:enabled").await;
        self.look(&consent, "consent").await;
        consent.click(&test("allow")).await;
        let tokens = app.tokens(&asking).await;
        self.desk.no_window().await;
        Session::open(&app, &tokens).await
    }

    async fn connections(&self, window: &Page, cursor: &Session) {
        let (_, mut count) =
            cursor.watch("playground_slow_count", json!({ "steps": 600, "pause_ms": 100 })).await;
        count.next().await.unwrap();
        window.says(&test("last-active"), "1 ").await;
        self.look(window, "connections").await;
        if self.name == "light-en" {
            photograph("window").await;
        }
        window.click("[data-test=connection] [data-test=details]").await;
        self.look(window, "connections-details").await;
        window.click("[data-test=connection]:last-child [data-test=revoke]").await;
        window.see("[data-test=connection][data-state=revoked]").await;
        self.look(window, "connections-revoked").await;
    }

    async fn rest(&self, window: &Page) {
        window.click(&test("nav-activity")).await;
        window.see(&test("activity")).await;
        self.look(window, "activity").await;
        window.click(&test("nav-settings")).await;
        window.click(&test("check")).await;
        window.see(&test("checks")).await;
        self.look(window, "settings").await;
        window.click(&test("nav-connections")).await;
        window.click(&test("pause")).await;
        window.click(&test("pause-until_resume")).await;
        window.see(&test("paused")).await;
        self.look(window, "paused").await;
    }

    /// The window of a Bellhop that can't start.
    async fn failed(&mut self) {
        let home = self.desk.bellhop.home.clone();
        fs::remove_file(home.join("lock")).unwrap();
        fs::create_dir(home.join("lock")).unwrap();
        self.desk.start(&[]);
        let window = self.desk.window().await;
        window.see(&test("screen-failed")).await;
        self.look(&window, "failed").await;
        window.leave(&test("close")).await;
        self.desk.tray().ended().await;
        fs::remove_dir(home.join("lock")).unwrap();
    }

    async fn look(&self, window: &Page, screen: &str) {
        let picture = window.picture(&format!("{}-{screen}", self.name)).await;
        window.run(&self.axe, Value::Null).await;
        let found = window.run(LOOK, Value::Null).await;
        assert_eq!(found, json!([]), "{screen}: see {}", picture.display());
        let dark = window.run("return matchMedia('(prefers-color-scheme: dark)').matches", Value::Null).await;
        let language = window.run("return document.documentElement.lang.split('-')[0]", Value::Null).await;
        let theme = if dark == true { "dark" } else { "light" };
        assert_eq!(format!("{theme}-{}", language.as_str().unwrap()), self.name);
    }
}

/// A picture of the window as the window manager shows it, with its frame: docs/window.png is one of these.
async fn photograph(name: &str) {
    // Resizing and drawing are told to nobody: a picture taken too soon is only a worse picture.
    const SHOT: &str = r#"
        window=$(xdotool search --onlyvisible --name '^Bellhop$' | head -n 1)
        xdotool windowsize --sync "$window" 960 400; sleep 1
        import -frame -window "$window" -strip "$1"
        xdotool windowsize --sync "$window" 960 680; sleep 1
    "#;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("out").join(format!("{name}.png"));
    let mut shot = Command::new("sh");
    shot.args(["-ec", SHOT, "sh"]).arg(file);
    let mut shot = Process::start(shot);
    assert!(shot.ended().await.success(), "{}", shot.errors());
}

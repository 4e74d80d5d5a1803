use base64::{Engine, engine::general_purpose::STANDARD};
use bellhop_tests::{Http, PATIENCE, Process, until};
use hyper::Method;
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// The key of an element's reference (WebDriver, "Elements").
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The texts of the elements that take up room on the screen.
const SEEN: &str = "const seen = [...document.querySelectorAll(arguments[0])]
        .filter((element) => element.getClientRects().length > 0);
    return seen.length > 0 ? seen.map((element) => element.innerText).join('\\n') : null";

/// Whatever moves has come to rest, and is drawn. A window that can't be seen draws nothing, and is not waited for.
const STILL: &str = "const drawn = new Promise((done) => {
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)));
        setTimeout(done, 1000);
    });
    const moved = document.getAnimations().map((animation) => animation.finished.catch(() => 0));
    return Promise.all([drawn, ...moved]).then(() => 0)";

/// What happened when a page was asked for something that is not there yet: WebDriver's own code.
pub(crate) struct Refused(String);

/// A page that WebDriver drives: Bellhop's window, or a browser's.
pub(crate) struct Page {
    http: Http,
    session: String,
    /// Ends with this value, and with it the session. Only a browser that it started ends too.
    _driver: Process,
}

impl Page {
    /// Bellhop's window that listens on this port, as soon as there is one.
    pub(crate) async fn window(port: u16) -> Self {
        let mut driver = Command::new("WebKitWebDriver");
        driver.arg(format!("--target=127.0.0.1:{port}"));
        Self::begin(driver, json!({})).await
    }

    /// A real browser without a screen.
    pub(crate) async fn chromium(folder: &Path) -> Self {
        let profile = format!("--user-data-dir={}", folder.join("chromium").display());
        // Chromium's own sandbox refuses to run as root, and a container has no big /dev/shm.
        let args = json!([
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--window-size=900,700",
            profile
        ]);
        Self::begin(Command::new("chromedriver"), json!({ "goog:chromeOptions": { "args": args } })).await
    }

    /// A real browser on the session's display, with whatever policy this computer has for it.
    pub(crate) async fn visible_chromium(driver: Command, folder: &Path) -> Self {
        let profile = format!("--user-data-dir={}", folder.join("chromium").display());
        let args = json!([
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--window-size=900,700",
            profile
        ]);
        Self::begin(driver, json!({ "goog:chromeOptions": { "args": args } })).await
    }

    async fn begin(mut driver: Command, wanted: Value) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        driver.arg(format!("--port={port}"));
        let driver = Process::start(driver);
        let http = Http::default();
        let all = format!("http://127.0.0.1:{port}/session");
        let body = json!({ "capabilities": { "alwaysMatch": wanted } });
        let session = until("a window can be driven", || async {
            let headers = [("content-type", "application/json")];
            let answer = http.try_send(Method::POST, &all, &headers, body.to_string()).await.ok()?;
            let value = answer.value().await;
            value["value"]["sessionId"].as_str().map(str::to_owned)
        })
        .await;
        Self { http, session: format!("{all}/{session}"), _driver: driver }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value, Refused> {
        let body = if method == Method::POST { body.to_string() } else { String::new() };
        let url = format!("{}/{path}", self.session);
        let headers = [("content-type", "application/json")];
        let answer = self.http.try_send(method, &url, &headers, body).await.map_err(Refused)?;
        let well = answer.status.is_success();
        let value = answer.value().await["value"].take();
        if well { Ok(value) } else { Err(Refused(value["error"].as_str().unwrap_or_default().to_owned())) }
    }

    /// Run a script; `arguments[0]` is what it is given.
    pub(crate) async fn run(&self, script: &str, given: Value) -> Value {
        let body = json!({ "script": script, "args": [given] });
        match self.ask(Method::POST, "execute/sync", &body).await {
            Ok(value) => value,
            Err(Refused(why)) => panic!("{why}: {script}"),
        }
    }

    /// Go to an address.
    pub(crate) async fn go(&self, address: &str) {
        if let Err(Refused(why)) = self.ask(Method::POST, "url", &json!({ "url": address })).await {
            panic!("{address}: {why}");
        }
    }

    /// All text that can be seen.
    pub(crate) async fn all(&self) -> String {
        self.run("return document.body.innerText", Value::Null).await.as_str().unwrap_or_default().to_owned()
    }

    /// Wait until the page has such an element that can be seen; its text.
    pub(crate) async fn see(&self, css: &str) -> String {
        self.wait(css, |text| Some(text.to_owned())).await
    }

    /// Wait until the page has no such element.
    pub(crate) async fn gone(&self, css: &str) {
        self.until(&format!("{css} is gone"), async || self.find(css).await.err().map(drop)).await;
    }

    /// Wait until the text of these elements holds these words; the whole text.
    pub(crate) async fn says(&self, css: &str, words: &str) -> String {
        self.wait(css, |text| text.contains(words).then(|| text.to_owned())).await
    }

    /// Wait until something can be made of the text of these elements.
    pub(crate) async fn wait<T>(&self, css: &str, make: impl Fn(&str) -> Option<T>) -> T {
        self.until(&format!("{css} says what it should"), async || {
            // Not WebDriver's own "get text", which takes a heading with hidden overflow for hidden itself.
            let text = self.run(SEEN, css.into()).await;
            make(text.as_str()?)
        })
        .await
    }

    /// Click on this element, as soon as that is possible.
    pub(crate) async fn click(&self, css: &str) {
        self.until(&format!("{css} can be clicked"), async || {
            let element = self.find(css).await.ok()?;
            let enabled =
                self.ask(Method::GET, &format!("element/{element}/enabled"), &Value::Null).await.ok()?;
            if enabled != true {
                return None;
            }
            // As a person does first. The driver does it only for what lies outside of the window, and not for what lies
            // behind the bar.
            let scroll = "document.querySelector(arguments[0])?.scrollIntoView({ block: 'nearest' })";
            self.run(scroll, css.into()).await;
            self.ask(Method::POST, &format!("element/{element}/click"), &json!({})).await.ok()
        })
        .await;
    }

    /// Click on this element, and with it close the window. A little later, so that the answer to this still
    /// finds a window to leave by.
    pub(crate) async fn leave(&self, css: &str) {
        self.see(css).await;
        let click = "setTimeout((css) => document.querySelector(css).click(), 100, arguments[0])";
        self.run(click, css.into()).await;
    }

    /// Type into this element.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        self.until(&format!("{css} can be typed into"), async || {
            let element = self.find(css).await.ok()?;
            let body = json!({ "text": text });
            self.ask(Method::POST, &format!("element/{element}/value"), &body).await.ok()
        })
        .await;
    }

    /// The `data-test` of the element that has the focus.
    pub(crate) async fn focus(&self) -> String {
        let script = "return document.activeElement?.dataset?.test ?? ''";
        self.run(script, Value::Null).await.as_str().unwrap_or_default().to_owned()
    }

    /// A picture of the page as PNG in `tests/out`.
    pub(crate) async fn picture(&self, name: &str) -> PathBuf {
        self.run(STILL, Value::Null).await;
        let Ok(picture) = self.ask(Method::GET, "screenshot", &Value::Null).await else {
            panic!("no picture")
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("out");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.png"));
        fs::write(&file, STANDARD.decode(picture.as_str().unwrap()).unwrap()).unwrap();
        file
    }

    async fn find(&self, css: &str) -> Result<String, Refused> {
        let body = json!({ "using": "css selector", "value": css });
        let found = self.ask(Method::POST, "element", &body).await?;
        Ok(found[ELEMENT].as_str().unwrap_or_default().to_owned())
    }

    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            if Instant::now() > end {
                let file = self.picture("failed").await;
                panic!("still not so: {what}; see {}\n{}", file.display(), self.all().await);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The element with this name for tests.
pub(crate) fn test(name: &str) -> String {
    format!("[data-test='{name}']")
}

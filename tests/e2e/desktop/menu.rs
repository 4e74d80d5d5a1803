use bellhop_tests::{PATIENCE, Process, until};
use serde_json::Value;
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What the keyring of `cargo xtask session` opens with.
pub(super) const PASSWORD: &str = "session";

/// Bellhop's item in the tray.
pub(super) struct Tray {
    /// What the item says of itself.
    pub(super) item: Value,
}

impl Tray {
    /// The item of this process, as soon as it is registered.
    pub(super) async fn of(process: u32) -> Self {
        let end = Instant::now() + PATIENCE;
        let item = loop {
            match ask(&["item", &process.to_string()]).await {
                Ok(item) if !item.is_null() => break item,
                // What the bus said is the only trace of a panel that is gone.
                said => assert!(Instant::now() < end, "no tray item is registered: {said:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        Self { item }
    }

    /// The labels of the menu, those of a menu within it behind its own and a slash.
    pub(super) async fn labels(&self) -> Vec<String> {
        self.entries().await.into_iter().map(|(label, _)| label).collect()
    }

    /// Wait until the menu has an entry that begins so.
    pub(super) async fn has(&self, label: &str) {
        until(&format!("the menu has {label}"), async || {
            self.labels().await.iter().any(|l| l.starts_with(label)).then_some(())
        })
        .await;
    }

    /// Click on an entry, as soon as it is there.
    pub(super) async fn click(&self, label: &str) {
        until(&format!("{label} is clicked"), async || {
            let entries = self.entries().await;
            let (_, number) = entries.into_iter().find(|(l, _)| l == label)?;
            say(&["click", self.text("name"), self.text("menu"), &number.to_string()]).await
        })
        .await;
    }

    async fn entries(&self) -> Vec<(String, i64)> {
        let layout = say(&["layout", self.text("name"), self.text("menu")]).await;
        let mut found = Vec::new();
        flatten(&layout.unwrap_or_default(), "", &mut found);
        found
    }

    fn text(&self, name: &str) -> &str {
        self.item[name].as_str().unwrap()
    }
}

fn flatten(entries: &Value, above: &str, into: &mut Vec<(String, i64)>) {
    for entry in entries.as_array().into_iter().flatten() {
        let label = format!("{above}{}", entry[1].as_str().unwrap());
        into.push((label.clone(), entry[0].as_i64().unwrap()));
        flatten(&entry[3], &format!("{label}/"), into);
    }
}

/// Whether somebody owns a name on the message bus.
pub(super) async fn owned(name: &str) -> bool {
    say(&["owned", name]).await == Some(true.into())
}

/// Lock the session's keyring, until the value goes.
pub(super) async fn lock_keyring() -> Locked {
    let locked = Locked;
    assert!(say(&["lock"]).await.is_some());
    locked
}

/// The session's keyring, locked. The next test finds it unlocked again, as this one did.
pub(super) struct Locked;

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = script(&["unlock", PASSWORD]).stdout(Stdio::null()).status();
    }
}

/// What the script says; `None` when the bus has no such thing, or not now.
async fn say(args: &[&str]) -> Option<Value> {
    ask(args).await.ok()
}

/// The same, with what went wrong.
async fn ask(args: &[&str]) -> Result<Value, String> {
    let mut process = Process::start(script(args));
    process.close();
    if process.ended().await.success() {
        Ok(serde_json::from_str(&process.output()).unwrap())
    } else {
        Err(process.errors())
    }
}

fn script(args: &[&str]) -> Command {
    // The system's own Python has the bindings that its package brings.
    let mut command = Command::new("/usr/bin/python3");
    command.arg("-c").arg(include_str!("bus.py")).args(args);
    command
}

use super::{
    desk::Desk,
    menu::{PASSWORD, Tray, lock_keyring, owned},
    webdriver::test,
};
use bellhop_tests::{Process, until};
use std::{fs, process::Command};

/// What asks for the keyring's password, while it does.
const PROMPTER: &str = "org.gnome.keyring.SystemPrompter";

#[tokio::test]
async fn the_trays_menu_pauses_resumes_opens_and_quits() {
    let mut desk = Desk::in_keychain().await;
    let tray = Tray::of(desk.tray().pid()).await;
    assert_eq!(tray.item["status"], "Active", "{}", tray.item);
    tray.has("● All well").await;
    assert_eq!(
        tray.labels().await,
        [
            "● All well",
            "Pause",
            "Pause/15 minutes",
            "Pause/until tomorrow",
            "Pause/until I resume",
            "Open Bellhop",
            "Quit"
        ]
    );

    tray.click("Pause/until I resume").await;
    becomes(&desk, "paused").await;
    tray.has("❙❙ Paused").await;
    tray.click("Resume").await;
    becomes(&desk, "running").await;
    tray.click("Pause/15 minutes").await;
    becomes(&desk, "paused").await;
    tray.has("❙❙ Paused until").await;
    tray.click("Resume").await;
    becomes(&desk, "running").await;

    tray.click("Open Bellhop").await;
    until("the window is there", async || (desk.windows().len() == 1).then_some(())).await;

    let scheme = desk.bellhop.person.join(".local/share/applications/bellhop-desktop-handler.desktop");
    assert!(scheme.exists(), "while it runs, it handles its scheme");
    tray.click("Quit").await;
    assert!(desk.tray().ended().await.success());
    until("nothing is left of it", async || desk.processes().is_empty().then_some(())).await;
    let lock = fs::File::open(desk.bellhop.home.join("lock")).unwrap();
    lock.try_lock().expect("the lock is free");
    drop(lock);
    assert!(!scheme.exists(), "the handler of its scheme is gone");
    let defaults = fs::read_to_string(desk.bellhop.person.join(".config/mimeapps.list")).unwrap();
    assert!(defaults.contains("session-browser.desktop") && !defaults.contains("bellhop"), "{defaults}");

    desk.run(&["--hidden"]).await;
    let all = ["started", "paused", "resumed", "paused", "resumed", "finished", "started"];
    until("the log tells of both, and that the first one finished in good order", async || {
        let log = desk.bellhop.activity().await;
        log.iter().map(|entry| &entry["kind"]).eq(all).then_some(())
    })
    .await;
}

async fn becomes(desk: &Desk, pause: &str) {
    until(pause, async || (desk.status().await["pause"]["state"] == pause).then_some(())).await;
}

#[tokio::test]
async fn started_hidden_with_a_locked_keyring_it_asks_nothing_until_the_person_unlocks() {
    let mut desk = Desk::in_keychain().await;
    assert!(desk.tray().finish().await.success());
    let _unlocked_in_the_end = lock_keyring().await;

    desk.run(&["--hidden"]).await;
    let tray = Tray::of(desk.tray().pid()).await;
    tray.has("Unlock…").await;
    assert_eq!(desk.status().await["keys"]["state"], "locked");
    assert!(desk.windows().is_empty(), "{:?}", desk.windows());
    assert!(!owned(PROMPTER).await, "a prompt is shown");

    tray.click("Unlock…").await;
    let window = desk.window().await;
    window.see(&test("screen-keys-locked")).await;
    assert!(!owned(PROMPTER).await, "a prompt is shown before the person asks for it");
    window.click(&test("unlock")).await;
    type_into_prompt(PASSWORD).await;
    window.see(&test("screen-connections")).await;
    tray.has("● All well").await;
}

/// Answer the keyring's prompt at the keyboard.
async fn type_into_prompt(password: &str) {
    until("the prompt is there", async || owned(PROMPTER).await.then_some(())).await;
    let find = ["search", "--sync", "--onlyvisible", "--class", "gcr-prompter", "windowfocus", "--sync"];
    for args in [&find[..], &["type", "--delay", "50", password], &["key", "Return"]] {
        let mut keyboard = Process::start({
            let mut command = Command::new("xdotool");
            command.args(args);
            command
        });
        assert!(keyboard.ended().await.success(), "{}", keyboard.errors());
    }
}

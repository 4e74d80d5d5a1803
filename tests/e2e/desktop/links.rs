use super::{desk::Desk, webdriver::test};
use bellhop_tests::{App, Peer, Process, node, peers, until};
use std::fs;

#[tokio::test]
async fn a_sign_in_whose_server_refuses_loopback_comes_back_by_bellhops_own_scheme() {
    let desk = Desk::ready().await;
    let (authorization, server) = Peer::pair(&["--refuse-loopback"]).await;
    let mut adding =
        Process::start(desk.bellhop.command(&["services", "add", server.url(), "--name", "peer"]));
    adding.close();
    let link = follow(&desk.opens(1).await).await;
    assert!(link.starts_with("app.bellhop.desktop:/oauth/callback?"), "{}", link.split('?').next().unwrap());
    xdg_open(&desk, &link).await;
    assert!(adding.ended().await.success(), "{}", adding.errors());
    assert_eq!(desk.bellhop.services().await, [("peer".to_owned(), "connected".to_owned())]);
    authorization.until("token", |event| event["grant"] == "authorization_code").await;
    assert!(desk.windows().is_empty(), "the browser stays in front: {:?}", desk.windows());
}

#[tokio::test]
async fn a_link_raises_the_window_or_the_one_of_a_request() {
    let desk = Desk::ready().await;
    desk.playground().await;
    xdg_open(&desk, "app.bellhop.desktop:/show").await;
    let window = desk.window().await;
    window.see(&test("screen-connections")).await;
    desk.close(window).await;

    App::register(&desk.bellhop, "/mcp", "Cursor").await.ask(None).await;
    let consent = desk.window().await;
    consent.see(&test("screen-consent")).await;
    desk.close(consent).await;
    let request = desk.bellhop.json(&["requests"]).await[0]["id"].as_str().unwrap().to_owned();
    xdg_open(&desk, &format!("app.bellhop.desktop:/show/{request}")).await;
    let consent = desk.window().await;
    consent.says(&test("app-name"), "Cursor").await;
    assert_eq!(desk.windows()[0][1..4], ["--window", "--request", &request]);
}

#[tokio::test]
async fn a_link_starts_a_bellhop_that_does_not_run() {
    let desk = Desk::cold();
    // An installed Bellhop handles its scheme by its package; one from the tree only while it runs.
    let applications = desk.bellhop.person.join(".local/share/applications");
    let launcher = format!(
        "[Desktop Entry]\nType=Application\nName=Bellhop\nExec={} %u\nMimeType=x-scheme-handler/app.bellhop.desktop;\n",
        bellhop_tests::program("bellhop-desktop").display()
    );
    fs::write(applications.join("bellhop.desktop"), launcher).unwrap();
    let defaults = desk.bellhop.person.join(".config/mimeapps.list");
    let more = "x-scheme-handler/app.bellhop.desktop=bellhop.desktop\n";
    fs::write(&defaults, fs::read_to_string(&defaults).unwrap() + more).unwrap();

    // The answer to a sign-in that nobody waits for any more: no window of Bellhop comes before the browser's.
    xdg_open(&desk, "app.bellhop.desktop:/oauth/callback?code=stale&state=stale").await;
    desk.answers().await;
    assert_eq!(desk.status().await["desktop"], true);
    assert!(desk.windows().is_empty(), "{:?}", desk.windows());
    xdg_open(&desk, "app.bellhop.desktop:/show").await;
    desk.window().await.see(&test("screen-keys-unchosen")).await;
}

/// A browser that presses Approve where it meets it; the address at which it can't go on.
async fn follow(address: &str) -> String {
    let script = format!(
        "import {{ follow }} from 'file://{}';
        console.log((await follow(process.env.ADDRESS, {{ press: 'approve' }})).url);",
        peers("approve.mjs").display()
    );
    let mut command = node();
    command.args(["--input-type=module", "-e", &script]).env("ADDRESS", address);
    let mut browser = Process::start(command);
    browser.close();
    assert!(browser.ended().await.success(), "{}", browser.errors());
    browser.output()
}

/// Open an address as a browser or a terminal does.
async fn xdg_open(desk: &Desk, address: &str) {
    // Its handler is registered a moment after Bellhop answers.
    let handler = "x-scheme-handler/app.bellhop.desktop";
    until("the scheme has a handler", async || {
        let mut asking = desk.in_session("xdg-mime");
        asking.args(["query", "default", handler]);
        let mut asking = Process::start(asking);
        (asking.ended().await.success() && !asking.output().is_empty()).then_some(())
    })
    .await;
    // What it starts goes on, and would keep the streams of this test open.
    let mut command = desk.in_session("sh");
    command.args(["-c", "exec xdg-open \"$1\" >/dev/null 2>&1 </dev/null", "sh", address]);
    let mut opening = Process::start(command);
    assert!(opening.ended().await.success(), "{}", opening.errors());
}

use super::{
    desk::Desk,
    webdriver::{Page, test},
};
use bellhop_tests::{App, Process, Session, Tokens, approve};
use hyper::StatusCode;
use serde_json::{Value, json};
use std::fs;

#[tokio::test]
async fn a_person_connects_a_service_and_an_app_sees_it_work_and_takes_it_back() {
    let mut desk = Desk::cold();
    for (file, text) in [
        (".codex/config.toml", "model = \"best\" # mine\n"),
        (".cursor/mcp.json", "{\n  // mine\n  \"mcpServers\": {}\n}\n"),
        (".claude.json", "{\n  \"numStartups\": 3\n}\n"),
    ] {
        let file = desk.bellhop.person.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    desk.run(&[]).await;
    let window = desk.window().await;
    choose_the_keychain(&desk, &window).await;
    connect_the_playground(&desk, &window).await;
    for (app, file) in
        [("codex", ".codex/config.toml"), ("cursor", ".cursor/mcp.json"), ("claude-code", ".claude.json")]
    {
        connect_an_app(&desk, &window, app, file).await;
    }
    desk.close(window).await;

    let app = App::register(&desk.bellhop, "/mcp", "Cursor").await;
    let asking = app.ask(None).await;
    let consent = desk.window().await;
    answer(&desk, &consent, &asking.code).await;
    let tokens = app.tokens(&asking).await;
    desk.no_window().await;

    let window = desk.open().await;
    let session = watch(&desk, &window, &app, &tokens).await;
    revoke(&window, &session).await;
}

#[tokio::test]
async fn the_sign_in_page_works_in_a_real_browser_and_ends_on_a_page_to_close() {
    let desk = Desk::ready().await;
    let mut adding = Process::start(desk.bellhop.command(&["services", "add", "playground"]));
    adding.close();
    let browser = Page::chromium(desk.bellhop.folder()).await;
    browser.go(&desk.opens(1).await).await;
    browser.says("main", "you@playground.example").await;
    browser.picture("browser-playground").await;
    browser.click("button[value=allow]").await;
    browser.says("body", "close this").await;
    browser.picture("browser-closable").await;
    assert!(adding.ended().await.success(), "{}", adding.errors());

    // An app sends the browser to Bellhop, which shows the code of its own window.
    let app = App::register(&desk.bellhop, "/mcp", "Cursor").await;
    browser.go(&app.ask(None).await.wait).await;
    let code = browser.see(".code").await;
    browser.picture("browser-waiting").await;
    let consent = desk.window().await;
    assert_eq!(consent.see(&test("code")).await, code);
    consent.leave(&test("deny")).await;
}

async fn choose_the_keychain(desk: &Desk, window: &Page) {
    window.see(&test("screen-keys-unchosen")).await;
    window.see(&test("notice")).await;
    assert_eq!(desk.status().await["keys"]["state"], "unchosen");
    window.click(&test("unlock")).await;
    window.see(&test("screen-connections")).await;
    assert_eq!(desk.status().await["keys"], json!({ "state": "open", "kept": "keychain" }));
}

async fn connect_the_playground(desk: &Desk, window: &Page) {
    window.click(&test("nav-services")).await;
    window.click(&test("connect-playground")).await;
    window.see("[data-test=sign-in][data-phase=browser] [role=timer]").await;
    let first = desk.opens(1).await;
    window.click(&test("open-again")).await;
    assert_eq!(desk.opens(2).await, first, "the same page is opened again");
    let copy = window.see(&test("copy-address")).await;
    window.click(&test("copy-address")).await;
    window.wait(&test("copy-address"), |text| (text != copy).then_some(())).await;
    window.click("[data-test=sign-in] [data-test=cancel]").await;
    window.gone(&test("sign-in")).await;
    assert_eq!(desk.bellhop.services().await, []);

    window.click(&test("connect-playground")).await;
    let second = desk.opens(3).await;
    assert_ne!(second, first);
    approve(&second, "allow").await;
    window.says("[data-test=service][data-state=connected]", "you@playground.example").await;
}

async fn connect_an_app(desk: &Desk, window: &Page, app: &str, file: &str) {
    let endpoint = desk.bellhop.url("/mcp");
    let config = desk.bellhop.person.join(file);
    let before = fs::read_to_string(&config).unwrap();
    window.click(&test("nav-apps")).await;
    window.click(&test(&format!("connect-app-{app}"))).await;
    window.says(&test("diff"), &endpoint).await;
    assert_eq!(fs::read_to_string(&config).unwrap(), before, "a preview writes nothing");
    window.click(&test("write")).await;
    window.see(&format!("[data-test=app][data-id={app}][data-state=connected] [data-test=written]")).await;
    let after = fs::read_to_string(&config).unwrap();
    assert!(after.contains(&endpoint), "{after}");
    for line in before.lines().filter(|line| line.contains("mine")) {
        assert!(after.contains(line), "what the person wrote stays: {after}");
    }
}

async fn answer(desk: &Desk, consent: &Page, code: &str) {
    consent.says(&test("app-name"), "Cursor").await;
    assert_eq!(desk.windows().len(), 1, "{:?}", desk.windows());
    assert_eq!(desk.windows()[0][1..3], ["--window", "--request"]);
    let program = std::env::current_exe().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    let all = consent.all().await;
    for part in ["not verified", "127.0.0.1", &program[..15]] {
        assert!(all.contains(part), "no “{part}” in: {all}");
    }
    assert_eq!(consent.see(&test("code")).await.replace(" · ", " "), code, "the code of the browser's page");
    assert_eq!(consent.focus().await, "deny");

    // Coming to the front again is the moment in which a click may be meant for something else.
    let armed = "window.dispatchEvent(new Event('focus'));
        return new Promise((done) => setTimeout(() =>
            done(!document.querySelector('[data-test=allow]').disabled), 50))";
    assert_eq!(consent.run(armed, Value::Null).await, false, "Allow was there too soon");

    consent.click(&test("change-playground")).await;
    consent.click(&test("allow")).await;
}

async fn watch(desk: &Desk, window: &Page, app: &App, tokens: &Tokens) -> Session {
    let row = "[data-test=connection][data-state=allowed]";
    let text = window.says(row, "Cursor").await;
    let computer = desk.status().await["computer"].as_str().unwrap().to_owned();
    assert!(text.contains(&computer), "{text}");
    window.says(&test("scope"), "reads and changes Playground").await;
    window.says(&test("method"), "by browser").await;
    window.says(&test("since"), "since").await;

    let quiet = window.see(&test("last-active")).await;
    let session = Session::open(app, tokens).await;
    let tools = session.tools().await;
    assert!(tools.iter().any(|tool| tool == "playground_write_note"), "{tools:?}");
    session.call("playground_write_note", json!({ "name": "groceries", "text": "bread" })).await;
    let active = window.says(&test("last-active"), "active now").await;
    assert_ne!(active, quiet);
    session
}

async fn revoke(window: &Page, session: &Session) {
    let (id, mut count) =
        session.watch("playground_slow_count", json!({ "steps": 600, "pause_ms": 100 })).await;
    count.next().await.expect("it says how far it is");
    window.says(&test("last-active"), "1 call").await;
    window.click(&test("revoke")).await;
    let end = count.rest().await.pop().expect("the stream ends with an answer");
    assert_eq!(end["id"], id);
    assert!(end.get("error").is_some(), "{end}");
    let (_, answer) = session.begin("tools/list", json!({})).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    window.says("[data-test=connection][data-state=revoked]", "Cursor").await;
    window.click(&test("nav-activity")).await;
    window.says("[data-test=activity][data-kind=connection_revoked]", "Cursor").await;
    window.says("[data-test=activity][data-kind=call]", "write_note").await;
}

use super::{desk::Desk, webdriver::test};
use bellhop_tests::{App, Bellhop, Bridge, Kept, Process, Session, Setup, until};
use control::{Client, Command, Proof};
use engine::Home;
use model::{RequestId, Scope};
use serde_json::json;

#[tokio::test]
async fn approve_raises_the_window_and_waits_for_its_answer() {
    let desk = Desk::ready().await;
    desk.playground().await;
    // Denied last: an app that was denied may not ask again at once.
    for (name, button, code) in [("Cursor", "allow", Some(0)), ("Codex", "deny", Some(1))] {
        let app = App::register(&desk.bellhop, "/mcp", name).await;
        let asking = app.ask(None).await;
        let consent = desk.window().await;
        consent.see(&test("screen-consent")).await;
        desk.close(consent).await;

        let mut approve = Process::start(desk.bellhop.command(&["approve", &asking.code]));
        approve.close();
        let consent = desk.window().await;
        consent.says(&test("code"), &asking.code.replace(' ', " · ")).await;
        assert!(approve.runs(), "it waits for the person");
        consent.click(&test(button)).await;
        assert_eq!(approve.ended().await.code(), code, "{}", approve.errors());
        desk.no_window().await;
        let answer = asking.answer().await;
        assert_eq!(answer.contains_key("code"), button == "allow", "{:?}", answer.keys());
    }
}

#[tokio::test]
async fn nothing_but_the_window_can_let_an_app_in() {
    let desk = Desk::ready().await;
    desk.playground().await;
    let app = App::register(&desk.bellhop, "/mcp", "Cursor").await;
    app.ask(None).await;
    let requests = desk.bellhop.json(&["requests"]).await;
    let text = |name: &str| requests[0][name].as_str().unwrap().to_owned();
    let approve = Command::Approve {
        request: RequestId::from(text("id").as_str()),
        snapshot: text("snapshot"),
        scope: "playground:read".parse::<Scope>().unwrap(),
    };

    let home = Home::find(Some(desk.bellhop.home.clone())).unwrap();
    let (client, _events) = Client::open(home.connect().await.unwrap()).await.unwrap();
    let refused =
        |outcome: Result<control::Outcome, control::ClientError>| outcome.unwrap().unwrap_err().code;
    assert_eq!(refused(client.command(approve.clone()).await), "engine.needs_window");
    for proof in [Proof::Window { secret: "00".repeat(32) }, Proof::Pin { pin: "0000".into() }] {
        client.prove(proof).await.unwrap().unwrap_err();
        assert_eq!(refused(client.command(approve.clone()).await), "engine.needs_window");
    }
    assert_eq!(desk.bellhop.json(&["requests"]).await[0]["id"], requests[0]["id"], "it still waits");
}

#[tokio::test]
async fn serve_beside_the_desktop_says_so_and_is_done() {
    let desk = Desk::ready().await;
    let run = desk.bellhop.run(&["serve", "--keys", "session"]).await.well();
    assert!(run.err.contains("in the tray"), "{run:?}");
    assert_eq!(desk.status().await["desktop"], true);
}

#[tokio::test]
async fn the_desktop_takes_over_from_serve_and_connections_go_on() {
    let bellhop =
        Bellhop::set_up(Setup { kept: Kept::File, ..Setup::default() }).await.with_playground().await;
    let (app, tokens) = App::let_in(&bellhop, "Cursor", &["playground:read"]).await;
    Session::open(&app, &tokens).await.call("playground_list_notes", json!({})).await;
    let mut desk = Desk::of(bellhop);

    desk.run(&["--hidden"]).await;
    let status = until("the desktop holds it", async || {
        // In the moment between the two nobody answers, and the command says so.
        let run = desk.bellhop.run(&["status", "--json"]).await;
        let status: serde_json::Value = serde_json::from_str(&run.out).ok()?;
        (status["desktop"] == true).then_some(status)
    })
    .await;
    assert_eq!(status["pid"], desk.tray().pid());
    let serve = desk.bellhop.process().ended().await;
    assert!(serve.success(), "{serve}");
    Session::open(&app, &tokens).await.call("playground_list_notes", json!({})).await;
}

#[tokio::test]
async fn the_bridge_starts_the_desktop_hidden_on_the_display_of_last_time() {
    let mut desk = Desk::in_keychain().await;
    desk.playground().await;
    assert!(desk.tray().finish().await.success());
    assert!(desk.processes().is_empty(), "{:?}", desk.processes());

    let mut bridge = Bridge::start(&desk.bellhop, "claude-desktop");
    let hello = bridge.request("initialize", &Session::initialize(0)["params"]);
    desk.answers().await;
    let status = desk.status().await;
    assert_eq!((&status["desktop"], &status["keys"]["state"]), (&json!(true), &json!("open")));
    let hidden = |args: &Vec<String>| args[0].ends_with("bellhop-desktop") && args[1] == "--hidden";
    assert!(desk.processes().iter().any(|(_, args)| hidden(args)), "{:?}", desk.processes());

    // The one window that opens is the one that asks the person.
    let asked = desk.bellhop.request("Claude Desktop").await;
    let window = until("it asks", async || desk.windows().first().cloned()).await;
    assert_eq!(window[1..3], ["--window", "--request"]);
    desk.bellhop.run(&["deny", &asked]).await.well();
    let answer = bridge.answer(&hello).await;
    assert!(answer.get("error").is_some(), "{answer}");
}

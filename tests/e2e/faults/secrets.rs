//! Secrets are where they belong, and nowhere else.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use bellhop_tests::{
    App, At, Bellhop, Bridge, Kept, Kind, PASSPHRASE, PIN, Peer, Process, Provider, Session, Setup, Tokens,
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    forms(needle).iter().any(|form| haystack.windows(form.len()).any(|window| window == form.as_bytes()))
}

/// A secret as it is, in percent-encoding, in hexadecimal, and within a text in base64: of that what is the same
/// whatever stands before and behind it, at each of the three places where it can begin.
fn forms(secret: &str) -> Vec<String> {
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let every: String = secret.bytes().map(|b| format!("%{b:02X}")).collect();
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
    let mut forms = vec![secret.to_owned(), percent, every.to_lowercase(), every, hex];
    for before in 0..3 {
        let text = [&vec![0; before][..], secret.as_bytes()].concat();
        let (first, last) = ((before * 8).div_ceil(6), text.len() * 8 / 6);
        for engine in [STANDARD, URL_SAFE] {
            forms.push(engine.encode(&text)[first..last].to_owned());
        }
    }
    forms
}

/// The search finds what it is for.
#[test]
fn a_secret_is_found_in_each_form() {
    let secret = "a+s/cret ~of?24&characters";
    for before in ["", "x", "xy", "xyz"] {
        let text = format!("{before}{secret}!!");
        let percent: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for form in [text.clone(), percent, STANDARD.encode(&text), URL_SAFE.encode(&text)] {
            assert!(holds(format!("log: {form} end").as_bytes(), secret), "{form}");
        }
        assert!(!holds(text.as_bytes(), "another secret of 24 letters"));
    }
}

/// Proves secrets.1 and secrets.2.
#[tokio::test]
async fn no_secret_is_in_a_file_or_a_log() {
    let (authorization, server) = Peer::pair(&["--access-ttl", "3", "--tell-secrets"]).await;
    let mut bellhop =
        Bellhop::set_up(Setup { kept: Kept::Passphrase, log: Some("trace"), ..Setup::default() }).await;
    let mut said = String::new();
    let added = bellhop
        .sign_in(&["services", "add", server.url(), "--name", "sdk", "--no-browser"], Some("approve"))
        .await
        .well();
    said += &format!("{added:?}");

    let (app, first) = App::let_in(&bellhop, "Keeper", &["sdk:write"]).await;
    let newer = Tokens::read(&app.refresh(&first).await.value().await);
    let session = Session::open(&app, &newer).await;
    // Until a renewal has put new tokens into the files.
    bellhop_tests::until("a renewal", || async {
        session.call("sdk_echo", json!({ "text": "hello" })).await;
        authorization.all("token").iter().any(|e| e["grant"] == "refresh_token").then_some(())
    })
    .await;
    let wrong = bellhop.run_with(&["approve", "NO CODE"], PIN).await;
    said += &format!("{wrong:?}");
    for list in [
        &["status"][..],
        &["services"],
        &["connections"],
        &["apps"],
        &["activity"],
        &["requests"],
        &["doctor"],
    ] {
        let args: Vec<&str> = list.iter().copied().chain(["--json"]).collect();
        said += &format!("{:?}", bellhop.run(&args).await);
    }
    let mut bridge = Bridge::start(&bellhop, "cursor");
    let id = bridge.request("initialize", &Session::initialize(0)["params"]);
    let handle = bellhop.request("Cursor").await;
    bellhop.approve(&handle, &["sdk:read"]).await;
    bridge.answer(&id).await;
    bridge.process().close();
    bridge.process().ended().await;
    said += &bridge.process().errors();

    // An access key, used as a bearer and as a password; and tokens by a device code.
    let out = |name: &str| bellhop.folder().join(name).to_str().unwrap().to_owned();
    let add = ["access-keys", "add", "Backup", "--scope", "sdk:read", "--out", &out("access-key")];
    said += &format!("{:?}", bellhop.run_with(&add, PIN).await.well());
    let key = fs::read_to_string(out("access-key")).unwrap().trim().to_owned();
    for shown in [format!("Bearer {key}"), format!("Basic {}", STANDARD.encode(format!("me:{key}")))] {
        let headers = [("authorization", shown.as_str()), ("content-type", "application/json")];
        let body = Session::initialize(1).to_string();
        let answer = app.http.send(hyper::Method::POST, &bellhop.url("/mcp"), &headers, body).await;
        assert_eq!(answer.status, 200);
    }
    let args = ["token", "--device", "--name", "Report", "--scope", "sdk:read", "--out", &out("tokens")];
    let mut script = Process::start(bellhop.command(&args));
    script.close();
    let code = bellhop.request("Report").await;
    bellhop.approve(&code, &[]).await;
    assert!(script.ended().await.success());
    said += &(script.output() + &script.errors());
    let tokens: Value = serde_json::from_str(&fs::read_to_string(out("tokens")).unwrap()).unwrap();
    said += &format!("{:?}", bellhop.run(&["access-keys", "--json"]).await);

    let mut secrets: Vec<String> = vec![key];
    secrets.extend(["access_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap().to_owned()));
    secrets.extend([&first, &newer].iter().flat_map(|t| [t.access.clone(), t.refresh.clone()]));
    for token in authorization.all("token") {
        secrets.extend(token["secrets"].as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned()));
    }
    assert!(secrets.len() >= 11, "there is something to look for");
    secrets.extend([PIN.to_owned(), PASSPHRASE.to_owned()]);

    // While it runs, with what has not reached the main files yet; and when all is closed.
    for running in [true, false] {
        if !running {
            let serve = bellhop.process();
            assert!(serve.finish().await.success());
            let log = serve.output() + &serve.errors();
            assert!(log.len() > 1_000, "the log is on: {log}");
            said += &log;
        }
        for file in files(&bellhop.home) {
            let bytes = fs::read(&file).unwrap();
            for (at, secret) in secrets.iter().enumerate() {
                assert!(!holds(&bytes, secret), "secret {at} is in {}", file.display());
            }
        }
    }
    for (at, secret) in secrets.iter().enumerate() {
        assert!(!holds(said.as_bytes(), secret), "secret {at} was said");
    }
}

/// Proves secrets.8: OAuth with a client secret, a device, an API token; a renewal, a new sign-in, what is left to be given
/// back; and a crash in the middle.
#[tokio::test]
async fn no_secret_of_any_method_is_in_a_file_or_a_log() {
    let provider = Provider::start().await;
    let api_token = "an-api-token-that-nobody-may-read";
    provider.ways(|w| {
        w.secrets = true;
        w.api_tokens = vec![api_token.to_owned()];
    });
    let setup = Setup { kept: Kept::File, log: Some("trace"), ..Setup::default() };
    let mut bellhop = Bellhop::set_up(setup).await;
    let mut said = String::new();
    provider.sign_in(&bellhop, "browser").await.well();
    let url = provider.url();
    provider.ways(|w| w.device = true);
    bellhop.run(&["services", "add", &url, "--name", "device", "--method", "device"]).await.well();
    provider.ways(|w| w.device = false);
    let token = bellhop.folder().join("token");
    fs::write(&token, api_token).unwrap();
    let add = ["services", "add", &url, "--name", "token", "--method", "token", "--token-file"];
    let given = [&add[..], &[token.to_str().unwrap()]].concat();
    said += &format!("{:?}", bellhop.run(&given).await.well());

    let (app, tokens) = App::let_in(&bellhop, "Keeper", &["browser:read", "device:read", "token:read"]).await;
    provider.oracle.forbid(&tokens.access);
    provider.oracle.forbid(&tokens.refresh);
    let session = Session::open(&app, &tokens).await;
    provider.end_access_tokens();
    for service in ["browser", "device", "token"] {
        session.call(&format!("{service}_echo"), json!({ "text": "hello" })).await;
    }
    assert_eq!(provider.seen().renewals, 2);
    let again = ["services", "sign-in", "browser", "--no-browser"];
    bellhop_tests::visit(&bellhop, &again).await.well();
    // A renewal that a crash interrupts, and a service whose provider is away when it is removed.
    let acted = provider.stop_at(At::Acted);
    provider.end_access_tokens();
    let arguments = json!({ "name": "browser_echo", "arguments": { "text": "hello" } });
    let crash = async {
        acted.await.unwrap();
        let serve = bellhop.process();
        serve.kill();
        said += &(serve.output() + &serve.errors());
        provider.go_on();
    };
    tokio::join!(session.begin_quietly("tools/call", arguments), crash);
    bellhop.serve().await;
    provider.go_away().await;
    said += &format!("{:?}", bellhop.run(&["services", "remove", "device"]).await.well());
    for list in [&["services", "receipts"][..], &["services"], &["activity"], &["status"], &["doctor"]] {
        let args: Vec<&str> = list.iter().copied().chain(["--json"]).collect();
        said += &format!("{:?}", bellhop.run(&args).await);
    }

    let mut secrets = provider.oracle.secrets();
    secrets.extend([(Kind::ApiToken, api_token.to_owned()), (Kind::Foreign, PIN.to_owned())]);
    for kind in [
        Kind::Access,
        Kind::Refresh,
        Kind::Code,
        Kind::Verifier,
        Kind::State,
        Kind::ClientSecret,
        Kind::RegistrationToken,
        Kind::DeviceCode,
    ] {
        assert!(secrets.iter().any(|(k, _)| *k == kind), "{kind:?} is looked for");
    }
    for running in [true, false] {
        if !running {
            let serve = bellhop.process();
            assert!(serve.finish().await.success());
            said += &(serve.output() + &serve.errors());
        }
        for file in files(&bellhop.home) {
            let bytes = fs::read(&file).unwrap();
            for (kind, secret) in &secrets {
                assert!(!holds(&bytes, secret), "{kind:?} is in {}", file.display());
            }
        }
    }
    for (kind, secret) in &secrets {
        assert!(!holds(said.as_bytes(), secret), "{kind:?} was said");
    }
    provider.oracle.is_silent();
}

/// Proves secrets.3.
#[tokio::test]
async fn the_home_and_the_socket_are_for_their_owner_alone() {
    let bellhop = Bellhop::kept().await.with_playground().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bellhop.home), 0o700);
    assert_eq!(mode(&bellhop.key_file()), 0o600);
    let socket = engine::Home::find(Some(bellhop.home.clone())).unwrap().socket();
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    assert!(socket.as_os_str().len() < 108);
}

/// Proves secrets.4.
#[tokio::test]
async fn a_key_file_that_others_may_read_is_refused() {
    let mut bellhop = Bellhop::kept().await.with_playground().await;
    bellhop.stop().await;
    fs::set_permissions(bellhop.key_file(), fs::Permissions::from_mode(0o644)).unwrap();
    let mut serve = Process::start(bellhop.serve_command());
    assert_eq!(serve.ended().await.code(), Some(1), "{}", serve.output());
    let said = serve.errors();
    assert!(said.contains(bellhop.key_file().to_str().unwrap()), "{said}");
    fs::set_permissions(bellhop.key_file(), fs::Permissions::from_mode(0o600)).unwrap();
    bellhop.serve().await;
    assert_eq!(bellhop.services().await.len(), 1, "nothing was lost by that");
}

/// Proves secrets.5.
#[tokio::test]
async fn another_passphrase_opens_nothing_and_loses_nothing() {
    let mut bellhop =
        Bellhop::set_up(Setup { kept: Kept::Passphrase, ..Setup::default() }).await.with_playground().await;
    bellhop.restart().await;
    assert_eq!(bellhop.services().await, [("playground".to_owned(), "connected".to_owned())]);
    bellhop.stop().await;
    let mut serve = Process::start(bellhop.serve_command());
    serve.send("another one");
    serve.close();
    assert_eq!(serve.ended().await.code(), Some(1), "{}", serve.output());
    assert!(serve.errors().contains("passphrase"), "{}", serve.errors());
    bellhop.serve().await;
    assert_eq!(bellhop.services().await.len(), 1);
}

/// Proves person.1: an app that can start programs and open the socket can't let itself in.
#[tokio::test]
async fn nobody_lets_an_app_in_over_the_socket_without_the_pin() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let app = App::register(&bellhop, "/mcp", "Climber").await;
    let asking = app.ask(None).await;
    let request = bellhop.json(&["requests"]).await[0].clone();
    let home = engine::Home::find(Some(bellhop.home.clone())).unwrap();
    let (client, _events) = control::Client::open(home.connect().await.unwrap()).await.unwrap();
    let approve = || control::Command::Approve {
        request: serde_json::from_value(request["id"].clone()).unwrap(),
        snapshot: request["snapshot"].as_str().unwrap().to_owned(),
        scope: "playground:write".parse().unwrap(),
    };
    let refused = client.command(approve()).await.unwrap().unwrap_err();
    assert_eq!(refused.code, "engine.needs_pin");
    let secret = control::Proof::Window { secret: "0".repeat(64) };
    assert_eq!(client.prove(secret).await.unwrap().unwrap_err().code, "engine.proof");
    let wrong = control::Proof::Pin { pin: "1111".to_owned() };
    assert_eq!(client.prove(wrong).await.unwrap().unwrap_err().code, "engine.pin_wrong");
    let refused = client.command(approve()).await.unwrap().unwrap_err();
    assert_eq!(refused.code, "engine.needs_pin");
    assert_eq!(bellhop.json(&["connections"]).await, json!([]));

    // The PIN counts for one command, and for what the person saw.
    let right = || control::Proof::Pin { pin: PIN.to_owned() };
    client.prove(right()).await.unwrap().unwrap();
    let other = control::Command::Approve {
        request: serde_json::from_value(request["id"].clone()).unwrap(),
        snapshot: "something else".to_owned(),
        scope: "playground:write".parse().unwrap(),
    };
    assert!(client.command(other).await.unwrap().is_err());
    assert_eq!(client.command(approve()).await.unwrap().unwrap_err().code, "engine.needs_pin");
    client.prove(right()).await.unwrap().unwrap();
    client.command(approve()).await.unwrap().unwrap();
    assert_eq!(app.tokens(&asking).await.scope.split(' ').next_back(), Some("playground:write"));
    let rows: Value = bellhop.json(&["connections"]).await;
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
}

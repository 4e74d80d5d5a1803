//! Servers that mean ill, or answer nonsense, while somebody signs in.

use bellhop_tests::{App, Bellhop, Oracle, Page, Process, Provider, Session, Ways};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

const SERVER: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";

/// The most memory that a process ever had, in KiB.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sign-ins to as many providers, each changed in its own way. None succeeds, each says a sentence and a next step that
/// hold none of what the server said, no browser is sent anywhere, and Bellhop goes on.
async fn all_are_refused(rows: Vec<(&'static str, &'static str, Change)>) {
    let mut bellhop = Bellhop::start().await;
    let oracle = Oracle::default();
    let pid = bellhop.process().pid();
    let before = peak(pid);
    let bellhop = &bellhop;
    join_all(rows.into_iter().map(|(what, sentence, change)| {
        let oracle = oracle.clone();
        async move {
            let provider = Provider::watched(oracle).await;
            provider.ways(change);
            let url = provider.url();
            let run = bellhop.run(&["services", "add", &url, "--no-browser"]).await;
            assert_eq!(run.code, Some(1), "{what}: {run:?}");
            let error = run.err.strip_prefix("error: ").unwrap_or_else(|| panic!("{what}: {run:?}"));
            let (said, next) = error.split_once('\n').unwrap_or_else(|| panic!("{what}: {run:?}"));
            assert!(said.contains(sentence), "{what}: {run:?}");
            assert!(said.ends_with('.') && next.trim().ends_with('.'), "{what}: {run:?}");
            assert!(!run.err.contains("hostile") && run.out.is_empty(), "{what}: {run:?}");
            let seen = provider.seen();
            assert_eq!((seen.visits, seen.exchanges), (0, 0), "{what}");
        }
    }))
    .await;
    let more = peak(pid).saturating_sub(before);
    assert!(more < 64 * 1024, "{more} KiB more");
    assert_eq!(bellhop.services().await, []);
    oracle.is_silent();
    // And the next one is an ordinary one.
    let provider = Provider::start().await;
    provider.sign_in(bellhop, "faults").await.well();
}

type Change = Box<dyn FnOnce(&mut Ways)>;

fn says(name: &'static str, value: Value) -> Change {
    Box::new(move |w| w.metadata = json!({ name: value }))
}

fn page(path: &'static str, page: Page) -> Change {
    Box::new(move |w| {
        w.pages.insert(path.to_owned(), page);
    })
}

/// Proves hostile.1.
#[tokio::test]
async fn metadata_that_leads_astray_is_not_followed() {
    const BELONGS: &str = "says that it belongs to somebody else";
    const NOT_SAFE: &str = "addresses that start with https://";
    const PRIVATE: &str = "private network";
    all_are_refused(vec![
        ("another issuer", BELONGS, says("issuer", json!("https://hostile.example"))),
        ("a token endpoint by http", NOT_SAFE, says("token_endpoint", json!("http://hostile.example/token"))),
        (
            "a registration endpoint by http",
            NOT_SAFE,
            says("registration_endpoint", json!("http://hostile.example/r")),
        ),
        (
            "a private registration endpoint",
            PRIVATE,
            says("registration_endpoint", json!("https://10.0.0.1/r")),
        ),
        (
            "a cloud's own address",
            PRIVATE,
            says("registration_endpoint", json!("https://169.254.169.254/latest")),
        ),
        (
            "a private address in disguise",
            PRIVATE,
            says("registration_endpoint", json!("https://[::ffff:192.168.0.1]/r")),
        ),
        ("the same as a number", PRIVATE, says("registration_endpoint", json!("https://0xa000001/r"))),
        (
            "metadata behind a private redirect",
            "doesn't say how",
            page(SERVER, Page::redirect("https://10.0.0.1/m")),
        ),
        ("metadata behind a file", "doesn't say how", page(SERVER, Page::redirect("file:///etc/passwd"))),
        ("metadata that goes in circles", "doesn't say how", page(SERVER, Page::redirect(SERVER))),
        (
            "a service behind a private redirect",
            PRIVATE,
            page("/mcp", Page::redirect("https://192.168.0.1/mcp")),
        ),
        (
            "a sign-in server by http",
            NOT_SAFE,
            Box::new(|w| w.resource = json!({ "authorization_servers": ["http://hostile.example"] })),
        ),
        (
            "a private sign-in server",
            PRIVATE,
            Box::new(|w| w.resource = json!({ "authorization_servers": ["https://172.16.0.1"] })),
        ),
    ])
    .await;
}

/// A hundred MiB of JSON that is true, in a few bytes.
fn bomb() -> Vec<u8> {
    let mut gzip =
        Command::new("gzip").arg("-9").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = gzip.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let spaces = vec![b' '; 1024 * 1024];
        for _ in 0..100 {
            input.write_all(&spaces).unwrap();
        }
        input.write_all(b"{}").unwrap();
    });
    let output = gzip.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.stdout.len() < 1024 * 1024);
    output.stdout
}

/// Proves hostile.2: what is too long, too slow or packed, at every place that is asked.
#[tokio::test]
async fn answers_without_measure_are_cut_off() {
    const GIB: u64 = 1024 * 1024 * 1024;
    let long = || Page::Long(GIB, vec![("content-type", "application/json".to_owned())]);
    let stream = || Page::Long(GIB, vec![("content-type", "text/event-stream".to_owned())]);
    let packed = Page::Answer(
        200,
        vec![("content-type", "application/json".to_owned()), ("content-encoding", "gzip".to_owned())],
        bomb(),
    );
    let half = br#"{"issuer":"#.to_vec();
    let json = vec![("content-type", "application/json".to_owned())];
    let nowhere = "doesn't say how";
    all_are_refused(vec![
        ("a service of 1 GiB", "can't use", page("/mcp", long())),
        ("a service that streams 1 GiB", "can't use", page("/mcp", stream())),
        ("a slow service", "did not answer in time", page("/mcp", Page::Slow)),
        ("a silent service", "did not answer in time", page("/mcp", Page::Silent)),
        ("metadata of 1 GiB", nowhere, page(SERVER, long())),
        ("slow metadata", nowhere, page(SERVER, Page::Slow)),
        ("silent metadata", nowhere, page(SERVER, Page::Silent)),
        ("packed metadata", nowhere, page(SERVER, packed)),
        ("half of metadata", nowhere, page(SERVER, Page::Answer(200, json.clone(), half.clone()))),
        ("a registration of 1 GiB", "can't use", page("/register", long())),
        (
            "half of a registration",
            "did not accept Bellhop",
            page("/register", Page::Answer(201, json, half)),
        ),
        ("a silent registration", "did not answer in time", page("/register", Page::Silent)),
    ])
    .await;
}

/// Proves hostile.3: nothing but a web address is handed to a browser, as one word. No shell ever sees it.
#[tokio::test]
async fn no_sign_in_page_is_opened_but_a_web_address() {
    let bad = [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,hostile",
        "app.bellhop.desktop:/oauth/callback",
        "http://hostile.example/authorize",
        "https://user:hostile@example.com/authorize",
        "https://$(touch hostile).example/authorize",
        "https://hostile.example`id`/authorize",
        "https://example.com/a hostile",
        "--hostile",
        "",
    ];
    // A page of this computer would be asked for by the browser at once: it is an ordinary page.
    let rows = bad.map(|address| (address, "", says("authorization_endpoint", json!(address))));
    all_are_refused(rows.into_iter().collect()).await;

    // What a shell would act on may stand in a query: no shell sees it.
    let bellhop = Bellhop::start().await;
    let provider = Provider::start().await;
    let address = "https://a.example/authorize?x=$(id);`id`|id&y='\"><";
    provider.ways(says("authorization_endpoint", json!(address)));
    let add = ["services", "add", &provider.url(), "--no-browser"];
    let mut adding = Process::start(bellhop.command(&add));
    let line = adding.line("the address", |line| line.starts_with("http").then(|| line.to_owned())).await;
    assert!(line.starts_with("https://a.example/"), "{line}");
    let harmless = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '<' | '>' | '\\');
    assert!(line.chars().all(harmless), "written anew, so that it is one word: {line}");
    adding.interrupt();
    adding.ended().await;
}

/// Proves hostile.4.
#[tokio::test]
async fn lives_of_tokens_that_make_no_sense_are_tolerated() {
    let lives = [
        json!("3600"),
        json!(" 3600 "),
        json!("soon"),
        json!(0),
        json!(-5),
        json!(u64::MAX),
        json!(1e300),
        json!(3599.5),
        json!(true),
        json!({}),
        Value::Null,
    ];
    let bellhop = Bellhop::kept().await;
    let oracle = Oracle::default();
    let mut providers = Vec::new();
    for (at, life) in lives.iter().enumerate() {
        let provider = Provider::watched(oracle.clone()).await;
        provider.ways(|w| w.expires_in = life.clone());
        provider.sign_in(&bellhop, &format!("s{at}")).await.well();
        providers.push(provider);
    }
    let scope: Vec<String> = (0..lives.len()).map(|at| format!("s{at}:read")).collect();
    let scope: Vec<&str> = scope.iter().map(String::as_str).collect();
    let (app, tokens) = App::let_in(&bellhop, "Caller", &scope).await;
    let session = Session::open(&app, &tokens).await;
    for (at, (life, provider)) in lives.iter().zip(&providers).enumerate() {
        for _ in 0..3 {
            let said = session.call(&format!("s{at}_echo"), json!({ "text": "hello" })).await;
            assert_eq!(said["content"][0]["text"], "hello", "{life}");
        }
        assert!(provider.seen().renewals <= 1, "{life} makes no storm: {}", provider.seen().renewals);
    }
    for service in bellhop.json(&["services"]).await.as_array().unwrap() {
        assert_eq!(service["state"]["state"], "connected", "{service}");
    }
    oracle.is_silent();
}

/// Proves hostile.5: what only the resource's own metadata says wrongly is passed over, for there is another way.
#[tokio::test]
async fn a_resources_metadata_about_something_else_is_not_believed() {
    let bellhop = Bellhop::start().await;
    let provider = Provider::start().await;
    provider.ways(|w| {
        w.resource =
            json!({ "resource": "https://hostile.example/mcp", "authorization_servers": ["https://hostile.example"] });
    });
    provider.sign_in(&bellhop, "faults").await.well();
    let other = Provider::start().await;
    other.ways(page(RESOURCE, Page::redirect("https://10.0.0.1/resource")));
    other.sign_in(&bellhop, "other").await.well();
    provider.oracle.is_silent();
    other.oracle.is_silent();
}

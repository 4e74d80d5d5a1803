//! Sign-ins that can't work, and those that somebody tries to disturb.

use bellhop_tests::{Bellhop, Http, Peer, Process, approve};
use std::net::TcpListener;
use url::Url;

/// Proves services.9: each says a sentence, ends with 1, and leaves what was there.
#[tokio::test]
async fn an_address_that_is_no_service_says_what_is_wrong_and_changes_nothing() {
    let (authorization, _server) = Peer::pair(&[]).await;
    let bellhop = Bellhop::start().await.with_playground().await;
    let before = bellhop.services().await;
    // Taken and let go: nobody listens there now.
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let page = format!("{}/nothing/here", authorization.ready["issuer"].as_str().unwrap());
    for (address, sentence) in [
        (page.as_str(), "there is no MCP server at this address."),
        (&format!("http://127.0.0.1:{closed}/mcp"), "127.0.0.1 can't be reached."),
        ("https://nowhere.invalid/mcp", "There is no server named nowhere.invalid"),
        ("http://nowhere.invalid/mcp", "addresses that start with https://"),
        ("ftp://127.0.0.1/mcp", "addresses that start with https://"),
        ("file:///etc/passwd", "addresses that start with https://"),
        ("not an address", "This is not an address Bellhop can use."),
        ("https://user:password@example.com/mcp", "holds a user name or a password"),
        (&bellhop.url("/mcp"), "That is Bellhop's own address"),
        (&format!("http://localhost:{}/mcp/playground", bellhop.port), "That is Bellhop's own address"),
    ] {
        let run = bellhop.run(&["services", "add", address, "--no-browser"]).await.refused(sentence);
        let error = run.err.strip_prefix("error: ").unwrap_or_else(|| panic!("{address}: {run:?}"));
        let (sentence, next) =
            error.split_once('\n').unwrap_or_else(|| panic!("{address}: no next step: {run:?}"));
        assert!(sentence.ends_with('.') && next.trim().ends_with('.'), "{address}: {run:?}");
        assert!(run.out.is_empty(), "{run:?}");
    }
    assert_eq!(bellhop.services().await, before);
}

/// Proves services.10.
#[tokio::test]
async fn a_sign_in_that_the_person_leaves_changes_nothing() {
    let bellhop = Bellhop::start().await;
    let mut adding = Process::start(bellhop.command(&["services", "add", "playground", "--no-browser"]));
    let address = adding.line("the address", |line| line.starts_with("http").then(|| line.to_owned())).await;
    adding.interrupt();
    assert_eq!(adding.ended().await.code(), Some(130));
    assert_eq!(bellhop.services().await, []);
    // Pressing the button now comes too late.
    approve(&address, "allow").await;
    assert_eq!(bellhop.services().await, []);
    // And a later one is not disturbed by it.
    bellhop.add("playground", "allow").await.well();
}

/// Proves services.11: replies that belong to no sign-in, or name another issuer, are not believed, and the right
/// one still is.
#[tokio::test]
async fn a_forged_reply_neither_signs_in_nor_ends_the_sign_in() {
    let (authorization, server) = Peer::pair(&[]).await;
    let bellhop = Bellhop::start().await;
    let mut adding =
        Process::start(bellhop.command(&["services", "add", server.url(), "--name", "sdk", "--no-browser"]));
    let address = adding.line("the address", |line| line.starts_with("http").then(|| line.to_owned())).await;
    let asked: std::collections::HashMap<_, _> =
        Url::parse(&address).unwrap().query_pairs().into_owned().collect();
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["resource"], server.url());
    let (redirect, state) = (&asked["redirect_uri"], &asked["state"]);
    let issuer = authorization.ready["issuer"].as_str().unwrap();
    let http = Http::default();
    for query in [
        "code=stolen&state=guessed".to_owned(),
        format!("code=stolen&state={state}&iss=http%3A%2F%2Fevil.example"),
        format!("code=stolen&state={state}"),
        format!("error=access_denied&state=guessed&iss={issuer}"),
        "".to_owned(),
    ] {
        http.get(&format!("{redirect}?{query}")).await;
        assert!(adding.runs(), "{query} ended it: {}", adding.errors());
    }
    approve(&address, "approve").await;
    adding.close();
    assert_eq!(adding.ended().await.code(), Some(0), "{}", adding.errors());
    assert_eq!(bellhop.services().await, [("sdk".to_owned(), "connected".to_owned())]);
}

/// Proves services.12.
#[tokio::test]
async fn two_accounts_are_two_services_with_names_of_their_own() {
    let (_authorization, server) = Peer::pair(&[]).await;
    let bellhop = Bellhop::start().await;
    let add = |name: &'static str| ["services", "add", server.url(), "--name", name, "--no-browser"];
    bellhop.sign_in(&add("one"), Some("approve")).await.well();
    bellhop.sign_in(&add("one"), Some("approve")).await.refused("one");
    bellhop.sign_in(&add("two"), Some("approve")).await.well();
    let names: Vec<String> = bellhop.services().await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["one", "two"]);
}

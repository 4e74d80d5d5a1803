//! Sign-ins that somebody disturbs, or the person does twice.

use bellhop_tests::{App, Bellhop, Http, Process, Provider, Session, visit};
use futures_util::future::join_all;
use serde_json::json;
use url::Url;

/// A sign-in that waits for its browser: the process, and the address it shows.
async fn waiting(bellhop: &Bellhop, provider: &Provider) -> (Process, String) {
    let url = provider.url();
    let args = ["services", "add", &url, "--name", "faults", "--no-browser"];
    let mut adding = Process::start(bellhop.command(&args));
    adding.close();
    let address = adding.line("the address", |line| line.starts_with("http").then(|| line.to_owned())).await;
    (adding, address)
}

fn parameter(address: &str, name: &str) -> String {
    let url = Url::parse(address).unwrap();
    url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned()).unwrap()
}

/// Proves hostile.6: a thousand forged replies, and the right one, which counts once.
#[tokio::test]
async fn a_thousand_forged_replies_do_not_keep_the_right_one_out() {
    let provider = Provider::start().await;
    let bellhop = Bellhop::start().await;
    let (mut adding, address) = waiting(&bellhop, &provider).await;
    let (redirect, state) = (parameter(&address, "redirect_uri"), parameter(&address, "state"));
    let http = Http::default();
    let right = http.get(&address).await.header("location").to_owned();
    for part in 0..20 {
        let (http, redirect, state, right) = (&http, &redirect, &state, &right);
        let forged = (0..50).map(|n| async move {
            let query = match n % 5 {
                0 => format!("code=forged&state={part}-{n}"),
                1 => format!(
                    "error=%3Cscript%3Ealert(1)%3C%2Fscript%3E&error_description=%3Cscript%3E&state={n}"
                ),
                2 => format!("code=forged&state={state}&iss=https%3A%2F%2Fhostile.example"),
                3 => format!("{}&code=twice", right.split_once('?').unwrap().1),
                _ => "x".repeat(9000),
            };
            let answer = http.get(&format!("{redirect}?{query}")).await;
            assert!(answer.status.is_client_error(), "{query:.60}: {}", answer.status);
            let page = answer.text().await;
            assert!(!page.contains("<script") && !page.contains("alert"), "{page}");
        });
        join_all(forged).await;
    }
    assert!(adding.runs(), "{}", adding.errors());
    assert_eq!(provider.seen().exchanges, 0);
    let page = http.get(&right).await;
    assert_eq!(page.status, 200);
    page.text().await;
    // Late, and once more: nobody takes it.
    let fresh = Http::default();
    if let Ok(answer) = fresh.try_send(hyper::Method::GET, &right, &[], String::new()).await {
        assert!(answer.status.is_client_error());
    }
    assert_eq!(adding.ended().await.code(), Some(0), "{}", adding.errors());
    assert_eq!(bellhop.services().await, [("faults".to_owned(), "connected".to_owned())]);
    assert_eq!(provider.seen().exchanges, 1);
    provider.oracle.is_silent();
}

/// Proves hostile.7.
#[tokio::test]
async fn a_second_click_joins_the_first() {
    let provider = Provider::start().await;
    let bellhop = Bellhop::start().await;
    let (mut first, address) = waiting(&bellhop, &provider).await;
    let (mut second, same) = waiting(&bellhop, &provider).await;
    assert_eq!(address, same);
    let http = Http::default();
    let back = http.get(&address).await.header("location").to_owned();
    http.get(&back).await.text().await;
    for adding in [&mut first, &mut second] {
        assert_eq!(adding.ended().await.code(), Some(0), "{}", adding.errors());
    }
    let seen = provider.seen();
    assert_eq!((seen.registrations, seen.exchanges), (1, 1));
    assert_eq!(bellhop.services().await.len(), 1);
    provider.oracle.is_silent();
}

/// Proves hostile.8: a sign-in that the person denies or leaves takes nothing from the one that is there.
#[tokio::test]
async fn a_sign_in_again_that_comes_to_nothing_leaves_the_old_one() {
    let provider = Provider::start().await;
    let mut bellhop = Bellhop::kept().await;
    provider.sign_in(&bellhop, "faults").await.well();
    let (app, tokens) = App::let_in(&bellhop, "Caller", &["faults:read"]).await;
    let again = ["services", "sign-in", "faults", "--no-browser"];

    provider.ways(|w| w.denies = true);
    visit(&bellhop, &again).await.refused("was denied.");
    let mut left = Process::start(bellhop.command(&again));
    left.line("the address", |line| line.starts_with("http").then_some(())).await;
    left.interrupt();
    assert_eq!(left.ended().await.code(), Some(130));
    let (mut crashed, _) = {
        let mut process = Process::start(bellhop.command(&again));
        process.close();
        let address =
            process.line("the address", |line| line.starts_with("http").then(|| line.to_owned())).await;
        (process, address)
    };
    bellhop.crash();
    assert_eq!(crashed.ended().await.code(), Some(1));
    bellhop.serve().await;

    let session = Session::open(&app, &tokens).await;
    session.call("faults_echo", json!({ "text": "hello" })).await;
    assert_eq!(bellhop.services().await, [("faults".to_owned(), "connected".to_owned())]);
    let seen = provider.seen();
    assert_eq!((seen.exchanges, seen.revoked.len()), (1, 0));
    provider.oracle.is_silent();
}

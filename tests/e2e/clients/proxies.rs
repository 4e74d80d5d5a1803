//! A network that is left through a proxy alone.

use base64::{Engine, engine::general_purpose::STANDARD};
use bellhop_tests::{App, Bellhop, Certificates, PROXY_PASSWORD, Peer, Proxy, Session, Setup, until};
use serde_json::json;
use std::{collections::BTreeSet, fs};

const AUTHORIZATION: &str = "auth.bellhop.test";
const SERVICE: &str = "mcp.bellhop.test";

/// What everybody behind the proxy finds in their environment.
fn surroundings(proxy: &str, certificates: &Certificates) -> Vec<(&'static str, String)> {
    vec![
        ("HTTPS_PROXY", proxy.to_owned()),
        ("HTTP_PROXY", proxy.to_owned()),
        ("ALL_PROXY", proxy.to_owned()),
        ("SSL_CERT_FILE", certificates.trusted.display().to_string()),
        // The same for Node: the peers and the browser.
        ("NODE_USE_ENV_PROXY", "1".to_owned()),
        ("NODE_EXTRA_CA_CERTS", certificates.trusted.display().to_string()),
    ]
}

/// Proves services.40: two names that only the proxy resolves, encrypted, with a certificate of an authority that this
/// computer trusts. What is on this computer is not asked of the proxy, though all variables name it.
#[tokio::test]
async fn behind_a_proxy_a_person_signs_in_and_apps_call_and_this_computer_is_reached_directly() {
    behind(|proxy| vec![("HTTPS_PROXY", proxy.url.clone()), ("HTTP_PROXY", proxy.url.clone())]).await;
}

/// Proves services.40: by SOCKS, which leaves the names to the proxy.
#[tokio::test]
async fn behind_a_proxy_that_speaks_socks_all_is_the_same() {
    behind(|proxy| vec![("all_proxy", proxy.socks.clone())]).await;
}

/// What is so behind a proxy that Bellhop knows by these variables.
async fn behind(variables: impl FnOnce(&Proxy) -> Vec<(&'static str, String)>) {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::of(&[AUTHORIZATION, SERVICE], folder.path());
    let proxy = Proxy::start().await;
    let env = surroundings(&proxy.url, &certificates);
    let pem = certificates.server.to_str().unwrap();
    let args = ["--access-ttl", "3", "--tls", pem, "--name", AUTHORIZATION];
    let authorization = Peer::start_with("oidc.mjs", &args, &env).await;
    let port = |peer: &Peer| u16::try_from(peer.ready["port"].as_u64().unwrap()).unwrap();
    proxy.knows(AUTHORIZATION, port(&authorization));
    let ready = authorization.ready.to_string();
    let args = ["--authorization", &ready, "--tls", pem, "--name", SERVICE];
    let server = Peer::start_with("mcp-server.mjs", &args, &env).await;
    proxy.knows(SERVICE, port(&server));
    let here = Peer::fixture("legacy").await;
    let before = proxy.asked().len();

    let trusted = ("SSL_CERT_FILE", certificates.trusted.display().to_string());
    let own = [variables(&proxy), vec![trusted]].concat();
    let setup = Setup { env: own, log: Some("trace"), ..Setup::default() };
    let mut bellhop = Bellhop::set_up(setup).await.with_open("here", &here).await;
    let add = ["services", "add", server.url(), "--name", "there", "--no-browser"];
    // Every browser leaves this computer out by itself; Node has to be told.
    let browser = [env.clone(), vec![("NO_PROXY", "127.0.0.1".to_owned())]].concat();
    let added = bellhop.sign_in_with(&add, Some("approve"), &browser).await.well();
    assert!(added.out.starts_with(&format!("https://{AUTHORIZATION}/auth?")), "{added:?}");
    let registered = authorization.until("registered", |_| true).await;
    assert!(registered["name"].as_str().unwrap().starts_with("Bellhop on "), "{registered}");

    let (app, tokens) = App::let_in(&bellhop, "Typist", &["there:write", "here:write"]).await;
    let session = Session::open(&app, &tokens).await;
    let renewed = || authorization.all("token").iter().any(|e| e["grant"] == "refresh_token");
    until("a call after a renewal", || async {
        let said = session.call("there_echo", json!({ "text": "out there" })).await;
        assert_eq!(said["content"][0]["text"], "out there");
        renewed().then_some(())
    })
    .await;
    // The proxy no longer finds it: the app reads that it is the proxy's doing.
    proxy.forgets(SERVICE);
    let params = json!({ "name": "there_echo", "arguments": { "text": "lost" } });
    // A connection that was cut under a call only ends that call: the next one needs a new one.
    until("a call that needs a connection says why it gets none", || async {
        let said = session.ask("tools/call", params.clone()).await;
        (said["error"]["data"]["code"] == "relay.proxy").then_some(())
    })
    .await;
    proxy.knows(SERVICE, port(&server));
    let seen = bellhop.json(&["services", "show", "here"]).await;
    assert_eq!(seen["state"]["state"], "connected", "{seen}");

    bellhop.run(&["services", "remove", "there"]).await.well();
    authorization.until("refresh_token_revoked", |_| true).await;
    let asked: BTreeSet<String> = proxy.asked().split_off(before).into_iter().collect();
    let places = [AUTHORIZATION, SERVICE].map(|name| format!("{name}:443"));
    assert_eq!(asked, BTreeSet::from(places), "nothing of this computer was asked of the proxy");

    let doctor = bellhop.run(&["doctor"]).await;
    let place = proxy.url.rsplit_once('@').unwrap().1;
    assert!(doctor.out.contains(place), "the doctor names the proxy: {doctor:?}");
    let log = bellhop.process().errors() + &bellhop.process().output() + &doctor.out + &doctor.err;
    assert!(log.contains(place) && !log.contains(PROXY_PASSWORD), "no log has the proxy's password");
    let encoded = STANDARD.encode(format!("anna:{PROXY_PASSWORD}"));
    assert!(!log.contains(&encoded), "nor the header with it");
    for entry in fs::read_dir(&bellhop.home).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(PROXY_PASSWORD.len()).any(|w| w == PROXY_PASSWORD.as_bytes());
            assert!(!found, "{} has the proxy's password", path.display());
        }
    }
}

/// Proves services.41.
#[tokio::test]
async fn a_proxy_that_does_not_let_bellhop_through_is_said_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::of(&[SERVICE], folder.path());
    let proxy = Proxy::start().await;
    let url = format!("https://{SERVICE}/mcp");
    let add = ["services", "add", &url, "--no-browser"];
    for (address, sentence) in [
        (proxy.url_with_wrong_password(), "without the right user name and password."),
        (proxy.url.clone(), "can't be reached through the proxy 127.0.0.1:"),
    ] {
        let env = surroundings(&address, &certificates);
        let bellhop = Bellhop::set_up(Setup { env, ..Setup::default() }).await;
        let refused = bellhop.run(&add).await.refused(sentence);
        assert!(
            !format!("{refused:?}").contains(PROXY_PASSWORD) && !refused.err.contains("coffee"),
            "{refused:?}"
        );
        assert_eq!(bellhop.services().await, []);
    }
    assert_eq!(proxy.asked(), [format!("{SERVICE}:443"), format!("{SERVICE}:443")].map(String::from));
}

/// Proves services.42.
#[tokio::test]
async fn a_variable_that_names_no_proxy_is_said_without_what_it_holds() {
    let env = vec![("HTTPS_PROXY", format!("ftp://anna:{PROXY_PASSWORD}@proxy.example"))];
    let mut bellhop = Bellhop::set_up(Setup { env, log: Some("info"), ..Setup::default() }).await;
    let doctor = bellhop.run(&["doctor"]).await;
    assert!(doctor.out.contains("HTTPS_PROXY names no proxy that Bellhop can use"), "{doctor:?}");
    let log = bellhop.process().errors() + &bellhop.process().output();
    assert!(log.contains("HTTPS_PROXY names no proxy"), "{log}");
    assert!(!(log + &doctor.out).contains(PROXY_PASSWORD));
}

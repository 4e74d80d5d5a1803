use super::{
    by_hand::{begin, call, paste},
    person::{Approved, Person},
    site::{Setup, WordPress},
    tls::Front,
};
use bellhop_tests::{Bellhop, Process, Setup as Kind};
use serde_json::json;

/// A Bellhop that trusts this authority, as `SSL_CERT_FILE` says.
async fn trusting(front: &Front) -> (Bellhop, Process) {
    let bellhop = Bellhop::cold(Kind::default());
    let mut serve = bellhop.serve_command();
    serve.env("SSL_CERT_FILE", &front.authority);
    let serve = Process::start(serve);
    serve.line("that it is ready", |line| line.starts_with("Bellhop is ready").then_some(())).await;
    (bellhop, serve)
}

/// Proves wordpress.14.
#[tokio::test]
async fn a_public_site_behind_tls_is_used_with_a_pasted_password_and_only_with_a_certificate_that_is_trusted()
{
    let wordpress = WordPress::install().await;
    let folder = tempfile::tempdir().unwrap();
    let front = Front::start(folder.path());
    let url = format!("https://localhost:{}", front.port);
    let setup = Setup { url: Some(url.clone()), kind: "production", ..Setup::default() };
    let site = wordpress.serve(setup).await;
    front.before(site.port);

    let stranger = Bellhop::start().await;
    paste(&stranger, &site, "anna", "x").await.refused("could not prove that it is localhost");

    let (bellhop, _serve) = trusting(&front).await;
    // This WordPress sends no answer to a port of this computer: a page that shows the password is opened.
    let (mut asking, page) = begin(&bellhop, &[&url, "--method", "password"]).await;
    assert!(
        page.starts_with(&format!("{url}/wp-admin/authorize-application.php?app_name=Bellhop")),
        "{page}"
    );
    assert!(!page.contains("success_url"), "{page}");
    assert_eq!(asking.ended().await.code(), Some(1));
    assert!(asking.errors().contains("needs the user name"), "{}", asking.errors());
    let mut person = Person::log_in(&site).await;
    let refused = person.press(&format!("{page}&success_url=http%3A%2F%2F127.0.0.1%3A1%2F"), "approve").await;
    assert!(matches!(refused, Approved::Refused), "it would have refused the page: {refused:?}");
    let password = wordpress.make("Bellhop").await;
    paste(&bellhop, &site, "anna", &password).await.well();
    let kept = wordpress.passwords().await;
    assert_eq!(kept.len(), 1, "{kept:?}");

    let service = bellhop.json(&["services"]).await[0].clone();
    let name = service["name"].as_str().unwrap();
    assert_eq!(service["url"], format!("{url}/wp-json/mcp/mcp-adapter-default-server"));
    let said = call(&bellhop, name, "whoami", json!({})).await;
    assert_eq!(said["content"][0]["text"], "anna", "{said}");
    bellhop.run(&["services", "remove", name]).await.well();
    assert_eq!(wordpress.passwords().await, [""; 0]);
}

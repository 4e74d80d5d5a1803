use super::{
    by_hand::paste,
    site::{Setup, WordPress},
};
use bellhop_tests::Bellhop;

/// Proves wordpress.13: each trouble has its sentence, and nothing is left behind.
#[tokio::test]
async fn what_is_wrong_with_a_site_or_a_password_is_said_in_a_sentence() {
    let wordpress = WordPress::install().await;
    let bellhop = Bellhop::start().await;
    let password = wordpress.make("Laptop").await;

    let site = wordpress.serve(Setup::default()).await;
    let named = paste(&bellhop, &site, "Laptop", &password).await;
    named.refused("knows no user “Laptop” with this application password.");
    paste(&bellhop, &site, "anna", "not the one")
        .await
        .refused("knows no user “anna” with this application password.");
    // A password to log in with is none for apps.
    paste(&bellhop, &site, "anna", super::site::PASSWORD)
        .await
        .refused("knows no user “anna” with this application password.");

    let stripped = wordpress.serve(Setup { stripped: true, ..Setup::default() }).await;
    paste(&bellhop, &stripped, "anna", &password)
        .await
        .refused("drops the password before WordPress sees it");

    let forbidden = wordpress.serve(Setup { plugins: &["mcp", "forbid"], ..Setup::default() }).await;
    paste(&bellhop, &forbidden, "anna", &password).await.refused("makes no application passwords");
    let public = wordpress.serve(Setup { kind: "production", ..Setup::default() }).await;
    paste(&bellhop, &public, "anna", &password).await.refused("because it is reached by http");

    let without = wordpress.serve(Setup { plugins: &[], ..Setup::default() }).await;
    paste(&bellhop, &without, "anna", &password).await.refused("it has no MCP server");
    let elsewhere = Setup { url: Some("https://blog.example".to_owned()), ..Setup::default() };
    let mut elsewhere = wordpress.serve(elsewhere).await;
    elsewhere.url = format!("http://127.0.0.1:{}", elsewhere.port);
    paste(&bellhop, &elsewhere, "anna", &password).await.refused("its address is https://blog.example");

    assert_eq!(bellhop.services().await, []);
    assert_eq!(wordpress.passwords().await, ["Laptop"]);
}

use super::{
    person::{Approved, Person},
    site::{Served, Setup, WordPress},
};
use bellhop_tests::{App, Bellhop, Process, Run, Session};
use serde_json::{Value, json};

/// Begin to add a site; the process, and the address that it shows.
pub(super) async fn begin(bellhop: &Bellhop, args: &[&str]) -> (Process, String) {
    let args: Vec<&str> = ["services", "add"].iter().chain(args).chain(&["--no-browser"]).copied().collect();
    let mut adding = Process::start(bellhop.command(&args));
    adding.close();
    let address = adding.line("the address", |line| line.starts_with("http").then(|| line.to_owned())).await;
    (adding, address)
}

/// Add a site as `anna`, with a password on standard input.
pub(super) async fn paste(bellhop: &Bellhop, site: &Served, user: &str, password: &str) -> Run {
    let args = ["services", "add", &site.url, "--method", "password", "--user", user, "--no-browser"];
    bellhop.run_with(&args, password).await
}

/// Let an app in that may do everything, and call a tool.
pub(super) async fn call(bellhop: &Bellhop, service: &str, tool: &str, arguments: Value) -> Value {
    let app = App::register(bellhop, "/mcp", "Notebook").await;
    let asking = app.ask(None).await;
    bellhop.approve(&asking.code, &[&format!("{service}:write")]).await;
    let tokens = app.tokens(&asking).await;
    let session = Session::open(&app, &tokens).await;
    session.call(&format!("{service}_{tool}"), arguments).await
}

/// Proves wordpress.11.
#[tokio::test]
async fn a_site_is_signed_in_to_by_its_address_alone_used_and_left_without_a_trace() {
    let wordpress = WordPress::install().await;
    let site = wordpress.serve(Setup::default()).await;
    let bellhop = Bellhop::start().await;
    let (mut adding, page) = begin(&bellhop, &[&site.url]).await;
    assert!(page.starts_with(&format!("{}/wp-admin/authorize-application.php?", site.url)), "{page}");
    let mut person = Person::log_in(&site).await;
    let Approved::SentTo(back) = person.press(&page, "approve").await else { panic!("{page}") };
    assert!(back.starts_with("http://127.0.0.1:"), "{}", back.split('?').next().unwrap());
    assert_eq!(person.follow(&back).await.status, 200);
    assert!(adding.ended().await.success(), "{}", adding.errors());
    assert!(adding.errors().ends_with("as anna."), "{}", adding.errors());

    let service = bellhop.json(&["services"]).await[0].clone();
    assert_eq!(service["account"], "anna");
    assert_eq!(service["title"], "Anna's blog");
    assert_eq!(service["url"], format!("{}/wp-json/mcp/mcp-adapter-default-server", site.url));
    let name = service["name"].as_str().unwrap();
    let kept = wordpress.passwords().await;
    assert!(kept.len() == 1 && kept[0].starts_with("Bellhop on "), "one, and it is not the first: {kept:?}");

    let written = call(&bellhop, name, "write_post", json!({ "title": "Tea" })).await;
    assert_eq!(written["isError"], false, "{written}");
    assert!(wordpress.posts().await.to_string().contains("Tea"));

    bellhop.run(&["services", "remove", name]).await.well();
    assert_eq!(wordpress.passwords().await, [""; 0], "it is gone from the profile");
    let receipt = bellhop.json(&["services", "receipts"]).await[0].clone();
    let steps: Vec<_> = receipt["steps"].as_array().unwrap().iter().map(|s| s["what"].clone()).collect();
    assert_eq!(steps, ["local", "password"], "{receipt}");
    assert_eq!(receipt["dead"]["dead"], "seen_dead", "{receipt}");
    // The same answer again is nothing: its port is closed, its password is gone.
    assert_eq!(bellhop.services().await, []);
}

/// Proves wordpress.12.
#[tokio::test]
async fn a_site_without_permalinks_and_one_in_a_folder_are_found_and_a_no_is_a_no() {
    let wordpress = WordPress::install().await;
    let bellhop = Bellhop::start().await;
    for (folder, plugins) in
        [("", &["mcp", "plain"]), ("/blog", &["mcp", "plain"]), ("/blog", &["mcp", "mcp"])]
    {
        let site = wordpress.serve(Setup { folder, plugins, ..Setup::default() }).await;
        let password = wordpress.make("Bellhop").await;
        paste(&bellhop, &site, "anna", &password).await.well();
        let service = bellhop.json(&["services"]).await[0].clone();
        let plain = plugins[1] == "plain";
        assert_eq!(service["url"].as_str().unwrap().contains("rest_route=/mcp/"), plain, "{service}");
        let name = service["name"].as_str().unwrap();
        let said = call(&bellhop, name, "whoami", json!({})).await;
        assert_eq!(said["content"][0]["text"], "anna", "{said}");
        bellhop.run(&["services", "remove", name]).await.well();
        assert_eq!(wordpress.passwords().await, [""; 0]);

        let (mut adding, page) = begin(&bellhop, &[&site.url]).await;
        let Approved::SentTo(back) = Person::log_in(&site).await.press(&page, "reject").await else {
            panic!("{page}")
        };
        assert_eq!(Person::log_in(&site).await.follow(&back).await.status, 200);
        assert_eq!(adding.ended().await.code(), Some(1));
        assert!(adding.errors().contains("was denied"), "{}", adding.errors());
    }
}

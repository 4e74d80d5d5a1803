//! Apps made with the official TypeScript SDK, of both versions and in both eras, with services of either era: they
//! see through Bellhop what they see without it.

use bellhop_tests::{App, Bellhop, Bridge, Peer, driver};
use serde_json::{Value, json};

/// What an app says that did all there is to do.
async fn steps(args: &[&str]) -> Vec<Value> {
    let mut app = driver("client.mjs", args);
    let status = app.ended().await;
    assert!(status.success(), "{args:?}:\n{}\n{}", app.output(), app.errors());
    app.output().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The same without Bellhop.
pub(super) async fn expected() -> Vec<Value> {
    let direct = Peer::fixture("legacy").await;
    let expected = steps(&[direct.url(), "--sdk", "1"]).await;
    assert_eq!(expected.last().unwrap()["event"], "done");
    expected
}

/// What it says from its second line on is what is expected.
pub(super) fn same(seen: &[Value], expected: &[Value], what: &str) {
    for (seen, expected) in seen.iter().zip(expected).skip(1) {
        assert_eq!(seen, expected, "{what}");
    }
    assert_eq!(seen.len(), expected.len(), "{what}");
}

/// An app of this kind with a service of each era.
async fn everything_works(how: &[&str], era: &str) {
    let expected = expected().await;
    let mut bellhop = Bellhop::start().await;
    for service_era in ["legacy", "modern", "both"] {
        let service = Peer::fixture(service_era).await;
        bellhop = bellhop.with_open(service_era, &service).await;
        let path = format!("/mcp/{service_era}");
        let scope = format!("{service_era}:write");
        let (app, tokens) = App::let_in_at(&bellhop, &path, service_era, &[&scope]).await;
        let args: Vec<&str> =
            [&*app.endpoint, "--bearer", &tokens.access].iter().chain(how).copied().collect();
        let seen = steps(&args).await;
        assert_eq!(seen[0]["era"], era, "{}", seen[0]);
        assert_eq!(seen[0]["capabilities"], expected[0]["capabilities"], "{service_era}");
        same(&seen, &expected, &format!("{how:?} with a service of the era “{service_era}”"));
        // The app's last call but one: it left, and the service was told in the manner of its own era.
        service.until("cancelled", |e| e["tool"] == "test_slow").await;
        assert_eq!(service.all("finished"), Vec::<Value>::new());
    }
}

/// Proves sdks.1.
#[tokio::test]
async fn version_1_of_the_typescript_sdk_uses_services_of_both_eras() {
    everything_works(&["--sdk", "1"], "legacy").await;
}

/// Proves sdks.1.
#[tokio::test]
async fn version_2_of_the_typescript_sdk_uses_services_of_both_eras_in_the_old_eras_way() {
    everything_works(&["--sdk", "2", "--era", "legacy"], "legacy").await;
}

/// Proves sdks.1: it finds out by itself that Bellhop speaks the new era.
#[tokio::test]
async fn version_2_of_the_typescript_sdk_uses_services_of_both_eras_in_the_new_eras_way() {
    everything_works(&["--sdk", "2", "--era", "auto"], "modern").await;
}

/// Proves sdks.2: over the bridge, at the endpoint of all services.
#[tokio::test]
async fn the_typescript_sdk_uses_services_of_both_eras_over_the_bridge() {
    let expected = expected().await;
    for service_era in ["legacy", "modern"] {
        let service = Peer::fixture(service_era).await;
        let bellhop = Bellhop::start().await.with_open("fx", &service).await;
        let command = Bridge::command(&bellhop, "cursor");
        let text = |part: &std::ffi::OsStr| part.to_str().unwrap().to_owned();
        let env: serde_json::Map<String, Value> =
            command.get_envs().map(|(name, value)| (text(name), json!(value.map(text)))).collect();
        let args: Vec<String> = command.get_args().map(text).collect();
        let program = json!({ "command": text(command.get_program()), "args": args, "env": env }).to_string();
        for (sdk, era, spoken) in
            [("1", "legacy", "legacy"), ("2", "legacy", "legacy"), ("2", "auto", "modern")]
        {
            let how = ["--program", &program, "--prefix", "fx_", "--sdk", sdk, "--era", era];
            // The first of them waits to be let in; the others are the same app.
            let let_in = async {
                if sdk == "1" {
                    bellhop.approve(&bellhop.request("Cursor").await, &["fx:write"]).await;
                }
            };
            let (seen, ()) = tokio::join!(steps(&how), let_in);
            assert_eq!(seen[0]["era"], spoken, "{}", seen[0]);
            same(&seen, &expected, &format!("{how:?} with a service of the era “{service_era}”"));
            service.until("cancelled", |e| e["tool"] == "test_slow").await;
        }
    }
}

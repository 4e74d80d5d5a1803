//! What Bellhop answers where the suite wants what can't be had ([`super::exceptions`]): an app of the new era, a
//! service of the old one.

use bellhop_tests::{App, Bellhop, Heard, Peer, Talk};
use serde_json::{Value, json};

const TOOL: &str = "test_input_required_result_elicitation";

struct Scene {
    _service: Peer,
    _bellhop: Bellhop,
    _app: App,
    talk: Talk,
}

async fn scene() -> Scene {
    let service = Peer::fixture("legacy").await;
    let bellhop = Bellhop::start().await.with_open("fixture", &service).await;
    let (app, tokens) = App::let_in_at(&bellhop, "/mcp/fixture", "Modern", &["fixture:write"]).await;
    let talk = Talk::modern(&app.http, &app.endpoint, Some(&tokens.access)).await;
    Scene { _service: service, _bellhop: bellhop, _app: app, talk }
}

/// The one question in a result: its key, and the state that belongs to it.
fn asked(heard: &Heard) -> (String, Value) {
    let result = &heard.answer()["result"];
    assert_eq!(result["resultType"], "input_required", "{result}");
    let questions = result["inputRequests"].as_object().unwrap();
    assert_eq!(questions.len(), 1, "{result}");
    let (key, question) = questions.iter().next().unwrap();
    assert_eq!(question["method"], "elicitation/create");
    assert_eq!(question["params"]["message"], "What is your name?");
    assert!(question.get("id").is_none(), "an id is of the old era: {question}");
    (key.clone(), result["requestState"].clone())
}

fn answered(key: &str) -> Value {
    json!({ key: { "action": "accept", "content": { "name": "Anna" } } })
}

/// Proves conformance.7.
#[tokio::test]
async fn a_question_has_a_key_of_bellhops_choice_and_is_answered_by_it() {
    let scene = scene().await;
    let (key, state) = asked(&scene.talk.once("tools/call", &json!({ "name": TOOL })).await);
    assert!(state.is_string(), "{state}");
    let retry = json!({ "name": TOOL, "inputResponses": answered(&key), "requestState": state });
    let heard = scene.talk.once("tools/call", &retry).await;
    assert_eq!(heard.answer()["result"]["content"][0]["text"], "Hello, Anna!", "{heard:?}");
    assert_eq!(heard.answer()["result"]["resultType"], "complete");
}

/// Proves conformance.8.
#[tokio::test]
async fn an_answer_to_nothing_is_not_heard_and_the_app_is_asked() {
    let scene = scene().await;
    let unasked = json!({ "name": TOOL, "inputResponses": answered("user_name") });
    let (key, state) = asked(&scene.talk.once("tools/call", &unasked).await);
    let retry = json!({ "name": TOOL, "inputResponses": answered(&key), "requestState": state });
    let heard = scene.talk.once("tools/call", &retry).await;
    assert_eq!(heard.answer()["result"]["content"][0]["text"], "Hello, Anna!", "{heard:?}");
}

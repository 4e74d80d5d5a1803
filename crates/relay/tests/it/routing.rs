//! At the endpoint of all services, what two of them call the same is told apart, and finds its way back.

use crate::{
    peer::Peer,
    said::Call,
    support::{House, limits},
    visit::Ask,
};
use serde_json::{Value, json};

/// Two services that offer the same, one of each era.
async fn equals() -> (Peer, Peer, House) {
    let (a, b) = (Peer::legacy().await, Peer::modern().await);
    for peer in [&a, &b] {
        peer.set(|s| s.templates = vec![json!({"uriTemplate":"t://{id}","name":"t"})]);
    }
    let house = House::new(&[("a", a.url()), ("b", b.url())], "a:write b:write", limits()).await;
    (a, b, house)
}

/// An app at that endpoint, of either era.
enum App {
    Legacy(String),
    Modern,
}

impl App {
    async fn both(house: &House) -> [Self; 2] {
        [Self::Legacy(house.open_with("/mcp", "2025-11-25", json!({})).await), Self::Modern]
    }

    async fn request(&self, house: &House, method: &str, params: Value) -> Value {
        match self {
            Self::Legacy(session) => {
                let body = json!({"jsonrpc":"2.0","id":1,"method":method,"params":params});
                house.tell("/mcp", session, &body).await.json()
            }
            Self::Modern => house.ask(Ask::new(1, method, params).at("/mcp")).await.json(),
        }
    }

    /// Makes a request that this service is to answer so; what the service was asked, and the answer's result.
    async fn served(
        &self,
        house: &House,
        peer: &Peer,
        (method, params): (&str, Value),
        result: &Value,
    ) -> (Value, Value) {
        let serve = async {
            let call = peer.call().await;
            let seen = Call::clone_of(&call);
            call.result(result);
            seen.json()
        };
        let (answer, seen) = tokio::join!(self.request(house, method, params), serve);
        assert_eq!(seen["method"], method);
        (seen["params"].clone(), answer["result"].clone())
    }
}

#[tokio::test]
async fn prompts_resources_and_completions_of_equal_names_go_to_the_service_that_was_meant() {
    let (a, b, house) = equals().await;
    for app in App::both(&house).await {
        let listed = |method: &'static str, member: &'static str, key: &'static str| {
            let (app, house) = (&app, &house);
            async move {
                let list = app.request(house, method, json!({})).await["result"][member].clone();
                let list: Vec<_> =
                    list.as_array().unwrap().iter().map(|e| e[key].as_str().unwrap().to_owned()).collect();
                list
            }
        };
        assert_eq!(listed("prompts/list", "prompts", "name").await, ["a_greet", "b_greet"]);
        assert_eq!(
            listed("resources/list", "resources", "uri").await,
            ["bellhop://a/x://one", "bellhop://b/x://one"]
        );
        let templates = listed("resources/templates/list", "resourceTemplates", "uriTemplate").await;
        assert_eq!(templates, ["bellhop://a/t://{id}", "bellhop://b/t://{id}"]);
        for (name, peer) in [("a", &a), ("b", &b)] {
            let done = json!({"resultType":"complete"});
            let get = ("prompts/get", json!({"name":format!("{name}_greet")}));
            assert_eq!(app.served(&house, peer, get, &done).await.0["name"], "greet");
            for (uri, own) in [("x://one", "x://one"), ("t://7", "t://7")] {
                let contents = json!({"resultType":"complete","contents":[{"uri":own,"text":"x"}]});
                let public = format!("bellhop://{name}/{uri}");
                let read = ("resources/read", json!({"uri":public}));
                let (asked, answer) = app.served(&house, peer, read, &contents).await;
                assert_eq!(asked["uri"], own);
                let again = answer["contents"][0]["uri"].as_str().unwrap().to_owned();
                // Under whichever name it came back, it is the same service's.
                let read = ("resources/read", json!({"uri":again}));
                assert_eq!(app.served(&house, peer, read, &contents).await.0["uri"], own);
            }
            let argument = json!({"name":"x","value":"y"});
            let values = json!({"resultType":"complete","completion":{"values":[]}});
            for (reference, own) in [
                (
                    json!({"type":"ref/prompt","name":format!("{name}_greet"),"title":"t"}),
                    json!({"type":"ref/prompt","name":"greet","title":"t"}),
                ),
                (
                    json!({"type":"ref/resource","uri":format!("bellhop://{name}/t://{{id}}")}),
                    json!({"type":"ref/resource","uri":"t://{id}"}),
                ),
            ] {
                let complete = ("completion/complete", json!({"ref":reference,"argument":argument}));
                assert_eq!(app.served(&house, peer, complete, &values).await.0["ref"], own);
            }
        }
    }
}

#[tokio::test]
async fn what_services_link_to_and_list_nowhere_is_read_from_the_service_that_linked_to_it() {
    let (a, b, house) = equals().await;
    for app in App::both(&house).await {
        let link = |uri: &str| json!({"type":"resource_link","uri":uri,"name":"n","new":1.0});
        let result = json!({"resultType":"complete","content":[link("made://up"),
            {"type":"resource","resource":{"uri":"made://within","text":"x"}}, {"type":"text","text":"\"uri\""}],
            "structuredContent":{"uri":"made://up"}});
        let mut uris = Vec::new();
        for (name, peer) in [("a", &a), ("b", &b)] {
            let call = ("tools/call", json!({"name":format!("{name}_work"),"arguments":{}}));
            let (_, answer) = app.served(&house, peer, call, &result).await;
            let content = &answer["content"];
            assert_eq!((&content[0]["new"], &content[2]), (&json!(1.0), &result["content"][2]));
            assert_eq!(answer["structuredContent"], result["structuredContent"]);
            uris.push((content[0]["uri"].as_str().unwrap().to_owned(), "made://up", peer));
            uris.push((content[1]["resource"]["uri"].as_str().unwrap().to_owned(), "made://within", peer));
        }
        assert_ne!(uris[0].0, uris[2].0);
        assert_ne!(uris[1].0, uris[3].0);
        for (uri, own, peer) in uris {
            let contents = json!({"resultType":"complete","contents":[{"uri":own,"text":"x"}]});
            let (asked, answer) =
                app.served(&house, peer, ("resources/read", json!({"uri":uri})), &contents).await;
            assert_eq!(asked["uri"], own);
            assert_eq!(answer["contents"][0]["uri"], uri.as_str());
        }
    }
}

#[tokio::test]
async fn a_link_to_what_another_service_lists_leads_to_the_service_that_made_it() {
    let (a, b, house) = equals().await;
    b.set(|s| s.capabilities = json!({"tools":{}}));
    for app in App::both(&house).await {
        let listed = app.request(&house, "resources/list", json!({})).await;
        assert_eq!(listed["result"]["resources"][0]["uri"], "x://one");
        let call = ("tools/call", json!({"name":"b_work","arguments":{}}));
        let prompt = json!({"resultType":"complete","messages":[{"role":"user","content":{"type":"resource","resource":{"uri":"x://one","text":"x"}}}],
            "content":[{"type":"resource_link","uri":"x://one","name":"n"}]});
        let (_, answer) = app.served(&house, &b, call, &prompt).await;
        assert_eq!(answer["content"][0]["uri"], "bellhop://b/x://one");
        assert_eq!(answer["messages"][0]["content"]["resource"]["uri"], "bellhop://b/x://one");
        let contents = json!({"resultType":"complete","contents":[]});
        let read = ("resources/read", json!({"uri":"bellhop://b/x://one"}));
        assert_eq!(app.served(&house, &b, read, &contents).await.0["uri"], "x://one");
        let read = ("resources/read", json!({"uri":"x://one"}));
        assert_eq!(app.served(&house, &a, read, &contents).await.0["uri"], "x://one");
    }
}

#[tokio::test]
async fn a_link_does_not_lead_beyond_what_an_app_may_use() {
    let (_a, b, house) = equals().await;
    let app = App::Modern;
    let call = ("tools/call", json!({"name":"b_work","arguments":{}}));
    let link =
        json!({"resultType":"complete","content":[{"type":"resource_link","uri":"made://up","name":"n"}]});
    let (_, answer) = app.served(&house, &b, call, &link).await;
    let grant = bellhop_relay::Grant { name: "Test".into(), scope: "a:write".parse().unwrap() };
    house.connection.grant.store(std::sync::Arc::new(grant));
    for uri in [answer["content"][0]["uri"].as_str().unwrap(), "bellhop://b/made://up"] {
        let refused = app.request(&house, "resources/read", json!({"uri":uri})).await;
        assert_eq!(refused["error"]["code"], -32602, "{refused}");
    }
    assert!(b.got("resources/read").is_empty());
}

#[tokio::test]
async fn a_subscription_is_told_of_under_the_name_that_the_app_used() {
    let (a, b) = (Peer::legacy().await, Peer::modern().await);
    for peer in [&a, &b] {
        peer.set(|s| s.templates = vec![json!({"uriTemplate":"t://{id}","name":"t"})]);
    }
    let house = House::new(&[("a", a.url()), ("b", b.url())], "a:read b:read", limits()).await;
    let session = house.open("/mcp").await;
    let mut stream = house.listen("/mcp", &session).await;
    for (name, peer) in [("a", &a), ("b", &b)] {
        let before = peer.state.lock().unwrap().got.len();
        let public = format!("bellhop://{name}/t://7");
        let body = json!({"jsonrpc":"2.0","id":name,"method":"resources/subscribe","params":{"uri":public}});
        let taken = house.tell("/mcp", &session, &body).await.json();
        assert!(taken["result"].is_object(), "{taken}");
        let method = if name == "a" { "resources/subscribe" } else { "subscriptions/listen" };
        peer.wait_for(method, 1).await;
        assert!(peer.state.lock().unwrap().got.len() > before);
        // Said until it is heard: the stream at the service opens by and by.
        let told = loop {
            peer.say(
                &json!({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"t://7"}}),
            );
            let told = tokio::time::timeout(std::time::Duration::from_millis(100), stream.next()).await;
            if let Ok(Some(told)) = told
                && told["method"] == "notifications/resources/updated"
            {
                break told;
            }
        };
        assert_eq!(told["params"]["uri"], public);
    }
}

#[tokio::test]
async fn tasks_of_equal_ids_are_asked_for_where_they_run() {
    let (a, b) = (Peer::modern().await, Peer::modern().await);
    for peer in [&a, &b] {
        peer.set(|s| s.capabilities = json!({"tools":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}));
    }
    let house = House::new(&[("a", a.url()), ("b", b.url())], "a:write b:write", limits()).await;
    let app = App::Modern;
    for (name, peer) in [("a", &a), ("b", &b)] {
        let call = ("tools/call", json!({"name":format!("{name}_work"),"arguments":{}}));
        let task = json!({"resultType":"task","taskId":"7","status":"working"});
        let (_, answer) = app.served(&house, peer, call, &task).await;
        let id = answer["taskId"].as_str().unwrap().to_owned();
        for method in ["tasks/get", "tasks/cancel"] {
            let (asked, answer) = app.served(&house, peer, (method, json!({"taskId":id})), &task).await;
            assert_eq!((&asked["taskId"], &answer["taskId"]), (&json!("7"), &json!(id)), "{method}");
        }
    }
    let refused = app.request(&house, "tasks/get", json!({"taskId":"7"})).await;
    assert_eq!(refused["error"]["data"]["code"], "relay.nothing_of_that_name");
}

#[tokio::test]
async fn lists_are_the_same_every_time_and_in_the_order_of_services() {
    let (_a, _b, house) = equals().await;
    for app in App::both(&house).await {
        for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
            let first = app.request(&house, method, json!({})).await;
            for _ in 0..3 {
                assert_eq!(app.request(&house, method, json!({})).await, first);
            }
        }
        let tools = app.request(&house, "tools/list", json!({})).await;
        let names: Vec<_> = tools["result"]["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["a_work", "a_write", "b_work", "b_write"]);
    }
}

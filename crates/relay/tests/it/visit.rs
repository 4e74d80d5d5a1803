//! An app of the modern era before the relay.

use crate::{
    peer::Peer,
    service::value,
    support::{House, LONG, Reply, Stream},
};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use protocol::sse::Decoder;
use serde_json::{Value, json};
use std::borrow::Borrow;

pub(crate) const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// A request of that era, with the headers that go with it.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) path: &'static str,
    pub(crate) body: Value,
    /// Further headers; an empty value takes one out.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Ask {
    pub(crate) fn new(id: impl Into<Value>, method: &str, mut params: Value) -> Self {
        let meta = &mut params["_meta"];
        if meta.is_null() {
            *meta = json!({});
        }
        meta[VERSION] = "2026-07-28".into();
        meta[CAPABILITIES] = json!({});
        meta["io.modelcontextprotocol/clientInfo"] = json!({"name":"test","version":"1"});
        let body = json!({"jsonrpc":"2.0","id":id.into(),"method":method,"params":params});
        Self { path: "/mcp/a", body, headers: Vec::new() }
    }

    /// A call of the tool `work`.
    pub(crate) fn work(id: impl Into<Value>) -> Self {
        Self::new(id, "tools/call", json!({"name":"work","arguments":{}}))
    }

    pub(crate) fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    pub(crate) fn can(self, capabilities: Value) -> Self {
        self.meta(CAPABILITIES, capabilities)
    }

    pub(crate) fn meta(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body["params"]["_meta"][name] = value.into();
        self
    }

    pub(crate) fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body["params"][name] = value.into();
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same request under another id, with answers to what was asked.
    pub(crate) fn again(&self, id: impl Into<Value>, asked: &Value, responses: Value) -> Self {
        let mut again = self.clone().param("inputResponses", responses);
        again.body["id"] = id.into();
        let state = &asked["result"]["requestState"];
        if state.is_null() { again } else { again.param("requestState", state.clone()) }
    }

    fn all_headers(&self) -> Vec<(&'static str, String)> {
        let params = &self.body["params"];
        let mut all = vec![
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json, text/event-stream".to_owned()),
            ("mcp-protocol-version", params["_meta"][VERSION].as_str().unwrap_or("2026-07-28").to_owned()),
            ("mcp-method", self.body["method"].as_str().unwrap().to_owned()),
        ];
        let name = match self.body["method"].as_str().unwrap() {
            "tools/call" | "prompts/get" => params["name"].as_str(),
            "resources/read" => params["uri"].as_str(),
            _ => None,
        };
        all.extend(name.map(|n| ("mcp-name", n.to_owned())));
        for (name, value) in &self.headers {
            all.retain(|(n, _)| n != name);
            if !value.is_empty() {
                all.push((name, value.clone()));
            }
        }
        all
    }
}

/// An answer, whether it came alone or at the end of a stream.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// All messages, as they came.
    pub(crate) texts: Vec<String>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        let last = self.texts.last().unwrap_or_else(|| panic!("nothing said: {}", self.status));
        value(last).unwrap_or_else(|| panic!("no JSON: {} {last}", self.status))
    }

    pub(crate) fn code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {}", self.json()))
    }

    /// The questions in it, by their keys.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        let json = self.json();
        assert_eq!(json["result"]["resultType"], "input_required", "{json}");
        let asked = json["result"]["inputRequests"].as_object().unwrap();
        asked.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
    }
}

impl House {
    /// One service, `a`, which the app may write to.
    pub(crate) async fn before(peer: &Peer) -> Self {
        Self::new(&[("a", peer.url())], "a:write", crate::support::limits()).await
    }

    async fn sent(&self, ask: &Ask) -> http::Response<hyper::body::Incoming> {
        let headers = ask.all_headers();
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        self.raw(Method::POST, ask.path, &headers, ask.body.to_string()).await
    }

    pub(crate) async fn ask(&self, ask: impl Borrow<Ask>) -> Answer {
        read(self.sent(ask.borrow()).await).await
    }

    pub(crate) async fn ask_stream(&self, ask: impl Borrow<Ask>) -> Stream {
        let response = self.sent(ask.borrow()).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream::new(response.into_body())
    }

    /// A message of an app of the legacy era, whose answer may be a stream.
    pub(crate) async fn tell(&self, path: &str, session: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json"), ("mcp-session-id", session)];
        read(self.raw(Method::POST, path, &headers, body.to_string()).await).await
    }

    /// A session of an app that declares this.
    pub(crate) async fn open_with(&self, path: &str, revision: &str, capabilities: Value) -> String {
        let body = json!({"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":revision,
            "capabilities":capabilities,"clientInfo":{"name":"test","version":"1"}}});
        let reply: Reply =
            self.send(Method::POST, path, &[("content-type", "application/json")], &body.to_string()).await;
        reply.headers["mcp-session-id"].to_str().unwrap().to_owned()
    }
}

async fn read(response: http::Response<hyper::body::Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = tokio::time::timeout(LONG, body.collect()).await.expect("an end in time").unwrap().to_bytes();
    let is_stream = parts.headers.get("content-type").is_some_and(|t| t == "text/event-stream");
    let texts = if is_stream {
        let mut decoder = Decoder::new(16 << 20);
        decoder.push(&body);
        let mut texts = Vec::new();
        while let Some(event) = decoder.next_event().unwrap() {
            texts.push(event.data);
        }
        texts
    } else {
        vec![String::from_utf8(body.to_vec()).unwrap()]
    };
    Answer { status: parts.status, texts }
}

//! A client over HTTP: one session, as many connections as are needed.

use crate::{
    Failure,
    conn::{Answer, Conn},
    message::{Answered, Era, FIRST_ID, Head, LEGACY, MODERN, Message, answers, value},
};
use hyper::{HeaderMap, StatusCode};
use serde_json::{Value, json};

/// Where an MCP endpoint is, and how to be let in there.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Host and port.
    pub authority: String,
    /// The path.
    pub path: String,
    /// The access token.
    pub bearer: Option<String>,
}

/// A client that has said hello.
pub(crate) struct Http {
    endpoint: Endpoint,
    era: Era,
    session: Option<String>,
    conn: Conn,
    next: u64,
}

impl Http {
    /// Connect and, in the legacy era, initialize.
    pub(crate) async fn open(endpoint: &Endpoint, era: Era) -> Result<Self, Failure> {
        let conn = Conn::open(&endpoint.authority).await?;
        let mut http = Self { endpoint: endpoint.clone(), era, session: None, conn, next: 0 };
        if era == Era::Legacy {
            let hello = json!({
                "protocolVersion": LEGACY,
                "capabilities": {},
                "clientInfo": { "name": "bellhop-bench", "version": "1" },
            });
            let (session, answer) = http.send("initialize", hello).await?;
            if answer.get("result").is_none() {
                return Err(format!("initialize: {answer}").into());
            }
            http.session = session;
            let mut ready =
                http.request("notifications/initialized", None, Message::notice("notifications/initialized"));
            http.conn.exchange(&mut ready, 0).await?;
        }
        Ok(http)
    }

    /// A request with its head.
    pub(crate) fn request(&self, method: &str, name: Option<&str>, json: Message) -> Message {
        json.under(self.head(method, name))
    }

    /// The echo of so many bytes.
    pub(crate) fn echo(&self, tool: &str, size: usize) -> Message {
        self.request("tools/call", Some(tool), Message::echo(self.era, tool, size))
    }

    /// Ask for something; the whole answer.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        Ok(self.send(method, params).await?.1)
    }

    async fn send(&mut self, method: &str, params: Value) -> Result<(Option<String>, Value), Failure> {
        let name = params["name"].as_str().map(str::to_owned);
        let mut request = self.request(method, name.as_deref(), Message::json(self.era, method, params));
        self.next += 1;
        let Answer { status, headers, body } = self.conn.exchange(&mut request, self.next).await?;
        let session = headers.get("mcp-session-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        Ok((session, value(&body).ok_or_else(|| said(status, &body))?))
    }

    /// Send one call, and read its answer.
    pub(crate) async fn call(&mut self, request: &mut Message, id: u64) -> Result<(), Failure> {
        call(&mut self.conn, request, id).await
    }

    /// One more connection, for calls at the same time.
    pub(crate) async fn another(&self) -> Result<Conn, Failure> {
        Conn::open(&self.endpoint.authority).await
    }

    /// Go on with a new connection.
    pub(crate) async fn fresh(&mut self) -> Result<(), Failure> {
        self.conn = self.another().await?;
        Ok(())
    }

    /// Which era it speaks.
    pub(crate) fn era(&self) -> Era {
        self.era
    }

    fn head(&self, method: &str, name: Option<&str>) -> Head {
        let Endpoint { authority, path, bearer } = &self.endpoint;
        let mut headers = HeaderMap::new();
        let mut say = |name: &'static str, value: &str| {
            // What is said here was made here, or by the server that gave the session.
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        };
        say("host", authority);
        say("content-type", "application/json");
        say("accept", "application/json, text/event-stream");
        if let Some(bearer) = bearer {
            say("authorization", &format!("Bearer {bearer}"));
        }
        match (self.era, &self.session) {
            (Era::Modern, _) => {
                say("mcp-protocol-version", MODERN);
                say("mcp-method", method);
                if let Some(name) = name {
                    say("mcp-name", name);
                }
            }
            (Era::Legacy, Some(session)) => {
                say("mcp-protocol-version", LEGACY);
                say("mcp-session-id", session);
            }
            (Era::Legacy, None) => {}
        }
        Head { path: path.parse().unwrap_or_default(), headers }
    }
}

/// Send one call on this connection, and read its answer.
pub(crate) async fn call(conn: &mut Conn, request: &mut Message, id: u64) -> Result<(), Failure> {
    let Answer { status, body, .. } = conn.exchange(request, id).await?;
    let answered = status == StatusCode::OK && answers(&body, FIRST_ID + id) == Some(Answered::Result);
    if answered { Ok(()) } else { Err(said(status, &body)) }
}

fn said(status: StatusCode, body: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(&body[..body.len().min(300)]);
    format!("answered {status}: {text}").into()
}

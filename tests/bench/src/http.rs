//! A client over HTTP: one session, as many connections as are needed.

use crate::{
    Failure,
    conn::Conn,
    message::{Era, LEGACY, MODERN, Message, answers, value},
};
use serde_json::{Value, json};
use std::fmt::Write;

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
            let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
            let head = http.head("notifications/initialized", None, ready.len());
            http.conn.exchange(format!("{head}{ready}").as_bytes()).await?;
        }
        Ok(http)
    }

    /// A request with its head.
    pub(crate) fn request(&self, method: &str, name: Option<&str>, json: Message) -> Message {
        let head = self.head(method, name, json.len());
        json.after(&head)
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
        let (head, body) = self.conn.exchange(request.with_id(self.next).0).await?;
        let answer = value(body).ok_or_else(|| said(head.status, body))?;
        Ok((head.session, answer))
    }

    /// Send one call, and read its answer.
    pub(crate) async fn call(&mut self, request: &mut Message, id: u64) -> Result<(), Failure> {
        call(&mut self.conn, request, id).await
    }

    /// One more connection, for calls at the same time.
    pub(crate) async fn another(&self) -> Result<Conn, Failure> {
        Ok(Conn::open(&self.endpoint.authority).await?)
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

    fn head(&self, method: &str, name: Option<&str>, length: usize) -> String {
        let Endpoint { authority, path, bearer } = &self.endpoint;
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\ncontent-length: {length}\r\n"
        );
        // Writing to a string can't fail.
        if let Some(bearer) = bearer {
            let _ = write!(head, "authorization: Bearer {bearer}\r\n");
        }
        match (self.era, &self.session) {
            (Era::Modern, _) => {
                let _ = write!(head, "mcp-protocol-version: {MODERN}\r\nmcp-method: {method}\r\n");
                if let Some(name) = name {
                    let _ = write!(head, "mcp-name: {name}\r\n");
                }
            }
            (Era::Legacy, Some(session)) => {
                let _ = write!(head, "mcp-protocol-version: {LEGACY}\r\nmcp-session-id: {session}\r\n");
            }
            (Era::Legacy, None) => {}
        }
        head + "\r\n"
    }
}

/// Send one call on this connection, and read its answer.
pub(crate) async fn call(conn: &mut Conn, request: &mut Message, id: u64) -> Result<(), Failure> {
    let (bytes, digits) = request.with_id(id);
    let (head, body) = conn.exchange(bytes).await?;
    if head.status == 200 && answers(body, &digits) { Ok(()) } else { Err(said(head.status, body)) }
}

fn said(status: u16, body: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(&body[..body.len().min(300)]);
    format!("answered {status}: {text}").into()
}

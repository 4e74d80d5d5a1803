//! What tests and their servers say to each other: a request that waits, a stream that is written to.

use crate::{service::value, support::LONG};
use axum::{
    body::Body,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Value, json};
use std::{io, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// A request that waits for what the test answers.
pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    answer: oneshot::Sender<Response>,
}

/// A stream that the test says something on.
pub(crate) struct Events(mpsc::UnboundedSender<String>);

impl Events {
    pub(crate) fn new() -> (Self, Response) {
        let (tx, rx) = mpsc::unbounded_channel::<String>();
        let body =
            stream::unfold(rx, |mut rx| async move { rx.recv().await.map(|t| (Ok::<_, io::Error>(t), rx)) });
        let response = ([("content-type", "text/event-stream")], Body::from_stream(body)).into_response();
        (Self(tx), response)
    }

    /// A message; whether somebody reads still.
    pub(crate) fn say(&self, message: impl ToString) -> bool {
        self.write(format!("data: {}\n\n", message.to_string()))
    }

    /// Bytes as they are.
    pub(crate) fn write(&self, text: String) -> bool {
        self.0.send(text).is_ok()
    }

    /// Whether somebody reads.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.is_closed()
    }

    /// Waits until nobody reads any more.
    pub(crate) async fn closed(&self) {
        tokio::time::timeout(LONG, self.0.closed()).await.expect("the stream is closed in time");
    }
}

impl Call {
    pub(crate) fn new(headers: HeaderMap, text: String, answer: oneshot::Sender<Response>) -> Self {
        Self { headers, text, answer }
    }

    /// What it says, to look at after it was answered.
    pub(crate) fn clone_of(other: &Self) -> Self {
        Self { headers: other.headers.clone(), text: other.text.clone(), answer: oneshot::channel().0 }
    }

    pub(crate) fn json(&self) -> Value {
        value(&self.text).unwrap()
    }

    pub(crate) fn id(&self) -> Value {
        self.json()["id"].clone()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }

    /// A response of its own.
    pub(crate) fn respond(self, response: impl IntoResponse) {
        let _ = self.answer.send(response.into_response());
    }

    pub(crate) fn message(self, status: u16, text: String) {
        let status = StatusCode::from_u16(status).unwrap();
        self.respond((status, [("content-type", "application/json")], text));
    }

    pub(crate) fn result(self, result: impl ToString) {
        let text = answer(&self.id(), &result.to_string());
        self.message(200, text);
    }

    pub(crate) fn error(self, status: u16, error: &Value) {
        let text = json!({"jsonrpc":"2.0","id":self.id(),"error":error}).to_string();
        self.message(status, text);
    }

    /// The answer is a stream; also gives the request's id.
    /// The sign-in may not do this.
    pub(crate) fn lacks(self, challenge: &'static str) {
        self.respond((http::StatusCode::FORBIDDEN, [("www-authenticate", challenge)], "no"));
    }

    pub(crate) fn stream(self) -> (Events, Value) {
        let (events, response) = Events::new();
        let id = self.id();
        self.respond(response);
        (events, id)
    }
}

/// A response with this id.
pub(crate) fn answer(id: &Value, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// Looks until it is there.
pub(crate) async fn until<T>(mut look: impl FnMut() -> Option<T>, what: &str) -> T {
    for _ in 0..2000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what}: did not come");
}

use crate::PATIENCE;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request, StatusCode, body::Incoming};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// An HTTP client that follows nothing and keeps nothing.
#[derive(Clone)]
pub struct Http(Client<HttpConnector, Full<Bytes>>);

impl Default for Http {
    fn default() -> Self {
        Self(
            Client::builder(TokioExecutor::new())
                // Bellhop hangs up after ten idle seconds: a request must not cross with that.
                .pool_idle_timeout(std::time::Duration::from_secs(5))
                .pool_timer(hyper_util::rt::TokioTimer::new())
                .build_http(),
        )
    }
}

impl Http {
    /// Send a request, and wait for the head of the answer.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(&self, method: Method, url: &str, headers: &[(&str, &str)], body: String) -> Answer {
        self.try_send(method, url, headers, body).await.unwrap_or_else(|e| panic!("{url}: {e}"))
    }

    /// The same, where no answer is one of the things that may happen.
    ///
    /// # Errors
    /// Why there is none.
    ///
    /// # Panics
    /// When neither an answer nor an error comes.
    pub async fn try_send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let response =
            tokio::time::timeout(PATIENCE, self.0.request(request)).await.expect("an answer in time");
        let (head, body) = response.map_err(|e| e.to_string())?.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// GET.
    pub async fn get(&self, url: &str) -> Answer {
        self.send(Method::GET, url, &[], String::new()).await
    }

    /// POST a form.
    pub async fn form(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, url, &headers, body).await
    }

    /// POST JSON.
    pub async fn json(&self, url: &str, body: &Value) -> Answer {
        self.send(Method::POST, url, &[("content-type", "application/json")], body.to_string()).await
    }
}

/// The head of an answer, and a body that arrives.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
}

impl Answer {
    /// A header's text; empty when it isn't there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }

    /// Whether the body is an event stream.
    pub fn streams(&self) -> bool {
        self.header("content-type").starts_with("text/event-stream")
    }

    /// The whole body.
    ///
    /// # Panics
    /// When it breaks off or doesn't end.
    pub async fn text(self) -> String {
        let body =
            tokio::time::timeout(PATIENCE, self.body.collect()).await.expect("a body in time").unwrap();
        String::from_utf8(body.to_bytes().to_vec()).unwrap()
    }

    /// The whole body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub async fn value(self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    /// The events as they arrive.
    pub fn events(self) -> Events {
        assert!(self.streams(), "{} {:?}", self.status, self.headers);
        Events { body: self.body, buffer: BytesMut::new() }
    }
}

/// The messages of an event stream.
pub struct Events {
    body: Incoming,
    buffer: BytesMut,
}

impl Events {
    /// The next message; `None` at the stream's end, however it ends.
    ///
    /// # Panics
    /// When neither comes.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some(at) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event = self.buffer.split_to(at + 2);
                let text = std::str::from_utf8(&event).unwrap();
                let data: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data:")).collect();
                // A comment keeps the stream alive, and an event without data only says where it is.
                if !data.concat().trim().is_empty() {
                    return Some(serde_json::from_str(&data.join("\n")).unwrap());
                }
            }
            match tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("an event in time") {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        // Lines may end in either way, and JSON holds no bare end of a line.
                        self.buffer.extend(data.iter().filter(|byte| **byte != b'\r'));
                    }
                }
                _ => return None,
            }
        }
    }

    /// All messages to the end.
    pub async fn rest(mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(message) = self.next().await {
            all.push(message);
        }
        all
    }
}

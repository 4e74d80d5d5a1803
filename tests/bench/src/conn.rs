//! A keep-alive connection with one request at a time, by the HTTP library that Rust's apps use.

use crate::{Failure, message::Message};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The connection.
pub(crate) struct Conn {
    sender: SendRequest<Full<Bytes>>,
    /// What is read of the answer that was begun.
    body: Option<Incoming>,
    read: Vec<u8>,
}

/// A whole answer.
pub(crate) struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Conn {
    /// Connect.
    pub(crate) async fn open(authority: &str) -> Result<Self, Failure> {
        let io = TcpStream::connect(authority).await?;
        io.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(io)).await?;
        // It ends when the sender is dropped; what goes wrong with it is said to the request.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Self { sender, body: None, read: Vec::new() })
    }

    /// Send a request, and read the whole answer.
    pub(crate) async fn exchange(&mut self, request: &mut Message, id: u64) -> Result<Answer, Failure> {
        let response = self.send(request, id).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    /// Send a request, and read the head of the answer.
    pub(crate) async fn begin(&mut self, request: &mut Message, id: u64) -> Result<StatusCode, Failure> {
        let response = self.send(request, id).await?;
        self.read.clear();
        let status = response.status();
        self.body = Some(response.into_body());
        Ok(status)
    }

    /// Read on until these bytes were seen so many times since the last request.
    pub(crate) async fn until(&mut self, what: &[u8], times: usize) -> Result<(), Failure> {
        while self.read.windows(what.len()).filter(|window| *window == what).count() < times {
            let body = self.body.as_mut().ok_or("no answer was begun")?;
            let frame = body.frame().await.ok_or("the answer ended")??;
            if let Some(data) = frame.data_ref() {
                self.read.extend_from_slice(data);
            }
        }
        Ok(())
    }

    async fn send(&mut self, request: &mut Message, id: u64) -> Result<hyper::Response<Incoming>, Failure> {
        let head = request.head();
        let body = Bytes::copy_from_slice(request.with_id(id).0);
        let mut outgoing = Request::new(Full::new(body));
        *outgoing.method_mut() = Method::POST;
        *outgoing.uri_mut() = head.path;
        *outgoing.headers_mut() = head.headers;
        debug_assert!(outgoing.headers().contains_key(header::HOST), "the library adds none");
        self.sender.ready().await?;
        Ok(self.sender.send_request(outgoing).await?)
    }
}

//! The framing on the owner-only socket.
//!
//! A client opens the socket, sends an HTTP/1.1 upgrade to [`PROTOCOL`] and, after `101 Switching Protocols`,
//! both sides send frames: four bytes of length, most significant first, then that many bytes of JSON.

use crate::{Command, Outcome, Proof, Query, Section, SectionName};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The path of the upgrade on the socket.
pub const PATH: &str = "/control";
/// The protocol in the `Upgrade` header; its number changes when old and new can't understand each other.
pub const PROTOCOL: &str = "bellhop-control/1";
/// The largest frame, in bytes.
pub const LIMIT: usize = 8 * 1024 * 1024;

/// What a client sends.
#[derive(Debug, Serialize, Deserialize)]
pub struct ToEngine {
    /// Comes back with the answer. Chosen by the client, unique among what it has not been answered yet.
    pub id: u64,
    /// What it wants.
    pub ask: Ask,
}

/// What a client can want.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Ask {
    /// Show that a person is there.
    Prove(Proof),
    /// Do something.
    Command(Command),
    /// Look something up.
    Query(Query),
    /// Send these sections now and whenever they change.
    Watch(Vec<SectionName>),
}

/// What the engine sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FromEngine {
    /// The answer to the ask of that id.
    Answer {
        /// The ask's id.
        id: u64,
        /// The answer.
        outcome: Outcome,
    },
    /// A section that changed.
    View {
        /// Counts up with each change of the section.
        version: u64,
        /// The section, whole.
        section: Section,
    },
    /// To a window process: come to the front, and show this request if there is one.
    Raise {
        /// The request to show.
        request: Option<model::RequestId>,
    },
}

/// Read one frame; `None` at the end of the stream.
///
/// # Errors
/// When the stream breaks, a frame is longer than [`LIMIT`], or it is not what was expected.
pub async fn read<T: DeserializeOwned>(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<T>> {
    let mut length = [0u8; 4];
    match stream.read_exact(&mut length).await {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is longer than the limit"));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    // serde_json's message may quote the input, which may hold a passphrase: say less.
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a frame is not understood"))
}

/// Write one frame.
///
/// # Errors
/// When the stream breaks or the frame would be longer than [`LIMIT`].
pub async fn write<T: Serialize>(stream: &mut (impl AsyncWrite + Unpin), message: &T) -> io::Result<()> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    if length > LIMIT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is longer than the limit"));
    }
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    stream.write_all(&bytes).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_what_is_read() {
        let (mut a, mut b) = tokio::io::duplex(64);
        let sent = ToEngine { id: 7, ask: Ask::Query(Query::Doctor) };
        let writing = tokio::spawn(async move { write(&mut a, &sent).await });
        let got: ToEngine = read(&mut b).await.unwrap().unwrap();
        writing.await.unwrap().unwrap();
        assert_eq!(got.id, 7);
        assert!(read::<ToEngine>(&mut b).await.unwrap().is_none(), "the end of the stream is no error");
    }

    #[tokio::test]
    async fn a_frame_over_the_limit_is_refused_before_it_is_read() {
        let (mut a, mut b) = tokio::io::duplex(64);
        a.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
        assert!(read::<ToEngine>(&mut b).await.is_err());
    }

    #[tokio::test]
    async fn an_error_about_a_frame_does_not_quote_it() {
        let (mut a, mut b) = tokio::io::duplex(256);
        let text = br#"{"id":1,"ask":{"kind":"prove","body":{"proof":"hunter2"}}}"#;
        a.write_all(&u32::try_from(text.len()).unwrap().to_be_bytes()).await.unwrap();
        a.write_all(text).await.unwrap();
        let error = read::<ToEngine>(&mut b).await.unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

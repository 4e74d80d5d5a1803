use crate::{Bellhop, PATIENCE};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A TCP connection to Bellhop on which anything can be said.
pub struct Raw(TcpStream);

impl Raw {
    /// Connect.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn open(bellhop: &Bellhop) -> Self {
        Self(TcpStream::connect(("127.0.0.1", bellhop.port)).await.unwrap())
    }

    /// Say this. That the other side hung up meanwhile is for [`Raw::head`] to show.
    pub async fn say(&mut self, text: impl AsRef<[u8]>) {
        let _ = self.0.write_all(text.as_ref()).await;
    }

    /// The head of the answer, as text; empty when the connection is closed instead.
    ///
    /// # Panics
    /// When neither happens.
    pub async fn head(&mut self) -> String {
        let mut head = Vec::new();
        let reading = async {
            while !head.ends_with(b"\r\n\r\n") {
                match self.0.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("an answer, or the end");
        String::from_utf8_lossy(&head).into_owned()
    }

    /// The status of the answer; `None` when the connection is closed instead.
    pub async fn status(&mut self) -> Option<u16> {
        self.head().await.split(' ').nth(1)?.parse().ok()
    }

    /// The status and the whole body, for an answer after which the connection is closed; `None` when it is closed
    /// without one.
    ///
    /// # Panics
    /// When neither happens.
    pub async fn answer(&mut self) -> Option<(u16, String)> {
        let status = self.status().await?;
        let mut body = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut body)).await.expect("the end");
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Wait until the other side hangs up.
    ///
    /// # Panics
    /// When it doesn't.
    pub async fn hung_up(&mut self) {
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.expect("the end");
    }
}

//! A lean HTTP/1 connection: it must cost less than what it measures.

use std::io::{Error, ErrorKind, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A keep-alive connection with one request at a time.
pub(crate) struct Conn {
    io: TcpStream,
    read: Vec<u8>,
    body: Vec<u8>,
}

/// The head of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// The status code.
    pub status: u16,
    /// What `mcp-session-id` says.
    pub session: Option<String>,
    /// Where the body begins.
    end: usize,
    /// How long the body is; `None` when it comes in chunks.
    length: Option<usize>,
}

impl Conn {
    /// Connect.
    pub(crate) async fn open(authority: &str) -> Result<Self> {
        let io = TcpStream::connect(authority).await?;
        io.set_nodelay(true)?;
        Ok(Self { io, read: Vec::with_capacity(4096), body: Vec::new() })
    }

    /// Send a request, and read the whole answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<(Head, &[u8])> {
        let head = self.begin(request).await?;
        let Some(length) = head.length else {
            self.chunks(head.end).await?;
            return Ok((head, &self.body));
        };
        self.read.reserve(length);
        while self.read.len() < head.end + length {
            self.more().await?;
        }
        let body = head.end..head.end + length;
        Ok((head, &self.read[body]))
    }

    /// Send a request, and read the head of the answer.
    pub(crate) async fn begin(&mut self, request: &[u8]) -> Result<Head> {
        self.read.clear();
        self.io.write_all(request).await?;
        let mut looked = 0;
        loop {
            self.more().await?;
            let found = self.read[looked..].windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(at) = found {
                return head(&self.read, looked + at + 4);
            }
            looked = self.read.len().saturating_sub(3);
        }
    }

    /// Read on until these bytes were seen so many times since the last request.
    pub(crate) async fn until(&mut self, what: &[u8], times: usize) -> Result<()> {
        while self.read.windows(what.len()).filter(|window| *window == what).count() < times {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<()> {
        self.read.reserve(2048);
        match self.io.read_buf(&mut self.read).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Collect the chunks that begin here.
    async fn chunks(&mut self, mut at: usize) -> Result<()> {
        self.body.clear();
        loop {
            let line = self.line_end(at).await?;
            let digits = self.read[at..line].split(|b| *b == b';').next().unwrap_or_default();
            let size =
                std::str::from_utf8(digits).ok().and_then(|d| usize::from_str_radix(d.trim(), 16).ok());
            let size = size.ok_or_else(|| bad("no chunk size"))?;
            at = line + 2;
            while self.read.len() < at + size + 2 {
                self.more().await?;
            }
            self.body.extend_from_slice(&self.read[at..at + size]);
            at += size + 2;
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn line_end(&mut self, from: usize) -> Result<usize> {
        loop {
            if let Some(at) = self.read[from..].windows(2).position(|two| two == b"\r\n") {
                return Ok(from + at);
            }
            self.more().await?;
        }
    }
}

fn head(bytes: &[u8], end: usize) -> Result<Head> {
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| bad("a head that is no text"))?;
    let mut lines = text.split("\r\n");
    let status =
        lines.next().and_then(|line| line.get(9..12)?.parse().ok()).ok_or_else(|| bad("no status"))?;
    let mut head = Head { status, session: None, end, length: Some(0) };
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = Some(value.parse().map_err(|_| bad("no length"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            head.length = None;
        } else if name.eq_ignore_ascii_case("mcp-session-id") {
            head.session = Some(value.to_owned());
        }
    }
    Ok(head)
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what.to_owned())
}

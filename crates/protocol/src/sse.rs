//! Event streams (`text/event-stream`, WHATWG HTML §9.2), read as they arrive and bounded.

use bytes::{BufMut, Bytes, BytesMut};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// `event:`; `None` is a `message`.
    pub event: Option<String>,
    /// `id:` of this event, where it has one.
    pub id: Option<String>,
    /// `retry:` in milliseconds, where it has one.
    pub retry: Option<u64>,
    /// The lines of `data:`, joined by line breaks. Empty for an event that only sets an id or a time.
    pub data: String,
}

/// Why a stream can't be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One event is larger than the reader's bound.
    #[error("an event of the stream is too large")]
    TooLarge,
    /// Not UTF-8.
    #[error("the stream is no text")]
    NotText,
}

/// Reads events from bytes that come in pieces of any size.
///
/// Holds no more than one event; the bound is on the bytes of an event, comments included.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    /// Bytes at the front of `buffer` known to hold no line break.
    searched: usize,
    max: usize,
    event: Event,
    has_data: bool,
    size: usize,
    begun: bool,
    /// The last line ended with CR: a LF right behind it belongs to it.
    after_cr: bool,
}

impl Decoder {
    /// A reader of events of at most `max` bytes each.
    pub fn new(max: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            searched: 0,
            max,
            event: Event::default(),
            has_data: false,
            size: 0,
            begun: false,
            after_cr: false,
        }
    }

    /// Takes the next bytes. Call [`Decoder::next_event`] until it says `None` before the next ones.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event, `None` when more bytes are needed. An event that the stream ends in the middle of
    /// is never given out, as the specification says.
    ///
    /// # Errors
    /// When an event is too large or no text; the reader is of no use afterwards.
    pub fn next_event(&mut self) -> Result<Option<Event>, SseError> {
        while let Some(line) = self.line()? {
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                let whole = std::mem::take(&mut self.has_data) || event.id.is_some() || event.retry.is_some();
                self.size = 0;
                if whole {
                    return Ok(Some(event));
                }
                continue;
            }
            self.size += line.len() + 1;
            if self.size > self.max {
                return Err(SseError::TooLarge);
            }
            self.field(std::str::from_utf8(&line).map_err(|_| SseError::NotText)?);
        }
        if self.size + self.buffer.len() > self.max { Err(SseError::TooLarge) } else { Ok(None) }
    }

    /// The next whole line, without its end (CR, LF or both).
    fn line(&mut self) -> Result<Option<Bytes>, SseError> {
        if self.after_cr && !self.buffer.is_empty() {
            self.after_cr = false;
            if self.buffer.starts_with(b"\n") {
                let _ = self.buffer.split_to(1);
            }
        }
        if !self.begun {
            // A byte-order mark may stand at the very start, whole or in pieces.
            const BOM: &[u8] = b"\xef\xbb\xbf";
            if self.buffer.len() < BOM.len() && BOM.starts_with(&self.buffer) {
                return Ok(None);
            }
            if self.buffer.starts_with(BOM) {
                let _ = self.buffer.split_to(BOM.len());
            }
            self.begun = true;
        }
        let rest = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(found) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
            self.searched = self.buffer.len();
            return Ok(None);
        };
        let mut line = self.buffer.split_to(self.searched + found + 1);
        self.searched = 0;
        self.after_cr = line.last() == Some(&b'\r');
        line.truncate(line.len() - 1);
        Ok(Some(line.freeze()))
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(value);
            }
            "event" => self.event.event = (!value.is_empty()).then(|| value.to_owned()),
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                // Digits alone can only be too many.
                self.event.retry = Some(value.parse().unwrap_or(u64::MAX));
            }
            // A line that begins with a colon is a comment; other fields mean nothing.
            _ => {}
        }
    }
}

/// Writes a message as one event. Its text may hold line breaks.
pub fn encode(data: &[u8]) -> Bytes {
    write(None, data)
}

/// [`encode`] with an id, from which the stream can be gone on with. The id must be one line.
pub fn encode_as(id: &str, data: &[u8]) -> Bytes {
    write(Some(id), data)
}

fn write(id: Option<&str>, data: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(data.len() + 24 + id.map_or(0, |id| id.len() + 5));
    if let Some(id) = id {
        out.put_slice(b"id: ");
        out.put_slice(id.as_bytes());
        out.put_u8(b'\n');
    }
    out.put_slice(b"event: message\n");
    // JSON text that was pretty-printed has line breaks, of which SSE knows three kinds.
    let mut lines = data;
    loop {
        let end = lines.iter().position(|b| matches!(b, b'\n' | b'\r'));
        let (line, rest) = end.map_or((lines, None), |at| {
            let (line, rest) = lines.split_at(at);
            let skip = if rest.starts_with(b"\r\n") { 2 } else { 1 };
            (line, rest.get(skip..))
        });
        out.put_slice(b"data: ");
        out.put_slice(line);
        out.put_u8(b'\n');
        match rest {
            Some(rest) => lines = rest,
            None => break,
        }
    }
    out.put_u8(b'\n');
    out.freeze()
}

/// A comment: keeps a quiet connection from being taken for a dead one.
pub fn comment() -> Bytes {
    Bytes::from_static(b": \n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]], max: usize) -> Result<Vec<Event>, SseError> {
        let mut decoder = Decoder::new(max);
        let mut out = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            while let Some(event) = decoder.next_event()? {
                out.push(event);
            }
        }
        Ok(out)
    }

    fn data(data: &str) -> Event {
        Event { data: data.into(), ..Event::default() }
    }

    #[test]
    fn lines_may_end_in_any_way_and_fields_may_lack_the_space() {
        let events = read(&[b"\xef\xbb\xbfdata:a\r\ndata: b\r\n\r\ndata:  c\r\rdata: d\n\n"], 100).unwrap();
        assert_eq!(events, [data("a\nb"), data(" c"), data("d")]);
    }

    #[test]
    fn comments_and_unknown_fields_are_skipped_and_ids_kept() {
        let events = read(&[b": hi\n\nx: y\nid: 7\nretry: 30\nevent: message\ndata\n\n"], 100).unwrap();
        let want = Event {
            id: Some("7".into()),
            retry: Some(30),
            event: Some("message".into()),
            data: String::new(),
        };
        assert_eq!(events, [want]);
    }

    #[test]
    fn a_time_that_is_no_number_is_skipped_and_an_empty_type_is_a_message() {
        let events = read(&[b"event: x\nevent:\ndata: a\nretry: 30\nretry: x\nretry: +5\n\n"], 100).unwrap();
        assert_eq!(events, [Event { retry: Some(30), ..data("a") }]);
        let events = read(&[b"retry: 18446744073709551616\n\n"], 100).unwrap();
        assert_eq!(events, [Event { retry: Some(u64::MAX), ..Event::default() }]);
    }

    #[test]
    fn an_unfinished_event_is_never_given_out() {
        assert_eq!(read(&[b"data: a\n"], 100).unwrap(), []);
    }

    #[test]
    fn an_event_above_the_bound_stops_the_stream() {
        assert_eq!(read(&[&[b'x'; 101]], 100), Err(SseError::TooLarge));
        let lines = b"data: aaaaaaaa\n".repeat(10);
        assert_eq!(read(&[&lines], 100), Err(SseError::TooLarge));
        // Many events, each below it, are fine.
        assert_eq!(read(&[&b"data: aaaaaaaa\n\n".repeat(100)], 100).unwrap().len(), 100);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_whatever_the_pieces(
            texts in prop::collection::vec("[^\r]*", 1..5),
            cuts in prop::collection::vec(1usize..9, 1..50),
        ) {
            let mut stream = Vec::new();
            for text in &texts {
                stream.extend_from_slice(&encode(text.as_bytes()));
            }
            let mut pieces = Vec::new();
            let mut rest = &stream[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, more) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = more;
            }
            let got: Vec<_> = read(&pieces, 1 << 20).unwrap().into_iter().map(|e| e.data).collect();
            prop_assert_eq!(got, texts);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = read(&[&bytes], 64);
        }
    }
}

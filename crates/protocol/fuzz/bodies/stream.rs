//! What must be so of event streams, whatever bytes come and in whatever pieces.

use bellhop_protocol::sse::{self, Decoder, Event, SseError};

/// The first byte chooses the bound, the second the pieces; the rest is the stream.
///
/// # Panics
/// When something is not so.
pub(crate) fn holds(bytes: &[u8]) {
    let [bound, pieces, stream @ ..] = bytes else { return };
    // From so little that most events are too large to more than any stream here.
    let max = 8 << (bound % 16);
    let whole = read(max, [stream]);
    assert_eq!(read(max, stream.chunks(1)), whole, "bytes one by one are other events");
    assert_eq!(read(max, uneven(stream, *pieces)), whole, "pieces are other events");
    let (events, end) = &whole;
    for event in events {
        let size = event.data.len()
            + event.event.as_ref().map_or(0, String::len)
            + event.id.as_ref().map_or(0, String::len);
        assert!(size <= max, "an event of {size} bytes where {max} are allowed");
    }
    if let Ok(text) = std::str::from_utf8(stream) {
        assert_ne!(*end, Some(SseError::NotText));
        if end.is_none() {
            assert_eq!(*events, plainly(text), "the plain reader finds other events");
        }
        written(text);
    }
}

/// All events, and why there are no more.
fn read<'a>(max: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Event>, Option<SseError>) {
    let mut decoder = Decoder::new(max);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(e) => return (events, Some(e)),
            }
        }
    }
    (events, None)
}

/// Pieces of sizes that the seed determines, empty ones among them.
fn uneven(mut rest: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut state = u32::from(seed);
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (piece, more) = rest.split_at(((state >> 28) as usize).min(rest.len()));
        pieces.push(piece);
        rest = more;
    }
    pieces
}

/// What is written as an event is read as one, line breaks of any kind included.
fn written(text: &str) {
    let (events, end) = read(usize::MAX, [&sse::encode(text.as_bytes())[..], &sse::comment()]);
    assert_eq!(end, None);
    let data = text.replace("\r\n", "\n").replace('\r', "\n");
    assert_eq!(events, [Event { event: Some("message".into()), data, ..Event::default() }]);
}

/// The specification's algorithm as it stands there, on a text that is there as a whole and has no bound.
fn plainly(text: &str) -> Vec<Event> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    // What stands behind the last line break is no line yet.
    lines.pop();
    let mut events = Vec::new();
    let mut event = Event::default();
    let mut data: Option<String> = None;
    for line in lines {
        if line.is_empty() {
            if data.is_some() || event.id.is_some() || event.retry.is_some() {
                events.push(Event { data: data.unwrap_or_default(), ..event });
            }
            (event, data) = (Event::default(), None);
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => event.event = (!value.is_empty()).then(|| value.to_owned()),
            "data" => data = Some(data.map_or_else(|| value.to_owned(), |d| format!("{d}\n{value}"))),
            "id" if !value.contains('\0') => event.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                event.retry = Some(value.parse().unwrap_or(u64::MAX));
            }
            _ => {}
        }
    }
    events
}

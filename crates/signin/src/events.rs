use serde_json::Value;

/// The JSON-RPC answer in an event stream, as far as it has arrived. Comments, and events that carry nothing or
/// something else, are passed over: a server may send those first.
pub(crate) fn answer(stream: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(stream);
    let mut data = String::new();
    for line in text.lines() {
        if line.is_empty() {
            if let Some(answer) = json_answer(data.as_bytes()) {
                return Some(answer);
            }
            data.clear();
        } else if let Some(part) = line.strip_prefix("data:") {
            if !data.is_empty() {
                data.push('\n');
            }
            data.push_str(part.strip_prefix(' ').unwrap_or(part));
        }
    }
    None
}

/// The JSON-RPC answer that a text is, if it is one.
pub(crate) fn json_answer(text: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(text).ok()?;
    let is_answer = value.get("jsonrpc").is_some_and(|v| v == "2.0")
        && (value.get("result").is_some() || value.get("error").is_some());
    is_answer.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_found_behind_priming_events_and_comments() {
        let stream = b": hello\r\n\r\nid: 1\r\ndata: \r\n\r\nevent: message\r\n\
            data: {\"jsonrpc\":\"2.0\",\r\ndata: \"id\":1,\"result\":{}}\r\n\r\n";
        assert_eq!(answer(stream).unwrap()["id"], 1);
    }

    #[test]
    fn half_an_event_is_no_answer_yet() {
        assert!(answer(b"data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n").is_none());
        assert!(answer(b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n").is_none());
    }
}

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use std::borrow::Cow;

const START: &str = "=?base64?";
const END: &str = "?=";

/// A header value for a text: itself where every reader takes it as it is, else `=?base64?…?=`.
pub fn encode(text: &str) -> HeaderValue {
    if is_plain(text)
        && let Ok(value) = HeaderValue::from_str(text)
    {
        return value;
    }
    // Never empty: what stands between is of base64's own characters.
    HeaderValue::try_from(format!("{START}{}{END}", STANDARD.encode(text)))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The text of a header value; `None` when it is malformed: characters that no header may hold, a base64 that
/// is none or lacks its padding, bytes that are no UTF-8.
pub fn decode(value: &HeaderValue) -> Option<String> {
    read(value).map(Cow::into_owned)
}

/// As [`decode`], borrowed where it is plain.
pub(super) fn read(value: &HeaderValue) -> Option<Cow<'_, str>> {
    let text = trimmed(value.to_str().ok()?);
    if !looks_encoded(text) {
        return Some(Cow::Borrowed(text));
    }
    // `=?base64?=` begins and ends like an encoded text without being one: nothing that readers agree on.
    let encoded = text.strip_prefix(START)?.strip_suffix(END)?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok().map(Cow::Owned)
}

/// Without the blanks around it, which HTTP does not take for part of a value.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn looks_encoded(text: &str) -> bool {
    text.starts_with(START) && text.ends_with(END)
}

/// A tab could stand inside a value, but some readers want it encoded, and none mind.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !looks_encoded(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_specifications_examples_are_written_and_read_as_it_says() {
        for (text, header) in [
            ("us-west1", "us-west1"),
            ("us west 1", "us west 1"),
            ("", ""),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            ("日本語", "=?base64?5pel5pys6Kqe?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            (" us-west1", "=?base64?IHVzLXdlc3Qx?="),
            ("us-west1 ", "=?base64?dXMtd2VzdDEg?="),
            ("\tindented", "=?base64?CWluZGVudGVk?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("line1\r\nline2", "=?base64?bGluZTENCmxpbmUy?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("=?base64?=", "=?base64?PT9iYXNlNjQ/PQ==?="),
        ] {
            assert_eq!(encode(text), header, "{text:?}");
            assert_eq!(decode(&HeaderValue::from_str(header).unwrap()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_only_resembles_an_encoded_text_is_itself() {
        for text in ["SGVsbG8=", "=?base64?SGVsbG8=", "=?BASE64?SGVsbG8=?=", "SGVsbG8=?=", "a\tb"] {
            assert_eq!(decode(&HeaderValue::from_str(text).unwrap()).as_deref(), Some(text));
        }
        assert_eq!(decode(&HeaderValue::from_static("=?base64??=")).as_deref(), Some(""));
    }

    #[test]
    fn a_malformed_value_has_no_text() {
        for bytes in [
            &b"=?base64?SGVsbG8?="[..],
            b"=?base64?SGVs!!!bG8=?=",
            b"=?base64?SGVsbG9=?=",
            b"=?base64?SGVs bG8=?=",
            b"=?base64?_-8=?=",
            b"=?base64?/w==?=",
            b"=?base64?=",
            b"caf\xc3\xa9",
            b"\xff",
        ] {
            assert_eq!(decode(&HeaderValue::from_bytes(bytes).unwrap()), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "(?s).*") {
            let value = encode(&text);
            prop_assert!(value.as_bytes().iter().all(|b| matches!(b, b' '..=b'~')));
            prop_assert_eq!(decode(&value), Some(text));
        }

        #[test]
        fn any_text_like_an_encoded_one_comes_back(text in "[ \t]?(=\\?base64\\?)?[=?a-zA-Z0-9]{0,6}(\\?=)?[ \t]?") {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }
    }
}

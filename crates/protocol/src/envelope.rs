use crate::{Flaw, Id, Object, reply::bytes_of, scan};
use bytes::Bytes;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One JSON-RPC 2.0 message as Bellhop reads it: what it decides on is parsed, all else stays as it came.
///
/// Send on what [`Message::to_bytes`] makes of it, never the bytes it was read from: what was authorised is
/// then what the other side reads.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    /// Wants an answer.
    Request(Request<'a>),
    /// Wants none.
    Notification(Notification<'a>),
    /// Is one.
    Response(Response<'a>),
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Its id.
    pub id: Id,
    /// What is asked for.
    pub method: Cow<'a, str>,
    /// The parameters: an object, which MCP always uses; `None` when there are none.
    pub params: Option<Object<'a>>,
}

/// A notification.
#[derive(Debug, Clone)]
pub struct Notification<'a> {
    /// What happened.
    pub method: Cow<'a, str>,
    /// The parameters.
    pub params: Option<Object<'a>>,
}

/// A response.
#[derive(Debug, Clone)]
pub struct Response<'a> {
    /// The id of the request it answers; `None` when the sender could not read it.
    pub id: Option<Id>,
    /// What came out.
    pub outcome: Outcome<'a>,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub enum Outcome<'a> {
    /// Its result.
    Result(Cow<'a, RawValue>),
    /// Its error object.
    Error(Cow<'a, RawValue>),
}

/// What one POST holds: a message, or, in 2025-03-26, several.
#[derive(Debug, Clone)]
pub enum Packet<'a> {
    /// One.
    One(Message<'a>),
    /// A batch, never empty.
    Batch(Vec<Message<'a>>),
}

impl<'a> Packet<'a> {
    /// Reads and checks a body: UTF-8, JSON, no name twice in any object, nested no deeper than
    /// [`crate::MAX_DEPTH`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(body: &'a [u8]) -> Result<Self, Flaw> {
        let json = text(body)?;
        if !json.starts_with('[') {
            return Message::checked(json).map(Self::One);
        }
        // RawValue stops nobody from nesting; the scan does, before anything looks inside.
        let parts: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| Flaw::Malformed)?;
        scan::check(json)?;
        if parts.is_empty() {
            return Err(Flaw::NoMessage("the batch is empty"));
        }
        parts.into_iter().map(|p| Message::read(p.get())).collect::<Result<_, _>>().map(Self::Batch)
    }
}

impl<'a> Message<'a> {
    /// Reads and checks one message, as [`Packet::parse`] does.
    ///
    /// # Errors
    /// What is wrong with it; a batch is [`Flaw::NoMessage`].
    pub fn parse(body: &'a [u8]) -> Result<Self, Flaw> {
        Self::checked(text(body)?)
    }

    /// Reads one message without looking for names that stand twice: for what a service answers, which is
    /// passed on and decides nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn peek(body: &'a [u8]) -> Result<Self, Flaw> {
        Self::read(text(body)?)
    }

    fn checked(json: &'a str) -> Result<Self, Flaw> {
        let message = Self::read(json)?;
        scan::check(json)?;
        Ok(message)
    }

    fn read(json: &'a str) -> Result<Self, Flaw> {
        let object: Object<'a> = serde_json::from_str(json).map_err(|e| match e.classify() {
            serde_json::error::Category::Data => Flaw::NoMessage("it is no object"),
            _ => Flaw::Malformed,
        })?;
        if object.text("jsonrpc").as_deref() != Some("2.0") {
            return Err(Flaw::NoMessage("“jsonrpc” is not “2.0”"));
        }
        let mut id = None;
        let mut null_id = false;
        let mut method = None;
        let mut params = None;
        let mut outcome = None;
        for (name, value) in object.into_members() {
            match name.as_ref() {
                "id" if value.get() == "null" => null_id = true,
                "id" => id = Some(Id::from_raw(&value)?),
                "method" => method = Some(owned_text(value)?),
                "params" if value.get() == "null" => {}
                "params" => params = Some(object_of(value)?),
                "result" if outcome.is_none() => outcome = Some(Outcome::Result(value)),
                "error" if outcome.is_none() => outcome = Some(Outcome::Error(value)),
                "result" | "error" => return Err(Flaw::NoMessage("it has a result and an error")),
                // JSON-RPC has no other members at this level; a reader that acts on one is none of ours.
                _ => {}
            }
        }
        match (method, outcome) {
            (Some(_), Some(_)) => Err(Flaw::NoMessage("it has a method and a result")),
            (Some(_), None) if null_id => Err(Flaw::NoMessage("its id is null")),
            (Some(method), None) => Ok(match id {
                Some(id) => Self::Request(Request { id, method, params }),
                None => Self::Notification(Notification { method, params }),
            }),
            (None, Some(outcome)) => Ok(Self::Response(Response { id, outcome })),
            (None, None) => Err(Flaw::NoMessage("it has neither a method nor a result")),
        }
    }

    /// As JSON text, without line breaks of its own.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Request(m) => m.to_bytes(),
            Self::Notification(m) => m.to_bytes(),
            Self::Response(m) => m.to_bytes(),
        }
    }
}

impl<'a> Request<'a> {
    /// A request of our own.
    pub fn new(id: Id, method: &'static str, params: Option<Object<'a>>) -> Self {
        Self { id, method: Cow::Borrowed(method), params }
    }

    /// As JSON text.
    pub fn to_bytes(&self) -> Bytes {
        let head = Object::new().with("jsonrpc", "2.0").with("id", &self.id).with("method", &self.method);
        bytes_of(&match &self.params {
            Some(params) => head.with("params", params),
            None => head,
        })
    }

    /// The same request, holding its own text.
    pub fn into_owned(self) -> Request<'static> {
        Request {
            id: self.id,
            method: Cow::Owned(self.method.into_owned()),
            params: self.params.map(Object::into_owned),
        }
    }

    /// A parameter that is a text.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.as_ref()?.text(name)
    }
}

impl<'a> Notification<'a> {
    /// A notification of our own.
    pub fn new(method: &'static str, params: Option<Object<'a>>) -> Self {
        Self { method: Cow::Borrowed(method), params }
    }

    /// As JSON text.
    pub fn to_bytes(&self) -> Bytes {
        let head = Object::new().with("jsonrpc", "2.0").with("method", &self.method);
        bytes_of(&match &self.params {
            Some(params) => head.with("params", params),
            None => head,
        })
    }

    /// A parameter that is an id, such as `requestId`.
    pub fn id_param(&self, name: &str) -> Option<Id> {
        Id::from_raw(self.params.as_ref()?.get(name)?).ok()
    }
}

impl Response<'_> {
    /// As JSON text.
    pub fn to_bytes(&self) -> Bytes {
        let head = Object::new().with("jsonrpc", "2.0").with("id", &self.id);
        bytes_of(&match &self.outcome {
            Outcome::Result(value) => head.with("result", value.as_ref()),
            Outcome::Error(value) => head.with("error", value.as_ref()),
        })
    }
}

fn text(body: &[u8]) -> Result<&str, Flaw> {
    Ok(std::str::from_utf8(body).map_err(|_| Flaw::Malformed)?.trim_matches([' ', '\t', '\r', '\n']))
}

fn owned_text(value: Cow<'_, RawValue>) -> Result<Cow<'_, str>, Flaw> {
    let flaw = |_| Flaw::NoMessage("its method is no text");
    match value {
        Cow::Borrowed(v) => {
            serde_json::from_str::<crate::object::Text<'_>>(v.get()).map(|t| t.0).map_err(flaw)
        }
        Cow::Owned(v) => serde_json::from_str::<String>(v.get()).map(Cow::Owned).map_err(flaw),
    }
}

fn object_of(value: Cow<'_, RawValue>) -> Result<Object<'_>, Flaw> {
    match value {
        Cow::Borrowed(v) => Object::parse(v.get()).map_err(|_| Flaw::NoMessage("its params are no object")),
        // Never so: what is read from a text is borrowed from it.
        Cow::Owned(_) => Err(Flaw::NoMessage("its params are no object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(json: &str) -> String {
        String::from_utf8(Message::parse(json.as_bytes()).unwrap().to_bytes().to_vec()).unwrap()
    }

    #[test]
    fn what_is_not_interpreted_comes_out_as_it_went_in() {
        for json in [
            r#"{"jsonrpc":"2.0","id":"\u0061","method":"tools/call","params":{"name":"x","arguments":{"n":1e400,"b":12345678901234567890123,"s":"\ud83d\ude00"},"_meta":{"progressToken":7,"new":[null]}}}"#,
            r#"{"jsonrpc":"2.0","id":0,"result":{"content":[],"unknown":{"a":1.10}}}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"m","data":{"x":[1]}}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t"}}"#,
        ] {
            assert_eq!(round_trip(json), json);
        }
    }

    #[test]
    fn what_is_no_message_is_told_from_what_is_no_json() {
        let code = |json: &str| Packet::parse(json.as_bytes()).unwrap_err().code();
        for malformed in ["", "{", "nonsense", "{\"jsonrpc\":\"2.0\",}", "[1", "{\"a\":tru}"] {
            assert_eq!(code(malformed), crate::code::PARSE, "{malformed}");
        }
        for invalid in [
            "[]",
            "1",
            "\"x\"",
            "{}",
            r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":true,"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","result":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","method":"y"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"name":"a","name":"b"}}"#,
        ] {
            assert_eq!(code(invalid), crate::code::INVALID_REQUEST, "{invalid}");
        }
        assert_eq!(Packet::parse(b"\"\xff\"").unwrap_err(), Flaw::Malformed);
    }

    #[test]
    fn a_depth_bomb_is_refused() {
        let bomb = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"a":{}{}}}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(Packet::parse(bomb.as_bytes()).unwrap_err(), Flaw::TooDeep);
    }

    #[test]
    fn an_escaped_member_name_is_the_member() {
        let json = r#"{"jsonrpc":"2.0","id":1,"\u006dethod":"tools/call","params":{"n\u0061me":"x"}}"#;
        let Message::Request(r) = Message::parse(json.as_bytes()).unwrap() else { panic!("a request") };
        assert_eq!((r.method.as_ref(), r.param("name").as_deref()), ("tools/call", Some("x")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = Packet::parse(&bytes);
        }

        #[test]
        fn any_id_comes_back_verbatim(text in ".*", number: i64) {
            for id in [serde_json::Value::from(text.clone()), serde_json::Value::from(number)] {
                let json = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x"}}"#);
                prop_assert_eq!(round_trip(&json), json);
            }
        }
    }
}

//! What Bellhop answers, read.

use super::{
    session::Headers,
    wire::{Answer, LARGEST, WireError},
};
use bytes::Bytes;
use hyper::{StatusCode, header::HeaderValue};
use model::Problem;
use protocol::{Message, Outcome, code, header, sse};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Why a request gets an error of ours.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub code: i64,
    /// What happened, and what to do.
    pub message: String,
}

impl Failure {
    /// Bellhop went away between the question and its answer.
    pub(super) fn gone() -> Self {
        let message = "Bellhop ended while this was under way, and it may or may not have been done. \
                       Check before you try again.";
        Self { code: code::STOPPED, message: message.to_owned() }
    }

    /// What came is no message.
    pub(super) fn garbled() -> Self {
        let message = "Bellhop's answer can't be read. Quit Bellhop and start it again.";
        Self { code: code::INTERNAL, message: message.to_owned() }
    }
}

impl From<&Problem> for Failure {
    fn from(problem: &Problem) -> Self {
        Self { code: code::UPSTREAM, message: problem.to_string() }
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        match error {
            WireError::NotThere => Self::from(&crate::problem::not_answering()),
            WireError::Broken => Self::gone(),
        }
    }
}

/// The messages of a successful answer, as they arrive.
pub(super) enum Messages<'a> {
    /// One JSON text, or none for an answer without content.
    Whole(Answer<'a>),
    /// An event stream.
    Events(Answer<'a>, Box<sse::Decoder>),
    /// All were given out.
    Over,
}

impl<'a> Messages<'a> {
    /// The messages in this answer; the reason when it is none.
    pub(super) async fn of(mut answer: Answer<'a>) -> Result<Self, Failure> {
        if !answer.status().is_success() {
            return Err(refusal(&mut answer).await);
        }
        Ok(if answer.is(header::EVENT_STREAM) {
            Self::Events(answer, Box::new(sse::Decoder::new(LARGEST)))
        } else {
            Self::Whole(answer)
        })
    }

    /// The next one; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Over => Ok(None),
            Self::Whole(answer) => {
                let body = answer.whole().await?;
                *self = Self::Over;
                if body.is_empty() { Ok(None) } else { json(body).map(Some) }
            }
            Self::Events(answer, decoder) => loop {
                match decoder.next_event().map_err(|_| Failure::garbled())? {
                    // An event without data only sets a position in the stream.
                    Some(event) if event.data.is_empty() => {}
                    Some(event) => return json(event.data.into()).map(Some),
                    None => match answer.piece().await? {
                        Some(piece) => decoder.push(&piece),
                        None => return Ok(None),
                    },
                }
            },
        }
    }
}

/// Nothing but JSON reaches the app, whatever stands behind Bellhop.
fn json(text: Bytes) -> Result<Bytes, Failure> {
    match serde_json::from_slice::<&RawValue>(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(Failure::garbled()),
    }
}

/// What an HTTP refusal says: Bellhop's own sentence, or a JSON-RPC error.
async fn refusal(answer: &mut Answer<'_>) -> Failure {
    #[derive(Deserialize)]
    struct Said {
        sentence: Option<String>,
        #[serde(default)]
        next: String,
        error: Option<serde_json::Value>,
    }
    let status = answer.status();
    let code = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => code::NOT_ALLOWED,
        _ => code::UPSTREAM,
    };
    let body = answer.whole().await.unwrap_or_default();
    let said: Option<Said> = serde_json::from_slice(&body).ok();
    if let Some(Said { sentence: Some(sentence), next, .. }) = said {
        return Failure { code, message: format!("{sentence} {next}").trim_end().to_owned() };
    }
    let error = said.and_then(|s| s.error).unwrap_or_default();
    let message = match error["message"].as_str() {
        Some(message) => message.to_owned(),
        None if code == code::NOT_ALLOWED => {
            "This app isn't allowed to use Bellhop. Allow it in Bellhop's window, then try again.".to_owned()
        }
        None => format!("Bellhop refused this with status {}. Try again.", status.as_u16()),
    };
    Failure { code: error["code"].as_i64().unwrap_or(code), message }
}

/// The session that this message begins, if it is a good answer to an `initialize`. `id` stood in its head.
pub(super) fn begun(id: Option<HeaderValue>, message: &[u8]) -> Option<Headers> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Result {
        protocol_version: String,
    }
    let Ok(Message::Response(response)) = Message::peek(message) else { return None };
    let Outcome::Result(result) = response.outcome else { return None };
    let result: Result = serde_json::from_str(result.get()).ok()?;
    Some(Headers { id, version: HeaderValue::from_str(&result.protocol_version).ok() })
}

/// The session that begins with this answer to an `initialize` which the app doesn't see.
pub(super) async fn renewed(answer: Answer<'_>) -> Result<Headers, Failure> {
    let id = answer.session();
    let mut messages = Messages::of(answer).await?;
    while let Some(message) = messages.next().await? {
        if let Some(headers) = begun(id.clone(), &message) {
            return Ok(headers);
        }
    }
    Err(Failure::garbled())
}

//! What Bellhop answers, read.

use super::{
    session::Headers,
    wire::{Answer, LARGEST, WireError},
};
use bytes::Bytes;
use hyper::{StatusCode, header::HeaderValue};
use model::Problem;
use protocol::{Id, Message, Outcome, Packet, code, header, sse};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Why a request gets an error of ours.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub code: i64,
    /// What happened, and what to do.
    pub message: String,
    /// What Bellhop added to its error.
    pub data: Option<Box<RawValue>>,
    /// Bellhop's own words, when they are an answer to a request already.
    pub said: Option<Heard>,
}

impl Failure {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None, said: None }
    }

    /// The answer to this request.
    pub(super) fn to(&self, id: &Id) -> Bytes {
        match &self.said {
            Some(said) if said.answers.contains(id) => said.text.clone(),
            _ => protocol::error_with(Some(id), self.code, &self.message, self.data.as_deref()),
        }
    }

    /// Bellhop went away between the question and its answer.
    pub(super) fn gone() -> Self {
        let message = "Bellhop ended while this was under way, and it may or may not have been done. \
                       Check before you try again.";
        Self::new(code::STOPPED, message)
    }

    /// What came is no message.
    pub(super) fn garbled() -> Self {
        let message = "Bellhop's answer can't be read. Quit Bellhop and start it again.";
        Self::new(code::INTERNAL, message)
    }
}

impl From<&Problem> for Failure {
    fn from(problem: &Problem) -> Self {
        Self::new(code::UPSTREAM, problem.to_string())
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
    pub(super) async fn next(&mut self) -> Result<Option<Heard>, Failure> {
        match self {
            Self::Over => Ok(None),
            Self::Whole(answer) => {
                let body = answer.whole().await?;
                *self = Self::Over;
                if body.is_empty() { Ok(None) } else { Heard::read(body).map(Some) }
            }
            Self::Events(answer, decoder) => loop {
                match decoder.next_event().map_err(|_| Failure::garbled())? {
                    // An event without data only sets a position in the stream.
                    Some(event) if event.data.is_empty() => {}
                    Some(event) => return Heard::read(event.data.into()).map(Some),
                    None => match answer.piece().await? {
                        Some(piece) => decoder.push(&piece),
                        None => return Ok(None),
                    },
                }
            },
        }
    }
}

/// JSON that came for the app.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub text: Bytes,
    /// The requests that it answers.
    pub answers: Vec<Id>,
}

impl Heard {
    /// Nothing but JSON reaches the app, whatever stands behind Bellhop.
    fn read(text: Bytes) -> Result<Self, Failure> {
        let answer = |message| match message {
            Message::Response(response) => response.id,
            _ => None,
        };
        let answers = match Message::peek(&text) {
            Ok(message) => answer(message).into_iter().collect(),
            // Several in one text are for the batches of 2025-03-26.
            Err(_) => match Packet::parse(&text) {
                Ok(Packet::Batch(messages)) => messages.into_iter().filter_map(answer).collect(),
                _ if serde_json::from_slice::<&RawValue>(&text).is_ok() => Vec::new(),
                _ => return Err(Failure::garbled()),
            },
        };
        Ok(Self { text, answers })
    }
}

/// What an HTTP refusal says: Bellhop's own sentence, or a JSON-RPC error.
pub(super) async fn refusal(answer: &mut Answer<'_>) -> Failure {
    #[derive(Deserialize)]
    struct Said {
        sentence: Option<String>,
        #[serde(default)]
        next: String,
        // A word of OAuth's, or a JSON-RPC error.
        error: Option<Box<RawValue>>,
    }
    #[derive(Deserialize, Default)]
    struct Refused {
        code: Option<i64>,
        message: Option<String>,
        data: Option<Box<RawValue>>,
    }
    let status = answer.status();
    let code = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => code::NOT_ALLOWED,
        _ => code::UPSTREAM,
    };
    let body = answer.whole().await.unwrap_or_default();
    let said: Option<Said> = serde_json::from_slice(&body).ok();
    if let Some(Said { sentence: Some(sentence), next, .. }) = said {
        return Failure::new(code, format!("{sentence} {next}").trim_end());
    }
    let error = said.and_then(|s| s.error);
    let error: Refused = error.and_then(|e| serde_json::from_str(e.get()).ok()).unwrap_or_default();
    let message = match error.message {
        Some(message) => message,
        None if code == code::NOT_ALLOWED => {
            "This app isn't allowed to use Bellhop. Allow it in Bellhop's window, then try again.".to_owned()
        }
        None => format!("Bellhop refused this with status {}. Try again.", status.as_u16()),
    };
    let said = Heard::read(body).ok().filter(|heard| !heard.answers.is_empty());
    Failure { data: error.data, said, ..Failure::new(error.code.unwrap_or(code), message) }
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
        if let Some(headers) = begun(id.clone(), &message.text) {
            return Ok(headers);
        }
    }
    Err(Failure::garbled())
}

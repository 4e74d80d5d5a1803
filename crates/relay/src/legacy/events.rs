use crate::{
    Limits, Service,
    client::{Head, Http},
    legacy::{exchange, listen},
    pool::Incoming,
    problem::RelayError,
};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use protocol::{Id, Message, Outcome, Request, method, sse};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A session over the transport of 2024-11-05: one long event stream brings everything, and messages are
/// posted to an address that its first event names.
pub(crate) struct EventWire {
    post: String,
    desk: Arc<Desk>,
    /// Ends the reading of the stream, and so the session.
    _over: DropGuard,
}

/// Who waits for what on the stream.
#[derive(Default)]
struct Desk(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    waiting: HashMap<Id, Waiting>,
    /// What belongs to no call goes here, when somebody listens.
    aside: Option<mpsc::Sender<String>>,
    /// The stream has ended: nothing will be answered any more.
    over: bool,
}

struct Waiting {
    tell: mpsc::Sender<String>,
    /// The token under which the service reports the progress of this call.
    token: Option<String>,
}

/// How many messages wait for a call that is slow to read them before the stream has to.
const QUEUE: usize = 64;

impl Desk {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose message this is.
    fn place(&self, data: &str) -> Option<mpsc::Sender<String>> {
        let message = Message::peek(data.as_bytes()).ok()?;
        let tables = self.tables();
        // A service that asks or says something while one call runs means that call. Else it can't be told.
        let only = || match tables.waiting.len() {
            1 => tables.waiting.values().next().map(|w| w.tell.clone()),
            _ => None,
        };
        let aside = || tables.aside.clone();
        match message {
            Message::Response(r) => tables.waiting.get(r.id.as_ref()?).map(|w| w.tell.clone()),
            Message::Notification(n) if n.method == method::PROGRESS => {
                let token = n.params.as_ref()?.get("progressToken")?.get();
                let its = tables.waiting.values().find(|w| w.token.as_deref() == Some(token));
                its.map(|w| w.tell.clone())
            }
            Message::Notification(n) if n.method == method::MESSAGE => only().or_else(aside),
            Message::Notification(_) => aside(),
            Message::Request(_) => only().or_else(aside),
        }
    }
}

/// A call's place at the desk, which it leaves when it is dropped.
pub(crate) struct Seat {
    desk: Arc<Desk>,
    id: Id,
    pub(crate) messages: mpsc::Receiver<String>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.tables().waiting.remove(&self.id);
    }
}

impl EventWire {
    /// Opens the stream and waits for the address to post to.
    ///
    /// # Errors
    /// When there is no such stream, or the address it names is at another place than the service.
    pub(crate) async fn open(http: &Http, limits: &Limits, service: &Service) -> Result<Self, RelayError> {
        let no_mcp = || RelayError::NoMcp { title: service.title.clone() };
        let opening = async {
            let head = Head::default();
            let response = http.send(service, Method::GET, head, Bytes::new()).await?;
            let response = exchange::accepted(service, head, response)?;
            if !matches!(exchange::kind(&response), exchange::Kind::Events) {
                return Err(no_mcp());
            }
            let mut body = response.into_body();
            let mut events = sse::Decoder::new(limits.message);
            loop {
                let data = body.frame().await.and_then(Result::ok).ok_or_else(no_mcp)?;
                events.push(data.data_ref().map_or(&[][..], |d| d));
                if let Some(event) = events.next_event().map_err(|_| no_mcp())? {
                    if event.event.as_deref() != Some("endpoint") {
                        return Err(no_mcp());
                    }
                    return Ok((event.data, body, events));
                }
            }
        };
        let (address, body, events) = exchange::in_time(limits, service, opening).await?;
        let post = beside(&service.url, &address).ok_or_else(no_mcp)?;
        let desk = Arc::new(Desk::default());
        let over = CancellationToken::new();
        let reading = read(desk.clone(), body, events);
        let stop = over.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = reading => {}
            }
        });
        Ok(Self { post, desk, _over: over.drop_guard() })
    }

    /// Where messages are posted.
    pub(crate) fn post(&self) -> &str {
        &self.post
    }

    /// Takes a seat for a request, before it is sent; `None` when the stream has ended.
    pub(crate) fn sit(&self, request: &Request<'_>) -> Option<Seat> {
        let token = request.params.as_ref().and_then(|p| p.object("_meta"));
        let token = token.as_ref().and_then(|m| m.get("progressToken")).map(|t| t.get().to_owned());
        let (tell, messages) = mpsc::channel(QUEUE);
        let mut tables = self.desk.tables();
        if tables.over {
            return None;
        }
        tables.waiting.insert(request.id.clone(), Waiting { tell, token });
        Some(Seat { desk: self.desk.clone(), id: request.id.clone(), messages })
    }

    /// What belongs to no call, from now on. Whoever listened before hears nothing more.
    pub(crate) fn listen(&self) -> mpsc::Receiver<String> {
        let (tell, messages) = mpsc::channel(QUEUE);
        let mut tables = self.desk.tables();
        if !tables.over {
            tables.aside = Some(tell);
        }
        messages
    }

    /// Sends a request of our own and waits for its result.
    pub(crate) async fn ask(
        &self,
        http: &Http,
        limits: &Limits,
        service: &Service,
        request: &Request<'_>,
    ) -> Result<Box<RawValue>, RelayError> {
        let title = || service.title.clone();
        let asking = async {
            let mut seat = self.sit(request).ok_or_else(|| RelayError::SessionGone { title: title() })?;
            let head = Head { post: Some(&self.post), ..Head::default() };
            exchange::tell(http, limits, service, head, request.to_bytes()).await?;
            while let Some(data) = seat.messages.recv().await {
                if let Ok(Message::Response(r)) = Message::peek(data.as_bytes()) {
                    return match r.outcome {
                        Outcome::Result(value) => Ok(value.into_owned()),
                        Outcome::Error(_) => Err(RelayError::Declined { title: title() }),
                    };
                }
            }
            Err(RelayError::Died { title: title() })
        };
        exchange::in_time(limits, service, asking).await
    }
}

async fn read(desk: Arc<Desk>, body: Incoming, events: sse::Decoder) {
    let mut reading = listen::Reading::new(body, events);
    while let Ok(Some(data)) = reading.next().await {
        let Some(place) = desk.place(&data) else { continue };
        // Waiting here is what slows the service down for an app that does not read.
        let _ = place.send(data).await;
    }
    let mut tables = desk.tables();
    tables.over = true;
    tables.waiting.clear();
    tables.aside = None;
}

/// The address that the stream's first event names: a path at the service, or the whole of it. Never another
/// host: our token would follow.
fn beside(service: &str, named: &str) -> Option<String> {
    let service: http::Uri = service.parse().ok()?;
    let (scheme, authority) = (service.scheme_str()?, service.authority()?.as_str());
    let origin = format!("{scheme}://{authority}");
    let named = named.trim();
    if let Some(rest) = named.strip_prefix(&origin) {
        return (rest.is_empty() || rest.starts_with(['/', '?'])).then(|| named.to_owned());
    }
    if named.contains("://") || named.starts_with("//") {
        return None;
    }
    if named.starts_with('/') {
        return Some(format!("{origin}{named}"));
    }
    let folder = service.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{origin}{folder}/{named}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_posted_to_the_service_and_nowhere_else() {
        let at = |named: &str| beside("https://a.example:8443/x/sse", named);
        assert_eq!(at("/messages?s=1").unwrap(), "https://a.example:8443/messages?s=1");
        assert_eq!(at("messages").unwrap(), "https://a.example:8443/x/messages");
        assert_eq!(at("https://a.example:8443/m").unwrap(), "https://a.example:8443/m");
        for bad in [
            "https://b.example/m",
            "https://a.example:8443.b.example/m",
            "https://a.example:84433/m",
            "//b.example/m",
            "http://a.example:8443/m",
        ] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}

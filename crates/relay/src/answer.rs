//! An answer on its way back: what the service's side of a call brings, one step at a time.

use crate::{
    app::App,
    asking, call,
    carry::{Carried, Load},
    client::Head,
    cross,
    flight::Flight,
    hold::{self, Held, Hold},
    legacy::{
        exchange::{self, Kind},
        link::Link,
    },
    pool::Incoming,
    problem::RelayError,
    source::Source,
    told::{self, Passed, Question, Shape, Way},
};
use bytes::Bytes;
use http::Method;
use http_body::Body;
use protocol::Request;
use serde_json::value::RawValue;
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, Sleep},
};
use tokio_util::sync::WaitForCancellationFutureOwned;

/// One thing for the app.
pub(crate) enum Out {
    /// A message.
    Message(Bytes),
    /// A piece of one.
    Piece(Bytes),
    /// A sign of life.
    Comment,
}

/// How far an answer got in one step.
pub(crate) enum Step {
    /// There is something for the app.
    On,
    /// All was said.
    Ended,
    /// A message that was begun can't be completed.
    Broken(io::Error),
    /// The app has to answer first, in a request of its own; until then the call waits.
    Park,
}

/// The service's side of a call that the app hears of as it comes.
pub(crate) struct Answer {
    pub(crate) flight: Flight,
    pub(crate) shape: Shape,
    pub(crate) load: Load,
    pub(crate) way: Way,
    source: Source,
    /// What goes to the app before anything that the source brings.
    first: VecDeque<Out>,
    /// The request, where it may have to be made again.
    request: Option<Request<'static>>,
    /// What the service says outside of the call, on a session that the call has to itself.
    aside: Option<(Arc<Link>, mpsc::Receiver<String>)>,
    /// What the service asks, for an app that is asked in a result.
    pub(crate) questions: Vec<(String, Question)>,
    /// When no more questions are waited for.
    gathered: Option<Instant>,
    numbered: u32,
    hold: Held,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    given_up: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// The service was removed.
    gone: Pin<Box<WaitForCancellationFutureOwned>>,
    timer: Pin<Box<Sleep>>,
    /// When the service has been silent for too long.
    quiet: Instant,
    /// The last event's id, from which the service could go on after it ended the stream.
    last_event: Option<String>,
    /// How long the service asked to wait before that.
    retry: Duration,
    /// How often it was asked to go on without saying anything since.
    resumed: u32,
    /// How often the app was asked within this call.
    rounds: u32,
}

/// How often a service is asked to go on with a stream on which it says nothing more.
const MAX_RESUMES: u32 = 5;
/// The longest a service may ask to wait before that.
const MAX_RETRY: Duration = Duration::from_secs(15);
/// How long a service may take to end its stream after the answer.
const TO_END: Duration = Duration::from_millis(200);
/// How long further questions are waited for after one: services ask several at once.
const GATHER: Duration = Duration::from_millis(40);
/// How often a service may ask within one call.
const MAX_ROUNDS: u32 = 32;

impl Answer {
    pub(crate) fn new(
        flight: Flight,
        shape: Shape,
        load: Load,
        way: Way,
        source: Source,
        request: Option<Request<'static>>,
    ) -> Self {
        let patience = flight.relay.limits.answer;
        let quiet = Instant::now() + patience;
        Self {
            stop: Box::pin(flight.app.connection().stop.clone().cancelled_owned()),
            gone: Box::pin(flight.relay.shelf(&flight.service).over.clone().cancelled_owned()),
            given_up: flight.cancel.clone().map(|c| Box::pin(c.cancelled_owned())),
            timer: Box::pin(tokio::time::sleep_until(quiet)),
            quiet,
            flight,
            shape,
            load,
            way,
            source,
            first: VecDeque::new(),
            request,
            aside: None,
            questions: Vec::new(),
            gathered: None,
            numbered: 0,
            hold: Held::NotYet,
            last_event: None,
            retry: Duration::from_secs(1),
            resumed: 0,
            rounds: 0,
        }
    }

    /// It waits for the person.
    #[must_use]
    pub(crate) fn holding(mut self, hold: Hold) -> Self {
        self.hold = Held::Now(hold);
        self
    }

    /// Waits for the person, when that is what the request needs to be made: once.
    fn hold_for(&mut self, error: &RelayError) -> bool {
        let relay = self.flight.relay.clone();
        let (Held::NotYet, Source::Waiting(_), Some(request)) = (&self.hold, &self.source, &self.request)
        else {
            return false;
        };
        let Some(about) = hold::about(&relay, &self.flight, error) else { return false };
        let (source, hold) = hold::until(&relay, &self.flight, about, self.load.clone(), request.clone());
        (self.source, self.hold) = (source, Held::Now(hold));
        true
    }

    /// The app's next request goes on with this call, which waited for it.
    pub(crate) fn go_on(&mut self, app: App, shape: Shape, token: Option<Box<RawValue>>) {
        self.flight.app = app;
        self.flight.id = shape.id.clone();
        self.flight.token = token;
        self.shape = shape;
        self.quiet = Instant::now() + self.flight.relay.limits.answer;
        // What was not answered is asked again, unless the service goes on without it.
        self.gathered = (!self.questions.is_empty()).then(|| Instant::now() + GATHER);
    }

    /// Whether the app has got all of it.
    pub(crate) fn is_answered(&self) -> bool {
        !self.source.is_live()
    }

    /// What is left of the service's body after the answer.
    pub(crate) fn take_rest(&mut self) -> Option<Incoming> {
        match std::mem::replace(&mut self.source, Source::Ended) {
            Source::Ending(body) => Some(body),
            _ => None,
        }
    }

    /// The app has to be asked before the service answers.
    pub(crate) fn ask(&mut self, asked: Vec<(String, Box<RawValue>)>, state: Option<Box<RawValue>>) {
        let (relay, load) = (self.flight.relay.clone(), self.load.clone());
        self.rounds += 1;
        let asking = match (&self.flight.app, &self.request) {
            _ if self.rounds > MAX_ROUNDS => None,
            (App::Session(session), Some(request)) => {
                let asking = asking::of_session(&relay, session, &load, request, asked, state);
                asking.map(|(questions, asking)| {
                    self.first.extend(questions.into_iter().map(Out::Message));
                    asking
                })
            }
            (App::Visit(_), _) => asking::again(&self.flight, asked),
            (App::Session(_), None) => None,
        };
        let title = self.flight.service.title.clone();
        self.source = match asking {
            Some(asking) => Source::Waiting(asking),
            None => Source::Waiting(Box::pin(async move { Err(RelayError::NoMcp { title }) })),
        };
    }

    fn died(&self) -> RelayError {
        RelayError::Died { title: self.flight.service.title.clone() }
    }

    /// Ends it with an error: as a last message, or by breaking off one that can't be completed.
    fn fail(&mut self, error: &RelayError, out: &mut VecDeque<Out>) -> Step {
        let source = std::mem::replace(&mut self.source, Source::Ended);
        if !source.is_live() {
            return Step::Ended;
        }
        call::end(&mut self.flight, error);
        match source {
            Source::Message { .. } => {
                Step::Broken(io::Error::new(io::ErrorKind::UnexpectedEof, error.to_string()))
            }
            // It said itself that it wants no answer.
            _ if matches!(error, RelayError::GivenUp) => Step::Ended,
            _ => {
                let message = error.reply(self.flight.app.era(), &self.shape.id);
                out.push_back(Out::Message(message));
                Step::On
            }
        }
    }

    /// The end, when the connection was revoked: a last message, or that a message breaks off.
    pub(crate) fn revoked(&mut self, cx: &mut Context<'_>) -> Option<Result<Bytes, io::Error>> {
        if !self.source.is_live() || self.stop.as_mut().poll(cx).is_pending() {
            return None;
        }
        let mut out = VecDeque::new();
        match self.fail(&RelayError::Revoked, &mut out) {
            Step::Broken(error) => Some(Err(error)),
            _ => match out.pop_front() {
                Some(Out::Message(message)) => Some(Ok(message)),
                _ => None,
            },
        }
    }

    /// One step: something for the app, the end, or nothing yet.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, out: &mut VecDeque<Out>) -> Poll<Step> {
        loop {
            if self.source.is_live() {
                // Before anything else, also before what is ready: after a revocation nothing is passed on.
                if self.stop.as_mut().poll(cx).is_ready() {
                    out.clear();
                    return Poll::Ready(self.fail(&RelayError::Revoked, out));
                }
                if self.given_up.as_mut().is_some_and(|g| g.as_mut().poll(cx).is_ready()) {
                    out.clear();
                    return Poll::Ready(self.fail(&RelayError::GivenUp, out));
                }
                if self.gone.as_mut().poll(cx).is_ready() {
                    out.clear();
                    let name = self.flight.service.name.to_string();
                    return Poll::Ready(self.fail(&RelayError::NoService { name }, out));
                }
                if let Some(error) = self.hear_aside(cx, out) {
                    return Poll::Ready(self.fail(&error, out));
                }
            }
            out.append(&mut self.first);
            if !out.is_empty() {
                return Poll::Ready(Step::On);
            }
            let step = match self.advance(cx, out) {
                Poll::Ready(Ok(())) if matches!(self.source, Source::Ended) && out.is_empty() => {
                    return Poll::Ready(Step::Ended);
                }
                Poll::Ready(Ok(())) => None,
                Poll::Ready(Err(error)) if self.hold_for(&error) => None,
                Poll::Ready(Err(error)) => Some(self.fail(&error, out)),
                Poll::Pending => match ready!(self.poll_timer(cx, out)) {
                    Ok(None) => None,
                    Ok(Some(step)) => Some(step),
                    Err(error) => Some(self.fail(&error, out)),
                },
            };
            match step {
                None => {}
                Some(Step::On) if out.is_empty() => {}
                Some(step) => return Poll::Ready(step),
            }
        }
    }

    /// Takes what has come from the service.
    fn advance(&mut self, cx: &mut Context<'_>, out: &mut VecDeque<Out>) -> Poll<Result<(), RelayError>> {
        match &mut self.source {
            Source::Waiting(work) => {
                let carried = ready!(work.as_mut().poll(cx))?;
                if let Held::Now(_) = self.hold {
                    self.hold = Held::Before;
                }
                if matches!(carried, Carried::Message(..)) {
                    self.leave_aside();
                }
                self.arrived(carried, out);
                Poll::Ready(Ok(()))
            }
            Source::Events(body, _) => match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    self.quiet = Instant::now() + self.flight.relay.limits.answer;
                    match frame.into_data() {
                        Ok(data) => Poll::Ready(self.take(&data, out)),
                        Err(_) => Poll::Ready(Ok(())),
                    }
                }
                None if self.resume() => Poll::Ready(Ok(())),
                None | Some(Err(_)) => Poll::Ready(Err(self.died())),
            },
            Source::Resuming(resuming) => match ready!(resuming.as_mut().poll(cx)) {
                Some(body) => {
                    self.source = Source::events(body, self.flight.relay.limits.message);
                    self.quiet = Instant::now() + self.flight.relay.limits.answer;
                    Poll::Ready(Ok(()))
                }
                None => Poll::Ready(Err(self.died())),
            },
            Source::Seat(seat) => match ready!(seat.messages.poll_recv(cx)) {
                Some(data) => {
                    self.quiet = Instant::now() + self.flight.relay.limits.answer;
                    let passed = told::on_call(&self.flight, &self.shape, self.way, &data);
                    Poll::Ready(self.pass(passed, out))
                }
                None => Poll::Ready(Err(self.died())),
            },
            Source::Message { body, first } => {
                if !first.is_empty() {
                    out.extend(first.drain(..).map(Out::Piece));
                    return Poll::Ready(Ok(()));
                }
                match ready!(Pin::new(body).poll_frame(cx)) {
                    Some(Ok(frame)) => {
                        self.quiet = Instant::now() + self.flight.relay.limits.answer;
                        out.extend(frame.into_data().ok().map(Out::Piece));
                        Poll::Ready(Ok(()))
                    }
                    None => {
                        self.flight.over("ok");
                        self.source = Source::Ended;
                        Poll::Ready(Ok(()))
                    }
                    Some(Err(_)) => Poll::Ready(Err(self.died())),
                }
            }
            Source::Ending(body) => {
                if !matches!(ready!(Pin::new(body).poll_frame(cx)), Some(Ok(_))) {
                    self.source = Source::Ended;
                }
                Poll::Ready(Ok(()))
            }
            Source::Ended => Poll::Ready(Ok(())),
        }
    }

    /// What was waited for is there.
    fn arrived(&mut self, carried: Carried, out: &mut VecDeque<Out>) {
        match carried {
            Carried::Message(message, outcome, _) => {
                self.flight.over(outcome);
                out.push_back(Out::Message(message));
                self.source = Source::Ended;
            }
            Carried::Body { source, way, .. } => {
                self.way = way;
                self.source = source;
                self.quiet = Instant::now() + self.flight.relay.limits.answer;
            }
            Carried::Ask { asked, state, way } => {
                self.way = way;
                self.ask(asked, state);
            }
        }
    }

    /// Takes the service's bytes.
    fn take(&mut self, data: &Bytes, out: &mut VecDeque<Out>) -> Result<(), RelayError> {
        let title = self.flight.service.title.clone();
        let Source::Events(_, decoder) = &mut self.source else { return Ok(()) };
        decoder.push(data);
        let mut whole = false;
        loop {
            let Source::Events(_, decoder) = &mut self.source else { return Ok(()) };
            let event = decoder.next_event().map_err(|_| RelayError::TooLarge { title: title.clone() })?;
            let Some(event) = event else { break };
            whole = true;
            if let Some(id) = event.id {
                self.last_event = Some(id);
            }
            if let Some(retry) = event.retry {
                self.retry = Duration::from_millis(retry).min(MAX_RETRY);
            }
            if event.data.is_empty() {
                continue;
            }
            self.resumed = 0;
            let passed = told::on_call(&self.flight, &self.shape, self.way, &event.data);
            self.pass(passed, out)?;
        }
        if !whole && data.starts_with(b":") {
            // The service keeps its stream alive; so do we ours.
            out.push_back(Out::Comment);
        }
        Ok(())
    }

    fn pass(&mut self, passed: Passed, out: &mut VecDeque<Out>) -> Result<(), RelayError> {
        match passed {
            Passed::On(message) => out.push_back(Out::Message(message)),
            Passed::Nothing => {}
            Passed::Answer(message, outcome) => {
                out.push_back(Out::Message(message));
                self.questions.clear();
                self.gathered = None;
                // Before its session is free for the next call.
                self.leave_aside();
                self.flight.over(outcome);
                self.source = match std::mem::replace(&mut self.source, Source::Ended) {
                    Source::Events(body, _) => Source::Ending(body),
                    _ => Source::Ended,
                };
                self.quiet = Instant::now() + TO_END;
            }
            Passed::Ask(asked, state) => self.ask(asked, state),
            Passed::Question(question) => {
                self.rounds += 1;
                if self.rounds > MAX_ROUNDS {
                    return Err(RelayError::NoMcp { title: self.flight.service.title.clone() });
                }
                self.numbered += 1;
                self.questions.push((format!("question-{}", self.numbered), question));
                self.gathered = Some(Instant::now() + GATHER);
            }
            Passed::Withdrawn(id) => self.questions.retain(|(_, q)| q.id != id),
            Passed::Fail(error) => return Err(error),
        }
        Ok(())
    }

    /// Some services put their questions on the session's listening stream, which this call has to itself.
    fn hear_aside(&mut self, cx: &mut Context<'_>, out: &mut VecDeque<Out>) -> Option<RelayError> {
        if self.way != Way::ModernApp {
            return None;
        }
        if self.aside.is_none() {
            let link = self.flight.trip().link();
            self.aside = link.and_then(|l| l.take_aside().map(|aside| (l, aside)));
        }
        while let Some((_, aside)) = &mut self.aside {
            let Poll::Ready(data) = aside.poll_recv(cx) else { return None };
            let Some(data) = data else {
                self.aside = None;
                return None;
            };
            let passed = told::on_call(&self.flight, &self.shape, self.way, &data);
            if let Err(error) = self.pass(passed, out) {
                return Some(error);
            }
        }
        None
    }

    /// A service of 2025-11-25 may end a stream before the answer and expects to be asked for the rest, which
    /// Bellhop does in the app's place. False when it gave no event to go on from.
    fn resume(&mut self) -> bool {
        let (Some(id), Some(link)) = (&self.last_event, self.flight.trip().link()) else { return false };
        if self.resumed >= MAX_RESUMES {
            return false;
        }
        self.resumed += 1;
        let (relay, id, retry) = (self.flight.relay.clone(), id.clone(), self.retry);
        self.source = Source::Resuming(Box::pin(async move {
            tokio::time::sleep(retry).await;
            let (service, opened) = (link.service.load_full(), link.opened()?);
            let head = Head { last_event: Some(&id), ..opened.head() };
            let response = relay.http.send(&service, Method::GET, head, Bytes::new()).await.ok()?;
            let events = response.status().is_success() && matches!(exchange::kind(&response), Kind::Events);
            events.then(|| response.into_body())
        }));
        true
    }

    /// When something happens although the service says nothing.
    fn next_moment(&self) -> Instant {
        let mut next = self.quiet;
        if let Some(gathered) = self.gathered {
            next = next.min(gathered);
        }
        if let Held::Now(hold) = &self.hold {
            next = next.min(hold.next());
        }
        next
    }

    /// Waits for that moment. It is set anew only when it has come nearer, not with each message.
    fn poll_timer(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut VecDeque<Out>,
    ) -> Poll<Result<Option<Step>, RelayError>> {
        let next = self.next_moment();
        if self.timer.deadline() > next {
            self.timer.as_mut().reset(next);
        }
        ready!(self.timer.as_mut().poll(cx));
        let now = Instant::now();
        if now < next {
            self.timer.as_mut().reset(next);
            return Poll::Ready(Ok(None));
        }
        if self.gathered.is_some_and(|g| now >= g) {
            self.gathered = None;
            if !self.questions.is_empty() {
                return Poll::Ready(Ok(Some(Step::Park)));
            }
        }
        if matches!(self.hold, Held::Now(_)) && self.flight.trip().is_under_way() {
            // The person has answered, and the service works on it: its own clock runs from now on.
            self.hold = Held::Before;
            self.quiet = now + self.flight.relay.limits.answer;
        }
        if let Held::Now(hold) = &mut self.hold {
            match hold.tick(now) {
                Ok(notice) => out.extend(notice),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if now >= self.quiet {
            if let Source::Ending(_) = self.source {
                self.source = Source::Ended;
                return Poll::Ready(Ok(None));
            }
            if !matches!(self.hold, Held::Now(_)) {
                return Poll::Ready(Err(RelayError::TimedOut { title: self.flight.service.title.clone() }));
            }
            self.quiet = now + self.flight.relay.limits.answer;
        }
        Poll::Ready(Ok(None))
    }

    /// The result that asks the app the questions of the service.
    pub(crate) fn questions_message(&self, state: &str) -> Bytes {
        let asked: Vec<_> = self.questions.iter().map(|(k, q)| (k.clone(), q.request.clone())).collect();
        protocol::result(&self.shape.id, cross::input_required(&asked, state))
    }
}

impl Answer {
    /// Gives what is said outside of calls back to the session, for the next call that has it.
    fn leave_aside(&mut self) {
        if let Some((link, aside)) = self.aside.take() {
            link.give_aside(aside);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.leave_aside();
    }
}

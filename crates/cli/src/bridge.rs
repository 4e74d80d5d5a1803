//! The bridge: what an AI app starts to reach Bellhop over stdio.
//!
//! Lines of JSON-RPC on standard input become POSTs to `/mcp` on the owner-only socket; what comes back, as JSON
//! or as an event stream, becomes lines on standard output. Apps start one for each of their windows and keep it
//! for days, so it is small: a program of its own with one thread, no argument parser, no log. It keeps working
//! while Bellhop is restarted: the session is begun anew with the `initialize` that the app once sent,
//! subscriptions are asked for again, and what was under way gets an error that says so.
//!
//! It speaks both eras at once. A request of the modern era stands for itself; everything else belongs to the one
//! session of the legacy era.
//!
//! Standard output carries messages and nothing else; sentences go to standard error, which apps keep as a log.

mod answer;
mod args;
mod exchange;
mod flights;
mod listen;
mod modern;
mod session;
mod stdio;
mod subscription;
mod wire;

pub use args::Args;

use crate::signal::{self, Ended};
use bytes::Bytes;
use engine::Home;
use flights::{Cancelled, Flights};
use hyper::header::HeaderValue;
use model::Problem;
use protocol::{Id, Message, Notification, Packet, Request, code, meta, method};
use session::Session;
use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use stdio::{Input, Line, Out};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wire::Wire;

/// How long calls under way may take once the app has closed standard input. Apps wait about two seconds before
/// they send a signal.
const LAST_ANSWERS: Duration = Duration::from_millis(1500);
/// How long the goodbye to Bellhop, and the last lines to a slow reader, may take.
const GOODBYE: Duration = Duration::from_millis(300);
/// How long a notification may hold up the lines behind it. They mean to arrive in order, but a notification that
/// waits for Bellhop to start is none to wait for.
const IN_ORDER: Duration = Duration::from_secs(1);

/// What every task of the bridge shares.
struct Bridge {
    wire: Wire,
    session: Session,
    out: Out,
    flights: Flights,
    /// Cancelled when the app is gone or a signal came.
    stop: CancellationToken,
    /// Cancelled then, or when the app has closed standard input: no subscription ends by itself.
    listening: CancellationToken,
    tasks: TaskTracker,
}

/// Go on as `bellhop-bridge`, the program beside this one that is the bridge alone. Returns where that can't be done.
pub fn turn_into_the_small_one() {
    #[cfg(unix)]
    if let Ok(here) = std::env::current_exe() {
        use std::os::unix::process::CommandExt;
        // Returns only when it failed.
        let _ = std::process::Command::new(here.with_file_name("bellhop-bridge"))
            .args(std::env::args_os().skip(1))
            .exec();
    }
}

/// Be the bridge until standard input ends.
pub fn run(args: Args) -> ExitCode {
    let running = || -> Result<Ended, Problem> {
        let app = match args.app.as_str() {
            "" => None,
            name => Some(HeaderValue::from_str(name).map_err(|_| {
                Problem::new(
                    "cli.app_name",
                    "That name of an app can't be used.",
                    "Use letters, digits and -.",
                )
            })?),
        };
        let home = Home::find(args.home)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| {
            Problem::new("cli.runtime", format!("The bridge can't start: {e}."), "Try again.")
        })?;
        let ended = runtime.block_on(serve(Wire::new(home, app, args.start)));
        runtime.shutdown_background();
        Ok(ended)
    };
    match running() {
        Ok(Ended::Interrupted) => ExitCode::from(crate::problem::INTERRUPTED),
        Ok(Ended::Asked) => ExitCode::SUCCESS,
        Err(problem) => {
            say(&problem.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn serve(wire: Wire) -> Ended {
    let stop = CancellationToken::new();
    let mut input = Input::open();
    let (session, asks) = Session::new();
    let bridge = Arc::new(Bridge {
        wire,
        session,
        out: Out::open(stop.clone()),
        flights: Flights::default(),
        listening: stop.child_token(),
        stop: stop.clone(),
        tasks: TaskTracker::new(),
    });
    let keeper = tokio::spawn(session::keep(Arc::clone(&bridge), asks));
    let listener = tokio::spawn(listen::listen(Arc::clone(&bridge)));
    let signalled = stop.clone();
    let signal = tokio::spawn(async move {
        let ended = signal::end().await;
        signalled.cancel();
        ended
    });

    loop {
        tokio::select! {
            // In this order, so that nothing more is begun for an app that is gone.
            biased;
            () = stop.cancelled() => break,
            line = input.next() => match line {
                Some(line) => bridge.take(line).await,
                None => break,
            },
        }
    }

    bridge.listening.cancel();
    bridge.tasks.close();
    tokio::select! {
        () = stop.cancelled() => {}
        _ = timeout(LAST_ANSWERS, bridge.tasks.wait()) => {}
    }
    stop.cancel();
    listener.abort();
    keeper.abort();
    // What is still under way is dropped with its connection; the session's end tells Bellhop to cancel it.
    if let Some(headers) = bridge.session.to_end() {
        let _ = timeout(GOODBYE, bridge.wire.end(headers)).await;
    }
    let _ = timeout(GOODBYE, bridge.tasks.wait()).await;
    let _ = timeout(GOODBYE, bridge.out.written()).await;
    if signal.is_finished() { signal.await.unwrap_or(Ended::Asked) } else { Ended::Asked }
}

impl Bridge {
    /// Take one line from the app.
    async fn take(self: &Arc<Self>, line: Line) {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                let answer =
                    protocol::error(None, code::INVALID_REQUEST, "The message is longer than 4 MiB.");
                return self.out.line(answer).await;
            }
        };
        let messages = match Packet::parse(&line) {
            Ok(Packet::One(message)) => vec![message],
            Ok(Packet::Batch(messages)) => messages,
            Err(flaw) => return self.out.line(protocol::error(None, flaw.code(), &flaw.to_string())).await,
        };
        if let [message] = messages.as_slice() {
            match message {
                Message::Request(request) if is_modern(request) => {
                    self.wire.name(|| name(request));
                    let (id, listens) = (request.id.clone(), request.method == method::LISTEN);
                    return self.begin_modern(id, listens, line).await;
                }
                Message::Notification(note) if self.is_settled(note) => return,
                _ => {}
            }
        }
        let (kind, ids) = self.read(&messages);
        self.begin(kind, ids, line).await;
    }

    /// What messages of the legacy era mean to the session, and the requests among them.
    fn read(&self, messages: &[Message<'_>]) -> (exchange::Kind, Vec<Id>) {
        let mut ids = Vec::new();
        let mut kind = exchange::Kind::Other;
        for message in messages {
            match message {
                Message::Request(request) => {
                    self.wire.name(|| name(request));
                    if request.method == method::INITIALIZE {
                        kind = exchange::Kind::Initialize;
                    }
                    ids.push(request.id.clone());
                }
                Message::Notification(note) if note.method == method::CANCELLED => {
                    if let Some(id) = note.id_param("requestId") {
                        self.flights.cancel(&id);
                    }
                }
                Message::Notification(note) if note.method == method::INITIALIZED => {
                    kind = exchange::Kind::Initialized;
                }
                Message::Notification(_) | Message::Response(_) => {}
            }
        }
        (kind, ids)
    }

    /// Whether this is a cancellation that Bellhop need not hear of: that of a modern request, or of one that
    /// nobody knows, since there is no session.
    fn is_settled(&self, note: &Notification<'_>) -> bool {
        if note.method != method::CANCELLED {
            return false;
        }
        let cancelled = note.id_param("requestId").map_or(Cancelled::Other, |id| self.flights.cancel(&id));
        let in_session = self.session.is_open() || self.session.hold().is_some();
        cancelled == Cancelled::Modern || !in_session
    }

    /// Send what belongs to the session.
    async fn begin(self: &Arc<Self>, kind: exchange::Kind, ids: Vec<Id>, line: Bytes) {
        if !self.flights.have_room(ids.len()) {
            for id in ids {
                self.too_many(&id).await;
            }
            return;
        }
        for id in &ids {
            self.flights.begin(id.clone());
        }
        let waits = ids.is_empty();
        let hold = self.session.hold();
        if kind == exchange::Kind::Initialize {
            self.session.begins();
        }
        let bridge = Arc::clone(self);
        let task = self.tasks.spawn(async move {
            let stop = bridge.stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                () = exchange::run(&bridge, kind, hold, ids, line) => {}
            }
        });
        if waits {
            let _ = timeout(IN_ORDER, task).await;
        }
    }

    /// Send a request that stands for itself.
    async fn begin_modern(self: &Arc<Self>, id: Id, listens: bool, line: Bytes) {
        if !self.flights.have_room(1) {
            return self.too_many(&id).await;
        }
        let end = if listens { self.listening.child_token() } else { self.stop.child_token() };
        self.flights.begin_modern(id.clone(), end.clone());
        let bridge = Arc::clone(self);
        self.tasks.spawn(async move {
            let run = async {
                if listens {
                    subscription::run(&bridge, id, line).await;
                } else {
                    modern::run(&bridge, id, line).await;
                }
            };
            tokio::select! {
                // In this order, so that nothing more is written once it is cancelled.
                biased;
                () = end.cancelled() => {}
                () = run => {}
            }
        });
    }

    async fn too_many(&self, id: &Id) {
        let sentence = "Too many requests are under way. Wait for some answers, then try again.";
        self.out.line(protocol::error(Some(id), code::UPSTREAM, sentence)).await;
    }
}

/// Whether a request is of the modern era.
fn is_modern(request: &Request<'_>) -> bool {
    match request.method.as_ref() {
        // Whatever else it says: it asks for a session.
        method::INITIALIZE => false,
        method::DISCOVER | method::LISTEN => true,
        _ => meta::is_modern(request),
    }
}

/// What the app calls itself in its first request, of the one era or the other. For a bridge that was not told.
fn name(request: &Request<'_>) -> Option<HeaderValue> {
    let params = request.params.as_ref()?;
    let client = params.object("clientInfo");
    let own = params.object("_meta");
    let client = client.or_else(|| own.as_ref()?.object(meta::CLIENT_INFO))?;
    HeaderValue::from_str(&client.text("name")?).ok()
}

/// Say something to whoever reads the app's log.
fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "bellhop: {sentence}");
}

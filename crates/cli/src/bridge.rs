//! The bridge: what an AI app starts to reach Bellhop over stdio.
//!
//! Lines of JSON-RPC on standard input become POSTs to `/mcp` on the owner-only socket; what comes back, as JSON
//! or as an event stream, becomes lines on standard output. Apps start one for each of their windows and keep it
//! for days, so it is small: one thread for each of the two pipes, one for all the rest, no argument parser, no
//! log. It keeps working while Bellhop is restarted: the session is begun anew with the `initialize` that the
//! app once sent, and what was under way gets an error that says so.
//!
//! Standard output carries messages and nothing else; sentences go to standard error, which apps keep as a log.

mod answer;
pub(crate) mod args;
mod exchange;
mod listen;
mod session;
mod stdio;
mod wire;

use crate::signal::{self, Ended};
use args::Args;
use engine::Home;
use hyper::header::HeaderValue;
use model::Problem;
use protocol::{Id, Message, Packet, Request, code, method};
use session::Session;
use std::{
    collections::HashSet,
    io::{self, Write},
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use stdio::{Line, Out};
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
    /// The requests that still have to be answered, by us if by nobody else.
    open: Mutex<HashSet<Id>>,
    /// Cancelled when the app is gone or a signal came.
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Be the bridge until standard input ends.
pub(crate) fn run(args: Args) -> ExitCode {
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
    let mut lines = stdio::read(io::stdin());
    let (out, written) = stdio::write(io::stdout(), stop.clone());
    let (session, asks) = Session::new();
    let bridge = Arc::new(Bridge {
        wire,
        session,
        out,
        open: Mutex::default(),
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
            line = lines.recv() => match line {
                Some(line) => bridge.take(line).await,
                None => break,
            },
        }
    }

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
    drop(bridge);
    let _ = timeout(GOODBYE, written).await;
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
        let mut ids = Vec::new();
        let mut kind = exchange::Kind::Other;
        for message in &messages {
            match message {
                Message::Request(request) => {
                    self.wire.name(|| name(request));
                    if request.method == method::INITIALIZE {
                        kind = exchange::Kind::Initialize;
                    }
                    ids.push(request.id.clone());
                }
                Message::Notification(note) if note.method == method::CANCELLED => {
                    // The app wants no answer any more, so it gets no error either.
                    if let Some(id) = note.id_param("requestId") {
                        self.open().remove(&id);
                    }
                }
                Message::Notification(note) if note.method == method::INITIALIZED => {
                    kind = exchange::Kind::Initialized;
                }
                Message::Notification(_) | Message::Response(_) => {}
            }
        }
        self.open().extend(ids.iter().cloned());
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

    fn open(&self) -> MutexGuard<'_, HashSet<Id>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the app calls itself in its first request, of the one era or the other. For a bridge that was not told.
fn name(request: &Request<'_>) -> Option<HeaderValue> {
    let params = request.params.as_ref()?;
    let client = params.object("clientInfo");
    let meta = params.object("_meta");
    let client = client.or_else(|| meta.as_ref()?.object("io.modelcontextprotocol/clientInfo"))?;
    HeaderValue::from_str(&client.text("name")?).ok()
}

/// Say something to whoever reads the app's log.
fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "bellhop: {sentence}");
}

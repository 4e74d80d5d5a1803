//! The bridge's boundary: who started it, and may that program in?

use crate::{rooms::Rooms, x};
use authority::{AskError, BridgeAsk, CallSite, Verdict};
use model::{ConnectionId, Explain, Problem, Program, Resource};
use relay::Caller;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How long a bridge's request waits for the person. Apps give up on a server that answers nothing for a
/// minute, and then say nothing that helps.
const HOLD: Duration = Duration::from_secs(45);

/// The process at the other end of one socket connection.
pub(crate) struct Peer {
    pid: u32,
    app: OnceLock<Option<Program>>,
}

impl Peer {
    pub(crate) fn new(pid: u32) -> Self {
        Self { pid, app: OnceLock::new() }
    }

    /// From where it calls.
    pub(crate) fn site(&self) -> CallSite {
        CallSite::Process(self.pid)
    }

    /// The program that started the bridge, and by what it is known again. Shells and the like between the two don't
    /// count.
    fn seen(&self) -> (Option<Program>, Who) {
        let program = self.app.get_or_init(|| started_by(self.pid)).clone();
        let who = program.as_ref().map_or(Who::Unseen(self.pid), |p| Who::Seen(p.identity.clone()));
        (program, who)
    }
}

/// The program that started a process of ours. Shells and the like between the two don't count.
pub(crate) fn started_by(bridge: u32) -> Option<Program> {
    const BETWEEN: [&str; 9] = ["sh", "bash", "dash", "zsh", "fish", "env", "timeout", "script", "setsid"];
    let mut pid = x::parent(bridge)?;
    let mut last = None;
    for _ in 0..8 {
        let Some(program) = x::program(pid) else { break };
        if !BETWEEN.contains(&program.name.as_str()) {
            return Some(program);
        }
        last = Some(program);
        match x::parent(pid) {
            Some(up) => pid = up,
            None => break,
        }
    }
    last
}

/// The caller behind a bridge that says it was started for `claimed`. When this program was not let in under that
/// name before, the person is asked, once; but only if something is wanted (`may_ask`): a bridge that listens, or
/// says goodbye, after it was cut off is no reason to.
pub(crate) async fn caller(
    rooms: &Arc<Rooms>,
    peer: &Peer,
    claimed: &str,
    may_ask: bool,
) -> Result<Caller, Problem> {
    let (program, who) = peer.seen();
    let app = rooms.app_name(claimed);
    if let Some(connection) = known(rooms, &app, &who) {
        return Ok(by_bridge(connection));
    }
    if rooms.turned_away(None, &app, program.as_ref()) {
        return Err(AskError::TurnedAway.problem());
    }
    if !may_ask {
        return Err(unanswered(&app));
    }
    let mut answer = rooms.bridge_asks.join(rooms, &app, who, program);
    let answered = tokio::time::timeout(HOLD, answer.wait_for(Option::is_some)).await;
    match answered {
        Ok(Ok(answer)) => match answer.clone() {
            Some(Ok(connection)) => Ok(by_bridge(connection)),
            Some(Err(problem)) => Err(problem),
            None => Err(unanswered(&app)),
        },
        _ => Err(unanswered(&app)),
    }
}

fn by_bridge(connection: Arc<relay::Connection>) -> Caller {
    Caller { connection, resource: None, limit: None, door: relay::Door::Bridge }
}

fn unanswered(app: &str) -> Problem {
    Problem::new(
        "engine.bridge_unanswered",
        format!("{app} isn't allowed in yet."),
        "Answer in Bellhop's window, then try again.",
    )
    .with("app", app)
}

/// What became of a question; `None` while it waits.
type Answered = Option<Result<Arc<relay::Connection>, Problem>>;

/// By what an app is known again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    /// The identity of the program that started the bridge.
    Seen(String),
    /// None could be seen. Any program can bring that about by leaving its bridge behind, so only this very process
    /// of the bridge is known again.
    Unseen(u32),
}

/// Who asks: the app's name, and what is behind it.
type Asker = (String, Who);

/// The questions that wait for the person. All requests of one program under one name share one question, which
/// goes on when the request that caused it has left.
#[derive(Default)]
pub(crate) struct Asks {
    waiting: Mutex<HashMap<Asker, watch::Receiver<Answered>>>,
    /// Who was let in although no program was seen behind it.
    unseen: Mutex<HashMap<Asker, ConnectionId>>,
}

impl Asks {
    fn unseen(&self) -> MutexGuard<'_, HashMap<Asker, ConnectionId>> {
        self.unseen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(
        &self,
        rooms: &Arc<Rooms>,
        app: &str,
        who: Who,
        program: Option<Program>,
    ) -> watch::Receiver<Answered> {
        let key = (app.to_owned(), who);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // One whose sender is gone without an answer will not be answered any more.
        if let Some(answer) = waiting.get(&key).filter(|a| a.has_changed().is_ok()) {
            return answer.clone();
        }
        // Let in between the caller's look and this one: asking again would ask the person twice.
        if let Some(connection) = known(rooms, app, &key.1) {
            return watch::channel(Some(Ok(connection))).1;
        }
        let (tell, answer) = watch::channel(None);
        waiting.insert(key.clone(), answer.clone());
        let rooms = Arc::clone(rooms);
        tokio::spawn(async move {
            let outcome = ask(&rooms, &key.0, program).await;
            if let (Ok(connection), Who::Unseen(_)) = (&outcome, &key.1) {
                rooms.bridge_asks.unseen().insert(key.clone(), connection.id.clone());
            }
            rooms.bridge_asks.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            tell.send_replace(Some(outcome));
        });
        answer
    }
}

async fn ask(
    rooms: &Arc<Rooms>,
    app: &str,
    program: Option<Program>,
) -> Result<Arc<relay::Connection>, Problem> {
    let ask = BridgeAsk { app: app.to_owned(), program, asked: None, resource: Resource::All };
    let (_, verdict) = rooms.authority.ask_bridge(ask).map_err(|e| e.problem())?;
    match verdict.await {
        Ok(Verdict::Allowed { scope, program }) => rooms.allow_bridge(app, scope, program).await,
        Ok(Verdict::Denied) => Err(Problem::new(
            "engine.bridge_denied",
            format!("{app} was not let in."),
            "Try again from the app if that was a mistake.",
        )
        .with("app", app)),
        Ok(Verdict::Expired) | Err(_) => Err(unanswered(app)),
    }
}

fn known(rooms: &Rooms, app: &str, who: &Who) -> Option<Arc<relay::Connection>> {
    let identity = match who {
        Who::Seen(identity) => identity,
        Who::Unseen(_) => {
            let id = rooms.bridge_asks.unseen().get(&(app.to_owned(), who.clone())).cloned()?;
            return rooms.connections.live(&id);
        }
    };
    rooms.connections.find(|k| {
        k.grant.method == authority::Method::Bridge
            && k.app == app
            && k.grant.program.as_ref().is_some_and(|then| then.identity == *identity)
    })
}

//! An engine that a person's commands speak with: the framing on the socket, and answers made up by a test.

use control::{Answer, Ask, Command, FromEngine, Outcome, Proof, Query, Section, ToEngine, frame};
use engine::{Home, x};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    task::JoinSet,
};

/// The code of a problem that stands for no answer at all.
pub const SILENCE: &str = "test.silence";

/// What an ask is answered with; `None` for done.
pub type Say = dyn Fn(&Ask) -> Option<Outcome> + Send + Sync;

/// An engine of sections that stand still, and what it was asked besides.
pub struct Faces {
    pub asked: Arc<Mutex<Vec<String>>>,
    /// Sends of itself to whoever watches.
    pub events: mpsc::Sender<FromEngine>,
    _tasks: JoinSet<()>,
}

impl Faces {
    pub fn start(home: &Home, sections: Vec<Section>, say: Box<Say>) -> Self {
        let listener = x::Listener::bind(&home.socket()).unwrap();
        let asked = Arc::new(Mutex::new(vec![]));
        let (events, mut of_itself) = mpsc::channel(8);
        let log = Arc::clone(&asked);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let mut stream = listener.accept().await.unwrap();
                let mut head = vec![];
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
                let (mut reader, mut writer) = stream.into_split();
                loop {
                    let message: Option<ToEngine> = tokio::select! {
                        message = frame::read(&mut reader) => message.unwrap_or(None),
                        Some(event) = of_itself.recv() => {
                            frame::write(&mut writer, &event).await.unwrap();
                            continue;
                        }
                    };
                    let Some(ToEngine { id, ask }) = message else { break };
                    let outcome = match &ask {
                        Ask::Query(Query::Section { section }) => {
                            let found = sections.iter().find(|s| s.name() == *section).cloned();
                            Ok(Answer::Section(found.unwrap()))
                        }
                        ask => {
                            log.lock().unwrap().push(words(ask));
                            say(ask).unwrap_or(Ok(Answer::Done))
                        }
                    };
                    if matches!(&outcome, Err(problem) if problem.code == SILENCE) {
                        continue;
                    }
                    if frame::write(&mut writer, &FromEngine::Answer { id, outcome }).await.is_err() {
                        break;
                    }
                }
            }
        });
        Self { asked, events, _tasks: tasks }
    }

    /// Sections alone; everything else is done.
    pub fn still(home: &Home, sections: Vec<Section>) -> Self {
        Self::start(home, sections, Box::new(|_| None))
    }

    /// Wait until something was asked that begins so.
    pub async fn until(&self, what: &str) {
        for _ in 0..2000 {
            if self.asked().iter().any(|a| a.starts_with(what)) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("nobody asked for {what}");
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// What was asked, secrets included: it is a test's own.
fn words(ask: &Ask) -> String {
    match ask {
        Ask::Prove(Proof::Pin { pin }) => format!("pin {pin}"),
        Ask::Prove(Proof::Window { .. }) => "window".to_owned(),
        Ask::Command(Command::Approve { request, snapshot, scope }) => {
            format!("approve {request} {snapshot} {scope}")
        }
        Ask::Command(command) => format!("{command:?}"),
        Ask::Query(query) => format!("{query:?}"),
        Ask::Watch(sections) => format!("watch {sections:?}"),
    }
}

use crate::{
    Desktop, Home, catalogue::Catalogue, pause::Pause, person::People, playground::Playground,
    proxies::SystemProxies, publisher::Publisher, rooms::Rooms, sign_ins::SignIns,
};
use authority::Origin;
use control::{KeysState, SectionName};
use model::{Clock, Explain, Problem, Random, RequestId, Secret};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicBool};
use store::Database;
use tokio::sync::broadcast;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// All that a running engine consists of.
pub(crate) struct Inner {
    pub(crate) home: Home,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) proxies: Arc<SystemProxies>,
    pub(crate) desktop: Option<Arc<dyn Desktop>>,
    pub(crate) may_prompt: bool,
    pub(crate) from_tree: bool,
    pub(crate) computer: String,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) people: People,
    pub(crate) pause: Arc<Pause>,
    pub(crate) playground: Playground,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) sign_ins: SignIns,
    pub(crate) apps: apps::Apps,
    pub(crate) port: u16,
    /// Under which name configs reach it.
    pub(crate) origin: Origin,
    /// The rooms that need the vault: not there until it is open.
    pub(crate) rooms: OnceLock<Arc<Rooms>>,
    /// What is known of the vault's key.
    pub(crate) keys: Mutex<KeysState>,
    /// The files, opened when they are first needed: with `--keys session` they never are.
    pub(crate) database: tokio::sync::OnceCell<Database>,
    /// One opening of the vault at a time.
    pub(crate) unlocking: tokio::sync::Mutex<()>,
    /// Asks window processes to come to the front.
    pub(crate) raises: broadcast::Sender<Option<RequestId>>,
    /// Somebody asked for the end already.
    pub(crate) finishing: AtomicBool,
    /// The accept loops, which hold the port and the socket.
    pub(crate) doors: TaskTracker,
    /// No new work: the engine finishes.
    pub(crate) ending: CancellationToken,
    /// Everything is stored and closed.
    pub(crate) ended: CancellationToken,
}

impl Inner {
    /// What is known of the vault's key.
    pub(crate) fn keys(&self) -> MutexGuard<'_, KeysState> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The vault's state has changed.
    pub(crate) fn set_keys(&self, state: KeysState) {
        *self.keys() = state;
        self.publisher.mark(SectionName::Status);
    }

    /// The files of this home.
    pub(crate) async fn database(&self) -> Result<Database, Problem> {
        let opened = self.database.get_or_try_init(|| Database::open(self.home.root())).await;
        opened.cloned().map_err(|e| e.problem())
    }

    /// Whether this is the PIN.
    pub(crate) async fn check_pin(&self, pin: Secret) -> Result<(), Problem> {
        let kept = self.open_rooms()?.store.setting("pin").await.map_err(|e| e.problem())?;
        let kept = kept.filter(|_| self.desktop.is_none()).ok_or_else(|| {
            Problem::new("engine.no_pin", "No PIN counts here.", "Answer in Bellhop's window.")
        })?;
        self.people.check_pin(pin, kept).await
    }

    /// The rooms, or the sentence that says what they wait for.
    pub(crate) fn open_rooms(&self) -> Result<&Arc<Rooms>, Problem> {
        self.rooms.get().ok_or_else(|| match &*self.keys() {
            KeysState::Locked { problem, .. } => problem.clone(),
            _ => Problem::new(
                "engine.keys_unchosen",
                "Bellhop doesn't know yet where to keep your keys.",
                "Choose in Bellhop's window, or start `bellhop serve --keys …`.",
            ),
        })
    }

    /// The origin under which configs name this engine.
    pub(crate) fn origin(&self) -> Origin {
        self.origin.clone()
    }

    /// The address that apps are told.
    pub(crate) fn endpoint(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    pub(crate) fn mark(&self, section: SectionName) {
        self.publisher.mark(section);
    }

    /// Raise a window: the one of this request, or the main one.
    pub(crate) fn raise(&self, request: Option<RequestId>) {
        let _ = self.raises.send(request.clone());
        if let Some(desktop) = &self.desktop {
            desktop.raise(request);
        }
    }
}

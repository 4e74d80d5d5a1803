use crate::{
    Face, Home, Keys, Lock, Options,
    catalogue::Catalogue,
    inner::Inner,
    listeners::{self, Loopback},
    pause::Pause,
    person::People,
    playground::Playground,
    port,
    proxies::SystemProxies,
    publisher::Publisher,
    sign_ins::SignIns,
    takeover, unlock, views, x,
};
use authority::Origin;
use control::{KeysState, SectionName};
use model::{Clock, Explain, Problem, Random, Secret, SystemClock, SystemRandom};
use std::{
    env,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, atomic::AtomicBool},
    time::Duration,
};
use tokio::sync::broadcast;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often what nobody marks is looked at: a pause that ends, times that are kept now and then.
const TICK: Duration = Duration::from_secs(15);

/// A running engine. Cheap to clone; dropping it doesn't end it: [`Engine::finish`] does.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    /// Held as long as anybody has the engine.
    _lock: Arc<Lock>,
}

impl Engine {
    /// Take the home's lock, listen, and open the vault as far as that goes without the person.
    ///
    /// A desktop takes over from a `bellhop serve` that runs in this home; what is allowed stays allowed.
    ///
    /// # Errors
    /// `engine.running` when an engine runs here already and stays; otherwise what stands in the way.
    pub async fn start(options: Options) -> Result<Self, Problem> {
        let lock = takeover::lock(&options).await?;
        let Options { home, port, keys, desktop, may_prompt, from_tree } = options;
        let wanted = port::wanted(&home, port)?;
        let loopback = Loopback::bind(wanted)?;
        if wanted != 0 {
            port::keep(&home, wanted);
        }
        let socket = x::Listener::bind(&home.socket()).map_err(|e| {
            Problem::new(
                "engine.socket",
                format!("Bellhop can't listen at {}: {e}.", home.socket().display()),
                "Remove what stands there, then start again.",
            )
        })?;
        let port = loopback.port;
        let origin = Origin::from_host(&format!("127.0.0.1:{port}"));
        let origin = origin.ok_or_else(|| Problem::new("engine.port", format!("{port} is no port."), ""))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let inner = Arc::new(Inner {
            apps: apps::Apps::new(apps::Surroundings::of_process(
                x::home_folder().unwrap_or_default(),
                bridge_program(),
                home.root(),
                format!("{origin}/mcp"),
                home.join("backups"),
            )),
            people: People::new(Arc::clone(&clock), Arc::clone(&random)),
            pause: Arc::new(Pause::new(Arc::clone(&clock))),
            playground: Playground::new(home.clone()),
            catalogue: Arc::new(Catalogue::new(&home)),
            sign_ins: SignIns::default(),
            publisher: Arc::new(Publisher::new()),
            computer: x::computer_name(),
            rooms: OnceLock::new(),
            keys: Mutex::new(KeysState::Unchosen { notice: String::new(), keychain: None }),
            database: tokio::sync::OnceCell::new(),
            unlocking: tokio::sync::Mutex::new(()),
            raises: broadcast::channel(16).0,
            finishing: AtomicBool::new(false),
            doors: TaskTracker::new(),
            ending: CancellationToken::new(),
            ended: CancellationToken::new(),
            proxies: Arc::new(SystemProxies::of_process()),
            home,
            clock,
            random,
            desktop,
            may_prompt,
            from_tree,
            port,
            origin,
        });
        unlock::at_start(&inner, keys).await?;
        loopback.serve(&inner);
        listeners::serve_socket(&inner, socket);
        publish(&inner);
        tick(&inner);
        Ok(Self { inner, _lock: Arc::new(lock) })
    }

    /// Where its files are.
    pub fn home(&self) -> &Home {
        &self.inner.home
    }

    /// A face in this process, which speaks for the person.
    pub fn face(&self) -> Face {
        Face::new(Arc::clone(&self.inner))
    }

    /// Open the vault with this: what `--keys` said, or what the person chose.
    ///
    /// # Errors
    /// When it doesn't open; nothing is lost or overwritten by that.
    pub async fn unlock(&self, keys: Keys) -> Result<(), Problem> {
        unlock::open(&self.inner, keys, true).await
    }

    /// Whether no PIN was set in this home yet.
    pub async fn needs_pin(&self) -> bool {
        match self.inner.open_rooms() {
            Ok(rooms) => matches!(rooms.store.setting("pin").await, Ok(None)),
            Err(_) => true,
        }
    }

    /// Set the PIN that shows, without a desktop, that a person is there. 4 to 64 characters.
    ///
    /// # Errors
    /// When one is set already, it is too short, or the vault isn't open.
    pub async fn set_pin(&self, pin: Secret) -> Result<(), Problem> {
        let rooms = self.inner.open_rooms()?;
        if !self.needs_pin().await {
            return Err(Problem::new("engine.pin_set", "A PIN is set already.", "Use that one."));
        }
        let phc = self.inner.people.hash_pin(pin).await?;
        rooms.store.set_setting("pin", Some(&phc)).await.map_err(|e| e.problem())?;
        rooms.pin_set();
        Ok(())
    }

    /// A one-time secret for a window process, in hexadecimal. Hand it over on an inherited descriptor only.
    pub fn window_secret(&self) -> String {
        self.inner.people.window_secret()
    }

    /// A redirect to the custom scheme arrived. Anything that belongs to no sign-in is ignored.
    pub fn deliver(&self, address: &str) {
        if let Some(rooms) = self.inner.rooms.get() {
            let delivered = rooms.signin.deliver(address);
            tracing::info!(?delivered, "an address of Bellhop's scheme was opened");
        }
    }

    /// Finish: refuse new calls, end what runs, let refreshes end and be stored, close the files; within 5 s.
    pub async fn finish(&self) {
        crate::finish::run(&self.inner).await;
    }

    /// Returns when the engine has finished, whoever asked for it.
    pub async fn finished(&self) {
        self.inner.ended.cancelled().await;
    }
}

/// The program `bellhop`, which apps start as the bridge: beside this one, or (for tests, which run one folder
/// below) above it.
fn bridge_program() -> PathBuf {
    let name = format!("bellhop{}", env::consts::EXE_SUFFIX);
    let here = env::current_exe().unwrap_or_default();
    let beside = here.with_file_name(&name);
    here.ancestors().skip(1).take(2).map(|f| f.join(&name)).find(|p| p.is_file()).unwrap_or(beside)
}

/// Build what was marked, until the engine has ended.
fn publish(inner: &Arc<Inner>) {
    let publishing = Arc::clone(inner);
    tokio::spawn(async move {
        let building = Arc::clone(&publishing);
        let run = publishing.publisher.run(|name| {
            let inner = Arc::clone(&building);
            async move { views::section(&inner, name).await }
        });
        tokio::select! {
            () = run => {}
            () = publishing.ended.cancelled() => {}
        }
    });
    inner.publisher.mark_all();
}

fn tick(inner: &Arc<Inner>) {
    let inner = Arc::clone(inner);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = inner.ending.cancelled() => return,
            }
            // A pause may have ended by itself, and an app may have been installed.
            inner.mark(SectionName::Status);
            inner.mark(SectionName::Apps);
            // The person may have changed their file.
            inner.mark(SectionName::Catalogue);
            inner.playground.revive().await;
            if let Some(rooms) = inner.rooms.get() {
                rooms.keep_last_active().await;
                rooms.end_keys().await;
            }
        }
    });
}

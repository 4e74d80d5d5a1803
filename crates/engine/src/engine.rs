use crate::{Face, Home, Keys, Options};
use model::{Problem, Secret};

/// A running engine. Dropping it doesn't end it: [`Engine::finish`] does.
#[derive(Clone)]
pub struct Engine {}

pub(crate) fn not_yet() -> Problem {
    Problem::new("engine.not_yet", "Not there yet.", "")
}

impl Engine {
    /// Take the home's lock, open the vault as far as that goes without the person, and listen.
    ///
    /// A desktop takes over from a `bellhop serve` that runs in this home.
    ///
    /// # Errors
    /// `engine.running` when an engine runs here already and stays; otherwise what stands in the way.
    pub async fn start(_options: Options) -> Result<Self, Problem> {
        Err(not_yet())
    }

    /// Where its files are.
    pub fn home(&self) -> &Home {
        unimplemented!()
    }

    /// A face in this process, which speaks for the person.
    pub fn face(&self) -> Face {
        Face {}
    }

    /// Open the vault with this: what `--keys` said, or what the person chose.
    ///
    /// # Errors
    /// When it doesn't open; nothing is lost or overwritten by that.
    pub async fn unlock(&self, _keys: Keys) -> Result<(), Problem> {
        Err(not_yet())
    }

    /// Whether no PIN was set in this home yet.
    pub async fn needs_pin(&self) -> bool {
        true
    }

    /// Set the PIN that shows, without a desktop, that a person is there. 4 to 64 characters.
    ///
    /// # Errors
    /// When one is set already, it is too short, or the vault isn't open.
    pub async fn set_pin(&self, _pin: Secret) -> Result<(), Problem> {
        Err(not_yet())
    }

    /// A one-time secret for a window process, in hexadecimal. Hand it over on an inherited descriptor only.
    pub fn window_secret(&self) -> String {
        String::new()
    }

    /// A redirect to the custom scheme arrived. Anything that belongs to no sign-in is ignored.
    pub fn deliver(&self, _address: &str) {}

    /// Finish: refuse new calls, end what runs, let refreshes end and be stored, close the files; within 5 s.
    pub async fn finish(&self) {}

    /// Returns when the engine has finished, whoever asked for it.
    pub async fn finished(&self) {}
}

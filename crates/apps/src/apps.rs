use crate::{
    AppsError, Change, Method, Plan, Platform, Surroundings,
    config::Config,
    diff, edit, found,
    known::{self, Known},
    shape::{self, Standing},
    undo::{self, Before, Undo},
    write,
};
use model::{AppId, Explain, Problem};
use std::path::PathBuf;

/// The AI apps Bellhop knows, on this computer.
#[derive(Debug, Clone)]
pub struct Apps {
    platform: Platform,
    surroundings: Surroundings,
}

/// An app as it was seen just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSeen {
    /// Its id, such as `cursor`.
    pub id: AppId,
    /// Its name.
    pub name: String,
    /// What shows that it is on this computer; `None` when nothing does.
    pub found: Option<PathBuf>,
    /// Its config, whether or not it is there; `None` where none is known on this system.
    pub file: Option<PathBuf>,
    /// Whether Bellhop is in its config.
    pub state: AppState,
    /// How it reaches Bellhop unless the person chooses otherwise.
    pub default: Method,
    /// The ways it can, the default first.
    pub methods: Vec<Method>,
}

/// Whether Bellhop is in an app's config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppState {
    /// It isn't.
    Disconnected,
    /// It is, as Bellhop would write it today.
    Connected {
        /// How.
        method: Method,
    },
    /// There is an entry of that name which Bellhop did not write, or wrote with another address or program.
    /// Connect repairs the second and refuses the first.
    Other {
        /// What it is.
        problem: Problem,
    },
    /// The config can't be read.
    Unreadable {
        /// Why: file and line.
        problem: Problem,
    },
}

/// A plan, and what it takes to carry it out.
struct Draft {
    plan: Plan,
    config: Config,
    /// The config's new content; `None` when nothing changes.
    content: Option<Vec<u8>>,
    /// How many of the groups of entries are there already, and whether our entry is.
    there: (usize, bool),
}

impl Apps {
    /// The apps of the computer this program runs on.
    pub fn new(surroundings: Surroundings) -> Self {
        Self::on(Platform::here(), surroundings)
    }

    /// The same, with another platform's paths.
    pub fn on(platform: Platform, surroundings: Surroundings) -> Self {
        Self { platform, surroundings }
    }

    /// All apps, those found on this computer first, then by name.
    ///
    /// Reads each config that is there; what can't be read is a state, no error.
    pub fn list(&self) -> Vec<AppSeen> {
        let mut seen: Vec<_> = known::all().iter().map(|known| self.seen(known)).collect();
        seen.sort_by_key(|app| (app.found.is_none(), app.name.to_lowercase()));
        seen
    }

    /// One app.
    ///
    /// # Errors
    /// When no app has this id.
    pub fn get(&self, app: &AppId) -> Result<AppSeen, AppsError> {
        self.known(app).map(|known| self.seen(known))
    }

    /// What [`Self::connect`] would write.
    ///
    /// # Errors
    /// As `connect`, as far as it can be told without writing.
    pub fn preview(&self, app: &AppId, method: Option<Method>) -> Result<Plan, AppsError> {
        self.draft(self.known(app)?, method).map(|draft| draft.plan)
    }

    /// Write Bellhop's entry into the app's config. Without a method, one that is there is kept, else the
    /// app's default is taken. An entry of ours with another address or program is repaired. Connecting what
    /// is connected changes nothing.
    ///
    /// # Errors
    /// When the config can't be read, parsed or written, or has an entry of that name which isn't ours;
    /// nothing is changed then.
    pub fn connect(&self, app: &AppId, method: Option<Method>) -> Result<Plan, AppsError> {
        let known = self.known(app)?;
        let Draft { plan, config, content, there } = self.draft(known, method)?;
        let Some(content) = content else { return Ok(plan) };
        let folder = config.target.parent().unwrap_or(&config.target);
        let made = write::folders(folder).map_err(|e| AppsError::system(folder, e))?;
        let written = self
            .place(known, &config)
            .save(&config, made.clone(), &content, there)
            .and_then(|()| write::replace(&config, Some(&content)));
        match written {
            Ok(()) => Ok(plan),
            Err(error) => {
                remove_folders(&made);
                Err(error)
            }
        }
    }

    /// Take Bellhop's entry out of the app's config. A config that nobody else changed gets back the bytes it
    /// had; one that Bellhop made and that holds nothing else is deleted. Without an entry of ours nothing
    /// changes.
    ///
    /// # Errors
    /// When the config can't be read, parsed or written; nothing is changed then.
    pub fn disconnect(&self, app: &AppId) -> Result<Plan, AppsError> {
        let known = self.known(app)?;
        let config = self.config(known)?;
        let (mark, text) = config.text()?;
        let sight = edit::look(known.format, text, &known.entries).map_err(|f| f.of(&config.path))?;
        let (Standing::Current(method) | Standing::Outdated(method)) =
            shape::standing(known, sight.entry.as_ref(), &self.surroundings)
        else {
            return Ok(Plan { method: known.default, changes: Vec::new(), next: String::new() });
        };
        let place = self.place(known, &config);
        let undo = place.load(&config);
        let untouched = undo.as_ref().filter(|u| u.is_untouched(&config)).map(|u| &u.before);
        let restored = match untouched {
            Some(Before::Nothing { .. }) => Some(None),
            Some(Before::File) => place.content().map(Some),
            None => None,
        };
        let content = match restored {
            Some(content) => content,
            None => {
                let keep = undo.as_ref().map_or(known.entries.len(), |u| u.groups);
                let after =
                    edit::take(known.format, text, &known.entries, keep).map_err(|f| f.of(&config.path))?;
                let made = undo.as_ref().is_some_and(|u| matches!(u.before, Before::Nothing { .. }));
                let gone = made && edit::is_bare(known.format, &after, &known.entries);
                (!gone).then(|| format!("{mark}{after}").into_bytes())
            }
        };
        let change = change(&config, content.as_deref());
        write::replace(&config, content.as_deref())?;
        if let (None, Some(Undo { before: Before::Nothing { folders }, .. })) = (&content, &undo) {
            remove_folders(folders);
        }
        place.forget();
        Ok(Plan { method, changes: vec![change], next: known.next_after_undo() })
    }

    /// The app that calls itself, or whose program is called, this. For showing only: a name is a claim.
    ///
    /// Takes `clientInfo.name`, a registration's `client_name` (also with more behind it, as in
    /// `Claude Code (bellhop)`), or the name of a process.
    pub fn recognise(&self, name: &str) -> Option<AppId> {
        let bare = name.split(" (").next().unwrap_or(name).trim();
        let calls_itself = |k: &&Known| k.client_names.iter().any(|n| n.eq_ignore_ascii_case(bare));
        // Case tells programs apart: `claude` is Claude Code, `Claude` the desktop app on macOS.
        let runs_as = |k: &&Known| k.programs.iter().any(|n| n == bare);
        let known = known::all();
        known.iter().find(calls_itself).or_else(|| known.iter().find(runs_as)).map(|k| k.id.clone())
    }

    /// The app that alone uses this redirect address. For showing only.
    pub fn recognise_redirect(&self, address: &str) -> Option<AppId> {
        let uses = |known: &&Known| known.redirects.iter().any(|start| address.starts_with(start));
        known::all().iter().find(uses).map(|k| k.id.clone())
    }

    fn known(&self, app: &AppId) -> Result<&'static Known, AppsError> {
        known::all().iter().find(|known| known.id == *app).ok_or_else(|| AppsError::Unknown(app.clone()))
    }

    fn config(&self, known: &Known) -> Result<Config, AppsError> {
        let path = found::config(known.places(self.platform), &self.surroundings)
            .ok_or_else(|| AppsError::NoPlace { app: known.name.clone() })?;
        Config::read(path)
    }

    fn place(&self, known: &Known, config: &Config) -> undo::Place {
        undo::Place::of(&self.surroundings.backups, known.id.as_str(), config)
    }

    fn seen(&self, known: &Known) -> AppSeen {
        let places = known.places(self.platform);
        AppSeen {
            id: known.id.clone(),
            name: known.name.clone(),
            found: found::found(places, self.platform, &self.surroundings),
            file: found::config(places, &self.surroundings),
            state: self.state(known),
            default: known.default,
            methods: known.methods(),
        }
    }

    fn state(&self, known: &Known) -> AppState {
        let standing = || {
            let config = self.config(known)?;
            let (_, text) = config.text()?;
            let sight = edit::look(known.format, text, &known.entries).map_err(|f| f.of(&config.path))?;
            Ok::<_, AppsError>((
                shape::standing(known, sight.entry.as_ref(), &self.surroundings),
                config.path,
            ))
        };
        match standing() {
            Ok((Standing::Absent, _)) => AppState::Disconnected,
            Ok((Standing::Current(method), _)) => AppState::Connected { method },
            Ok((Standing::Foreign, file)) => {
                AppState::Other { problem: AppsError::Taken { app: known.name.clone(), file }.problem() }
            }
            Ok((Standing::Outdated(_), file)) => {
                let sentence = format!("{} still looks for Bellhop where it was before.", known.name);
                let next = "Connect it again; Bellhop then corrects the entry.";
                let problem = Problem::new("apps.outdated", sentence, next);
                AppState::Other { problem: problem.with("app", &known.name).with("file", file.display()) }
            }
            Err(error) => AppState::Unreadable { problem: error.problem() },
        }
    }

    fn draft(&self, known: &Known, method: Option<Method>) -> Result<Draft, AppsError> {
        let config = self.config(known)?;
        let (mark, text) = config.text()?;
        let at = |fault: edit::Fault| fault.of(&config.path);
        let sight = edit::look(known.format, text, &known.entries).map_err(at)?;
        let standing = shape::standing(known, sight.entry.as_ref(), &self.surroundings);
        let method = method.unwrap_or(match standing {
            Standing::Current(method) | Standing::Outdated(method) => method,
            Standing::Absent | Standing::Foreign => known.default,
        });
        let entry = shape::entry(known, method, &self.surroundings)?;
        if standing == Standing::Foreign {
            return Err(AppsError::Taken { app: known.name.clone(), file: config.path });
        }
        let there = (sight.groups, standing != Standing::Absent);
        if standing == Standing::Current(method) {
            let plan = Plan { method, changes: Vec::new(), next: String::new() };
            return Ok(Draft { plan, config, content: None, there });
        }
        let after = edit::put(known.format, text, &known.entries, &entry).map_err(at)?;
        let content = format!("{mark}{after}").into_bytes();
        let plan = Plan { method, changes: vec![change(&config, Some(&content))], next: known.next(method) };
        Ok(Draft { plan, config, content: Some(content), there })
    }
}

fn change(config: &Config, content: Option<&[u8]>) -> Change {
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let diff =
        diff::unified(&config.path.display().to_string(), &text(config.bytes.as_deref()), &text(content));
    Change { file: config.path.clone(), created: config.bytes.is_none(), diff }
}

/// Remove folders that were made for a config, as far as they are empty.
fn remove_folders(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        if std::fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

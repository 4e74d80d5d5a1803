use crate::x;
use engine::Home;
use tauri::{AppHandle, Runtime, plugin::TauriPlugin};
use tauri_plugin_autostart::ManagerExt;

/// The name of the login item.
const NAME: &str = "bellhop";

/// The plugin that writes the login item.
pub(crate) fn plugin<R: Runtime>() -> TauriPlugin<R> {
    tauri_plugin_autostart::Builder::new().app_name(NAME).arg("--hidden").build()
}

/// Whether Bellhop starts when the person logs in.
pub(crate) enum Autostart {
    /// It can be switched.
    Free(AppHandle),
    /// It is off for good, and this is why.
    Off(&'static str),
}

impl Autostart {
    /// For this home.
    pub(crate) fn new(app: AppHandle, home: &Home, from_tree: bool) -> Self {
        if from_tree {
            return Self::Off("This Bellhop runs from its source tree. Install it to start it at login.");
        }
        let own = engine::x::data_folder().is_some_and(|own| {
            own == home.root() || std::fs::canonicalize(own).is_ok_and(|own| own == home.root())
        });
        if own {
            Self::Free(app)
        } else {
            Self::Off(
                "This Bellhop keeps its files in a folder named by hand, which a start at login wouldn't know.",
            )
        }
    }

    /// Switch it.
    pub(crate) fn set(&self, on: bool) -> Result<(), String> {
        match self {
            Self::Off(why) => Err((*why).to_owned()),
            Self::Free(app) => {
                let item = app.autolaunch();
                let switched = if on { item.enable() } else { item.disable() };
                switched.map_err(|e| e.to_string())?;
                if on { x::mend_login_item(NAME).map_err(|e| e.to_string()) } else { Ok(()) }
            }
        }
    }

    /// Whether it is on.
    pub(crate) fn is_on(&self) -> Result<bool, String> {
        match self {
            Self::Off(why) => Err((*why).to_owned()),
            Self::Free(app) => app.autolaunch().is_enabled().map_err(|e| e.to_string()),
        }
    }
}

//! The tray icon: its state and its menu, drawn from the view's sections.

mod menu;

use crate::{
    desk::{Wish, Wishes},
    words::Language,
    x,
};
use control::{SectionName, View};
use engine::{Face, Home};
use menu::{Act, Entry, Look};
use model::{Clock, SystemClock};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tauri::{
    AppHandle,
    image::Image,
    include_image,
    menu::{IsMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu},
    tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent},
};

/// How often what depends on the time alone is looked at again.
const TICK: Duration = Duration::from_secs(15);

/// The sections that the tray shows something of.
const SECTIONS: [SectionName; 4] =
    [SectionName::Status, SectionName::Services, SectionName::Connections, SectionName::Requests];

/// What the tray shows now.
type Drawn = (Look, Vec<Entry>);

/// The icon in the tray.
#[derive(Clone)]
pub(crate) struct Tray {
    app: AppHandle,
    language: Language,
    /// `None` where the system has no tray: Bellhop goes on with its windows.
    icon: Option<TrayIcon>,
    drawn: Arc<Mutex<Option<Drawn>>>,
}

impl Tray {
    /// Put the icon into the tray, if there is one. Must be called on the main thread.
    pub(crate) fn make(app: &AppHandle, wishes: &Wishes, home: &Home, language: Language) -> Self {
        let icon = if x::has_tray() {
            Self::icon(app, wishes, home).inspect_err(|e| tracing::warn!("no tray icon: {e}")).ok()
        } else {
            tracing::warn!("no tray icon: libayatana-appindicator3 is not installed");
            None
        };
        let tray = Self { app: app.clone(), language, icon, drawn: Arc::default() };
        tray.draw(Look::Well, menu::starting(language.words()));
        tray
    }

    fn icon(app: &AppHandle, wishes: &Wishes, home: &Home) -> tauri::Result<TrayIcon> {
        let (chosen, opened) = (wishes.clone(), wishes.clone());
        let mut builder = TrayIconBuilder::with_id("bellhop")
            .icon(image(Look::Well))
            .icon_as_template(cfg!(target_os = "macos"))
            .tooltip("Bellhop")
            .show_menu_on_left_click(cfg!(not(windows)))
            .on_menu_event(move |_app, event| match Act::parse(event.id().as_ref()) {
                Some(act) => chosen.send(act.wish()),
                None => tracing::warn!("an unknown menu entry was chosen"),
            })
            // Only Windows tells of a click; elsewhere a click opens the menu.
            .on_tray_icon_event(move |_icon, event| {
                if let TrayIconEvent::Click {
                    button: MouseButton::Left,
                    button_state: MouseButtonState::Up,
                    ..
                } = event
                {
                    opened.send(Wish::Show(None));
                }
            });
        // Linux hands the picture over as a file; it lies beside the socket, where only the owner gets at it.
        if let Some(folder) = home.socket().parent() {
            builder = builder.temp_dir_path(folder.join("tray"));
        }
        builder.build(app)
    }

    /// Show that there is no engine.
    pub(crate) fn failed(&self) {
        self.draw(Look::NeedsYou, menu::failed(self.language.words()));
    }

    /// Draw the view, now and whenever it changes.
    pub(crate) async fn follow(self, face: Face) {
        let mut sections = face.watch(&SECTIONS);
        let mut view = View::default();
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                section = sections.recv() => match section {
                    Some(section) => view.put(section),
                    None => return,
                },
                _ = tick.tick() => {}
            }
            while let Ok(section) = sections.try_recv() {
                view.put(section);
            }
            if !view.sections.is_empty() {
                let (look, entries) = menu::of(&view, self.language.words(), SystemClock.now());
                self.draw(look, entries);
            }
        }
    }

    fn draw(&self, look: Look, entries: Vec<Entry>) {
        let Some(icon) = &self.icon else { return };
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = drawn.replace((look, entries.clone()));
        drop(drawn);
        let same_look = before.as_ref().is_some_and(|(before, _)| *before == look);
        let same_menu = before.as_ref().is_some_and(|(_, before)| *before == entries);
        let done = || -> tauri::Result<()> {
            if !same_look {
                icon.set_icon_with_as_template(Some(image(look)), cfg!(target_os = "macos"))?;
            }
            if !same_menu {
                icon.set_menu(Some(build(&self.app, &entries)?))?;
                if let Some(Entry::Line(state)) = entries.first() {
                    icon.set_tooltip(Some(format!("Bellhop: {state}")))?;
                }
            }
            Ok(())
        };
        if let Err(e) = done() {
            tracing::warn!("the tray was not drawn: {e}");
        }
    }
}

fn build(app: &AppHandle, entries: &[Entry]) -> tauri::Result<Menu<tauri::Wry>> {
    let menu = Menu::new(app)?;
    for entry in entries {
        menu.append(item(app, entry)?.as_ref())?;
    }
    Ok(menu)
}

fn item(app: &AppHandle, entry: &Entry) -> tauri::Result<Box<dyn IsMenuItem<tauri::Wry>>> {
    Ok(match entry {
        Entry::Line(text) => Box::new(MenuItem::new(app, mnemonics(text), false, None::<&str>)?),
        Entry::Do(act, text) => {
            Box::new(MenuItem::with_id(app, act.id(), mnemonics(text), true, None::<&str>)?)
        }
        Entry::Rule => Box::new(PredefinedMenuItem::separator(app)?),
        Entry::Sub(text, entries) => {
            let sub = Submenu::new(app, mnemonics(text), true)?;
            for entry in entries {
                sub.append(item(app, entry)?.as_ref())?;
            }
            Box::new(sub)
        }
    })
}

/// `&` marks a letter in a menu; a name may hold one that doesn't.
fn mnemonics(text: &str) -> String {
    text.replace('&', "&&")
}

/// The picture of a state. It tells by the shape of its dot, and by colour besides.
fn image(look: Look) -> Image<'static> {
    macro_rules! one_of {
        ($well:literal, $busy:literal, $paused:literal, $needs_you:literal) => {
            match look {
                Look::Well => include_image!($well),
                Look::Busy => include_image!($busy),
                Look::Paused => include_image!($paused),
                Look::NeedsYou => include_image!($needs_you),
            }
        };
    }
    match x::bar() {
        x::Bar::Dark => one_of!(
            "../icons/tray/well-dark.png",
            "../icons/tray/busy-dark.png",
            "../icons/tray/paused-dark.png",
            "../icons/tray/needs-you-dark.png"
        ),
        x::Bar::Light => one_of!(
            "../icons/tray/well-light.png",
            "../icons/tray/busy-light.png",
            "../icons/tray/paused-light.png",
            "../icons/tray/needs-you-light.png"
        ),
        x::Bar::Untold => one_of!(
            "../icons/tray/well-any.png",
            "../icons/tray/busy-any.png",
            "../icons/tray/paused-any.png",
            "../icons/tray/needs-you-any.png"
        ),
        x::Bar::Coloured => one_of!(
            "../icons/tray/well-template.png",
            "../icons/tray/busy-template.png",
            "../icons/tray/paused-template.png",
            "../icons/tray/needs-you-template.png"
        ),
    }
}

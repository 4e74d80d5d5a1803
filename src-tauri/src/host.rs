use crate::{
    autostart::Autostart,
    desk::{Wish, Wishes},
};
use async_trait::async_trait;
use engine::{Desktop, Home, Notice};
use model::RequestId;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt;
use url::Url;

/// How many notifications are remembered for a click.
const REMEMBERED: usize = 32;

/// What the engine can ask of the desktop.
pub(crate) struct Host {
    app: AppHandle,
    wishes: Wishes,
    autostart: Autostart,
    notices: Arc<Mutex<Notices>>,
}

/// The notifications that a click can still come for.
#[derive(Default)]
struct Notices {
    last: i32,
    about: VecDeque<(i32, Option<RequestId>)>,
}

impl Host {
    /// The desktop of this home.
    pub(crate) fn new(app: AppHandle, wishes: Wishes, home: &Home, from_tree: bool) -> Self {
        let notices = Arc::new(Mutex::new(Notices::default()));
        let (clicked, wish) = (Arc::clone(&notices), wishes.clone());
        let listening = app.notification().on_action(move |action| {
            let notices = clicked.lock().unwrap_or_else(PoisonError::into_inner);
            let about =
                action.notification().and_then(|n| notices.about.iter().find(|(id, _)| *id == n.id()));
            wish.send(Wish::Show(about.and_then(|(_, request)| request.clone())));
        });
        if let Err(e) = listening {
            tracing::warn!("clicks on notifications are not seen: {e}");
        }
        Self { autostart: Autostart::new(app.clone(), home, from_tree), app, wishes, notices }
    }
}

#[async_trait]
impl Desktop for Host {
    fn raise(&self, request: Option<RequestId>) {
        self.wishes.send(Wish::Show(request));
    }

    fn notify(&self, notice: Notice) {
        let id = {
            let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
            notices.last = notices.last.wrapping_add(1);
            let id = notices.last;
            notices.about.push_back((id, notice.request));
            if notices.about.len() > REMEMBERED {
                notices.about.pop_front();
            }
            id
        };
        let shown = self.app.notification().builder().id(id).title(notice.title).body(notice.body).show();
        if let Err(e) = shown {
            tracing::warn!("a notification was not shown: {e}");
        }
    }

    async fn open(&self, address: &Url) -> Result<(), String> {
        // The engine has checked it. A second look costs nothing where a program is started.
        if !matches!(address.scheme(), "http" | "https") {
            return Err("the address is not one for a browser".to_owned());
        }
        let address = address.to_string();
        tokio::task::spawn_blocking(move || tauri_plugin_opener::open_url(address, None::<&str>))
            .await
            .map_err(|_| "the browser could not be started".to_owned())?
            .map_err(|e| e.to_string())
    }

    fn set_autostart(&self, on: bool) -> Result<(), String> {
        self.autostart.set(on)
    }

    fn autostart(&self) -> Result<bool, String> {
        self.autostart.is_on()
    }
}

use crate::{
    autostart, complain, deep_link,
    deep_link::Link,
    host::Host,
    start::Start,
    tray::Tray,
    tree,
    windows::{Screen, Windows},
    words, x,
};
use control::{Client, Command};
use engine::{Engine, Home, Options};
use model::{Explain, Problem, RequestId};
use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use tauri::{AppHandle, RunEvent};
use tauri_plugin_notification::NotificationExt;
use tokio::sync::mpsc;

/// How long finishing may take: what the engine promises, and a little to close the windows.
const FINISH: Duration = Duration::from_secs(6);

/// How long a last notification gets to reach the desktop.
const NOTICE: Duration = Duration::from_secs(1);

/// Something that the tray process shall do, whoever wishes it: the tray, a link, a second start, the engine.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Show the main window, or the consent window of a request.
    Show(Option<RequestId>),
    /// Do what a deep link asks for.
    Follow(Link),
    /// Do something as the person.
    Do(Command),
    /// End.
    Quit,
}

/// Where wishes are sent. They wait until the engine stands.
#[derive(Debug, Clone)]
pub(crate) struct Wishes(mpsc::UnboundedSender<Wish>);

impl Wishes {
    /// Wish for this.
    pub(crate) fn send(&self, wish: Wish) {
        // Nobody listens only when the process is ending, and then there is nothing left to wish for.
        let _ = self.0.send(wish);
    }
}

/// How the tray process starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// A person started it: the window opens.
    Shown,
    /// A deep link started it: the browser stays in front, but a person is there.
    Linked,
    /// The system or the bridge started it: no window, and nobody is asked anything.
    Hidden,
}

/// Be the tray process, until the person quits.
pub(crate) fn run(entrance: Entrance) -> ExitCode {
    let tree = tree::root();
    let home = match find_home(tree.as_ref()) {
        Ok(home) => home,
        Err(problem) => return complain(&problem.to_string(), ExitCode::FAILURE),
    };
    let (sender, inbox) = mpsc::unbounded_channel();
    let wishes = Wishes(sender);
    let from_tree = tree.is_some();

    let again = wishes.clone();
    let second_start = tauri_plugin_single_instance::Builder::new()
        .dbus_id(if from_tree { "app.bellhop.desktop.tree" } else { "app.bellhop.desktop" })
        // These arguments come from another process: `Start` takes nothing on trust. A link in them has
        // reached the deep-link plugin before.
        .callback(move |_app, args, _folder| match Start::from_args(args.into_iter().skip(1)) {
            Ok(Start::Desk { entrance: Entrance::Shown }) => again.send(Wish::Show(None)),
            Ok(_) => {}
            Err(what) => tracing::warn!("a second start was ignored: {what}"),
        })
        .build();

    let app = tauri::Builder::default()
        .plugin(second_start)
        .plugin(tauri_plugin_deep_link::init())
        .plugin(autostart::plugin())
        .plugin(tauri_plugin_notification::init())
        .setup(move |app| {
            let app = app.handle().clone();
            deep_link::listen(&app, &wishes);
            let tray = Tray::make(&app, &wishes, &home, words::language());
            let host = Arc::new(Host::new(app.clone(), wishes, &home, from_tree));
            let desk = Desk { app, home, from_tree, entrance };
            tauri::async_runtime::spawn(desk.live(host, tray, inbox));
            Ok(())
        })
        .build(crate::context());
    match app {
        Ok(app) => {
            let code = app.run_return(|_app, event| {
                // The last window's end is no end of Bellhop; `AppHandle::exit` comes with a code.
                if let RunEvent::ExitRequested { code: None, api, .. } = event {
                    api.prevent_exit();
                }
            });
            u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(e) => complain(&format!("Bellhop's desktop could not start: {e}"), ExitCode::FAILURE),
    }
}

fn find_home(tree: Option<&PathBuf>) -> Result<Home, Problem> {
    let named = std::env::var_os("BELLHOP_HOME").is_some_and(|v| !v.is_empty());
    Home::find(tree.filter(|_| !named).map(|root| root.join(".home")))
}

/// The tray process behind its event loop.
struct Desk {
    app: AppHandle,
    home: Home,
    from_tree: bool,
    entrance: Entrance,
}

impl Desk {
    async fn live(self, host: Arc<Host>, tray: Tray, mut inbox: mpsc::UnboundedReceiver<Wish>) {
        let windows = Windows::new(self.home.root());
        let options = Options {
            home: self.home.clone(),
            port: None,
            keys: None,
            desktop: Some(host),
            may_prompt: self.entrance != Entrance::Hidden,
            from_tree: self.from_tree,
        };
        let code = match Engine::start(options).await {
            Ok(engine) => {
                self.serve(engine, &windows, &tray, inbox).await;
                0
            }
            Err(problem) if problem.code == "engine.running" => self.show_the_other(problem).await,
            Err(problem) => {
                tray.failed();
                self.give_up(problem, &windows, &mut inbox).await
            }
        };
        self.app.exit(code);
    }

    /// Serve the person until they quit, the system ends the session, or another process takes over.
    async fn serve(
        &self,
        engine: Engine,
        windows: &Arc<Windows>,
        tray: &Tray,
        mut inbox: mpsc::UnboundedReceiver<Wish>,
    ) {
        if let Err(e) = engine::save_display(&self.home) {
            tracing::warn!("the display was not written down: {e}");
        }
        if self.from_tree {
            let app = self.app.clone();
            // It runs programs that refresh the desktop's caches.
            tauri::async_runtime::spawn_blocking(move || deep_link::register(&app));
        }
        if self.entrance == Entrance::Shown {
            windows.show(Screen::Main, &engine);
        }
        let watching = tauri::async_runtime::spawn(tray.clone().follow(engine.face()));
        loop {
            tokio::select! {
                wish = inbox.recv() => match wish {
                    Some(Wish::Quit) | None => break,
                    Some(wish) => self.grant(wish, &engine, windows),
                },
                () = x::asked_to_end() => break,
                () = engine.finished() => break,
            }
        }
        watching.abort();
        let finishing = async { tokio::join!(engine.finish(), windows.close()) };
        if tokio::time::timeout(FINISH, finishing).await.is_err() {
            tracing::warn!("Bellhop ended before all was finished");
        }
        if self.from_tree {
            let app = self.app.clone();
            let _ = tauri::async_runtime::spawn_blocking(move || deep_link::unregister(&app)).await;
        }
    }

    fn grant(&self, wish: Wish, engine: &Engine, windows: &Arc<Windows>) {
        match wish {
            Wish::Show(request) | Wish::Follow(Link::Show(request)) => windows.show(request.into(), engine),
            Wish::Follow(Link::Redirect(address)) => engine.deliver(&address),
            Wish::Do(command) => {
                let (face, windows, engine) = (engine.face(), Arc::clone(windows), engine.clone());
                tauri::async_runtime::spawn(async move {
                    if let Err(problem) = face.command(command).await {
                        // The tray has no room for a sentence: the window shows what is wrong.
                        tracing::warn!("{}: {}", problem.code, problem.sentence);
                        windows.show(Screen::Main, &engine);
                    }
                });
            }
            Wish::Quit => {}
        }
    }

    /// Another desktop runs in this home, which the session's bus could not tell: show that one's window.
    async fn show_the_other(&self, problem: Problem) -> i32 {
        if self.entrance == Entrance::Hidden {
            return 0;
        }
        let shown = async {
            let stream = self.home.connect().await.map_err(|_| problem.clone())?;
            let (client, _events) = Client::open(stream).await.map_err(|e| e.problem())?;
            client.command(Command::Show { request: None }).await.map_err(|e| e.problem())?
        };
        match tokio::time::timeout(FINISH, shown).await {
            Ok(Ok(_)) => 0,
            Ok(Err(problem)) => {
                complain(&problem.to_string(), ExitCode::FAILURE);
                1
            }
            Err(_) => 1,
        }
    }

    /// There is no engine. Say why where the person looks: in the window, which then holds nothing else; and
    /// in a notification when they asked for no window.
    async fn give_up(
        &self,
        problem: Problem,
        windows: &Arc<Windows>,
        inbox: &mut mpsc::UnboundedReceiver<Wish>,
    ) -> i32 {
        complain(&problem.to_string(), ExitCode::FAILURE);
        if self.entrance != Entrance::Hidden {
            let quit = async { while !matches!(inbox.recv().await, Some(Wish::Quit) | None) {} };
            tokio::select! {
                () = windows.explain(problem) => {}
                () = quit => windows.close().await,
                () = x::asked_to_end() => windows.close().await,
            }
            return 1;
        }
        let notice = self.app.notification().builder().title("Bellhop").body(problem.to_string());
        if notice.show().is_ok() {
            // It is on its way on a thread of its own, which says nothing when it has arrived.
            tokio::time::sleep(NOTICE).await;
        }
        1
    }
}

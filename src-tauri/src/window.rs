//! The window process: one web view, one connection to the engine, five commands.

mod commands;
mod line;
mod order;

pub(crate) use order::{Order, Told};

use crate::{complain, words};
use engine::Home;
use line::Line;
use model::RequestId;
use std::{
    io::{self, BufRead, IsTerminal},
    process::ExitCode,
};
use tauri::{
    AppHandle, Emitter, Manager, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
    webview::{NewWindowResponse, PageLoadEvent},
};

/// What the window was started to show; the window's own script asks for it first.
struct Shown {
    request: Option<RequestId>,
}

/// Be a window, until it is closed.
pub(crate) fn run(request: Option<RequestId>) -> ExitCode {
    let Some(told) = begin() else {
        return complain("windows are opened by Bellhop itself: start bellhop-desktop", ExitCode::from(2));
    };
    let home = match Home::find(None) {
        Ok(home) => home,
        Err(problem) => return complain(&problem.to_string(), ExitCode::FAILURE),
    };
    let (line, events) = tauri::async_runtime::block_on(Line::open(&home, told));
    let shown = Shown { request: request.clone() };
    let app = tauri::Builder::default()
        .manage(line)
        .manage(shown)
        .invoke_handler(tauri::generate_handler![
            commands::command,
            commands::query,
            commands::watch,
            commands::start,
            commands::close
        ])
        .setup(move |app| {
            let window = make(app.handle(), &home, request.is_some())?;
            if let Some(events) = events {
                tauri::async_runtime::spawn(line::pass_on(window.clone(), events, request));
            }
            std::thread::Builder::new().name("orders".into()).spawn(move || obey(&window))?;
            Ok(())
        })
        .build(crate::context());
    match app {
        Ok(app) => u8::try_from(app.run_return(|_, _| {})).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(e) => complain(&format!("the window could not be shown: {e}"), ExitCode::FAILURE),
    }
}

/// The first line of standard input. Without it nobody knows whose window this is.
fn begin() -> Option<Told> {
    let input = io::stdin();
    if input.is_terminal() {
        return None;
    }
    let mut first = String::new();
    input.lock().read_line(&mut first).ok()?;
    match Order::parse(&first) {
        Some(Order::Begin(told)) => Some(told),
        _ => None,
    }
}

fn make(app: &AppHandle, home: &Home, consent: bool) -> tauri::Result<WebviewWindow> {
    let words = words::language().words();
    let label = if consent { "consent" } else { "main" };
    let window = WebviewWindowBuilder::new(app, label, WebviewUrl::default())
        .title(if consent { words.consent_title } else { "Bellhop" })
        // What the web view keeps lies with Bellhop's other files, not in the person's folders.
        .data_directory(home.join("window"))
        .disable_drag_drop_handler()
        .general_autofill_enabled(false)
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_page_load(|window, load| {
            // Shown when there is something to see, so that no empty window flashes up.
            if load.event() == PageLoadEvent::Finished {
                raise(&window);
            }
        })
        .visible(false)
        .center();
    let window = if consent {
        window.inner_size(520.0, 560.0).min_inner_size(420.0, 420.0).always_on_top(true).maximizable(false)
    } else {
        window.inner_size(960.0, 680.0).min_inner_size(480.0, 400.0)
    };
    window.build()
}

/// Whether an address is the window's own page: the only place it may go.
fn is_ours(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // Windows serves the same page under this name.
        "http" | "https" => cfg!(windows) && url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

fn raise(window: &WebviewWindow) {
    for done in [window.unminimize(), window.show(), window.set_focus()] {
        if let Err(e) = done {
            tracing::warn!("the window did not come to the front: {e}");
        }
    }
}

/// Do what the tray process says, line by line.
fn obey(window: &WebviewWindow) {
    for line in io::stdin().lock().lines() {
        match line.as_deref().ok().and_then(Order::parse) {
            Some(Order::Raise) => raise(window),
            Some(Order::Close) => {
                window.app_handle().exit(0);
                return;
            }
            Some(Order::Begin(_)) | None => {}
        }
    }
    // The tray process has ended without a word: the window stays and says so.
    let _ = window.emit("gone", ());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_goes_nowhere_but_to_its_own_page() {
        assert!(is_ours(&Url::parse("tauri://localhost/index.html").unwrap()));
        for elsewhere in
            ["https://example.org/", "http://localhost/", "file:///etc/passwd", "tauri://other/", "data:,x"]
        {
            assert!(!is_ours(&Url::parse(elsewhere).unwrap()), "{elsewhere}");
        }
    }
}

//! What a person does and looks up, carried out.

use crate::{
    Keys, doctor, generic_client,
    inner::Inner,
    sign_ins::{self, Wish},
    unlock, views,
};
use control::{
    Answer, AppMethod, AppPreview, Command, ConfigChange, Hidden, KeysChoice, Outcome, PauseView, Query,
    SectionName,
};
use model::{AppId, Explain, Problem, RequestId, Secret};
use std::{sync::Arc, time::Duration};

pub(crate) fn unknown_service() -> Problem {
    Problem::new("engine.unknown_service", "That service isn't there any more.", "Look at the list again.")
}

pub(crate) fn unknown_request() -> Problem {
    Problem::new(
        "engine.unknown_request",
        "That request isn't there any more: it was answered, or it waited too long.",
        "Let the app ask again.",
    )
}

/// Do something.
pub(crate) async fn command(inner: &Arc<Inner>, command: Command) -> Outcome {
    match command {
        Command::AddService {
            catalogue,
            url,
            name,
            open_browser,
            method,
            permissions,
            client,
            exceptions,
            ask,
        } => {
            let wish = Wish {
                open_browser,
                method: Some(method),
                permissions,
                client,
                exceptions: Some(exceptions),
                ask,
            };
            sign_ins::add(inner, catalogue, url, name, wish).await
        }
        Command::SignIn { service, open_browser, method, permissions, exceptions, ask } => {
            let wish = Wish { open_browser, method, permissions, client: None, exceptions, ask };
            sign_ins::again(inner, service, wish).await
        }
        Command::ContinueSignIn { attempt, method, permissions, client } => {
            inner.sign_ins.choose(&attempt, method, permissions, client)
        }
        Command::GiveToken { attempt, token, header, ends } => {
            inner.sign_ins.give_token(&attempt, token.0, header, ends)
        }
        Command::GivePassword { attempt, user, password } => {
            inner.sign_ins.say(&attempt, signin::Said::Password { user, password: Secret::new(password.0) })
        }
        Command::OpenAgain { attempt } => inner.sign_ins.open_again(&attempt).await,
        Command::CancelSignIn { attempt } => {
            let outcome = inner.sign_ins.cancel(&attempt);
            inner.mark(SectionName::SignIns);
            outcome
        }
        Command::RemoveService { service } => {
            Ok(Answer::Receipt(inner.open_rooms()?.remove_service(inner, &service).await?))
        }
        Command::Approve { request, snapshot, scope } => {
            let rooms = inner.open_rooms()?;
            rooms.approve(&request, &snapshot, scope).await?;
            Ok(Answer::Done)
        }
        Command::Deny { request } => {
            let rooms = inner.open_rooms()?;
            rooms.deny(&request).await?;
            Ok(Answer::Done)
        }
        Command::Revoke { connection } => {
            inner.open_rooms()?.revoke(&connection).await?;
            Ok(Answer::Done)
        }
        Command::RevokeSeveral { connections } => {
            inner.open_rooms()?.revoke_several(connections).await?;
            Ok(Answer::Done)
        }
        Command::RevokeAll => {
            inner.open_rooms()?.revoke_all().await?;
            Ok(Answer::Done)
        }
        Command::PauseConnection { connection } => {
            inner.open_rooms()?.pause_connection(&connection, true).await?;
            Ok(Answer::Done)
        }
        Command::ResumeConnection { connection } => {
            inner.open_rooms()?.pause_connection(&connection, false).await?;
            Ok(Answer::Done)
        }
        Command::Rename { connection, name } => {
            inner.open_rooms()?.rename(&connection, name.as_deref()).await?;
            Ok(Answer::Done)
        }
        Command::Readmit { connection } => {
            inner.open_rooms()?.readmit(&connection).await?;
            Ok(Answer::Done)
        }
        Command::AddAccessKey { name, scope, ends } => {
            let made = inner.open_rooms()?.add_key(&name, scope, ends).await?;
            Ok(Answer::AccessKey { connection: made.connection, key: Hidden(made.key.expose().to_owned()) })
        }
        Command::ShowTools { connection, listing } => {
            inner.open_rooms()?.show_tools(&connection, listing).await?;
            Ok(Answer::Done)
        }
        Command::ConnectApp { app, method } => {
            let written =
                write_app(inner, app, move |apps, app| apps.connect(app, method.map(app_method))).await?;
            if let (Answer::AppWritten { app, changes, .. }, Some(rooms)) = (&written, inner.rooms.get())
                && !changes.is_empty()
            {
                rooms.note_app(app, true);
                // Whoever clicks Connect for an app wants to be asked about it again.
                rooms.readmit_app(app).await;
            }
            Ok(written)
        }
        Command::DisconnectApp { app } => {
            let written = write_app(inner, app, |apps, app| apps.disconnect(app)).await?;
            if let (Answer::AppWritten { app, changes, .. }, Some(rooms)) = (&written, inner.rooms.get())
                && !changes.is_empty()
            {
                rooms.note_app(app, false);
            }
            Ok(written)
        }
        Command::Pause { length } => {
            inner.pause.pause(length);
            after_pause(inner).await
        }
        Command::Resume => {
            inner.pause.resume();
            after_pause(inner).await
        }
        Command::SetAutostart { on } => {
            let fixed = |why: String| Problem::new("engine.autostart", why, "");
            let Some(desktop) = &inner.desktop else {
                return Err(fixed("Only the desktop app can start by itself.".to_owned()));
            };
            desktop.set_autostart(on).map_err(fixed)?;
            if let Some(rooms) = inner.rooms.get() {
                rooms.autostart_decided().await;
            }
            inner.mark(SectionName::Settings);
            Ok(Answer::Done)
        }
        Command::Unlock { keys } => {
            let keys = match keys {
                KeysChoice::Keychain => Keys::Keychain,
                KeysChoice::Passphrase { passphrase } => Keys::Passphrase(Secret::new(passphrase)),
                KeysChoice::Session => Keys::Session,
            };
            unlock::open(inner, keys, true).await?;
            Ok(Answer::Done)
        }
        Command::Show { request } => {
            if inner.desktop.is_none() {
                return Err(Problem::new(
                    "engine.no_window",
                    "Bellhop runs without a window here.",
                    "Use the commands of `bellhop`, such as `bellhop requests`.",
                ));
            }
            if let Some(request) = &request {
                // A window for anything else would be empty, and could be opened by the hundred.
                inner.open_rooms()?.waits(request).then_some(()).ok_or_else(unknown_request)?;
            }
            inner.raise(request);
            Ok(Answer::Shown)
        }
        Command::Finish => {
            crate::finish::run(inner).await;
            Ok(Answer::Done)
        }
    }
}

async fn after_pause(inner: &Arc<Inner>) -> Outcome {
    inner.mark(SectionName::Status);
    if let Some(rooms) = inner.rooms.get() {
        rooms.note_pause(inner.pause.view() != PauseView::Running, &inner.pause.kept()).await;
    }
    Ok(Answer::Done)
}

fn app_method(method: AppMethod) -> apps::Method {
    match method {
        AppMethod::Http => apps::Method::Http,
        AppMethod::Bridge => apps::Method::Bridge,
    }
}

fn changes(plan: apps::Plan) -> Vec<ConfigChange> {
    plan.changes
        .into_iter()
        .map(|c| ConfigChange { file: c.file.display().to_string(), created: c.created, diff: c.diff })
        .collect()
}

pub(crate) fn broke() -> Problem {
    Problem::new(
        "engine.internal",
        "Something went wrong inside Bellhop.",
        "Try again; look at the log if it stays.",
    )
}

async fn write_app<F>(inner: &Arc<Inner>, app: AppId, write: F) -> Outcome
where
    F: FnOnce(&apps::Apps, &AppId) -> Result<apps::Plan, apps::AppsError> + Send + 'static,
{
    let (apps, id) = (inner.apps.clone(), app.clone());
    let plan = tokio::task::spawn_blocking(move || write(&apps, &id)).await.map_err(|_| broke())?;
    inner.mark(SectionName::Apps);
    let plan = plan.map_err(|e| e.problem())?;
    let next = plan.next.clone();
    Ok(Answer::AppWritten { app, changes: changes(plan), next })
}

/// Look something up.
pub(crate) async fn query(inner: &Arc<Inner>, query: Query) -> Outcome {
    match query {
        Query::Section { section } => Ok(Answer::Section(views::section(inner, section).await)),
        Query::AppPreview { app, method } => {
            let (apps, id) = (inner.apps.clone(), app.clone());
            let plan = tokio::task::spawn_blocking(move || apps.preview(&id, method.map(app_method)))
                .await
                .map_err(|_| broke())?
                .map_err(|e| e.problem())?;
            let (method, next) = (views::method(plan.method), plan.next.clone());
            Ok(Answer::AppPreview(AppPreview { app, method, changes: changes(plan), next }))
        }
        Query::Activity { filter } => {
            let entries = inner.open_rooms()?.activity(&filter).await?;
            Ok(Answer::Activity { entries })
        }
        Query::SignInEnd { attempt } => inner.sign_ins.end(&attempt).await.map(Answer::SignInEnd),
        Query::RequestEnd { request } => request_end(inner, &request).await,
        Query::Receipts => Ok(Answer::Receipts { receipts: inner.open_rooms()?.receipts().await? }),
        Query::GenericClient => {
            let offered = inner.open_rooms()?.registry.all();
            let names: Vec<_> = offered.iter().map(|e| e.row.name.clone()).collect();
            Ok(Answer::GenericClient(generic_client::facts(&inner.origin(), &names)))
        }
        Query::Doctor => Ok(Answer::Doctor(doctor::look(inner).await)),
    }
}

/// Wait until a request is decided or gone.
async fn request_end(inner: &Arc<Inner>, request: &RequestId) -> Outcome {
    let rooms = inner.open_rooms()?;
    let (mut apps, mut wishes) = (rooms.authority.requests(), rooms.permits.shown());
    let answered = async {
        while rooms.waits(request) {
            tokio::select! {
                changed = apps.changed() => changed?,
                changed = wishes.changed() => changed?,
            }
        }
        Ok::<(), tokio::sync::watch::error::RecvError>(())
    };
    let limit = Duration::from_secs(15 * 60);
    if !matches!(tokio::time::timeout(limit, answered).await, Ok(Ok(()))) {
        return Err(unknown_request());
    }
    match rooms.decided(request).await {
        Some(allowed) => Ok(Answer::RequestEnd { allowed }),
        None => Err(unknown_request()),
    }
}

use super::sign_in;
use crate::{
    cli::{How, List},
    face::{Face, unexpected},
    output::{Cell, Output, Style, say},
    times,
};
use bellhop_cli::problem::Stop;
use control::{Answer, Command, ServiceState, ServiceView, SignInMethod, Stays};
use model::{Problem, ShortName};

/// The services.
pub(super) async fn list(face: &Face, out: &Output, list: List) -> Result<(), Stop> {
    let services = face.services().await?;
    if list.json {
        return Ok(out.json(&services)?);
    }
    let rows = services.iter().map(row).collect();
    let nothing = "No services yet. `bellhop services add playground` tries one without an account.";
    Ok(out.table(["NAME", "TITLE", "ACCOUNT", "STATE", "TOOLS", "ADDRESS"], rows, nothing)?)
}

fn row(service: &ServiceView) -> [Cell; 6] {
    let state = match &service.state {
        ServiceState::Connected { .. } if !service.permissions.wanted.is_empty() => {
            Cell::new(Style::Bad, "wants to be allowed more")
        }
        // Until when is not said here: as a rule it is renewed long before.
        ServiceState::Connected { .. } => Cell::new(Style::Good, "connected"),
        ServiceState::Degraded { next_try, .. } => {
            Cell::new(Style::Bad, format!("in trouble, tries again {}", times::relative(*next_try)))
        }
        ServiceState::NeedsSignIn { .. } if service.awaited_by.is_empty() => {
            Cell::new(Style::Bad, "needs you to sign in")
        }
        ServiceState::NeedsSignIn { .. } => {
            Cell::new(Style::Bad, format!("needs you to sign in, for {}", service.awaited_by.join(", ")))
        }
        ServiceState::SignedOut => Cell::new(Style::Faint, "signed out"),
    };
    [
        Cell::new(Style::Strong, service.name.as_str()),
        service.title.as_str().into(),
        service.account.as_deref().unwrap_or("–").into(),
        state,
        service.tools.len().to_string().into(),
        service.url.as_str().into(),
    ]
}

/// Sign in to a new service.
pub(super) async fn add(
    face: &Face,
    out: &Output,
    url: String,
    name: Option<ShortName>,
    how: How,
) -> Result<(), Stop> {
    let known = face.catalogue().await?.into_iter().any(|entry| entry.id == url);
    let (catalogue, url) = if known { (Some(url), None) } else { (None, Some(url)) };
    let begin = Command::AddService {
        catalogue,
        url,
        name,
        open_browser: !how.no_browser,
        method: how.method,
        permissions: how.permissions(),
        client: how.client()?,
        exceptions: how.exceptions(),
        ask: how.ask(),
    };
    sign_in::run(face, out, begin, &how).await
}

/// Sign in again, as before or with other permissions.
pub(super) async fn again(
    face: &Face,
    out: &Output,
    name: &str,
    more: &[String],
    how: How,
) -> Result<(), Stop> {
    let service = find(face, name).await?;
    let mut permissions = how.permissions();
    if !more.is_empty() {
        // What it may already stays: the provider grants anew what is asked for now.
        let mut all = permissions.unwrap_or(service.permissions.granted);
        for permission in more {
            if !all.contains(permission) {
                all.push(permission.clone());
            }
        }
        permissions = Some(all);
    }
    let exceptions = how.exceptions();
    let begin = Command::SignIn {
        service: service.id,
        open_browser: !how.no_browser,
        method: (how.method != SignInMethod::Auto).then_some(how.method),
        permissions: permissions.clone(),
        exceptions: (!exceptions.is_empty()).then_some(exceptions),
        ask: how.ask(),
    };
    let how = How { permission: permissions.unwrap_or_default(), ..how };
    sign_in::run(face, out, begin, &how).await
}

/// All about one service.
pub(super) async fn show(face: &Face, out: &Output, name: &str, list: List) -> Result<(), Stop> {
    let service = find(face, name).await?;
    if list.json {
        return Ok(out.json(&service)?);
    }
    let word = |value: serde_json::Value| value.as_str().unwrap_or_default().replace('_', " ");
    let permissions = |all: &[String]| if all.is_empty() { "–".to_owned() } else { all.join(" ") };
    let stays = match service.stays {
        Stays::Until { at } => format!("signed in until {} at least", times::relative(at)),
        Stays::NeedsYouOn { at } => format!("will need you {}", times::relative(at)),
        Stays::OpenEnded => "has no known end".to_owned(),
        Stays::Unknown => "–".to_owned(),
    };
    let method = serde_json::to_value(service.method).map(word).unwrap_or_default();
    for (what, value) in [
        ("Name", service.name.to_string()),
        ("Title", service.title),
        ("Address", service.url),
        ("Account", service.account.unwrap_or_else(|| "–".to_owned())),
        ("Signed in by", method),
        ("Stays", stays),
        ("Asked for", permissions(&service.permissions.asked)),
        ("Granted", permissions(&service.permissions.granted)),
        ("Wanted", permissions(&service.permissions.wanted)),
    ] {
        out.line(format!("{what:<13} {value}"))?;
    }
    for exception in &service.exceptions {
        let name = serde_json::to_value(exception).map(word).unwrap_or_default();
        out.line(format!("{:<13} {name}", "Exception"))?;
    }
    Ok(())
}

async fn find(face: &Face, name: &str) -> Result<ServiceView, Stop> {
    let services = face.services().await?;
    services.into_iter().find(|s| s.name.as_str() == name).ok_or_else(|| {
        let problem = Problem::new(
            "cli.no_service",
            format!("There is no service named {name}."),
            "`bellhop services` lists those there are.",
        );
        problem.with("name", name).into()
    })
}

/// Delete a service and its sign-in.
pub(super) async fn remove(face: &Face, out: &Output, name: &str) -> Result<(), Stop> {
    let service = find(face, name).await?;
    match face.command(Command::RemoveService { service: service.id }).await? {
        Answer::Receipt(receipt) => {
            say(&format!("Removed {name} and its sign-in."));
            super::receipts::show(out, &receipt)
        }
        _ => Err(unexpected()),
    }
}

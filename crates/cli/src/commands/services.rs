use crate::{
    cli::List,
    face::{Face, unexpected},
    output::{Cell, Output, Style, say},
    times,
};
use bellhop_cli::{problem::Stop, signal};
use control::{Answer, Command, Query, ServiceState, ServiceView, SignInEnd};
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
    no_browser: bool,
) -> Result<(), Stop> {
    let begin = async {
        let known = face.catalogue().await?.into_iter().any(|entry| entry.id == url);
        let (catalogue, url) = if known { (Some(url), None) } else { (None, Some(url)) };
        match face.command(Command::add_service(catalogue, url, name, !no_browser)).await? {
            Answer::SignIn { attempt, address } => Ok((attempt, address)),
            _ => Err(unexpected()),
        }
    };
    // One for both waits, so that nothing is missed between them.
    let mut interrupt = std::pin::pin!(signal::interrupt());
    let (attempt, address) = tokio::select! {
        begun = begin => begun?,
        () = &mut interrupt => return Err(Stop::Interrupted),
    };
    match address {
        // Alone on its line, so that a script can take it.
        Some(address) if no_browser => out.line(address)?,
        Some(address) => {
            say("Your browser shows the sign-in page. If it doesn't, open");
            say(&address);
        }
        None => {}
    }
    let end = tokio::select! {
        end = face.query(Query::SignInEnd { attempt: attempt.clone() }) => end?,
        () = interrupt => {
            // Nobody waits for it any more. Whether that could be said makes no difference here.
            let _ = face.command(Command::CancelSignIn { attempt }).await;
            return Err(Stop::Interrupted);
        }
    };
    match end {
        Answer::SignInEnd(SignInEnd::Connected { name, account: Some(account), .. }) => {
            say(&format!("Connected {name} as {account}."));
            Ok(())
        }
        Answer::SignInEnd(SignInEnd::Connected { name, account: None, .. }) => {
            say(&format!("Connected {name}."));
            Ok(())
        }
        Answer::SignInEnd(SignInEnd::Failed { problem }) => Err(problem.into()),
        _ => Err(unexpected()),
    }
}

/// Delete a service and its sign-in.
pub(super) async fn remove(face: &Face, out: &Output, name: &str) -> Result<(), Stop> {
    let services = face.services().await?;
    let Some(service) = services.into_iter().find(|s| s.name.as_str() == name) else {
        let problem = Problem::new(
            "cli.no_service",
            format!("There is no service named {name}."),
            "`bellhop services` lists those there are.",
        );
        return Err(problem.with("name", name).into());
    };
    match face.command(Command::RemoveService { service: service.id }).await? {
        Answer::Receipt(receipt) => {
            say(&format!("Removed {name} and its sign-in."));
            super::receipts::show(out, &receipt)
        }
        _ => Err(unexpected()),
    }
}

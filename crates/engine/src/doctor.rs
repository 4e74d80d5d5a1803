use crate::{inner::Inner, views, x};
use control::{AppState, Check, Doctor, KeysState, Section, SectionName, ServiceState};
use model::{Problem, Proxies};
use std::{sync::Arc, time::Duration};

/// How long the endpoint has to answer its own check.
const ANSWER: Duration = Duration::from_secs(3);

/// Check each thing that can be checked.
pub(crate) async fn look(inner: &Arc<Inner>) -> Doctor {
    let mut checks = vec![
        Check { what: "Files".to_owned(), seen: inner.home.root().display().to_string(), problem: None },
        keys(inner),
        endpoint(inner).await,
        way_out(inner),
    ];
    if let Section::Services(services) = views::section(inner, SectionName::Services).await {
        checks.extend(services.into_iter().map(|s| {
            let (seen, problem) = match s.state {
                ServiceState::Connected { .. } => ("connected".to_owned(), None),
                ServiceState::Degraded { problem, .. } => ("not well for now".to_owned(), Some(problem)),
                ServiceState::NeedsSignIn { problem } => ("needs you".to_owned(), Some(problem)),
                ServiceState::SignedOut => ("signed out".to_owned(), None),
            };
            Check { what: format!("Service {}", s.name), seen, problem }
        }));
    }
    if let Section::Apps(apps) = views::section(inner, SectionName::Apps).await {
        checks.extend(apps.into_iter().filter(|a| a.found).map(|a| {
            let (seen, problem) = match a.state {
                AppState::Connected { .. } => ("connected".to_owned(), None),
                AppState::Disconnected => ("not connected".to_owned(), None),
                AppState::Other { problem } => {
                    ("an entry that isn't Bellhop's as it is now".to_owned(), Some(problem))
                }
                AppState::Unreadable { problem } => ("its config can't be read".to_owned(), Some(problem)),
            };
            Check { what: format!("App {}", a.name), seen, problem }
        }));
    }
    Doctor { checks }
}

fn keys(inner: &Inner) -> Check {
    let (seen, problem) = match inner.keys().clone() {
        KeysState::Open { kept } => (format!("open ({kept})"), None),
        KeysState::Locked { kept, problem } => (format!("locked ({kept})"), Some(problem)),
        KeysState::Unchosen { keychain, .. } => ("not chosen yet".to_owned(), keychain),
    };
    Check { what: "Keys".to_owned(), seen, problem }
}

/// Through which proxy services are reached.
fn way_out(inner: &Inner) -> Check {
    let proxy = inner.proxies.usual();
    let seen = proxy.map_or_else(|| "direct".to_owned(), |p| p.address);
    Check { what: "Internet access".to_owned(), seen, problem: inner.proxies.problem() }
}

/// Ask our own endpoint as an app would, and look at who answers: another program may sit on the port's other
/// address family.
async fn endpoint(inner: &Arc<Inner>) -> Check {
    let what = "Endpoint".to_owned();
    if let Err(problem) = inner.open_rooms() {
        return Check { what, seen: inner.endpoint(), problem: Some(problem) };
    }
    let metadata = format!("{}/.well-known/oauth-authorization-server", inner.origin());
    let asked = async {
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER).build()?;
        client.get(&metadata).send().await?.error_for_status()?.json::<serde_json::Value>().await
    };
    let problem = match asked.await {
        Ok(document) if document["issuer"] == inner.origin().as_str() => None,
        Ok(_) => {
            let owner = x::port_owner(inner.port).unwrap_or_else(|| "another program".to_owned());
            Some(Problem::new(
                "engine.squatter",
                format!("Port {} is answered by {owner}, not by Bellhop.", inner.port),
                "Quit that program, then start Bellhop again.",
            ))
        }
        Err(_) => Some(Problem::new(
            "engine.endpoint_silent",
            "Bellhop's own address doesn't answer.",
            "Quit Bellhop and start it again.",
        )),
    };
    Check { what, seen: inner.endpoint(), problem }
}

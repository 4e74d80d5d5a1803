use super::person;
use crate::{
    cli::List,
    face::{Face, unexpected},
    output::{Cell, Output, Style, say},
    times,
};
use bellhop_cli::problem::Stop;
use control::{Answer, Command, Query, RequestAbout, RequestView};
use model::{Access, Permit, Problem, Scope};

/// The apps that ask to be let in, or to do more than they may.
pub(super) async fn list(face: &Face, out: &Output, list: List) -> Result<(), Stop> {
    let requests = face.requests().await?;
    if list.json {
        return Ok(out.json(&requests)?);
    }
    let rows = requests.iter().map(row).collect();
    Ok(out.table(["CODE", "APP", "STARTED FROM", "ASKS FOR", "ENDS"], rows, "No app asks for anything.")?)
}

fn row(request: &RequestView) -> [Cell; 5] {
    let asked = match &request.about {
        RequestAbout::Connect if request.asked.is_empty() => "nothing in particular".to_owned(),
        RequestAbout::More { tool: Some(tool), .. } => format!("{} too, for {tool}", request.asked),
        RequestAbout::More { tool: None, .. } => format!("{} too", request.asked),
        RequestAbout::Connect => request.asked.to_string(),
    };
    [
        Cell::new(Style::Strong, handle(request)),
        request.app.as_str().into(),
        request.program.as_ref().map_or("not seen", |p| p.name.as_str()).into(),
        asked.into(),
        times::relative(request.until).into(),
    ]
}

/// What a person types to mean this request: its code or, where there is none because no browser is, the beginning of
/// its id.
fn handle(request: &RequestView) -> String {
    if request.code.is_empty() { request.id.as_str().chars().take(8).collect() } else { request.code.clone() }
}

/// Let an app in, or let it do more.
pub(super) async fn approve(
    face: &Face,
    _out: &Output,
    code: &str,
    scope: Option<Scope>,
) -> Result<(), Stop> {
    let request = find(face, code).await?;
    if face.status().await?.desktop {
        if scope.is_some() {
            say("What it may do is chosen in Bellhop's window; --scope counts only without a desktop.");
        }
        return in_window(face, request).await;
    }
    let scope = scope.unwrap_or_else(|| match &request.about {
        RequestAbout::Connect => preselected(&request),
        RequestAbout::More { .. } => request.asked.clone(),
    });
    if scope.is_empty() {
        let problem = Problem::new(
            "cli.nothing_allowed",
            format!("{} would be allowed nothing.", request.app),
            "Name what it may do, such as --scope playground:read.",
        );
        return Err(problem.with("app", &request.app).into());
    }
    let from = request.program.as_ref().map_or("a program that was not seen", |p| p.name.as_str());
    let what = match &request.about {
        RequestAbout::Connect => format!("may then do: {scope}"),
        RequestAbout::More { tool: None, .. } => format!("may then also do: {scope}"),
        RequestAbout::More { tool: Some(tool), .. } => {
            format!(
                "may then also do: {scope}. It wants to use {tool}, and may then use all that does the like"
            )
        }
    };
    say(&format!("{} (not verified), started from {from}, {what}", request.app));
    person::type_pin(face).await?;
    let command = Command::Approve { request: request.id, snapshot: request.snapshot, scope: scope.clone() };
    face.command(command).await?;
    say(&format!("Allowed {}: {scope}", request.app));
    Ok(())
}

/// The person answers in the window, where what is asked stands in full.
async fn in_window(face: &Face, request: RequestView) -> Result<(), Stop> {
    face.command(Command::Show { request: Some(request.id.clone()) }).await?;
    let asks = match request.about {
        RequestAbout::Connect => "asks to be let in",
        RequestAbout::More { .. } => "asks to do more",
    };
    say(&format!("Answer in Bellhop's window: {} {asks}.", request.app));
    match face.query(Query::RequestEnd { request: request.id }).await? {
        Answer::RequestEnd { allowed: true } => {
            say(&format!("Allowed {}.", request.app));
            Ok(())
        }
        Answer::RequestEnd { allowed: false } => {
            let sentence = match request.about {
                RequestAbout::Connect => format!("{} was not let in.", request.app),
                RequestAbout::More { .. } => format!("{} was not allowed more.", request.app),
            };
            let next = "If that was a mistake, let the app ask again.";
            Err(Problem::new("cli.denied", sentence, next).with("app", &request.app).into())
        }
        _ => Err(unexpected()),
    }
}

fn preselected(request: &RequestView) -> Scope {
    Scope::new(request.services.iter().flat_map(|service| {
        let permit = |access| Permit { service: service.name.clone(), access };
        let read = service.read.then(|| permit(Access::Read));
        let write = service.write.then(|| permit(Access::Write));
        read.into_iter().chain(write)
    }))
}

/// Refuse what an app asks.
pub(super) async fn deny(face: &Face, _out: &Output, code: &str) -> Result<(), Stop> {
    let request = find(face, code).await?;
    face.command(Command::Deny { request: request.id }).await?;
    say(&format!("Denied {}.", request.app));
    Ok(())
}

/// The request with this code, however it is spelled, or whose id begins so.
async fn find(face: &Face, code: &str) -> Result<RequestView, Stop> {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
    };
    let wanted = plain(code);
    let means = |request: &RequestView| {
        let by_code = !request.code.is_empty() && plain(&request.code) == wanted;
        // Four characters at least, so that no slip means somebody else's request.
        by_code || (wanted.len() >= 4 && plain(request.id.as_str()).starts_with(&wanted))
    };
    let mut found: Vec<_> = face.requests().await?.into_iter().filter(means).collect();
    match (found.pop(), found.is_empty()) {
        (Some(request), true) => Ok(request),
        (None, _) => Err(Problem::new(
            "cli.no_request",
            format!("No app waits with the code {code}."),
            "`bellhop requests` lists those that wait.",
        )
        .with("code", code)
        .into()),
        (Some(_), false) => Err(Problem::new(
            "cli.several_requests",
            format!("Several apps wait with a code like {code}."),
            "Give more of it.",
        )
        .with("code", code)
        .into()),
    }
}

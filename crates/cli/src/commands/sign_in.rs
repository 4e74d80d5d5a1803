//! A sign-in from the terminal, from its first question to its end.

use crate::{
    cli::How,
    face::{Face, unexpected},
    output::{Output, say},
    prompt, times,
};
use bellhop_cli::{problem::Stop, signal};
use control::{
    Answer, Command, Exception, GivenClient, Hidden, PermissionView, Query, SignInEnd, SignInMethod,
    SignInPhase,
};
use model::{AttemptId, Problem, Timestamp};
use qrcode::{QrCode, render::unicode::Dense1x2};
use std::{path::Path, time::Duration};

/// How often it is looked how far the sign-in is.
const LOOK: Duration = Duration::from_millis(300);

impl How {
    /// What the person lets the provider do against the rules.
    pub(super) fn exceptions(&self) -> Vec<Exception> {
        let all =
            [(self.pkce_undeclared, Exception::PkceUndeclared), (self.no_resource, Exception::NoResource)];
        all.into_iter().filter(|(on, _)| *on).map(|(_, exception)| exception).collect()
    }

    /// What to ask for.
    pub(super) fn permissions(&self) -> Option<Vec<String>> {
        (!self.permission.is_empty()).then(|| self.permission.clone())
    }

    /// The registration that the provider gave.
    pub(super) fn client(&self) -> Result<Option<GivenClient>, Stop> {
        let Some(client_id) = self.client_id.clone() else { return Ok(None) };
        let client_secret = self.client_secret_file.as_deref().map(read).transpose()?;
        Ok(Some(GivenClient { client_id, client_secret }))
    }

    /// Whether to stop before the browser opens: a person is there to read what is asked for.
    pub(super) fn ask(&self) -> bool {
        let browser = matches!(self.method, SignInMethod::Auto | SignInMethod::Oauth | SignInMethod::Device);
        browser && prompt::is_terminal() && !self.token_stdin
    }

    /// The API token: from its file, from standard input, or typed unseen.
    async fn token(&self, page: Option<&str>) -> Result<String, Stop> {
        if let Some(file) = &self.token_file {
            return read(file);
        }
        if let Some(page) = page {
            say(&format!("You can make a token at {page}"));
        }
        Ok(prompt::secret("API token").await?.expose().to_owned())
    }
}

/// A secret's file, without the line's end.
fn read(file: &Path) -> Result<String, Stop> {
    let text = std::fs::read_to_string(file).map_err(|e| {
        let name = file.display();
        Problem::new("cli.secret_file", format!("{name} can't be read: {e}."), "Check the path.")
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Begin, answer what is asked on the way, and wait for the end.
pub(super) async fn run(face: &Face, out: &Output, begin: Command, how: &How) -> Result<(), Stop> {
    // One for both waits, so that nothing is missed between them.
    let mut interrupt = std::pin::pin!(signal::interrupt());
    let begun = tokio::select! {
        begun = face.command(begin) => begun?,
        () = &mut interrupt => return Err(Stop::Interrupted),
    };
    let Answer::SignIn { attempt, address } = begun else { return Err(unexpected()) };
    let browser = address.filter(|_| how.method != SignInMethod::Device);
    if let Some(address) = &browser {
        page(out, how, address)?;
    }
    let end = tokio::select! {
        end = face.query(Query::SignInEnd { attempt: attempt.clone() }) => end,
        stopped = attend(face, out, &attempt, how, browser) => Err(stopped),
        () = interrupt => Err(Stop::Interrupted),
    };
    if end.is_err() {
        // Nobody waits for it any more. Whether that could be said makes no difference here.
        let _ = face.command(Command::CancelSignIn { attempt }).await;
    }
    match end? {
        Answer::SignInEnd(SignInEnd::Connected { name, account, .. }) => {
            say(&match account {
                Some(account) => format!("Connected {name} as {account}."),
                None => format!("Connected {name}."),
            });
            Ok(())
        }
        Answer::SignInEnd(SignInEnd::Failed { problem }) => Err(problem.into()),
        _ => Err(unexpected()),
    }
}

/// The sign-in page's address.
fn page(out: &Output, how: &How, address: &str) -> Result<(), Stop> {
    if how.no_browser {
        // Alone on its line, so that a script can take it.
        return Ok(out.line(address)?);
    }
    say("Your browser shows the sign-in page. If it doesn't, open");
    say(address);
    Ok(())
}

/// Answer what the sign-in asks, as it comes. Comes back only when it can't go on.
async fn attend(
    face: &Face,
    out: &Output,
    attempt: &AttemptId,
    how: &How,
    mut shown: Option<String>,
) -> Stop {
    let mut last = None;
    loop {
        tokio::time::sleep(LOOK).await;
        // The end says itself when it goes away.
        let Ok(all) = face.sign_ins().await else { continue };
        let Some(phase) = all.into_iter().find(|s| s.attempt == *attempt).map(|s| s.phase) else { continue };
        if last.as_ref() == Some(&phase) {
            continue;
        }
        if let Err(stop) = step(face, out, attempt, how, &phase, &mut shown).await {
            return stop;
        }
        last = Some(phase);
    }
}

async fn step(
    face: &Face,
    out: &Output,
    attempt: &AttemptId,
    how: &How,
    phase: &SignInPhase,
    shown: &mut Option<String>,
) -> Result<(), Stop> {
    match phase {
        SignInPhase::Asking { why: Some(why), .. } => Err(why.clone().into()),
        SignInPhase::Asking { methods, permissions, .. } => {
            let method = match how.method {
                SignInMethod::Auto => methods.first().map_or(SignInMethod::Auto, |m| m.method),
                method => method,
            };
            if matches!(method, SignInMethod::Oauth | SignInMethod::Device) {
                tell_permissions(permissions, how);
            }
            let (attempt, permissions) = (attempt.clone(), how.permissions());
            face.command(Command::ContinueSignIn { attempt, method, permissions, client: None }).await?;
            Ok(())
        }
        SignInPhase::Browser { address, .. } if shown.is_none() => {
            *shown = Some(address.clone());
            page(out, how, address)
        }
        SignInPhase::Device { user_code, address, complete, until } => {
            say(&format!("Open {address} on any device and type the code {user_code}"));
            if let Some(picture) = complete.as_deref().and_then(picture) {
                say("Or point a phone's camera at this:");
                say(&picture);
            }
            say(&format!("The code ends {}.", times::relative(*until)));
            Ok(())
        }
        SignInPhase::Token { page, why, .. } => {
            match why {
                // A file or a pipe has no second one.
                Some(why) if how.token_file.is_some() || !prompt::is_terminal() => {
                    return Err(why.clone().into());
                }
                Some(why) => say(&format!("{} {}", why.sentence, why.next)),
                None => {}
            }
            let token = Hidden(how.token(page.as_deref()).await?);
            let (attempt, header, ends) = (attempt.clone(), how.header.clone(), how.ends);
            face.command(Command::GiveToken { attempt, token, header, ends }).await?;
            Ok(())
        }
        SignInPhase::Password { address, page, user, why, .. } => {
            match why {
                // A pipe has no second one.
                Some(why) if !prompt::is_terminal() && how.user.is_some() => return Err(why.clone().into()),
                Some(why) => say(&format!("{} {}", why.sentence, why.next)),
                None => tell_password(out, how, address.as_deref(), page.as_deref())?,
            }
            let user = match how.user.clone().filter(|_| why.is_none()).or_else(|| user.clone()) {
                Some(user) => user,
                None if prompt::is_terminal() => prompt::line("User name").await?,
                // Nobody types here: the answer comes from the site's page.
                None if address.is_some() => return Ok(()),
                None => return Err(no_user().into()),
            };
            let password = Hidden(prompt::secret("Application password").await?.expose().to_owned());
            face.command(Command::GivePassword { attempt: attempt.clone(), user, password }).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Say where an application password is made, and what it can do.
fn tell_password(out: &Output, how: &How, address: Option<&str>, page: Option<&str>) -> Result<(), Stop> {
    say("Your site makes a password for Bellhop alone. With it Bellhop may do all that you may do there.");
    say("It never ends by itself; `bellhop services remove` deletes it.");
    let Some(shown) = address.or(page) else { return Ok(()) };
    if how.no_browser {
        // Alone on its line, so that a script can take it.
        out.line(shown)?;
    } else {
        say("Approve Bellhop on the page that your browser shows. If it doesn't, open");
        say(shown);
    }
    match (address, page) {
        (Some(_), Some(page)) => {
            say("Bellhop goes on by itself then. If your site refuses that page, open");
            say(page);
            say("and give your user name and the password that it shows here.");
        }
        _ => say("Then give your user name and the password that it shows here."),
    }
    Ok(())
}

fn no_user() -> Problem {
    Problem::new(
        "cli.no_user",
        "An application password needs the user name it belongs to.",
        "Add --user NAME, and give the password on standard input.",
    )
}

/// Say what will be asked for, before anything opens.
fn tell_permissions(permissions: &[PermissionView], how: &How) {
    let chosen = how.permissions();
    let asked = permissions.iter().filter(|p| chosen.as_ref().map_or(p.preset, |c| c.contains(&p.name)));
    let mut lines: Vec<String> = asked.map(|p| line(&p.words, &p.name)).collect();
    // What the provider does not list is asked for all the same.
    let unlisted = chosen.iter().flatten().filter(|c| !permissions.iter().any(|p| p.name == **c));
    lines.extend(unlisted.map(|name| line(name, name)));
    if !lines.is_empty() {
        say("Bellhop asks the provider for leave to");
        lines.iter().for_each(|l| say(l));
    }
    let more: Vec<_> =
        permissions.iter().filter(|p| !p.preset && chosen.is_none()).map(|p| &*p.name).collect();
    if !more.is_empty() {
        say(&format!("There is more to ask for, with --permission: {}", more.join(" ")));
    }
}

fn line(words: &str, name: &str) -> String {
    if words == name { format!("  - {name}") } else { format!("  - {words} ({name})") }
}

/// A QR code for the terminal; `None` for an address too long for one.
fn picture(address: &str) -> Option<String> {
    let code = QrCode::new(address).ok()?;
    // Dark on light, whatever the terminal's colours: most cameras read it no other way.
    Some(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

/// The end of a day here, as `--ends` says it.
pub(crate) fn day(text: &str) -> Result<Timestamp, String> {
    let wrong = |_| "it is a date such as 2027-03-31".to_owned();
    let date: jiff::civil::Date = text.parse().map_err(wrong)?;
    let end = date.tomorrow().and_then(|d| d.to_zoned(jiff::tz::TimeZone::system())).map_err(wrong)?;
    Ok(Timestamp::from_millis(end.timestamp().as_millisecond()))
}

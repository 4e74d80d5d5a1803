use crate::{
    Phase, Registration, SignInError,
    address::{check_address, host},
    discovery::Found,
    flow::{Flow, TICK},
    http::Guarded,
    moment::Moment,
    outcome::{Granted, Outcome, classify, error_code},
    token::prove,
};
use model::{Secret, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// The grant's name at the token endpoint (RFC 8628 §3.4).
pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The pause between two questions when the server names none, and what `slow_down` adds to it (§3.5).
const INTERVAL: Duration = Duration::from_secs(5);
/// The longest pause that is believed.
const LONGEST: Duration = Duration::from_secs(120);
/// The longest life of a code that is believed.
const LIFE: u64 = 30 * 60;

/// What the device authorization endpoint answers (RFC 8628 §3.2).
#[derive(Deserialize)]
struct Codes {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(default, alias = "verification_url_complete")]
    verification_uri_complete: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    interval: Option<u64>,
}

impl Flow {
    /// Show a code, and ask until the person has typed it on any device.
    ///
    /// Gives the tokens, and when the request for them was sent.
    pub(crate) async fn device(
        &mut self,
        web: &Guarded,
        found: &Found,
        registration: &Registration,
        scopes: &[String],
    ) -> Result<(Granted, Timestamp), SignInError> {
        let codes = codes(web, found, registration, scopes).await?;
        let name = found.server.host();
        // Shown to the person as something to open: the same rules as for a page that Bellhop opens itself.
        let address = check_address(&codes.verification_uri)?;
        web.check(&address)?;
        let complete = codes.verification_uri_complete.as_deref().and_then(|u| check_address(u).ok());
        let complete = complete.filter(|u| web.check(u).is_ok() && u.origin() == address.origin());
        let user_code = crate::account::label(&codes.user_code)
            .ok_or_else(|| SignInError::NoToken { host: name.clone(), why: "no user code".to_owned() })?;
        let life = Duration::from_secs(codes.expires_in.unwrap_or(LIFE).clamp(1, LIFE));
        let end = Moment::after(&*self.room.clock, life);
        self.phase.send_replace(Phase::Device {
            user_code,
            address: address.to_string(),
            complete: complete.map(String::from),
            until: end.wall,
        });
        let mut interval = codes.interval.map_or(INTERVAL, Duration::from_secs).min(LONGEST);
        let device_code = Secret::new(codes.device_code);
        loop {
            self.rest(interval, end, &name).await?;
            let sent_at = self.room.clock.now();
            match ask(web, found, registration, &device_code).await? {
                Told::Granted(granted) => return Ok((*granted, sent_at)),
                Told::Pending => {}
                Told::SlowDown => interval = (interval + INTERVAL).min(LONGEST),
                // Silence asks for more patience too (§3.5).
                Told::Nothing => interval = (interval * 2).min(LONGEST),
                Told::Denied => return Err(SignInError::Denied { host: name }),
                Told::Ended => return Err(SignInError::CodeEnded { host: name }),
            }
        }
    }

    /// Let a pause pass by either clock: a computer that slept asks as soon as it wakes.
    async fn rest(&self, pause: Duration, end: Moment, host: &str) -> Result<(), SignInError> {
        let clock = &*self.room.clock;
        let next = Moment::after(clock, pause);
        while !next.passed(clock) {
            if end.passed(clock) {
                return Err(SignInError::CodeEnded { host: host.to_owned() });
            }
            tokio::time::sleep(next.left(clock).min(TICK)).await;
        }
        // The last question may come at the code's very end, but not long after.
        if end.later(pause).passed(clock) {
            Err(SignInError::CodeEnded { host: host.to_owned() })
        } else {
            Ok(())
        }
    }
}

async fn codes(
    web: &Guarded,
    found: &Found,
    registration: &Registration,
    scopes: &[String],
) -> Result<Codes, SignInError> {
    let name = found.server.host();
    let endpoint = found.server.device_authorization_endpoint.as_deref();
    let url = check_address(endpoint.ok_or_else(|| SignInError::NotOffered { host: name.clone() })?)?;
    let scope = scopes.join(" ");
    let mut fields = Vec::new();
    if !scope.is_empty() {
        fields.push(("scope", scope.as_str()));
    }
    if let Some(resource) = &found.resource {
        fields.push(("resource", resource));
    }
    let at = host(&url);
    let answer = web.send(prove(url, fields, registration)).await;
    let answer = answer.map_err(|cause| SignInError::Http { host: at, cause })?;
    if let (true, Ok(codes)) = (answer.status.is_success(), serde_json::from_slice(&answer.body)) {
        return Ok(codes);
    }
    let code = said(&answer.body).unwrap_or_else(|| answer.status.to_string());
    Err(SignInError::Refused { host: name, code: error_code(&code) })
}

/// What a question brought.
enum Told {
    Granted(Box<Granted>),
    Pending,
    SlowDown,
    Nothing,
    Denied,
    Ended,
}

async fn ask(
    web: &Guarded,
    found: &Found,
    registration: &Registration,
    device_code: &Secret,
) -> Result<Told, SignInError> {
    let url: Url = check_address(&found.server.token_endpoint)?;
    let mut fields = vec![("grant_type", GRANT), ("device_code", device_code.expose())];
    if let Some(resource) = &found.resource {
        fields.push(("resource", resource));
    }
    let Ok(answer) = web.send(prove(url, fields, registration)).await else { return Ok(Told::Nothing) };
    // `slow_down` is no trouble here, so that these are looked at first.
    match said(&answer.body).as_deref() {
        Some("authorization_pending") => return Ok(Told::Pending),
        Some("slow_down") => return Ok(Told::SlowDown),
        Some("access_denied") => return Ok(Told::Denied),
        Some("expired_token") => return Ok(Told::Ended),
        _ => {}
    }
    match classify(answer.status, &answer.headers, &answer.body) {
        Outcome::Granted(granted) => Ok(Told::Granted(granted)),
        Outcome::Later { .. } => Ok(Told::Nothing),
        Outcome::Refused(refusal) => {
            Err(SignInError::NoToken { host: found.server.host(), why: refusal.code().to_owned() })
        }
    }
}

/// The error code in an answer.
fn said(body: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    answer.get("error")?.as_str().map(str::to_owned)
}

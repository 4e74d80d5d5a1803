//! `bellhop token --device`: the device grant (RFC 8628), for scripts on this computer.
//!
//! Every step is the one that any other program would take; only that it goes over the owner-only socket, so that the
//! person is shown the program that started this one.

use crate::{
    cli::Token,
    output::{Output, say},
    private,
};
use bellhop_cli::problem::{Stop, not_answering};
use bytes::Bytes;
use engine::Home;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use model::{Problem, Scope};
use serde_json::{Value, json};
use std::time::Duration;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The longest answer, in bytes.
const LONGEST: usize = 64 * 1024;
/// How much longer to wait between two asks when Bellhop says so (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// Get tokens, and print them or write them into a file.
pub(super) async fn token(home: &Home, out: &Output, args: Token) -> Result<(), Stop> {
    let place = args.out.as_deref().map(private::File::prepare).transpose()?;
    let server = get(home, "/.well-known/oauth-authorization-server").await?;
    let wanted = json!({
        "client_name": args.name,
        "grant_types": [GRANT, "refresh_token"],
        "token_endpoint_auth_method": "none",
    });
    let registered = post(home, "/register", "application/json", wanted.to_string()).await?.well()?;
    let client = text(&registered, "client_id")?;
    let scope = Scope::new(args.scope).to_string();
    let mut fields = vec![("client_id", client.as_str())];
    fields.extend((!scope.is_empty()).then_some(("scope", scope.as_str())));
    let begun = post(home, "/device_authorization", FORM, form(&fields)).await?.well()?;
    say(&format!("Code: {}", text(&begun, "user_code")?));
    say(&format!(
        "Answer in Bellhop, and allow it only if you see that code there. {}",
        text(&begun, "verification_uri")?
    ));
    say(&format!("Without a desktop: bellhop approve {}", text(&begun, "user_code")?));
    let code = text(&begun, "device_code")?;
    let mut interval = Duration::from_secs(begun["interval"].as_u64().unwrap_or(5));
    let fields = form(&[("grant_type", GRANT), ("client_id", &client), ("device_code", &code)]);
    let mut tokens = loop {
        tokio::time::sleep(interval).await;
        let answer = post(home, "/token", FORM, fields.clone()).await?;
        match answer.body["error"].as_str() {
            Some("authorization_pending") => {}
            Some("slow_down") => interval += SLOWER,
            // It can't be kept just now, or Bellhop is being started anew.
            Some("temporarily_unavailable") => interval += SLOWER,
            _ => break answer.well()?,
        }
    };
    // What a script needs to renew them, and where they are good.
    tokens["client_id"] = client.into();
    tokens["token_endpoint"] = server["token_endpoint"].clone();
    tokens["resource"] = format!("{}/mcp", text(&server, "issuer")?).into();
    match place {
        None => out.json(&tokens)?,
        Some(place) => {
            place.fill(&serde_json::to_string_pretty(&tokens).unwrap_or_default())?;
            say("The tokens are in that file and nowhere else.");
        }
    }
    Ok(())
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Percent-encoded whole: nothing else stands in these values that a form would write in its own way.
fn form(fields: &[(&str, &str)]) -> String {
    let plain = |text: &str| -> String {
        text.bytes()
            .map(|b| match b {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(b).to_string(),
                _ => format!("%{b:02X}"),
            })
            .collect()
    };
    fields.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect::<Vec<_>>().join("&")
}

fn text(body: &Value, name: &str) -> Result<String, Stop> {
    body[name].as_str().map(str::to_owned).ok_or_else(crate::face::unexpected)
}

/// What Bellhop answered.
struct Answer {
    status: StatusCode,
    body: Value,
}

impl Answer {
    /// The body, or the problem that stands in its place.
    fn well(self) -> Result<Value, Stop> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let said = self.body["error_description"].as_str().unwrap_or("it did not say why").to_owned();
        let (code, sentence, next) = match self.body["error"].as_str() {
            Some("access_denied") => {
                ("cli.denied", format!("No tokens were given: {said}."), "Ask again if that was a mistake.")
            }
            Some("expired_token") => {
                ("cli.expired", "Nobody answered in Bellhop within ten minutes.".to_owned(), "Ask again.")
            }
            _ => ("cli.no_token", format!("No tokens were given: {said}."), "Mend that, then ask again."),
        };
        Err(Problem::new(code, sentence, next).into())
    }
}

async fn get(home: &Home, path: &str) -> Result<Value, Stop> {
    let request = Request::get(path).header(header::HOST, "bellhop").body(Full::default());
    send(home, request.map_err(|_| crate::face::unexpected())?).await?.well()
}

async fn post(home: &Home, path: &str, kind: &str, body: String) -> Result<Answer, Stop> {
    let request = Request::post(path)
        .header(header::HOST, "bellhop")
        .header(header::CONTENT_TYPE, kind)
        .body(Full::new(Bytes::from(body)));
    send(home, request.map_err(|_| crate::face::unexpected())?).await
}

/// Each on a connection of its own: they are few, and minutes may lie between them.
async fn send(home: &Home, request: Request<Full<Bytes>>) -> Result<Answer, Stop> {
    let stream = home.connect().await.map_err(|_| not_answering())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| not_answering())?;
    let carrying = tokio::spawn(connection);
    let answering = async {
        let answer = sender.send_request(request).await.ok()?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await.ok()?.to_bytes();
        Some(Answer { status, body: serde_json::from_slice(&body).unwrap_or_default() })
    };
    let answer = answering.await;
    carrying.abort();
    answer.ok_or_else(|| not_answering().into())
}

//! Giving a sign-in back: every way there is, in order, and then a look whether what it was is dead.

use crate::{
    FixedSecret, Http, HttpError, OauthCredential, Registration,
    address::check_address,
    bearer,
    http::{Answer, Ask},
    outcome::error_code,
    probe,
    token::prove,
    wordpress::gone_already,
};
use http::{HeaderName, StatusCode, header};
use model::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is needed to give a sign-in back. Holds secrets: kept sealed, and only until it is done.
#[derive(Debug, Clone)]
pub struct Leaving {
    /// The service's address, where it is seen whether the proof still counts.
    service: String,
    /// The header that proved us, and its whole value.
    proof: (HeaderName, Secret),
    ways: Vec<(Way, Errand)>,
}

/// A way to give something back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// RFC 7009, the refresh token.
    RefreshToken,
    /// RFC 7009, the access token.
    AccessToken,
    /// RFC 7592, the registration.
    Registration,
    /// WordPress, the application password.
    Password,
}

/// What is asked of whom.
#[derive(Debug, Clone)]
enum Errand {
    /// The provider has no place for it.
    None,
    /// A form to the revocation endpoint.
    Revoke { endpoint: String, token: Secret, kind: &'static str, registration: Registration },
    /// DELETE at an address, proved by this header.
    Delete { address: String, proof: (HeaderName, Secret) },
}

/// How one way went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayEnd {
    /// It was done.
    Done,
    /// The provider refused.
    Refused,
    /// The provider has no such thing.
    NotOffered,
    /// It could not be asked, or had no time. Worth another try.
    Later,
}

/// One way, tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Which.
    pub way: Way,
    /// How it went.
    pub end: WayEnd,
    /// What the provider said: a status, an error code. Never a text of its own.
    pub said: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Whether the service still takes what was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// It was refused.
    Dead,
    /// It was taken.
    Alive,
    /// No answer told.
    Unknown,
}

impl Leaving {
    /// The sign-in of OAuth tokens at this service.
    pub fn oauth(service: &str, credential: &OauthCredential) -> Self {
        let OauthCredential { server, registration, tokens, .. } = credential;
        let revoke = |token: &Secret, kind| match &server.revocation_endpoint {
            Some(endpoint) => Errand::Revoke {
                endpoint: endpoint.clone(),
                token: token.clone(),
                kind,
                registration: registration.clone(),
            },
            None => Errand::None,
        };
        // The refresh token first: if only one arrives, it should be the one that lasts.
        let mut ways: Vec<_> = tokens
            .refresh
            .iter()
            .map(|token| (Way::RefreshToken, revoke(token, "refresh_token")))
            .chain([(Way::AccessToken, revoke(&tokens.access, "access_token"))])
            .collect();
        let registered = match &registration.management {
            Some((address, token)) => {
                Errand::Delete { address: address.clone(), proof: (header::AUTHORIZATION, bearer(token)) }
            }
            None => Errand::None,
        };
        ways.push((Way::Registration, registered));
        Self { service: service.to_owned(), proof: (header::AUTHORIZATION, bearer(&tokens.access)), ways }
    }

    /// The sign-in of a secret that nothing renews.
    pub fn fixed(service: &str, secret: &FixedSecret) -> Self {
        let proof = secret.proof();
        let ways = match secret {
            FixedSecret::Token(_) => Vec::new(),
            FixedSecret::Password(password) => {
                let errand = match &password.removal {
                    Some(address) => Errand::Delete { address: address.clone(), proof: proof.clone() },
                    None => Errand::None,
                };
                vec![(Way::Password, errand)]
            }
        };
        Self { service: service.to_owned(), proof, ways }
    }

    /// All ways, none of them tried yet.
    pub fn untried(&self, now: Timestamp) -> Vec<Tried> {
        self.ways
            .iter()
            .map(|(way, _)| Tried { way: *way, end: WayEnd::Later, said: None, at: now })
            .collect()
    }

    /// Try every way that `tried` does not say is settled, and say how each went, in order.
    pub async fn give_back(&self, http: &Http, tried: &[Tried], now: impl Fn() -> Timestamp) -> Vec<Tried> {
        let mut all = Vec::new();
        for (way, errand) in &self.ways {
            let settled = tried.iter().find(|t| t.way == *way && t.end != WayEnd::Later);
            let tried = match settled {
                Some(settled) => settled.clone(),
                None => {
                    let (end, said) = errand.run(http, *way).await;
                    Tried { way: *way, end, said, at: now() }
                }
            };
            all.push(tried);
        }
        all
    }

    /// Use what was given back once more, to see that it is dead.
    pub async fn look(&self, http: &Http) -> Life {
        let Ok(url) = check_address(&self.service) else { return Life::Unknown };
        match http.known().send(probe::hello(url).proof(&self.proof)).await {
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => Life::Dead,
            Ok(answer) if answer.status.is_success() => Life::Alive,
            _ => Life::Unknown,
        }
    }

    /// Everything in one secret, to be sealed.
    pub fn to_secret(&self) -> Secret {
        let ways: Vec<_> = self.ways.iter().map(|(way, errand)| errand.kept(*way)).collect();
        let (name, value) = &self.proof;
        let kept = serde_json::json!({
            "service": self.service, "header": name.as_str(), "value": value.expose(), "ways": ways,
        });
        Secret::new(kept.to_string())
    }

    /// The same, back; `None` when it is no such secret.
    pub fn from_secret(secret: &Secret) -> Option<Self> {
        let kept: Value = serde_json::from_str(secret.expose()).ok()?;
        let text = |name: &str| kept.get(name)?.as_str().map(str::to_owned);
        let ways = kept.get("ways")?.as_array()?;
        Some(Self {
            service: text("service")?,
            proof: (text("header")?.parse().ok()?, Secret::new(text("value")?)),
            ways: ways.iter().map(Errand::of).collect::<Option<_>>()?,
        })
    }
}

/// Delete a registration that nobody needs any more (RFC 7592).
pub(crate) async fn unregister(http: &Http, address: String, token: &Secret) {
    let errand = Errand::Delete { address, proof: (header::AUTHORIZATION, bearer(token)) };
    let (end, said) = errand.run(http, Way::Registration).await;
    tracing::debug!(?end, ?said, "a registration was given up");
}

impl Errand {
    async fn run(&self, http: &Http, way: Way) -> (WayEnd, Option<String>) {
        let ask = match self {
            Self::None => None,
            // An address that may not be asked won't be another time either.
            Self::Revoke { endpoint, token, kind, registration } => check_address(endpoint).ok().map(|url| {
                prove(url, vec![("token", token.expose()), ("token_type_hint", *kind)], registration)
            }),
            Self::Delete { address, proof } => {
                check_address(address).ok().map(|url| Ask::delete(url).proof(proof))
            }
        };
        match ask {
            Some(ask) => settle(way, http.known().send(ask).await),
            None => (WayEnd::NotOffered, None),
        }
    }

    fn kept(&self, way: Way) -> Value {
        match self {
            Self::None => serde_json::json!({ "way": way }),
            Self::Revoke { endpoint, token, kind, registration } => serde_json::json!({
                "way": way, "endpoint": endpoint, "token": token.expose(), "kind": kind,
                "client_id": registration.client_id, "auth": registration.auth,
                "client_secret": registration.client_secret.as_ref().map(Secret::expose),
            }),
            Self::Delete { address, proof: (name, value) } => serde_json::json!({
                "way": way, "address": address, "header": name.as_str(), "value": value.expose(),
            }),
        }
    }

    fn of(kept: &Value) -> Option<(Way, Self)> {
        let text = |name: &str| kept.get(name).and_then(Value::as_str).map(str::to_owned);
        let way = serde_json::from_value(kept.get("way")?.clone()).ok()?;
        let errand = match (text("endpoint"), text("address")) {
            (Some(endpoint), _) => Self::Revoke {
                endpoint,
                token: Secret::new(text("token")?),
                kind: if way == Way::RefreshToken { "refresh_token" } else { "access_token" },
                registration: Registration {
                    client_id: text("client_id")?,
                    client_secret: text("client_secret").map(Secret::new),
                    auth: serde_json::from_value(kept.get("auth")?.clone()).ok()?,
                    source: crate::ClientSource::Registered,
                    secret_ends: None,
                    management: None,
                },
            },
            (None, Some(address)) => {
                Self::Delete { address, proof: (text("header")?.parse().ok()?, Secret::new(text("value")?)) }
            }
            (None, None) => Self::None,
        };
        Some((way, errand))
    }
}

/// What an answer to a request to give something back means.
fn settle(way: Way, answer: Result<Answer, HttpError>) -> (WayEnd, Option<String>) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(
            HttpError::Unknown(_)
            | HttpError::Unreachable(_)
            | HttpError::Proxy { .. }
            | HttpError::ProxyLogin(_),
        ) => {
            return (WayEnd::Later, Some("not reached".to_owned()));
        }
        Err(HttpError::NoAnswer(_)) => return (WayEnd::Later, Some("no answer".to_owned())),
        Err(_) => return (WayEnd::Later, None),
    };
    let status = answer.status;
    let code = serde_json::from_slice::<Value>(&answer.body).ok();
    // OAuth calls it `error`, WordPress `code`.
    let code = code.as_ref().and_then(|v| v.get("error").or_else(|| v.get("code")));
    let code = code.and_then(Value::as_str).map(error_code);
    let said = match code.filter(|_| !status.is_success()) {
        Some(code) => format!("{} {code}", status.as_u16()),
        None => status.as_u16().to_string(),
    };
    let end = match status.as_u16() {
        // RFC 7009 says 200 for a token that it does not know, too.
        200..=299 => WayEnd::Done,
        // The person deleted it before, which is as good.
        _ if way == Way::Password && gone_already(&answer) => WayEnd::Done,
        // Advertised and not there, which happens.
        404 | 405 | 410 | 501 => WayEnd::NotOffered,
        408 | 425 | 429 | 500.. => WayEnd::Later,
        _ => WayEnd::Refused,
    };
    (end, Some(said))
}

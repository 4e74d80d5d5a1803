use super::{
    Login, WordPressError,
    authorize::{authorize_page, loopback_place, same_site, scheme_place},
    login::{unseen, verify},
    site::Site,
    swap::{password_route, swap},
    version::answers_loopback,
};
use crate::{
    Method, Phase, Said, SignInError, SignedIn, SignedInKind,
    flow::{Flow, TICK, WAIT},
    http::{Ask, Guarded},
    moment::Moment,
    outcome::error_code,
    probe,
    redirect::{Expected, Heard, Listener, Seat, Via, Word},
};
use model::{Explain, Problem, Secret};
use std::{sync::PoisonError, time::Duration};
use url::Url;

/// The pauses between tries of a password that the page sent.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// What is kept open until the answer came.
struct Wait {
    seat: Seat,
    /// Held for as long as the answer may come.
    _listener: Option<Listener>,
    /// The page that sends its answer back, where it can.
    address: Option<Url>,
    /// The page that shows the password.
    page: Url,
    user: Option<String>,
    end: Moment,
}

impl Flow {
    /// Sign in to a WordPress site with an application password.
    pub(crate) async fn application_password(
        &mut self,
        web: &Guarded,
        site: &Site,
    ) -> Result<SignedIn, SignInError> {
        let mut wait = self.page(web, site).await?;
        let (first, account) = self.approved(web, site, &mut wait).await?;
        drop(wait);
        self.phase.send_replace(Phase::Finishing);
        let swapped = swap(web, &site.rest, first, &self.room.client_name).await;
        let removal = swapped.uuid.and_then(|uuid| password_route(&site.rest, &uuid));
        let secret = swapped.login.keep(removal.clone());
        let url = site.server.url.to_string();
        // It is the site's own password and works there: a server that stumbles just now is no reason to lose it.
        let title = match probe::admits(web, &site.server.url, &secret.proof()).await {
            Ok(title) => title,
            Err(SignInError::SecretRefused { host }) => {
                if let Some(removal) = removal {
                    let _ = web.send(Ask::delete(removal).proof(&secret.proof())).await;
                }
                return Err(SignInError::NewTokenRefused { host });
            }
            Err(_) => None,
        };
        Ok(SignedIn {
            url,
            title: site.name.clone().or(title),
            method: Method::Password,
            asked: None,
            kind: SignedInKind::Fixed { secret, page: site.profile().map(Into::into) },
            account: Some(account),
        })
    }

    /// Send the person to the page where they approve.
    async fn page(&self, web: &Guarded, site: &Site) -> Result<Wait, SignInError> {
        let approve = site.page()?;
        let nonce = self.fresh();
        let (via, back, listener) = self.way_back(web, approve, &nonce).await;
        let name = &self.room.client_name;
        let address = back.map(|back| authorize_page(approve, name, Some(&back)));
        let expected = Expected { via, issuer: same_site(&site.url), names_itself: false };
        let seat = self.room.desk.sit(self.id.clone(), &nonce, expected);
        let end = Moment::after(&*self.room.clock, WAIT);
        let page = authorize_page(approve, name, None);
        let wait = Wait { seat, _listener: listener, address, page, user: None, end };
        let open = wait.address.as_ref().unwrap_or(&wait.page).clone();
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(open.clone());
        self.waiting(&wait, None);
        if self.target.open_browser {
            let browser = self.room.browser.clone();
            tokio::spawn(async move {
                if let Err(e) = browser.open(&open).await {
                    tracing::info!("no browser opened: {e}");
                }
            });
        }
        Ok(wait)
    }

    /// How the site's page sends its answer back. The custom scheme works with every WordPress.
    async fn way_back(
        &self,
        web: &Guarded,
        page: &Url,
        nonce: &Secret,
    ) -> (Via, Option<Secret>, Option<Listener>) {
        if self.target.scheme_available {
            return (Via::Scheme, Some(scheme_place(nonce)), None);
        }
        if answers_loopback(web, page).await
            && let Ok(listener) = Listener::bind(&self.room.loopback, &self.room.desk).await
        {
            let back = loopback_place(&listener.origin(), nonce);
            return (Via::Port(listener.port()), Some(back), Some(listener));
        }
        (Via::Scheme, None, None)
    }

    fn waiting(&self, wait: &Wait, why: Option<Problem>) {
        self.phase.send_replace(Phase::Password {
            address: wait.address.as_ref().map(Url::to_string),
            page: Some(wait.page.to_string()),
            user: wait.user.clone(),
            why,
            until: wait.end.wall,
        });
    }

    /// Wait for a password that works: by an answer of the page, or by hand. One by hand that doesn't is asked for
    /// again.
    async fn approved(
        &mut self,
        web: &Guarded,
        site: &Site,
        wait: &mut Wait,
    ) -> Result<(Login, String), SignInError> {
        let mut elsewhere = false;
        loop {
            let (login, by_hand) = tokio::select! {
                biased;
                heard = wait.seat.heard.recv() => match heard {
                    Some(Heard::Word(Word::Password(login))) => (login, false),
                    Some(Heard::Word(Word::Error(code))) => return Err(refused(site, &code)),
                    Some(Heard::Word(Word::Code(_))) => return Err(refused(site, "")),
                    // It knows our nonce but speaks for another site.
                    Some(Heard::WrongIssuer) => {
                        elsewhere = true;
                        self.waiting(wait, Some(differs(site).problem()));
                        continue;
                    }
                    None => return Err(SignInError::Cancelled),
                },
                said = self.said.recv() => match said {
                    Some(Said::Password { user, password }) => match Login::new(&*user, &password) {
                        Some(login) => (login, true),
                        None => {
                            self.waiting(wait, Some(WordPressError::Unreadable.problem()));
                            continue;
                        }
                    },
                    Some(_) => continue,
                    None => return Err(SignInError::Cancelled),
                },
                () = tokio::time::sleep(TICK) => {
                    if wait.end.passed(&*self.room.clock) {
                        return Err(if elsewhere { differs(site) } else { SignInError::TimedOut });
                    }
                    continue;
                }
            };
            let mut verified = verify(web, &site.rest, &login).await;
            // The page gives its password once: that the site stumbles just then must not lose it.
            for pause in if by_hand { &[][..] } else { &AGAIN } {
                if matches!(verified, Err(SignInError::Http { .. })) {
                    tokio::time::sleep(*pause).await;
                    verified = verify(web, &site.rest, &login).await;
                }
            }
            // The page names a user who is there, with a password that is.
            if let Err(SignInError::WordPress(WordPressError::Unseen { host, .. })) = verified {
                let told = match by_hand {
                    true => unseen(web, site.other_door(), &site.rest, &login).await,
                    false => WordPressError::HeaderLost { host },
                };
                verified = Err(told.into());
            }
            match verified {
                Ok(user) => {
                    *self.address.lock().unwrap_or_else(PoisonError::into_inner) = None;
                    return Ok((login, user));
                }
                Err(e) if by_hand => {
                    wait.user = Some(login.user().to_owned());
                    self.waiting(wait, Some(e.problem()));
                }
                Err(e) => return Err(e),
            }
        }
    }
}

fn refused(site: &Site, code: &str) -> SignInError {
    let host = site.host();
    match code {
        "access_denied" => SignInError::Denied { host },
        "disabled" => WordPressError::Forbidden { host }.into(),
        code => SignInError::Refused { host, code: error_code(code) },
    }
}

fn differs(site: &Site) -> SignInError {
    WordPressError::OtherSite { host: site.host() }.into()
}

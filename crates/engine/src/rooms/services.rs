//! Services: taken in, kept, owned, removed.

use super::{Rooms, leaving::Receipt};
use crate::{
    asking::awaited::Matter,
    catalogue::At,
    inner::Inner,
    registry::{Entry, Held},
    rows,
};
use control::{ReceiptView, SectionName};
use model::{CredentialId, Explain, Problem, ServiceId, ShortName};
use signin::{CredentialState, FixedHandle, Leaving, Owner, SignedIn, SignedInKind};
use std::{sync::Arc, time::Duration};
use store::{ServiceMethod, ServiceRow};
use tokio::sync::watch;

/// How long the first look at what services offer waits for the playground, where it is one.
const PLAYGROUND: Duration = Duration::from_secs(5);

impl Rooms {
    pub(super) async fn load_services(self: &Arc<Self>, inner: &Arc<Inner>) -> Result<(), Problem> {
        let kept = self.store.services().await.map_err(|e| e.problem())?;
        let playground = kept.iter().any(|row| is_playground(inner, row));
        for row in kept {
            let credential = match self.store.credential(&row.id).await {
                Ok(None) => Held::None,
                Ok(Some(credential)) => match rows::credential(credential) {
                    Some(credential) => self.own(&row, credential),
                    None => Held::Sealed(unreadable()),
                },
                Err(e) => {
                    tracing::warn!("a credential can't be read: {e}");
                    Held::Sealed(e.problem())
                }
            };
            self.registry.put(Entry { row, credential });
        }
        let (rooms, inner) = (Arc::clone(self), Arc::clone(inner));
        tokio::spawn(async move {
            if playground {
                // First: its sign-in is renewed and its tools are listed from the start, so it has to be there.
                match tokio::time::timeout(PLAYGROUND, inner.playground.url()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(problem)) => tracing::warn!(%problem, "the playground is not there"),
                    Err(_) => tracing::warn!("the playground takes long to start"),
                }
            }
            for entry in rooms.registry.all() {
                let (rooms, inner) = (Arc::clone(&rooms), Arc::clone(&inner));
                tokio::spawn(async move {
                    rooms.relay.recall(&entry.row.id).await;
                    inner.mark(SectionName::Services);
                    inner.mark(SectionName::Requests);
                });
            }
        });
        Ok(())
    }

    /// Hold a credential, and show what becomes of it.
    fn own(self: &Arc<Self>, row: &ServiceRow, credential: signin::Credential) -> Held {
        let clock = Arc::clone(&self.clock);
        match credential {
            signin::Credential::Oauth(credential) => {
                let renews = credential.tokens.refresh.is_some();
                let rows = Arc::new(rows::Credentials(Arc::clone(&self.store)));
                let owner = Owner::spawn(credential, rows, &self.http, clock, Arc::clone(&self.random));
                self.show_states(row.id.clone(), owner.states());
                Held::Owned { owner, renews }
            }
            signin::Credential::Fixed(credential) => {
                let known = credential.needs_sign_in.is_some();
                let handle = FixedHandle::new(credential, crate::sign_ins::host(&row.url), clock);
                self.show_states(row.id.clone(), handle.states());
                if !known {
                    self.write_down_refusal(&handle);
                }
                Held::Fixed(handle)
            }
        }
    }

    /// Write down that a secret is not taken any more, as soon as that is so. A renewed credential's owner does this by
    /// itself; a secret that nothing renews has none.
    fn write_down_refusal(&self, handle: &FixedHandle) {
        let (store, mut states) = (Arc::clone(&self.store), handle.states());
        let (id, generation) = (handle.credential().id.clone(), handle.credential().generation);
        tokio::spawn(async move {
            let code = match states.wait_for(|s| matches!(s, CredentialState::NeedsSignIn { .. })).await {
                Ok(state) => match &*state {
                    CredentialState::NeedsSignIn { problem } => problem.code.to_string(),
                    _ => return,
                },
                // It was replaced or removed.
                Err(_) => return,
            };
            if let Err(e) = store.fixed_needs_sign_in(&id, generation, &code).await {
                tracing::warn!("that a sign-in has ended could not be stored: {e}");
            }
        });
    }

    /// Show a credential's states as they change, and tell the person when only they can help.
    fn show_states(self: &Arc<Self>, service: ServiceId, mut states: watch::Receiver<CredentialState>) {
        let (rooms, inner) = (Arc::downgrade(self), self.inner.clone());
        tokio::spawn(async move {
            let mut needed = matches!(*states.borrow_and_update(), CredentialState::NeedsSignIn { .. });
            while states.changed().await.is_ok() {
                let needs = matches!(*states.borrow_and_update(), CredentialState::NeedsSignIn { .. });
                let (Some(rooms), Some(inner)) = (rooms.upgrade(), inner.upgrade()) else { return };
                inner.mark(SectionName::Services);
                inner.mark(SectionName::Status);
                rooms.sign_in_moved(&service);
                if needs && !needed {
                    rooms.needs_person(&inner, &service);
                }
                needed = needs;
            }
        });
    }

    /// A sign-in has ended for good: the person is told once. The log learns it from the store.
    fn needs_person(&self, inner: &Inner, service: &ServiceId) {
        let Some(entry) = self.registry.get(service) else { return };
        // Where a call met it, that has asked in words of its own.
        if let Some(desktop) =
            inner.desktop.as_ref().filter(|_| !self.awaited.was_asked(&Matter::sign_in(service)))
        {
            desktop.notify(crate::Notice {
                title: format!("{} needs you to sign in again", entry.row.title),
                body: "Nothing is lost. Open Bellhop to sign in.".to_owned(),
                request: None,
            });
        }
    }

    pub(crate) fn new_service_row(
        &self,
        name: ShortName,
        title: String,
        signed_in: &SignedIn,
        catalogue: Option<String>,
    ) -> ServiceRow {
        ServiceRow {
            id: ServiceId::new(&*self.random),
            name,
            title,
            url: signed_in.url.clone(),
            catalogue,
            account: signed_in.account.clone(),
            method: ServiceMethod::None,
            asked: None,
            exceptions: Vec::new(),
            created_on: self.clock.now(),
        }
    }

    /// Keep a service that was just signed in to (while `changing` is held), put it to use, and look at what it offers.
    pub(crate) async fn connect_service(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        mut row: ServiceRow,
        signed_in: SignedIn,
    ) -> Result<ServiceRow, Problem> {
        row.method = match signed_in.method {
            signin::Method::Oauth => ServiceMethod::Oauth,
            signin::Method::Device => ServiceMethod::Device,
            signin::Method::Token => ServiceMethod::Token,
            signin::Method::Password => ServiceMethod::Password,
            signin::Method::None => ServiceMethod::None,
        };
        row.asked = signed_in.asked;
        let first = self.registry.all().is_empty();
        let id = CredentialId::new(&*self.random);
        let credential = match signed_in.kind {
            SignedInKind::Open => None,
            SignedInKind::Oauth(new) => Some(signin::Credential::Oauth(signin::OauthCredential {
                id,
                generation: 1,
                server: new.server,
                registration: new.registration,
                resource: new.resource,
                tokens: new.tokens,
                interrupted: None,
                needs_sign_in: None,
            })),
            SignedInKind::Fixed { secret, page } => {
                Some(signin::Credential::Fixed(signin::FixedCredential {
                    id,
                    generation: 1,
                    secret,
                    page,
                    needs_sign_in: None,
                }))
            }
        };
        let kept = credential.as_ref().map(rows::credential_row);
        let replaced = self.replaced(inner, &row.id, credential.as_ref());
        let receipt = replaced.as_ref().map(|(_, receipt)| receipt.row()).transpose()?;
        // In one transaction: what is to be given back is not forgotten, and nothing is that is still in use.
        let stored = self.store.connect_service(&row, kept.as_ref(), receipt.as_ref()).await;
        stored.map_err(|e| e.problem())?;
        let credential = match credential {
            Some(credential) => self.own(&row, credential),
            None => Held::None,
        };
        self.registry.put(Entry { row: row.clone(), credential });
        if let Some((old, receipt)) = replaced {
            // Nobody waits for that.
            let rooms = Arc::clone(self);
            tokio::spawn(async move {
                rooms.leave(receipt.with_the_last_tokens(&old).await).await;
            });
        }
        self.signed_in_again(&row.id);
        if first {
            self.first_service(inner).await;
        }
        let (relay, id) = (Arc::clone(&self.relay), row.id.clone());
        tokio::spawn(async move {
            if let Err(problem) = relay.refresh_inventory(&id).await {
                tracing::info!(code = %problem.code, "a new service's tools could not be listed yet");
            }
        });
        Ok(row)
    }

    /// Start at login is on after the first Connect, unless the person decided or this is a build from the tree.
    async fn first_service(&self, inner: &Inner) {
        let decided = self.store.setting("autostart_decided").await.ok().flatten().is_some();
        if decided || inner.from_tree {
            return;
        }
        if let Some(desktop) = &inner.desktop
            && desktop.autostart().is_ok()
        {
            if let Err(why) = desktop.set_autostart(true) {
                tracing::warn!("start at login could not be switched on: {why}");
            }
            self.autostart_decided().await;
            inner.mark(SectionName::Settings);
        }
    }

    pub(crate) async fn autostart_decided(&self) {
        if let Err(e) = self.store.set_setting("autostart_decided", Some("1")).await {
            tracing::warn!("a setting could not be stored: {e}");
        }
    }

    /// A receipt for the sign-in of a service that is given up now.
    fn receipt(&self, inner: &Inner, entry: &Entry) -> Receipt {
        let tile = entry.row.catalogue.as_deref().and_then(|id| inner.catalogue.tile(id));
        let by_hand = tile.and_then(|tile| tile.extra.revoke_page.clone());
        let (leaving, page) = match &entry.credential {
            Held::Owned { owner, .. } => (Some(owner.leaving(&entry.row.url)), by_hand),
            Held::Fixed(handle) => {
                let credential = handle.credential();
                let leaving = Leaving::fixed(&entry.row.url, &credential.secret);
                (Some(leaving), credential.page.clone().or(by_hand))
            }
            Held::None | Held::Sealed(_) => (None, by_hand),
        };
        let method = crate::views::method_of(entry.row.method);
        Receipt::new(&entry.row, method, page, leaving, self.clock.now())
    }

    /// The sign-in whose place a new one takes, and its receipt. `None` where there is none, and where the person gave
    /// the same secret again: giving that back would end the new sign-in too.
    fn replaced(
        &self,
        inner: &Inner,
        id: &ServiceId,
        new: Option<&signin::Credential>,
    ) -> Option<(Entry, Receipt)> {
        let old = self.registry.get(id)?;
        let same = match (&old.credential, new) {
            (Held::None, _) => true,
            (Held::Fixed(old), Some(signin::Credential::Fixed(new))) => {
                old.credential().secret.proof().1.expose() == new.secret.proof().1.expose()
            }
            _ => false,
        };
        if same {
            return None;
        }
        let receipt = self.receipt(inner, &old).replaced(CredentialId::new(&*self.random).to_string());
        Some((old, receipt))
    }

    /// Remove a service and its sign-in at once, give the sign-in back, and say how that went so far.
    pub(crate) async fn remove_service(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        id: &ServiceId,
    ) -> Result<ReceiptView, Problem> {
        inner.sign_ins.cancel_service(id);
        let turn = self.changing.lock().await;
        let entry = self.registry.get(id).ok_or_else(crate::commands::unknown_service)?;
        let receipt = self.receipt(inner, &entry);
        // Durable first: what is said to be gone stays gone, and what is to be given back is not forgotten.
        self.store.remove_service(id, Some(&receipt.row()?)).await.map_err(|e| e.problem())?;
        self.registry.remove(id);
        self.connections.take_service(&entry.row.name);
        self.permits.forget_service(&entry.row.name);
        self.sign_in_moved(id);
        drop(turn);
        self.relay.service_removed(id).await;
        let view = self.leave(receipt.with_the_last_tokens(&entry).await).await;
        if is_playground(inner, &entry.row)
            && !self.registry.all().iter().any(|e| is_playground(inner, &e.row))
        {
            inner.playground.stop().await;
        }
        Ok(view)
    }
}

fn unreadable() -> Problem {
    Problem::new(
        "engine.credential_unreadable",
        "What is kept of this sign-in can't be read.",
        "Sign in to the service again.",
    )
}

fn is_playground(inner: &Inner, row: &ServiceRow) -> bool {
    row.catalogue.as_deref().and_then(|id| inner.catalogue.tile(id)).is_some_and(|t| t.at == At::Playground)
}

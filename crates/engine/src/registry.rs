use crate::{catalogue::Catalogue, publisher::Publisher};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use control::SectionName;
use model::{Problem, ServiceId, ShortName};
use relay::{Proof, ProofSource};
use signin::{CredentialHandle, FixedHandle};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::ServiceRow;

/// The services, each with the owner of its credential.
pub(crate) struct Registry {
    publisher: Arc<Publisher>,
    catalogue: Arc<Catalogue>,
    entries: Mutex<BTreeMap<ShortName, Entry>>,
    /// What calls see: made anew with each change, never changed.
    seen: ArcSwap<Vec<Arc<relay::Service>>>,
}

/// A service and, where it has a sign-in, who holds its tokens.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) row: ServiceRow,
    pub(crate) credential: Held,
}

/// What is held for a service.
#[derive(Clone)]
pub(crate) enum Held {
    /// Nothing: it needs nothing, or nobody is signed in.
    None,
    /// A credential, by its owner; and whether it renews itself, so that a token's end is no end of the sign-in.
    Owned { owner: CredentialHandle, renews: bool },
    /// An API token or an application password, which nothing renews.
    Fixed(FixedHandle),
    /// A credential whose secrets don't open. It stays until the person signs in again or removes the service.
    Sealed(Problem),
}

impl Entry {
    /// The permissions that the provider granted: without a word from it those that were asked for (RFC 6749 §5.1).
    /// Nothing for a sign-in that knows none.
    pub(crate) fn granted(&self) -> Vec<String> {
        match &self.credential {
            Held::Owned { owner, .. } => {
                owner.granted().unwrap_or_else(|| self.row.asked.clone().unwrap_or_default())
            }
            Held::None | Held::Fixed(_) | Held::Sealed(_) => Vec::new(),
        }
    }
}

impl Held {
    /// The credential's owner.
    pub(crate) fn owned(self) -> Option<CredentialHandle> {
        match self {
            Self::Owned { owner, .. } => Some(owner),
            Self::None | Self::Fixed(_) | Self::Sealed(_) => None,
        }
    }
}

impl Registry {
    pub(crate) fn new(publisher: Arc<Publisher>, catalogue: Arc<Catalogue>) -> Self {
        Self { publisher, catalogue, entries: Mutex::default(), seen: ArcSwap::from_pointee(Vec::new()) }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<ShortName, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take in a service, or its new credential.
    pub(crate) fn put(&self, entry: Entry) {
        let mut entries = self.entries();
        entries.insert(entry.row.name.clone(), entry);
        self.publish(&entries);
    }

    /// Take a service out.
    pub(crate) fn remove(&self, id: &ServiceId) -> Option<Entry> {
        let mut entries = self.entries();
        let name = entries.values().find(|e| e.row.id == *id)?.row.name.clone();
        let gone = entries.remove(&name);
        self.publish(&entries);
        gone
    }

    fn publish(&self, entries: &BTreeMap<ShortName, Entry>) {
        let tiles = self.catalogue.now();
        let reads = |id: &str| tiles.tile(id).map(|t| t.extra.read_tools.as_slice().into());
        let seen = entries
            .values()
            .map(|e| {
                Arc::new(relay::Service {
                    id: e.row.id.clone(),
                    name: e.row.name.clone(),
                    title: e.row.title.clone(),
                    url: e.row.url.as_str().into(),
                    reads: e.row.catalogue.as_deref().and_then(reads).unwrap_or_else(|| [].into()),
                    proof: match e.credential.clone() {
                        Held::None => None,
                        Held::Owned { owner, .. } => Some(Arc::new(Owned(owner)) as Arc<dyn ProofSource>),
                        Held::Fixed(handle) => Some(Arc::new(Fixed(handle)) as Arc<dyn ProofSource>),
                        Held::Sealed(problem) => Some(Arc::new(Shut(problem)) as Arc<dyn ProofSource>),
                    },
                })
            })
            .collect();
        self.seen.store(Arc::new(seen));
        self.publisher.mark(SectionName::Status);
        self.publisher.mark(SectionName::Services);
        self.publisher.mark(SectionName::Catalogue);
        self.publisher.mark(SectionName::Requests);
    }

    /// All services, by short name.
    pub(crate) fn all(&self) -> Vec<Entry> {
        self.entries().values().cloned().collect()
    }

    pub(crate) fn get(&self, id: &ServiceId) -> Option<Entry> {
        self.entries().values().find(|e| e.row.id == *id).cloned()
    }

    /// The service of that account at that address, if it is there. An account that nobody names may be another one,
    /// and a sign-in is never replaced by a guess; only a service that lets everybody in is the same without a name.
    pub(crate) fn same(&self, url: &str, account: Option<&str>, open: bool) -> Option<Entry> {
        let is = |e: &Entry| match account {
            Some(account) => e.row.account.as_deref() == Some(account),
            None => open && e.row.method == store::ServiceMethod::None,
        };
        self.entries().values().find(|e| e.row.url == url && is(e)).cloned()
    }

    /// `wanted`, or the first of its numbered forms that no service has.
    pub(crate) fn free_name(&self, wanted: &ShortName) -> ShortName {
        let entries = self.entries();
        let taken = |name: &ShortName| entries.contains_key(name);
        if !taken(wanted) {
            return wanted.clone();
        }
        (2..).map(|n| wanted.numbered(n)).find(|n| !taken(n)).unwrap_or_else(|| wanted.clone())
    }
}

impl relay::Access for Registry {
    fn services(&self) -> Arc<Vec<Arc<relay::Service>>> {
        self.seen.load_full()
    }
}

/// A credential's owner, as calls see it.
struct Owned(CredentialHandle);

fn bearer(current: &signin::Current) -> Arc<Proof> {
    let value = signin::bearer(&current.token);
    Arc::new(Proof { header: http::header::AUTHORIZATION, value, generation: current.generation })
}

#[async_trait]
impl ProofSource for Owned {
    fn ready(&self) -> Option<Arc<Proof>> {
        self.0.ready().map(|c| bearer(&c))
    }

    async fn wait(&self) -> Result<Arc<Proof>, Problem> {
        self.0.wait().await.map(|c| bearer(&c))
    }

    async fn refused(&self, generation: u64) -> Result<Arc<Proof>, Problem> {
        self.0.refused(generation).await.map(|c| bearer(&c))
    }

    fn lacks(&self, headers: &http::HeaderMap) -> Option<Vec<String>> {
        signin::wanted_scopes(headers)
    }
}

/// A secret that nothing renews, as calls see it.
struct Fixed(FixedHandle);

impl Fixed {
    fn proof(&self) -> Arc<Proof> {
        let credential = self.0.credential();
        let (header, value) = credential.secret.proof();
        Arc::new(Proof { header, value, generation: credential.generation })
    }
}

#[async_trait]
impl ProofSource for Fixed {
    fn ready(&self) -> Option<Arc<Proof>> {
        self.0.usable().ok().map(|()| self.proof())
    }

    async fn wait(&self) -> Result<Arc<Proof>, Problem> {
        self.0.usable().map(|()| self.proof())
    }

    async fn refused(&self, _generation: u64) -> Result<Arc<Proof>, Problem> {
        self.0.refused().map(|()| self.proof())
    }
}

/// A credential that can't be used, as calls see it.
struct Shut(Problem);

#[async_trait]
impl ProofSource for Shut {
    fn ready(&self) -> Option<Arc<Proof>> {
        None
    }

    async fn wait(&self) -> Result<Arc<Proof>, Problem> {
        Err(self.0.clone())
    }

    async fn refused(&self, _generation: u64) -> Result<Arc<Proof>, Problem> {
        Err(self.0.clone())
    }
}

//! What is done about a sign-in that was given up, because its service was removed or a new one took its place, until
//! it is done; and its receipt.

use super::Rooms;
use crate::registry::{Entry, Held};
use control::{Dead, ReceiptCause, ReceiptStep, ReceiptView, SignInMethod, StepOutcome};
use model::{Explain, Problem, ServiceId, ShortName, Timestamp};
use serde::{Deserialize, Serialize};
use signin::{Leaving, Life, Tried, Way, WayEnd};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use store::{ReceiptRow, ServiceRow};

/// How long a removal waits for what the provider says, before it goes on behind.
const PROMPT: Duration = Duration::from_secs(10);
/// How often the clock is looked at, at least: the computer may sleep.
const TICK: Duration = Duration::from_secs(60);
/// The pause after the first try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// How long a provider that can't be reached is asked again.
const ASKED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long it is looked whether a proof is dead that the provider was told of, or never will be.
const LOOKED: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a sign-in was given up.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cause {
    /// Its service was removed, whose id the receipt has.
    #[default]
    Removed,
    /// A new sign-in to this service took its place.
    Replaced { service: ServiceId },
}

/// What a receipt says, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    cause: Cause,
    name: ShortName,
    title: String,
    account: Option<String>,
    method: SignInMethod,
    /// Where the person can do it by hand.
    page: Option<String>,
    tried: Vec<Tried>,
    life: Life,
    looked_at: Option<Timestamp>,
    tries: u32,
    next_try: Option<Timestamp>,
}

/// A receipt in work.
pub(super) struct Receipt {
    id: String,
    removed_on: Timestamp,
    kept: Kept,
    leaving: Option<Leaving>,
}

impl Receipt {
    /// Of a service that is removed.
    pub(super) fn new(
        row: &ServiceRow,
        method: SignInMethod,
        page: Option<String>,
        leaving: Option<Leaving>,
        now: Timestamp,
    ) -> Self {
        let kept = Kept {
            cause: Cause::Removed,
            name: row.name.clone(),
            title: row.title.clone(),
            account: row.account.clone(),
            method,
            page,
            tried: leaving.as_ref().map(|l| l.untried(now)).unwrap_or_default(),
            life: Life::Unknown,
            looked_at: None,
            tries: 0,
            next_try: leaving.is_some().then_some(now),
        };
        Self { id: row.id.to_string(), removed_on: now, kept, leaving }
    }

    /// The same of a sign-in whose service stays, under an id of its own.
    pub(super) fn replaced(mut self, id: String) -> Self {
        let service = std::mem::replace(&mut self.id, id).into();
        self.kept.cause = Cause::Replaced { service };
        self
    }

    /// The same, once the task that owned the tokens has ended: a renewal that was under way has brought others than
    /// those that were written down.
    pub(super) async fn with_the_last_tokens(mut self, entry: &Entry) -> Self {
        if let Held::Owned { owner, .. } = &entry.credential {
            owner.stop().await;
            self.leaving = Some(owner.leaving(&entry.row.url));
        }
        self
    }

    fn read(row: ReceiptRow) -> Option<Self> {
        let kept = serde_json::from_str(&row.body)
            .inspect_err(|e| tracing::warn!("a receipt can't be read: {e}"))
            .ok()?;
        let leaving = row.pending.as_ref().and_then(Leaving::from_secret);
        Some(Self { id: row.id, removed_on: row.removed_on, kept, leaving })
    }

    pub(super) fn row(&self) -> Result<ReceiptRow, Problem> {
        let body = serde_json::to_string(&self.kept).map_err(|_| crate::commands::broke())?;
        let pending = self.leaving.as_ref().map(Leaving::to_secret);
        Ok(ReceiptRow { id: self.id.clone(), removed_on: self.removed_on, body, pending })
    }

    /// Whether some way worked that ends the whole sign-in.
    fn given_back(&self) -> bool {
        let whole = |t: &Tried| t.way != Way::AccessToken && t.end == WayEnd::Done;
        self.kept.tried.iter().any(whole)
    }

    fn view(&self) -> ReceiptView {
        let kept = &self.kept;
        let mut steps = vec![ReceiptStep {
            what: "local".to_owned(),
            outcome: StepOutcome::Done,
            said: None,
            at: self.removed_on,
        }];
        steps.extend(kept.tried.iter().map(|t| {
            ReceiptStep {
                what: match t.way {
                    Way::RefreshToken => "refresh_token",
                    Way::AccessToken => "access_token",
                    Way::Registration => "registration",
                    Way::Password => "password",
                }
                .to_owned(),
                outcome: match (&t.end, kept.next_try) {
                    (WayEnd::Done, _) => StepOutcome::Done,
                    (WayEnd::Refused, _) => StepOutcome::Refused,
                    (WayEnd::NotOffered, _) => StepOutcome::NotOffered,
                    (WayEnd::Later, Some(next_try)) => StepOutcome::Waiting { next_try },
                    // It was given up.
                    (WayEnd::Later, None) => StepOutcome::Refused,
                },
                said: t.said.clone(),
                at: t.at,
            }
        }));
        if !self.given_back() && kept.method != SignInMethod::None {
            steps.push(ReceiptStep {
                what: "page".to_owned(),
                outcome: StepOutcome::ByHand { page: kept.page.clone() },
                said: None,
                at: self.removed_on,
            });
        }
        let (cause, service) = match &kept.cause {
            Cause::Removed => (ReceiptCause::Removed, self.id.clone().into()),
            Cause::Replaced { service } => (ReceiptCause::Replaced, service.clone()),
        };
        ReceiptView {
            id: self.id.clone(),
            cause,
            service,
            name: kept.name.clone(),
            title: kept.title.clone(),
            account: kept.account.clone(),
            method: kept.method,
            removed_on: self.removed_on,
            steps,
            dead: match (kept.life, kept.looked_at) {
                (Life::Dead, Some(at)) => Dead::SeenDead { at },
                (Life::Alive, _) => Dead::StillAlive,
                _ => Dead::Unknown,
            },
        }
    }

    /// Note how a try went, and when there is another. Nothing secret is kept once there is none.
    fn note(&mut self, tried: Vec<Tried>, life: Life, now: Timestamp) {
        let kept = &mut self.kept;
        kept.tried = tried;
        kept.life = life;
        kept.looked_at = Some(now);
        kept.tries += 1;
        let open = kept.tried.iter().any(|t| t.end == WayEnd::Later);
        let limit = match (open, life) {
            (false, Life::Dead) => Duration::ZERO,
            (true, _) => ASKED,
            (false, _) => LOOKED,
        };
        let pause = FIRST_PAUSE.saturating_mul(1 << (kept.tries - 1).min(10)).min(LONGEST_PAUSE);
        if now.since(self.removed_on) < limit {
            kept.next_try = Some(now + pause);
        } else {
            kept.next_try = None;
            self.leaving = None;
        }
    }
}

impl Rooms {
    /// Go on with what is left to do about sign-ins that were given up, as it was kept. Tried at once: the network may
    /// be another one now.
    pub(super) async fn load_receipts(self: &Arc<Self>) -> Result<(), Problem> {
        for row in self.store.receipts().await.map_err(|e| e.problem())? {
            if row.pending.is_some()
                && let Some(mut receipt) = Receipt::read(row)
            {
                let now = self.clock.now();
                receipt.kept.next_try = receipt.kept.next_try.map(|at| at.min(now));
                tokio::spawn(go_on(Arc::downgrade(self), receipt));
            }
        }
        Ok(())
    }

    /// Do what can be done about a sign-in that was given up, and say how it went so far. The rest is done behind.
    pub(super) async fn leave(self: &Arc<Self>, receipt: Receipt) -> ReceiptView {
        let so_far = receipt.view();
        self.leave_once(receipt).await.unwrap_or(so_far)
    }

    /// The first try, for as long as somebody waits for it.
    async fn leave_once(self: &Arc<Self>, mut receipt: Receipt) -> Option<ReceiptView> {
        receipt.leaving.as_ref()?;
        let rooms = Arc::clone(self);
        let (said, hears) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            rooms.try_to_leave(&mut receipt).await;
            let _ = said.send(receipt.view());
            let weak = Arc::downgrade(&rooms);
            drop(rooms);
            go_on(weak, receipt).await;
        });
        tokio::time::timeout(PROMPT, hears).await.ok()?.ok()
    }

    async fn try_to_leave(&self, receipt: &mut Receipt) {
        let Some(leaving) = &receipt.leaving else { return };
        let tried = leaving.give_back(&self.http, &receipt.kept.tried, || self.clock.now()).await;
        let life = leaving.look(&self.http).await;
        receipt.note(tried, life, self.clock.now());
        let saved = match receipt.row() {
            Ok(row) => self.store.save_receipt(&row).await.map_err(|e| e.problem()),
            Err(problem) => Err(problem),
        };
        if let Err(problem) = saved {
            tracing::warn!(%problem, "a receipt could not be stored");
        }
    }

    /// All receipts, newest first.
    pub(crate) async fn receipts(&self) -> Result<Vec<ReceiptView>, Problem> {
        let rows = self.store.receipts().await.map_err(|e| e.problem())?;
        Ok(rows.into_iter().filter_map(Receipt::read).map(|r| r.view()).collect())
    }
}

/// Try again whenever it is time, until it is done.
async fn go_on(rooms: Weak<Rooms>, mut receipt: Receipt) {
    while let Some(next_try) = receipt.kept.next_try.filter(|_| receipt.leaving.is_some()) {
        let wait = {
            let Some(rooms) = rooms.upgrade() else { return };
            let wait = next_try.since(rooms.clock.now());
            if wait.is_zero() {
                rooms.try_to_leave(&mut receipt).await;
            }
            wait
        };
        tokio::time::sleep(wait.min(TICK)).await;
    }
}

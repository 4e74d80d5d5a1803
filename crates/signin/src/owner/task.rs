use super::{
    handle::{CredentialHandle, Current, Shared},
    problems,
    renewal::{Journal, Landed, Renewal, pause, schedule},
    state::CredentialState,
};
use crate::{CredentialRows, Http, OauthCredential, Refusal, RowsError, moment::Moment};
use arc_swap::{ArcSwap, ArcSwapOption};
use futures_util::future::BoxFuture;
use model::{Clock, Problem, Random};
use std::{ops::ControlFlow, sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot, watch};

/// How often the clocks are looked at, at least: they may jump, and the computer may sleep.
const TICK: Duration = Duration::from_secs(60);
/// The pause between the first `invalid_grant` and the second look. Some providers say it for any hiccup.
const SECOND_LOOK: Duration = Duration::from_secs(10);
/// The pause after an answer got lost: promptly, as some servers keep the last answer for a moment.
const LOST_ANSWER: Duration = Duration::from_secs(1);
/// A service that refuses each new token gets one in this time.
const FORCED: Duration = Duration::from_secs(60);
/// Servers say how long a token lives in whole seconds, and mean up to one less.
const ROUNDING: Duration = Duration::from_secs(1);
/// How long a renewal under way may take once Bellhop quits.
const DRAIN: Duration = Duration::from_secs(5);

type Reply = oneshot::Sender<Result<Arc<Current>, Problem>>;

/// What a handle asks its task for.
pub(super) enum Ask {
    Wait { reply: Reply },
    Refused { generation: u64, reply: Reply },
    Stop { reply: oneshot::Sender<()> },
}

/// What the task is about.
enum Work {
    /// All is well until then.
    Rest { renew_at: Option<Moment> },
    /// A renewal runs.
    Flight { landing: BoxFuture<'static, Landed>, trust: Trust, failures: u32 },
    /// One failed, and is tried again.
    Pause {
        next_try: Moment,
        /// From when on somebody who needs a token has it tried at once.
        on_demand: Moment,
        problem: Problem,
        trust: Trust,
        failures: u32,
    },
    /// Only the person can help.
    Over { problem: Problem },
}

/// What a first `invalid_grant` would mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Perhaps a hiccup: there will be a second look.
    Good,
    /// It is the second look.
    Doubted,
    /// The server said that it does not know our registration: said again, that is believed.
    Unknown,
    /// A crash came between a renewal and its storing: the stored refresh token may be used up, and is tried once.
    Interrupted,
}

/// Whether the newest tokens are stored.
enum Saved {
    Yes,
    No { next_try: Moment, problem: Problem, failures: u32 },
}

/// The task that owns a credential's tokens. It alone renews and stores them.
pub struct Owner {
    shared: Arc<Shared>,
    rows: Arc<dyn CredentialRows>,
    random: Arc<dyn Random>,
    asks: mpsc::UnboundedReceiver<Ask>,
    /// The generation that is stored.
    row: u64,
    /// The generation that is handed out. Ahead of `row` while something could not be stored.
    generation: u64,
    work: Work,
    saved: Saved,
    /// Who waits for the renewal under way.
    waiting: Vec<Reply>,
    /// Until when a refused token is not renewed again.
    forced: Option<Moment>,
    tick: Duration,
    host: String,
}

impl Owner {
    /// Start the task of a credential. Needs a Tokio runtime. The credential may be as old as it likes: what is
    /// due is done first.
    pub fn spawn(
        credential: OauthCredential,
        rows: Arc<dyn CredentialRows>,
        http: &Http,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> CredentialHandle {
        Self::spawn_ticking(credential, rows, http, clock, random, TICK)
    }

    /// The same, looking at the clocks as often as a test that moves them needs.
    pub(crate) fn spawn_ticking(
        credential: OauthCredential,
        rows: Arc<dyn CredentialRows>,
        http: &Http,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        tick: Duration,
    ) -> CredentialHandle {
        let OauthCredential {
            id,
            generation,
            server,
            registration,
            resource,
            tokens,
            interrupted,
            needs_sign_in,
        } = credential;
        let host = crate::address::check_address(&server.issuer)
            .map_or_else(|_| server.issuer.clone(), |url| crate::address::host(&url));
        let (renew_at, ends) = schedule(&tokens, &*clock, &*random);
        let work = match needs_sign_in {
            Some(code) => Work::Over { problem: problems::needs_sign_in(&code, &host) },
            None if interrupted.is_some() && tokens.refresh.is_some() => {
                let now = Moment::after(&*clock, Duration::ZERO);
                let problem = problems::renewal_failed(&host);
                Work::Pause { next_try: now, on_demand: now, problem, trust: Trust::Interrupted, failures: 0 }
            }
            None => Work::Rest { renew_at: renew_at.filter(|_| tokens.refresh.is_some()) },
        };
        let current = match work {
            Work::Over { .. } => None,
            _ => Some(Arc::new(Current { token: tokens.access.clone(), generation, ends })),
        };
        let shared = Arc::new(Shared {
            id,
            server,
            registration,
            resource,
            http: http.clone(),
            clock,
            current: ArcSwapOption::new(current),
            newest: ArcSwap::from_pointee(tokens),
            state: watch::channel(CredentialState::Refreshing).0,
        });
        let (sender, asks) = mpsc::unbounded_channel();
        let owner = Self {
            shared: shared.clone(),
            rows,
            random,
            asks,
            row: generation,
            generation,
            work,
            saved: Saved::Yes,
            waiting: Vec::new(),
            forced: None,
            tick,
            host,
        };
        owner.say();
        tokio::spawn(owner.run());
        CredentialHandle { shared, asks: sender }
    }

    async fn run(mut self) {
        let quit = loop {
            if self.do_what_is_due().await.is_break() {
                break None;
            }
            self.say();
            let nap = self.nap();
            let go_on = tokio::select! {
                biased;
                landed = landing(&mut self.work) => self.land(landed).await,
                ask = self.asks.recv() => match ask {
                    Some(Ask::Wait { reply }) => self.wait(reply),
                    Some(Ask::Refused { generation, reply }) => self.refused(generation, reply),
                    Some(Ask::Stop { reply }) => break Some(reply),
                    None => break None,
                },
                () = tokio::time::sleep(nap) => ControlFlow::Continue(()),
            };
            if go_on.is_break() {
                break None;
            }
        };
        if tokio::time::timeout(DRAIN, self.drain()).await.is_err() {
            tracing::warn!(credential = %self.shared.id, "quit while the sign-in was being renewed");
        }
        self.shared.current.store(None);
        self.shared.state.send_replace(CredentialState::Stopped);
        if let Some(reply) = quit {
            let _ = reply.send(());
        }
    }

    /// Let a renewal under way arrive, and store what is not stored.
    async fn drain(&mut self) {
        if let Work::Flight { landing, .. } = &mut self.work {
            let landed = landing.await;
            let _ = self.land(landed).await;
        }
        if matches!(self.saved, Saved::No { .. }) {
            let _ = self.save().await;
        }
    }

    async fn do_what_is_due(&mut self) -> ControlFlow<()> {
        let clock = self.shared.clock.clone();
        // A renewal under way stores its own tokens, over the ones that are not stored.
        if let Saved::No { next_try, .. } = &self.saved
            && next_try.passed(&*clock)
            && !matches!(self.work, Work::Flight { .. })
        {
            self.save().await?;
        }
        match &self.work {
            Work::Rest { renew_at: Some(at) } if at.passed(&*clock) => self.renew(Trust::Good, 0),
            Work::Pause { next_try, trust, failures, .. } if next_try.passed(&*clock) => {
                let (trust, failures) = (*trust, *failures);
                self.renew(trust, failures);
            }
            Work::Rest { .. } if !self.renewable() && self.ended() => self.over(problems::EXPIRED).await?,
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// How long nothing is due.
    fn nap(&self) -> Duration {
        let ends = self.shared.current.load().as_ref().and_then(|c| c.ends);
        let work = match &self.work {
            // A token that ends before its renewal is due is renewed when somebody needs it.
            Work::Rest { renew_at } => renew_at.or(ends),
            Work::Pause { next_try, .. } => Some(*next_try),
            Work::Flight { .. } | Work::Over { .. } => None,
        };
        let save = match &self.saved {
            Saved::No { next_try, .. } if !matches!(self.work, Work::Flight { .. }) => Some(*next_try),
            _ => None,
        };
        let left = work.into_iter().chain(save).map(|m| m.left(&*self.shared.clock)).min();
        left.unwrap_or(self.tick).min(self.tick)
    }

    fn renewable(&self) -> bool {
        self.shared.newest.load().refresh.is_some()
    }

    fn ended(&self) -> bool {
        let current = self.shared.current.load();
        current.as_ref().and_then(|c| c.ends).is_some_and(|ends| ends.passed(&*self.shared.clock))
    }

    fn usable(&self) -> Option<Arc<Current>> {
        self.shared.current.load_full().filter(|c| c.usable(&*self.shared.clock))
    }

    /// Somebody needs a token.
    fn wait(&mut self, reply: Reply) -> ControlFlow<()> {
        if let Some(current) = self.usable() {
            let _ = reply.send(Ok(current));
            return ControlFlow::Continue(());
        }
        match &self.work {
            Work::Rest { .. } if self.renewable() => self.renew(Trust::Good, 0),
            // It has ended by now, which is what is done next.
            Work::Rest { .. } | Work::Flight { .. } => {}
            // The second look is near, and decides.
            Work::Pause { trust: Trust::Doubted, .. } => {}
            Work::Pause { on_demand, trust, failures, .. } if on_demand.passed(&*self.shared.clock) => {
                let (trust, failures) = (*trust, *failures);
                self.renew(trust, failures);
            }
            Work::Pause { problem, .. } | Work::Over { problem } => {
                let _ = reply.send(Err(problem.clone()));
                return ControlFlow::Continue(());
            }
        }
        self.waiting.push(reply);
        ControlFlow::Continue(())
    }

    /// The service refused a token.
    fn refused(&mut self, generation: u64, reply: Reply) -> ControlFlow<()> {
        if generation < self.generation {
            return self.wait(reply);
        }
        if matches!(self.work, Work::Flight { .. } | Work::Over { .. }) {
            // If another is on its way, this one is handed out no more until then.
            self.shared.current.store(None);
            return self.wait(reply);
        }
        // Refused at its very end, it has simply ended: that is no sign of a service that refuses every token.
        let at_its_end = {
            let current = self.shared.current.load();
            let ends = current.as_ref().and_then(|c| c.ends);
            ends.is_some_and(|ends| ends.left(&*self.shared.clock) <= ROUNDING)
        };
        if at_its_end && self.renewable() {
            self.shared.current.store(None);
            return self.wait(reply);
        }
        if self.forced.is_some_and(|until| !until.passed(&*self.shared.clock)) {
            let _ = reply.send(Err(problems::refused_again(&self.host)));
            return ControlFlow::Continue(());
        }
        self.shared.current.store(None);
        if self.renewable() {
            self.forced = Some(Moment::after(&*self.shared.clock, FORCED));
            return self.wait(reply);
        }
        // Nothing can renew it. That is not written down, so that a restart gives a mere hiccup another chance.
        let problem = problems::needs_sign_in(problems::REFUSED, &self.host);
        let _ = reply.send(Err(problem.clone()));
        self.work = Work::Over { problem };
        ControlFlow::Continue(())
    }

    /// Begin a renewal.
    fn renew(&mut self, trust: Trust, failures: u32) {
        let renewal = Renewal {
            shared: self.shared.clone(),
            rows: self.rows.clone(),
            random: self.random.clone(),
            web: self.shared.http.known(),
            tokens: self.shared.newest.load_full(),
            row: self.row,
            journal: match self.saved {
                Saved::Yes => Journal::Keep,
                Saved::No { .. } => Journal::Skip,
            },
        };
        self.work = Work::Flight { landing: Box::pin(renewal.run()), trust, failures };
    }

    /// A renewal has ended.
    async fn land(&mut self, landed: Landed) -> ControlFlow<()> {
        let (trust, failures) = match std::mem::replace(&mut self.work, Work::Rest { renew_at: None }) {
            Work::Flight { trust, failures, .. } => (trust, failures + 1),
            _ => (Trust::Good, 1),
        };
        let clock = self.shared.clock.clone();
        let soon = |wait| Moment::after(&*clock, wait);
        let (problem, (next, on_demand)) = match landed {
            Landed::Renewed { tokens, ends, renew_at, stored } => {
                self.generation += 1;
                let current =
                    Arc::new(Current { token: tokens.access.clone(), generation: self.generation, ends });
                self.shared.newest.store(Arc::new(tokens));
                self.shared.current.store(Some(current));
                self.work = Work::Rest { renew_at };
                self.stored(stored)?;
                if let Some(current) = self.usable() {
                    for reply in self.waiting.drain(..) {
                        let _ = reply.send(Ok(current.clone()));
                    }
                }
                return ControlFlow::Continue(());
            }
            Landed::Refused(Refusal::InvalidGrant) if matches!(trust, Trust::Good | Trust::Unknown) => {
                let problem = problems::doubted(&self.host);
                let next_try = soon(SECOND_LOOK);
                self.work =
                    Work::Pause { next_try, on_demand: next_try, problem, trust: Trust::Doubted, failures };
                return ControlFlow::Continue(());
            }
            Landed::Refused(Refusal::InvalidGrant) => {
                let interrupted = trust == Trust::Interrupted;
                return self.over(if interrupted { problems::INTERRUPTED } else { problems::REVOKED }).await;
            }
            Landed::Refused(Refusal::InvalidClient) if trust != Trust::Unknown => {
                let problem = problems::renewal_refused(&Refusal::InvalidClient, &self.host);
                let next_try = soon(SECOND_LOOK);
                self.fail(&problem);
                self.work =
                    Work::Pause { next_try, on_demand: next_try, problem, trust: Trust::Unknown, failures };
                return ControlFlow::Continue(());
            }
            // A refresh token belongs to its registration: with the latter gone, a new registration needs a new
            // sign-in, which makes one.
            Landed::Refused(Refusal::InvalidClient) => return self.over(problems::UNREGISTERED).await,
            Landed::Refused(refusal) => {
                (problems::renewal_refused(&refusal, &self.host), pause(failures, None, &*self.random))
            }
            Landed::Later { retry_after, why } => {
                tracing::info!(credential = %self.shared.id, "not renewed: {why}");
                (problems::renewal_failed(&self.host), pause(failures, retry_after, &*self.random))
            }
            Landed::Unanswered(e) => {
                tracing::info!(credential = %self.shared.id, "not renewed: {e}");
                let lost = failures == 1 && !e.nothing_sent();
                let pause =
                    if lost { (LOST_ANSWER, LOST_ANSWER) } else { pause(failures, None, &*self.random) };
                (problems::unanswered(&e, &self.host), pause)
            }
            Landed::NotBegun(RowsError::Superseded) => return ControlFlow::Break(()),
            Landed::NotBegun(e) => {
                (problems::unprepared(&e, &self.host), pause(failures, None, &*self.random))
            }
        };
        self.work = Work::Pause {
            next_try: soon(next),
            on_demand: soon(on_demand),
            problem: problem.clone(),
            trust,
            failures,
        };
        self.fail(&problem);
        ControlFlow::Continue(())
    }

    /// Tell those who wait that there is nothing.
    fn fail(&mut self, problem: &Problem) {
        for reply in self.waiting.drain(..) {
            let _ = reply.send(Err(problem.clone()));
        }
    }

    /// The person has to sign in again. Nothing is deleted.
    async fn over(&mut self, code: &'static str) -> ControlFlow<()> {
        self.shared.current.store(None);
        let problem = problems::needs_sign_in(code, &self.host);
        self.work = Work::Over { problem: problem.clone() };
        // Said first: whoever hears the problem looks whether the person could help.
        self.say();
        self.fail(&problem);
        match self.rows.needs_sign_in(&self.shared.id, self.row, code).await {
            Err(RowsError::Superseded) => ControlFlow::Break(()),
            Err(e) => {
                // A restart will find out again.
                tracing::warn!(credential = %self.shared.id, "{e}");
                ControlFlow::Continue(())
            }
            Ok(()) => ControlFlow::Continue(()),
        }
    }

    /// Store the newest tokens.
    async fn save(&mut self) -> ControlFlow<()> {
        let tokens = self.shared.newest.load_full();
        let stored = self.rows.commit_refresh(&self.shared.id, self.row, &tokens).await;
        self.stored(stored)
    }

    /// The newest tokens were stored, or not.
    fn stored(&mut self, stored: Result<u64, RowsError>) -> ControlFlow<()> {
        self.saved = match stored {
            Ok(row) => {
                self.row = row;
                // In step again, but never back: a generation that was handed out keeps its meaning.
                self.generation = self.generation.max(row);
                Saved::Yes
            }
            Err(RowsError::Superseded) => return ControlFlow::Break(()),
            Err(e) => {
                tracing::warn!(credential = %self.shared.id, "{e}");
                let failures = match &self.saved {
                    Saved::No { failures, .. } => failures + 1,
                    Saved::Yes => 1,
                };
                let (wait, _) = pause(failures, None, &*self.random);
                let problem = problems::unsaved(&e, &self.host);
                Saved::No { next_try: Moment::after(&*self.shared.clock, wait), problem, failures }
            }
        };
        ControlFlow::Continue(())
    }

    /// Say how the credential is, if that has changed.
    fn say(&self) {
        let until = self.shared.current.load().as_ref().and_then(|c| c.ends).map(|m| m.wall);
        let state = match (&self.work, &self.saved) {
            (Work::Rest { .. }, Saved::Yes) => CredentialState::Ready { until },
            (Work::Rest { .. }, Saved::No { problem, next_try, .. }) => {
                CredentialState::Unsaved { until, problem: problem.clone(), next_try: next_try.wall }
            }
            (Work::Flight { .. }, _) => CredentialState::Refreshing,
            (Work::Pause { problem, next_try, .. }, _) => {
                CredentialState::Degraded { problem: problem.clone(), next_try: next_try.wall }
            }
            (Work::Over { problem }, _) => CredentialState::NeedsSignIn { problem: problem.clone() },
        };
        self.shared.state.send_if_modified(|old| {
            let changed = *old != state;
            *old = state;
            changed
        });
    }
}

/// The end of the renewal under way; never, if there is none.
async fn landing(work: &mut Work) -> Landed {
    match work {
        Work::Flight { landing, .. } => landing.await,
        _ => std::future::pending().await,
    }
}

//! Which calls wait for a sign-in, and for how long nobody asks for it again.

use super::{End, Ending};
use model::{Clock, ConnectionId, Problem, ServiceId};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How long the person is not brought the same question again, when they neither sign in nor decline.
const AGAIN: Duration = Duration::from_secs(10 * 60);
/// How long nobody is asked after the person declined.
const DECLINED: Duration = Duration::from_secs(10 * 60);
/// How long nobody is asked for a permission after a sign-in that did not bring it: the provider does not give it, or
/// the person took it out.
const NOT_GRANTED: Duration = Duration::from_secs(60 * 60);
/// How often within [`TRIES_WITHIN`] calls may have the person sign in for more permissions: a service that wants
/// another one each time is not to wear them out.
const MAX_TRIES: usize = 3;
const TRIES_WITHIN: Duration = Duration::from_secs(60 * 60);
/// How many permissions of one service are asked for at once. They stand in the address of the sign-in page, which has
/// an end; some services have one for each object.
const MAX_WANTED: usize = 50;

/// What a call waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Matter {
    pub(super) service: ServiceId,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    SignIn,
    Permissions,
}

impl Matter {
    /// That somebody is signed in.
    pub(crate) fn sign_in(service: &ServiceId) -> Self {
        Self { service: service.clone(), what: What::SignIn }
    }

    /// That the provider allows more.
    pub(crate) fn permissions(service: &ServiceId) -> Self {
        Self { service: service.clone(), what: What::Permissions }
    }
}

/// The services whose sign-in calls wait for.
pub(crate) struct Awaited {
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    questions: HashMap<Matter, Question>,
    /// Until when, by the boot clock, nobody is asked after a decline.
    declined: HashMap<Matter, Duration>,
    /// Until when, by the boot clock, nobody is asked for a permission that a sign-in did not bring.
    not_granted: HashMap<ServiceId, HashMap<String, Duration>>,
    /// When, by the boot clock, the person signed in because a call waited for more permissions.
    widened: HashMap<ServiceId, Vec<Duration>>,
    /// The number of the next call that waits.
    next: u64,
}

/// One question, however many calls wait for its answer. It outlives them: the person may sign in later.
struct Question {
    /// When the person was last brought it, by the boot clock.
    asked: Duration,
    calls: Vec<Call>,
    /// The permissions that the service wants, of all calls together, those that have given up too.
    wanted: BTreeSet<String>,
}

/// A call that waits.
struct Call {
    number: u64,
    connection: ConnectionId,
    /// The permissions that it needs itself.
    wanted: Vec<String>,
    end: watch::Sender<End>,
}

impl Awaited {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, table: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the person has not just declined.
    pub(super) fn can_be_asked(&self, matter: &Matter) -> bool {
        let now = self.clock.since_boot();
        self.table().declined.get(matter).is_none_or(|until| now >= *until)
    }

    /// Whether the person may be asked for these permissions: they have not just declined, no sign-in came without one
    /// of them lately, and they were not asked too often.
    pub(super) fn can_be_asked_for(&self, service: &ServiceId, lacking: &[String]) -> bool {
        if !self.can_be_asked(&Matter::permissions(service)) {
            return false;
        }
        let now = self.clock.since_boot();
        let table = self.table();
        let tries = table.widened.get(service);
        let tries = tries.map_or(0, |all| all.iter().filter(|at| now < **at + TRIES_WITHIN).count());
        let refused = table.not_granted.get(service);
        let refused = |one: &String| refused.and_then(|r| r.get(one)).is_some_and(|until| now < *until);
        tries < MAX_TRIES && !lacking.iter().any(refused)
    }

    /// Whether a call has brought this before the person lately.
    pub(crate) fn was_asked(&self, matter: &Matter) -> bool {
        self.table().questions.contains_key(matter)
    }

    /// Let a call wait: its number, how it ends, and whether the person has to be asked for it.
    pub(super) fn wait(
        &self,
        matter: &Matter,
        connection: &ConnectionId,
        wanted: Vec<String>,
    ) -> (u64, Ending, bool) {
        let now = self.clock.since_boot();
        let mut table = self.table();
        let number = table.next;
        table.next += 1;
        let mut ask = false;
        let question = table.questions.entry(matter.clone()).or_insert_with(|| {
            ask = true;
            Question { asked: now, calls: Vec::new(), wanted: BTreeSet::new() }
        });
        if now >= question.asked + AGAIN {
            question.asked = now;
            ask = true;
        }
        for one in &wanted {
            if question.wanted.len() < MAX_WANTED {
                question.wanted.insert(one.clone());
            }
        }
        let (end, ending) = watch::channel(None);
        question.calls.push(Call { number, connection: connection.clone(), wanted, end });
        (number, ending, ask)
    }

    /// A call waits no longer.
    pub(super) fn leave(&self, matter: &Matter, number: u64) {
        if let Some(question) = self.table().questions.get_mut(matter) {
            question.calls.retain(|call| call.number != number);
        }
    }

    /// The question is answered, for all calls alike.
    pub(super) fn settle(&self, matter: &Matter, end: Result<(), Problem>) {
        let mut table = self.table();
        if end.is_ok() {
            table.declined.remove(matter);
        }
        for call in table.questions.remove(matter).map(|q| q.calls).unwrap_or_default() {
            call.end.send_replace(Some(end.clone()));
        }
    }

    /// The question is answered with no, and is not brought up again for a while.
    pub(super) fn decline(&self, matter: &Matter, problem: Problem) {
        let until = self.clock.since_boot() + DECLINED;
        self.table().declined.insert(matter.clone(), until);
        self.settle(matter, Err(problem));
    }

    /// The provider has granted this: calls that need no more go on.
    pub(super) fn granted(&self, service: &ServiceId, granted: &[String]) {
        let (now, matter) = (self.clock.since_boot(), Matter::permissions(service));
        let mut table = self.table();
        let Some(question) = table.questions.get_mut(&matter) else { return };
        let before = question.wanted.len();
        question.wanted.retain(|one| !granted.contains(one));
        let left = question.wanted.len();
        question.calls.retain(|call| {
            let met = call.wanted.iter().all(|one| granted.contains(one));
            if met {
                call.end.send_replace(Some(Ok(())));
            }
            !met
        });
        if left == 0 && question.calls.is_empty() {
            table.questions.remove(&matter);
        }
        if left < before {
            table.declined.remove(&matter);
            let widened = table.widened.entry(service.clone()).or_default();
            widened.retain(|at| now < *at + TRIES_WITHIN);
            widened.push(now);
        }
    }

    /// A new sign-in came without what is still wanted. Calls that need it end, and nobody is asked for it for an hour:
    /// else each call would have the person sign in again, for nothing.
    pub(super) fn not_granted(&self, service: &ServiceId, problem: &Problem) {
        let now = self.clock.since_boot();
        let mut table = self.table();
        let Some(question) = table.questions.remove(&Matter::permissions(service)) else { return };
        let refused = table.not_granted.entry(service.clone()).or_default();
        refused.retain(|_, until| now < *until);
        refused.extend(question.wanted.into_iter().map(|one| (one, now + NOT_GRANTED)));
        for call in question.calls {
            call.end.send_replace(Some(Err(problem.clone())));
        }
    }

    /// Whose calls wait for this service, each once.
    pub(crate) fn connections(&self, service: &ServiceId) -> Vec<ConnectionId> {
        let table = self.table();
        let questions = table.questions.iter().filter(|(matter, _)| matter.service == *service);
        let calls = questions.flat_map(|(_, question)| &question.calls);
        let all: BTreeSet<_> = calls.map(|call| call.connection.clone()).collect();
        all.into_iter().collect()
    }

    /// The permissions that this service wants.
    pub(crate) fn wanted(&self, service: &ServiceId) -> Vec<String> {
        let table = self.table();
        let question = table.questions.get(&Matter::permissions(service));
        question.map(|q| q.wanted.iter().cloned().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ManualClock, Timestamp};

    fn scopes(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    struct Case {
        clock: Arc<ManualClock>,
        awaited: Awaited,
        service: ServiceId,
    }

    impl Case {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
            Self { awaited: Awaited::new(clock.clone()), clock, service: "mittwald".into() }
        }

        fn wait(&self, connection: &str, wanted: &str) -> Ending {
            let matter = Matter::permissions(&self.service);
            self.awaited.wait(&matter, &connection.into(), scopes(wanted)).1
        }

        fn may_ask(&self, lacking: &str) -> bool {
            self.awaited.can_be_asked_for(&self.service, &scopes(lacking))
        }

        fn refuse(&self) {
            self.awaited.not_granted(&self.service, &Problem::new("no", "No.", ""));
        }
    }

    fn ok(end: &Ending) -> Option<bool> {
        end.borrow().as_ref().map(Result::is_ok)
    }

    #[test]
    fn each_call_goes_on_with_what_it_needs_itself_and_only_what_did_not_come_is_not_asked_for_again() {
        let case = Case::new();
        let (one, both) = (case.wait("a", "write"), case.wait("b", "write admin"));
        case.awaited.granted(&case.service, &scopes("read write"));
        assert_eq!((ok(&one), ok(&both)), (Some(true), None));
        assert_eq!(case.awaited.wanted(&case.service), ["admin"]);
        assert_eq!(case.awaited.connections(&case.service), ["b".into()]);
        case.refuse();
        assert_eq!((ok(&both), case.awaited.wanted(&case.service).len()), (Some(false), 0));
        assert!(!case.may_ask("admin") && !case.may_ask("delete admin"));
        assert!(case.may_ask("delete"));
        case.clock.advance(NOT_GRANTED);
        assert!(case.may_ask("admin"));
    }

    #[test]
    fn a_service_that_wants_another_permission_each_time_has_the_person_asked_three_times_an_hour() {
        let case = Case::new();
        let mut granted = Vec::new();
        for one in ["a", "b", "c"] {
            assert!(case.may_ask(one));
            let end = case.wait("app", one);
            granted.push(one.to_owned());
            case.awaited.granted(&case.service, &granted);
            assert_eq!(ok(&end), Some(true));
        }
        assert!(!case.may_ask("d"));
        // A renewal that changes nothing is no sign-in for more.
        case.clock.advance(TRIES_WITHIN);
        case.awaited.granted(&case.service, &granted);
        assert!(case.may_ask("d"));
    }

    #[test]
    fn a_service_with_a_permission_for_each_object_has_no_more_asked_for_than_an_address_holds() {
        let case = Case::new();
        for number in 0..2 * MAX_WANTED {
            case.wait("app", &format!("file:{number}:read"));
        }
        assert_eq!(case.awaited.wanted(&case.service).len(), MAX_WANTED);
    }

    #[test]
    fn a_person_who_declines_is_not_asked_for_ten_minutes() {
        let case = Case::new();
        let end = case.wait("app", "write");
        case.awaited.decline(&Matter::permissions(&case.service), Problem::new("no", "No.", ""));
        assert_eq!((ok(&end), case.may_ask("write")), (Some(false), false));
        case.clock.advance(DECLINED);
        assert!(case.may_ask("write"));
    }
}

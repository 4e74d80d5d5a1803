use super::*;
use crate::asking::wish::LONGEST;
use model::Program;
use model::{ManualClock, SystemRandom};

fn permits() -> (Arc<ManualClock>, Permits) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000_000)));
    let permits = Permits::new(Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(SystemRandom));
    (clock, permits)
}

fn wish(connection: &str, permit: &str) -> Wish {
    Wish {
        id: RequestId::from(""),
        snapshot: String::new(),
        connection: connection.into(),
        app: "Cursor".into(),
        computer: "laptop".into(),
        method: control::Method::Oauth,
        program: None,
        permit: permit.parse().unwrap(),
        title: "Shop".into(),
        tool: Some("write".into()),
        asked_on: Timestamp::default(),
        until: Timestamp::default(),
    }
}

fn may(permits: &Permits, connection: &str, permit: &str) -> bool {
    permits.can_be_asked(&connection.into(), &permit.parse().unwrap())
}

#[test]
fn a_connection_asks_one_thing_at_a_time_and_the_same_is_joined() {
    let (_, permits) = permits();
    let (first, put) = permits.join(wish("a", "shop:write")).unwrap();
    let id = put.unwrap();
    let (again, none) = permits.join(wish("a", "shop:write")).unwrap();
    assert_eq!(none, None);
    assert!(may(&permits, "a", "shop:write") && !may(&permits, "a", "blog:write"));
    assert!(permits.join(wish("a", "blog:write")).is_err());
    assert!(may(&permits, "b", "blog:write"), "another connection has a question of its own");
    permits.allowed(&permits.find(&id).unwrap());
    assert!([first, again].iter().all(|end| *end.borrow() == Some(Ok(()))));
    assert!(permits.find(&id).is_none());
}

#[test]
fn after_a_no_the_same_is_not_asked_for_ten_minutes_or_until_something_is_allowed() {
    let (clock, permits) = permits();
    let deny = || {
        let (end, id) = permits.join(wish("a", "shop:write")).unwrap();
        permits.deny(&id.unwrap()).unwrap();
        let problem = end.borrow().clone().unwrap().unwrap_err();
        assert_eq!(problem.code, "engine.more_denied");
    };
    deny();
    assert!(!may(&permits, "a", "shop:write") && may(&permits, "a", "blog:write"));
    assert!(permits.join(wish("a", "shop:write")).is_err());
    clock.advance(DENIED);
    assert!(may(&permits, "a", "shop:write"));
    deny();
    let (_, id) = permits.join(wish("a", "blog:write")).unwrap();
    permits.allowed(&permits.find(&id.unwrap()).unwrap());
    assert!(may(&permits, "a", "shop:write"));
}

#[test]
fn a_question_that_nobody_answers_ends_after_ten_minutes() {
    let (clock, permits) = permits();
    let (end, id) = permits.join(wish("a", "shop:write")).unwrap();
    clock.set_wall(Timestamp::from_millis(0));
    clock.advance(WAIT);
    assert!(permits.deny(&id.unwrap()).is_none());
    assert_eq!(end.borrow().clone().unwrap().unwrap_err().code, "engine.more_unanswered");
    assert!(permits.shown().borrow().is_empty());
}

#[test]
fn a_snapshot_changes_with_anything_the_person_is_shown() {
    let changes: [fn(&mut Wish); 10] = [
        |w| w.id = "s".into(),
        |w| w.connection = "b".into(),
        |w| w.app = "Codex".into(),
        |w| w.computer = "desk".into(),
        |w| w.method = control::Method::Bridge,
        |w| w.program = Some(Program { pid: 1, identity: "/a".into(), name: "a".into() }),
        |w| w.permit = "shop:read".parse().unwrap(),
        |w| w.title = "Blog".into(),
        |w| w.tool = None,
        |w| w.until = Timestamp::from_millis(1),
    ];
    let mut seen = std::collections::HashSet::from([wish("a", "shop:write").sealed().snapshot]);
    for change in changes {
        let mut changed = wish("a", "shop:write");
        change(&mut changed);
        assert!(seen.insert(changed.sealed().snapshot));
    }
}

#[test]
fn a_tools_name_is_shown_without_what_could_deceive() {
    assert_eq!(plain("write_note\u{202e}\n\u{1b}[31m"), "write_note31m");
    assert_eq!(plain(&"x".repeat(300)).len(), LONGEST);
}

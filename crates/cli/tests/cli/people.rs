//! `approve` and `deny`: what takes a person.

use crate::{faces::Faces, program::Place, views};
use control::{Answer, Ask, Proof, Query, Section};
use model::Problem;

fn sections(desktop: bool) -> Vec<Section> {
    vec![Section::Status(views::status(desktop)), views::requests()]
}

#[tokio::test]
async fn without_a_desktop_the_pin_comes_first_and_then_what_was_shown_is_approved() {
    for code in ["TIN OAK 7", "tinoak7", "tin-oak-7", "aaaa1111"] {
        let place = Place::new();
        let engine = Faces::still(&place.home, sections(false));
        let ran = place.run(&["approve", code], "2468\n").await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(engine.asked(), ["pin 2468", "approve aaaa1111bbbb hash-of-aaaa1111bbbb playground:read"]);
        assert!(ran.err.contains("Cursor (not verified), started from cursor"), "{ran:?}");
        assert!(!ran.err.contains("2468"));
    }
}

#[tokio::test]
async fn a_scope_that_is_named_is_the_one_that_is_approved() {
    let place = Place::new();
    let engine = Faces::still(&place.home, sections(false));
    let args = ["approve", "TIN OAK 7", "--scope", "blog:read", "--scope", "playground:write"];
    assert_eq!(place.run(&args, "2468").await.code, Some(0));
    assert_eq!(engine.asked()[1], "approve aaaa1111bbbb hash-of-aaaa1111bbbb blog:read playground:write");
}

#[tokio::test]
async fn a_wrong_or_missing_pin_approves_nothing() {
    let place = Place::new();
    let engine = Faces::start(
        &place.home,
        sections(false),
        Box::new(|ask| match ask {
            Ask::Prove(Proof::Pin { .. }) => {
                Some(Err(Problem::new("engine.pin_wrong", "That is not the PIN.", "Try again.")))
            }
            _ => None,
        }),
    );
    let ran = place.run(&["approve", "TIN OAK 7"], "1111\n").await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.ends_with("error: That is not the PIN.\n  Try again.\n"), "{ran:?}");
    assert_eq!(place.run(&["approve", "TIN OAK 7"], "").await.code, Some(1));
    assert_eq!(engine.asked(), ["pin 1111"]);
}

#[tokio::test]
async fn with_a_desktop_its_window_is_raised_and_no_pin_is_asked() {
    for (allowed, code) in [(true, 0), (false, 1)] {
        let place = Place::new();
        let engine = Faces::start(
            &place.home,
            sections(true),
            Box::new(move |ask| match ask {
                Ask::Query(Query::RequestEnd { .. }) => Some(Ok(Answer::RequestEnd { allowed })),
                Ask::Command(_) => Some(Ok(Answer::Shown)),
                _ => None,
            }),
        );
        let ran = place.run(&["approve", "TIN OAK 7"], "2468\n").await;
        assert_eq!(ran.code, Some(code), "{ran:?}");
        let asked = engine.asked();
        assert_eq!(asked[0], "Show { request: Some(RequestId(aaaa1111bbbb)) }");
        assert_eq!(asked[1], "RequestEnd { request: RequestId(aaaa1111bbbb) }");
        assert_eq!(asked.len(), 2);
    }
}

#[tokio::test]
async fn a_code_that_nobody_waits_with_is_said() {
    let place = Place::new();
    let engine = Faces::still(&place.home, sections(false));
    for code in ["ELM ASH 1", "bb", ""] {
        let ran = place.run(&["approve", code], "2468\n").await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.starts_with("error: No app waits with the code"), "{ran:?}");
    }
    assert!(engine.asked().is_empty());
}

#[tokio::test]
async fn denying_takes_no_pin() {
    let place = Place::new();
    let engine = Faces::still(&place.home, sections(false));
    let ran = place.run(&["deny", "bbbb2222"], "").await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(engine.asked(), ["Deny { request: RequestId(bbbb2222cccc) }"]);
    assert!(!ran.err.contains('\u{1b}'), "{ran:?}");
}

#[tokio::test]
async fn a_code_of_several_words_needs_no_quotes() {
    let place = Place::new();
    let engine = Faces::still(&place.home, sections(false));
    let ran = place.run(&["approve", "tin", "oak", "7", "--scope", "blog:read"], "2468").await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(place.run(&["deny", "TIN", "OAK", "7"], "").await.code, Some(0));
    assert_eq!(
        engine.asked(),
        [
            "pin 2468",
            "approve aaaa1111bbbb hash-of-aaaa1111bbbb blog:read",
            "Deny { request: RequestId(aaaa1111bbbb) }"
        ]
    );
}

#[tokio::test]
async fn a_connection_that_wants_more_is_allowed_what_it_asked_with_the_pin_or_denied_without() {
    let place = Place::new();
    let sections = vec![Section::Status(views::status(false)), Section::Requests(vec![views::wish()])];
    let engine = Faces::still(&place.home, sections);
    let ran = place.run(&["approve", "dddd3333"], "2468\n").await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("may then also do: playground:write. It wants to use write_note"), "{ran:?}");
    assert_eq!(place.run(&["deny", "dddd3333"], "").await.code, Some(0));
    assert_eq!(
        engine.asked(),
        [
            "pin 2468",
            "approve dddd3333eeee hash-of-dddd3333eeee playground:write",
            "Deny { request: RequestId(dddd3333eeee) }"
        ]
    );
}

use crate::program::Place;

#[tokio::test]
async fn what_can_not_be_understood_ends_with_2_and_a_word_on_standard_error() {
    let place = Place::new();
    for args in [
        &["dance"][..],
        &[],
        &["approve"],
        &["approve", "TIN OAK 7", "--scope", "everything"],
        &["services", "add"],
        &["services", "add", "playground", "--name", "Not Good"],
        &["token", "--name", "a"],
        &["token", "--device"],
        &["access-keys", "add", "a"],
        &["serve", "--keys", "drawer"],
        &["serve", "--keys", "file="],
        &["serve", "--port", "70000"],
        &["mcp", "--dance"],
        &["mcp", "--app"],
    ] {
        let ran = place.run(args, "").await;
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(ran.out.is_empty(), "{args:?}: {ran:?}");
        assert!(ran.err.starts_with("error: ") || ran.err.contains("Usage: "), "{args:?}: {ran:?}");
    }
}

#[tokio::test]
async fn help_is_no_error() {
    let place = Place::new();
    for args in [&["--help"][..], &["mcp", "--help"], &["services", "add", "--help"], &["--version"]] {
        let ran = place.run(args, "").await;
        assert_eq!(ran.code, Some(0), "{args:?}");
        assert!(ran.err.is_empty() && !ran.out.is_empty());
    }
}

#[tokio::test]
async fn without_bellhop_each_command_says_so_and_how_to_start_it() {
    let place = Place::new();
    for args in [
        &["status"][..],
        &["services"],
        &["services", "add", "playground"],
        &["requests", "--json"],
        &["approve", "TIN OAK 7"],
        &["connections"],
        &["apps"],
        &["access-keys"],
        &["token", "--device", "--name", "a"],
        &["connect", "cursor"],
        &["activity", "--follow"],
    ] {
        let ran = place.run(args, "").await;
        assert_eq!(ran.code, Some(1), "{args:?}");
        assert_eq!(ran.err, "error: Bellhop isn't answering.\n  Start Bellhop, or run `bellhop serve`.\n");
        assert_eq!(ran.out, "");
    }
}

#[tokio::test]
async fn the_doctor_has_something_to_say_without_bellhop_too() {
    let place = Place::new();
    let ran = place.run(&["doctor"], "").await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.starts_with("!!  Bellhop  not answering"), "{ran:?}");
    assert!(ran.out.contains("Start Bellhop, or run `bellhop serve`."));
}

//! Signing in to a WordPress site with an application password, against a site of ours on loopback.

use super::{Desktop, phase, site::Site, visit};
use crate::{
    ApplicationPassword, Attempt, Delivered, FixedSecret, Http, Leaving, Life, Method, Phase, Said,
    SignInError, SignedIn, SignedInKind, Target, Way, WayEnd,
};
use model::{Explain, Secret, Timestamp};
use std::time::Duration;

fn password(end: &SignedIn) -> &ApplicationPassword {
    match &end.kind {
        SignedInKind::Fixed { secret: FixedSecret::Password(password), .. } => password,
        _ => panic!("there is an application password"),
    }
}

fn by_password(site: &Site) -> Target {
    Target { method: Some(Method::Password), ..Target::typed(site.url()) }
}

/// As a browser on a desktop that passes our scheme on.
fn by_scheme(site: &Site) -> Target {
    Target { scheme_available: true, ..by_password(site) }
}

async fn code_of(attempt: &Attempt) -> String {
    attempt.end().await.unwrap_err().problem().code.into_owned()
}

/// Why the password that was given is not taken.
async fn why(attempt: &Attempt) -> String {
    let shown = phase(attempt, |p| matches!(p, Phase::Password { why: Some(_), .. })).await;
    let Phase::Password { why: Some(why), .. } = shown else { unreachable!() };
    why.code.into_owned()
}

async fn give(attempt: &Attempt, user: &str, text: &str) {
    phase(attempt, |p| matches!(p, Phase::Password { .. })).await;
    assert!(attempt.say(Said::Password { user: user.to_owned(), password: Secret::new(text) }));
}

#[tokio::test]
async fn a_site_that_was_typed_hands_a_password_over_and_bellhop_keeps_a_second_one_that_was_in_no_address() {
    let site = Site::start().await;
    let mut desktop = Desktop::new();
    // Nothing but the address of the site.
    let attempt = desktop.sign_in.begin(Target { scheme_available: true, ..Target::typed(site.url()) });
    let page = desktop.opened().await;
    assert_eq!(super::parameter(&page, "app_name").as_deref(), Some("Bellhop on anna-laptop"));
    let answer = site.approve(&page, true).unwrap();
    assert!(answer.starts_with("app.bellhop.desktop://wordpress/"), "{answer}");
    assert_eq!(desktop.sign_in.deliver(&answer), Delivered::Taken(attempt.id.clone()));
    let end = attempt.end().await.unwrap();
    assert_eq!(
        (end.method, end.account.as_deref(), &*end.url),
        (Method::Password, Some("anna"), &*site.endpoint())
    );
    assert_eq!(end.title.as_deref(), Some("Anna’s blog"));
    let all = site.passwords();
    assert_eq!(all.iter().map(|p| p.gone).collect::<Vec<_>>(), [true, false]);
    assert_eq!((&all[0].app_id, &*all[1].name), (&all[1].app_id, "Bellhop on anna-laptop"));
    assert_eq!(password(&end).password.expose(), all[1].text.replace(' ', ""));
    assert!(password(&end).removal.as_ref().unwrap().ends_with("/application-passwords/uuid-1"));
    // A second time it is nothing.
    assert_eq!(desktop.sign_in.deliver(&answer), Delivered::Unknown);
}

#[tokio::test]
async fn without_a_desktop_the_answer_comes_to_a_port_where_the_site_sends_it_there() {
    for (version, local) in [("7.0", false), ("6.1.9", true)] {
        let site = Site::start().await;
        (site.ways().version, site.ways().local) = (version, local);
        let mut desktop = Desktop::new();
        let attempt = desktop.sign_in.begin(by_password(&site));
        let answer = site.approve(&desktop.opened().await, true).unwrap();
        assert!(answer.starts_with("http://127.0.0.1:"), "{answer}");
        assert_eq!(visit(&answer).await.status(), 200);
        attempt.end().await.unwrap();
        assert!(site.passwords()[0].gone && !site.passwords()[1].gone);
    }
}

#[tokio::test]
async fn routes_without_addresses_of_their_own_and_a_site_in_a_folder_are_found() {
    for (permalinks, folder) in [(false, ""), (true, "/blog"), (false, "/a/blog")] {
        let site = Site::start().await;
        (site.ways().permalinks, site.ways().folder) = (permalinks, folder);
        let desktop = Desktop::new();
        // A page of the site, not its root.
        let typed = if permalinks { format!("{}/?p=1", site.url()) } else { format!("{}/", site.url()) };
        let attempt = desktop.sign_in.begin(Target { url: typed, ..by_scheme(&site) });
        give(&attempt, "anna", &site.make("Bellhop", "")).await;
        let end = attempt.end().await.unwrap();
        assert_eq!(end.url, site.endpoint());
        let removal = password(&end).removal.clone().unwrap();
        assert!(removal.starts_with(&site.url()) && removal.contains("uuid-1"), "{removal}");
        assert!(site.passwords()[0].gone, "it was made for Bellhop");
    }
}

#[tokio::test]
async fn a_password_that_others_may_use_stays_and_bellhop_makes_its_own() {
    let site = Site::start().await;
    let desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(by_scheme(&site));
    give(&attempt, "anna", &site.make("Backups", "")).await;
    let end = attempt.end().await.unwrap();
    let all = site.passwords();
    assert_eq!(
        all.iter().map(|p| (&*p.name, p.gone)).collect::<Vec<_>>(),
        [("Backups", false), ("Bellhop on anna-laptop", false)]
    );
    assert_eq!(password(&end).password.expose(), all[1].text.replace(' ', ""));
}

#[tokio::test]
async fn a_first_password_that_cannot_be_deleted_is_used_itself_so_that_no_two_are_left() {
    let site = Site::start().await;
    site.ways().keeps = Some(0);
    let desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(by_scheme(&site));
    give(&attempt, "anna", &site.make("Bellhop", "")).await;
    let end = attempt.end().await.unwrap();
    assert_eq!(site.passwords().iter().map(|p| p.gone).collect::<Vec<_>>(), [false, true]);
    assert!(password(&end).removal.as_ref().unwrap().ends_with("uuid-0"));
}

#[tokio::test]
async fn what_is_wrong_with_a_pasted_password_is_told_apart_and_it_is_asked_for_again() {
    let site = Site::start().await;
    let desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(by_scheme(&site));
    let good = site.make("Bellhop", "");
    for (user, text, expected) in [
        ("Bellhop", &*good, "signin.wordpress_user"),
        ("anna", "not it", "signin.wordpress_password"),
        ("", &*good, "signin.wordpress_unreadable"),
    ] {
        give(&attempt, user, text).await;
        let mut phases = attempt.phases.clone();
        let said =
            phases.wait_for(|p| matches!(p, Phase::Password { why: Some(w), .. } if w.code == expected));
        tokio::time::timeout(super::SOON, said).await.unwrap().unwrap();
    }
    site.ways().tells = false;
    give(&attempt, "Bellhop", &good).await;
    let mut phases = attempt.phases.clone();
    let unknown = phases.wait_for(
        |p| matches!(p, Phase::Password { why: Some(w), .. } if w.code == "signin.wordpress_unknown"),
    );
    tokio::time::timeout(super::SOON, unknown).await.unwrap().unwrap();
    site.ways().header_lost = true;
    give(&attempt, "anna", &good).await;
    let mut phases = attempt.phases.clone();
    let lost = phases.wait_for(
        |p| matches!(p, Phase::Password { why: Some(w), .. } if w.code == "signin.wordpress_header"),
    );
    tokio::time::timeout(super::SOON, lost).await.unwrap().unwrap();
    site.ways().xml_rpc = false;
    give(&attempt, "anna", &good).await;
    let unsure = phases.wait_for(
        |p| matches!(p, Phase::Password { why: Some(w), .. } if w.code == "signin.wordpress_unseen"),
    );
    tokio::time::timeout(super::SOON, unsure).await.unwrap().unwrap();
    site.ways().header_lost = false;
    give(&attempt, "anna", &good).await;
    attempt.end().await.unwrap();
}

#[tokio::test]
async fn a_site_that_can_not_be_signed_in_to_says_why() {
    let site = Site::start().await;
    let desktop = Desktop::new();
    site.ways().forbidden = true;
    // It is reached by http, which is the likeliest cause.
    assert_eq!(code_of(&desktop.sign_in.begin(by_scheme(&site))).await, "signin.wordpress_https");
    site.ways().forbidden = false;
    site.ways().mcp = false;
    for target in [by_scheme(&site), Target::typed(site.url())] {
        assert_eq!(code_of(&desktop.sign_in.begin(target)).await, "signin.wordpress_no_mcp");
    }
    site.ways().mcp = true;
    site.ways().home = Some("https://blog.example");
    assert_eq!(code_of(&desktop.sign_in.begin(by_scheme(&site))).await, "signin.wordpress_elsewhere");
    site.ways().home = None;
    site.ways().folder = "/blog";
    let elsewhere = Target { url: format!("{}/shop", site.origin), ..by_scheme(&site) };
    assert_eq!(code_of(&desktop.sign_in.begin(elsewhere)).await, "signin.wordpress_none");
}

#[tokio::test]
async fn a_no_on_the_page_ends_the_sign_in_and_a_stumble_does_not_lose_the_password() {
    let site = Site::start().await;
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(by_scheme(&site));
    let no = site.approve(&desktop.opened().await, false).unwrap();
    assert_eq!(desktop.sign_in.deliver(&no), Delivered::Taken(attempt.id.clone()));
    assert!(matches!(attempt.end().await, Err(SignInError::Denied { .. })));

    let attempt = desktop.sign_in.begin(by_scheme(&site));
    let answer = site.approve(&desktop.opened().await, true).unwrap();
    site.ways().stumbles = 2;
    desktop.sign_in.deliver(&answer);
    attempt.end().await.unwrap();

    // Of a user whom the page itself named only one thing can be wrong.
    let attempt = desktop.sign_in.begin(by_scheme(&site));
    let answer = site.approve(&desktop.opened().await, true).unwrap();
    (site.ways().header_lost, site.ways().xml_rpc) = (true, false);
    desktop.sign_in.deliver(&answer);
    assert_eq!(code_of(&attempt).await, "signin.wordpress_header");
}

#[tokio::test]
async fn an_answer_of_another_site_or_of_nobody_leaves_the_sign_in_waiting() {
    let (site, other) = (Site::start().await, Site::start().await);
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(by_scheme(&site));
    let page = desktop.opened().await;
    let forged = other.approve(&page, true).unwrap();
    assert_eq!(desktop.sign_in.deliver(&forged), Delivered::WrongIssuer(attempt.id.clone()));
    assert_eq!(why(&attempt).await, "signin.wordpress_other_site");
    let nobody = forged.replace("wordpress/", "wordpress/x");
    assert_eq!(desktop.sign_in.deliver(&nobody), Delivered::Unknown);
    let twice = format!("{forged}&password=x");
    assert_eq!(desktop.sign_in.deliver(&twice), Delivered::Malformed);
    assert!(other.passwords().iter().all(|p| !p.gone), "nobody used it");
    let good = site.approve(&page, true).unwrap();
    assert_eq!(desktop.sign_in.deliver(&good), Delivered::Taken(attempt.id.clone()));
    attempt.end().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_after_ten_minutes() {
    let site = Site::start().await;
    let desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(by_scheme(&site));
    phase(&attempt, |p| matches!(p, Phase::Password { .. })).await;
    desktop.clock.advance(Duration::from_secs(600));
    assert!(matches!(attempt.end().await, Err(SignInError::TimedOut)));
}

#[tokio::test]
async fn a_password_deletes_itself_and_one_that_was_deleted_before_is_as_good() {
    let site = Site::start().await;
    let desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(by_scheme(&site));
    give(&attempt, "anna", &site.make("Bellhop", "")).await;
    let end = attempt.end().await.unwrap();
    let SignedInKind::Fixed { secret, page } = &end.kind else { panic!("it is a password") };
    assert_eq!(
        page.as_ref().unwrap(),
        &format!("{}/wp-admin/profile.php#application-passwords-section", site.url())
    );
    let (leaving, http) =
        (Leaving::fixed(&end.url, secret), Http::new(std::sync::Arc::new(model::NoProxies)).unwrap());
    assert_eq!(leaving.look(&http).await, Life::Alive);
    let now = || Timestamp::from_millis(1_800_000_000_000);
    for said in ["200", "401 incorrect_password"] {
        let tried = leaving.give_back(&http, &leaving.untried(now()), now).await;
        let [tried] = &tried[..] else { panic!("there is one way") };
        assert_eq!(
            (tried.way, &tried.end, tried.said.as_deref()),
            (Way::Password, &WayEnd::Done, Some(said))
        );
        assert_eq!(leaving.look(&http).await, Life::Dead);
    }
    assert!(site.passwords().iter().all(|p| p.gone));
}

#[tokio::test]
async fn a_site_with_a_sign_in_of_its_own_is_offered_that_first_and_the_password_as_well() {
    let site = Site::start().await;
    let desktop = Desktop::new();
    for (oauth, expected) in [
        (true, &[Method::Oauth, Method::Device, Method::Password, Method::Token][..]),
        (false, &[Method::Password, Method::Token]),
    ] {
        site.ways().oauth = oauth;
        // By the site's address and by that of its MCP server alike.
        for url in [site.url(), site.endpoint()] {
            let attempt = desktop.sign_in.begin(Target { ask: true, ..Target::typed(url) });
            let shown = phase(&attempt, |p| matches!(p, Phase::Asking { .. })).await;
            let Phase::Asking { methods, why, .. } = shown else { unreachable!() };
            assert_eq!(methods.iter().map(|m| m.method).collect::<Vec<_>>(), expected);
            assert!(why.is_none() && methods.iter().all(|m| m.needs.is_none()), "{why:?} {methods:?}");
            attempt.cancel();
        }
    }
}

#[tokio::test]
async fn a_sites_password_goes_to_no_other_place_though_its_mcp_server_sends_there() {
    let (site, other) = (Site::start().await, Site::start().await);
    site.ways().mcp_moved = Some(other.endpoint());
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(by_scheme(&site));
    let ends = tokio::time::timeout(Duration::from_secs(20), code_of(&attempt));
    assert_eq!(ends.await.expect("it ends at once"), "signin.wordpress_no_mcp");
    assert!(desktop.opened.try_recv().is_err(), "nobody makes a password for nothing");
}

#[tokio::test]
async fn a_site_that_names_another_ones_page_gets_no_password_of_that_one() {
    let site = Site::start().await;
    site.ways().poses_as = Some("https://blog.example");
    let mut desktop = Desktop::new();
    let attempt = desktop.sign_in.begin(by_scheme(&site));
    let ends = tokio::time::timeout(Duration::from_secs(20), code_of(&attempt));
    assert_eq!(ends.await.expect("it ends at once"), "signin.wordpress_elsewhere");
    assert!(desktop.opened.try_recv().is_err(), "the other site's page is not opened");
}

use super::site::{PASSWORD, Setup, WordPress};
use crate::desktop::{
    desk::Desk,
    webdriver::{Page, test},
};

/// Proves wordpress.15: nothing but a site's address is typed at Bellhop.
#[tokio::test]
async fn a_person_approves_in_a_real_browser_and_the_password_comes_back_by_bellhops_own_scheme() {
    let wordpress = WordPress::install().await;
    let site = wordpress.serve(Setup::default()).await;
    let desk = Desk::ready().await;
    let window = desk.open().await;
    window.click(&test("nav-services")).await;
    window.fill(&test("address"), &site.url).await;
    window.click(&test("connect-address")).await;
    window.see("[data-test=sign-in][data-phase=asking]").await;
    assert!(desk.opened().is_empty(), "nothing is opened before the person goes on");
    window.click(&test("continue")).await;
    window.see("[data-test=sign-in][data-phase=password]").await;
    window.picture("services-wordpress").await;
    let page = desk.opens(1).await;
    assert!(page.contains("success_url=app.bellhop.desktop"), "{page}");

    let driver = desk.in_session("chromedriver");
    let browser = Page::visible_chromium(driver, desk.bellhop.folder()).await;
    browser.go(&page).await;
    browser.fill("#user_login", "anna").await;
    browser.fill("#user_pass", PASSWORD).await;
    browser.click("#wp-submit").await;
    browser.see("#approve").await;
    browser.picture("wordpress-approve").await;
    browser.click("#approve").await;
    window.says("[data-test=service][data-state=connected]", "anna").await;
    let kept = wordpress.passwords().await;
    assert!(kept.len() == 1 && kept[0].starts_with("Bellhop on "), "{kept:?}");

    let (name, _) = desk.bellhop.services().await.remove(0);
    window.click(&test(&format!("disconnect-{name}"))).await;
    window.click(&test("ask-yes")).await;
    window.gone(&test("service")).await;
    window.see("[data-test=receipt][data-dead=seen_dead]").await;
    assert_eq!(wordpress.passwords().await, [""; 0], "it is gone from the profile");
}

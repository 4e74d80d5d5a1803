use super::{desk::Desk, menu::Tray, webdriver::test};
use bellhop_tests::{Process, until};

#[tokio::test]
async fn a_closed_window_leaves_the_tray_alone_and_no_process_behind() {
    let mut desk = Desk::ready().await;
    assert!(desk.windows().is_empty());
    assert!(desk.tray().runs());
    let tray = Tray::of(desk.tray().pid()).await;
    tray.has("Open Bellhop").await;
    // No web view is left, and the tray process never had one of its own.
    let web_views: Vec<_> =
        desk.processes().into_iter().filter(|(_, args)| args[0].contains("WebKit")).collect();
    assert!(web_views.is_empty(), "{web_views:?}");
}

#[tokio::test]
async fn a_second_start_shows_the_window_of_the_first_and_exits() {
    let desk = Desk::ready().await;
    let window = desk.open().await;
    window.see(&test("screen-connections")).await;
    let first = desk.windows();
    assert_eq!(first.len(), 1);

    let mut again = Process::start(desk.command(&[]));
    assert!(again.ended().await.success());
    assert_eq!(desk.windows(), first, "the window that is open is raised, and no second one opens");
    let engines: Vec<_> = desk
        .processes()
        .into_iter()
        .filter(|(_, args)| args.len() == 2 && args[0].ends_with("-desktop"))
        .collect();
    assert_eq!(engines.len(), 1, "{engines:?}");
}

#[tokio::test]
async fn a_window_whose_bellhop_crashed_says_so_and_the_next_start_is_a_fresh_one() {
    let mut desk = Desk::ready().await;
    let window = desk.open().await;
    window.see(&test("screen-connections")).await;
    desk.tray().kill();
    window.see(&test("screen-gone")).await;
    window.leave(&test("close")).await;
    until("the window closes", async || desk.windows().is_empty().then_some(())).await;

    desk.run(&[]).await;
    // The keys were for one session only.
    desk.window().await.see(&test("screen-keys-unchosen")).await;
}

use super::{Desktop, server::Server};
use crate::{
    AddressError, Http, SignInError, Target,
    address::{check_address, is_public, typed_address},
    http::{Ask, HttpError, Reach},
};
use model::{Proxies, Proxy};
use std::{net::IpAddr, sync::Arc};

#[test]
fn only_web_addresses_without_tricks_pass() {
    for good in
        ["https://a.example/mcp?x=1", "http://127.0.0.1:1/mcp", "http://[::1]/", "http://localhost:8080/mcp"]
    {
        assert!(check_address(good).is_ok(), "{good}");
    }
    for bad in [
        "http://a.example/",
        "http://192.168.1.5/",
        "http://127.0.0.1.evil.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user@a.example/",
        "https://user:pass@a.example/",
        "https://a.example/\n--flag",
        "https://a.example/ x",
        "https://",
        "-flag",
        "",
        &format!("https://a.example/{}", "x".repeat(9000)),
    ] {
        assert!(check_address(bad).is_err(), "{bad:.60}");
    }
}

#[test]
fn addresses_are_read_as_people_type_them() {
    for (typed, expected) in [
        (" mcp.example.com/mcp ", "https://mcp.example.com/mcp"),
        ("localhost:8080/mcp", "http://localhost:8080/mcp"),
        ("127.0.0.1:1/mcp", "http://127.0.0.1:1/mcp"),
        ("https://a.example/mcp#top", "https://a.example/mcp"),
    ] {
        assert_eq!(typed_address(typed).unwrap().as_str(), expected);
    }
}

#[test]
fn private_addresses_are_known_in_every_disguise() {
    let public = ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "100.128.0.1"];
    let private = [
        "127.0.0.1",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "198.18.0.1",
        "::",
        "::1",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "2002:a00:1::",
        "2002:7f00:1::1",
        "2001:0:1::1",
        "64:ff9b:1::1",
    ];
    for (list, expected) in [(&public[..], true), (&private[..], false)] {
        for text in list {
            assert_eq!(is_public(text.parse::<IpAddr>().unwrap()), expected, "{text}");
        }
    }
}

#[test]
fn a_sign_in_reaches_private_networks_only_where_the_person_named_them() {
    let url = |text| check_address(text).unwrap();
    let nas = url("https://192.168.1.5/mcp");
    assert!(Reach::of(&nas, false).check(&nas).is_err());
    let typed = Reach::of(&nas, true);
    assert!(typed.check(&nas).is_ok());
    assert!(typed.check(&url("https://192.168.1.6/")).is_err(), "another host there was not named");
    assert!(typed.check(&url("http://127.0.0.1:1/")).is_err());
    assert!(typed.check(&url("http://localhost:1/")).is_err());
    let here = Reach::of(&url("http://localhost:1/mcp"), true);
    assert!(here.check(&url("http://127.0.0.1:2/")).is_ok(), "both are this computer");
    assert!(here.check(&nas).is_err());
    assert!(here.check(&url("https://a.example/")).is_ok());
}

#[tokio::test]
async fn a_name_that_resolves_into_a_private_network_is_not_connected_to() {
    // The one name that every computer resolves, and to itself; its trailing dot gets it past the check by name.
    let web = Http::new(Arc::new(model::NoProxies)).unwrap().within(Reach::Public).unwrap();
    let error = web.send(Ask::get(check_address("https://localhost./").unwrap())).await.unwrap_err();
    // Where the resolver does not know the dotted form, there is nothing to connect to either.
    assert!(
        matches!(error, HttpError::Address(AddressError::Private(_)) | HttpError::Unknown(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_sign_in_that_nobody_typed_does_not_reach_this_computer() {
    let server = Server::start().await;
    let target = Target { typed_by_person: false, ..Target::typed(server.url()) };
    let error = Desktop::new().sign_in.begin(target).end().await.unwrap_err();
    assert!(
        matches!(&error, SignInError::Http { cause: HttpError::Address(AddressError::Private(_)), .. }),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let app = axum::Router::new().fallback(|| async { vec![b'x'; 65 * 1024] });
    let server = tokio::spawn(async move { axum::serve(socket, app).await });
    let web = Http::new(Arc::new(model::NoProxies)).unwrap().within(Reach::Loopback).unwrap();
    let error = web.send(Ask::get(check_address(&format!("http://{address}/")).unwrap())).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLong));
    server.abort();
}

#[tokio::test]
async fn redirects_are_checked_each_and_come_to_an_end() {
    use axum::{http::header, response::IntoResponse, routing::get};
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let to = |to: &'static str| {
        get(move || async move { (axum::http::StatusCode::FOUND, [(header::LOCATION, to)]).into_response() })
    };
    let app = axum::Router::new()
        .route("/loop", to("/loop"))
        .route("/private", to("https://192.168.0.1/"))
        .route("/file", to("file:///etc/passwd"))
        .route("/plain", to("http://a.example/"));
    let server = tokio::spawn(async move { axum::serve(socket, app).await });
    let web = Http::new(Arc::new(model::NoProxies)).unwrap().within(Reach::Loopback).unwrap();
    let follow = async |path: &str| {
        web.follow(Ask::get(check_address(&format!("http://{address}{path}")).unwrap())).await.unwrap_err()
    };
    assert!(matches!(follow("/loop").await, HttpError::Redirects));
    assert!(matches!(follow("/private").await, HttpError::Address(AddressError::Private(_))));
    assert!(matches!(follow("/file").await, HttpError::Address(AddressError::Scheme(_))));
    assert!(matches!(follow("/plain").await, HttpError::Address(AddressError::Scheme(_))));
    server.abort();
}

/// Everything goes through a proxy on this computer, but for one name: the proxy's own, which its owner left out.
struct Behind {
    proxy: &'static str,
    direct: &'static str,
}

impl Proxies for Behind {
    fn to(&self, host: &str) -> Option<Proxy> {
        let here = host == "127.0.0.1" || host == "localhost";
        (!here && host != self.direct).then(|| Proxy { address: self.proxy.to_owned(), login: None })
    }

    fn usual(&self) -> Option<Proxy> {
        self.to("any.example")
    }
}

#[tokio::test]
async fn through_a_proxy_private_addresses_stay_closed_and_nobody_is_sent_to_the_proxys_own_host() {
    let behind = Behind { proxy: "http://proxy.corp.example:3128", direct: "proxy.corp.example" };
    let web = Http::new(Arc::new(behind)).unwrap();
    let url = |text| check_address(text).unwrap();
    let public = web.within(Reach::Public).unwrap();
    assert!(public.check(&url("https://mcp.example/")).is_ok());
    for closed in ["https://192.168.1.5/", "https://169.254.169.254/", "https://localhost/"] {
        assert!(public.check(&url(closed)).is_err(), "{closed}");
    }
    // Its addresses are not looked at, so that it would be a way into the private network.
    assert!(public.check(&url("https://proxy.corp.example/")).is_err());
    let typed = web.within(Reach::Host("proxy.corp.example".to_owned())).unwrap();
    assert!(typed.check(&url("https://proxy.corp.example/mcp")).is_ok());
}

#[tokio::test]
async fn a_proxys_own_name_may_lead_into_the_private_network_and_its_end_is_told_from_the_services() {
    // Nobody listens there: the connection is refused, not the name.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let proxy = Box::leak(format!("http://localhost:{free}").into_boxed_str());
    let web = Http::new(Arc::new(Behind { proxy, direct: "" })).unwrap().within(Reach::Public).unwrap();
    let error = web.send(Ask::get(check_address("https://mcp.example/").unwrap())).await.unwrap_err();
    assert!(
        matches!(&error, HttpError::Proxy { place, .. } if *place == format!("localhost:{free}")),
        "{error:?}"
    );
    assert!(error.nothing_sent());
    assert_eq!(error.explain("mcp.example").code, "signin.proxy");
}

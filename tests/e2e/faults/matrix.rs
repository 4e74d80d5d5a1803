//! Every route of every listener, asked in every combination of what tells a program of this person from a web page;
//! and with bytes that mean nothing.

use bellhop_tests::{App, Bellhop, Session};
use model::{Random, SystemRandom};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

/// All that is answered by something else than "not there", and one path that isn't.
const ROUTES: [&str; 15] = [
    "/mcp",
    "/mcp/playground",
    "/mcp/ghost",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource/mcp/playground",
    "/.well-known/oauth-authorization-server",
    "/register",
    "/authorize",
    "/authorize/wait/0123456789abcdef0123456789abcdef",
    "/token",
    "/revoke",
    "/device_authorization",
    "/device",
    "/nothing",
];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
const TYPES: [Option<&str>; 4] =
    [None, Some("application/json"), Some("application/x-www-form-urlencoded"), Some("text/plain")];
const SITES: [Option<&str>; 5] =
    [None, Some("none"), Some("same-origin"), Some("same-site"), Some("cross-site")];

trait Pipe: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Pipe for T {}

/// Where a request arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listener {
    Four,
    Six,
    Socket,
}

/// A connection that is opened again when the other side has closed it.
struct Line<'a> {
    bellhop: &'a Bellhop,
    listener: Listener,
    open: Option<Box<dyn Pipe>>,
}

/// An answer, whole.
#[derive(Debug)]
struct Said {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl<'a> Line<'a> {
    fn new(bellhop: &'a Bellhop, listener: Listener) -> Self {
        Self { bellhop, listener, open: None }
    }

    async fn connect(&self) -> Box<dyn Pipe> {
        match self.listener {
            Listener::Four => Box::new(TcpStream::connect(("127.0.0.1", self.bellhop.port)).await.unwrap()),
            Listener::Six => Box::new(TcpStream::connect(("::1", self.bellhop.port)).await.unwrap()),
            Listener::Socket => {
                let home = engine::Home::find(Some(self.bellhop.home.clone())).unwrap();
                Box::new(UnixStream::connect(home.socket()).await.unwrap())
            }
        }
    }

    /// Say it, and read the answer; `None` when the connection is closed instead. A connection that was closed after
    /// the answer before is no answer.
    async fn ask(&mut self, request: &[u8], without_body: bool) -> Option<Said> {
        for fresh in [false, true] {
            let mut pipe = match self.open.take() {
                Some(pipe) if !fresh => pipe,
                _ => self.connect().await,
            };
            let _ = pipe.write_all(request).await;
            let reading = read(&mut pipe, without_body);
            let answer =
                tokio::time::timeout(bellhop_tests::PATIENCE, reading).await.expect("an answer, or the end");
            if let Some(said) = answer {
                if !said.head.to_ascii_lowercase().contains("connection: close") {
                    self.open = Some(pipe);
                }
                return Some(said);
            }
        }
        None
    }
}

async fn read(pipe: &mut Box<dyn Pipe>, without_body: bool) -> Option<Said> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(pipe.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|l| {
        let (name, value) = l.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; if without_body { 0 } else { length.unwrap_or(0) }];
    pipe.read_exact(&mut body).await.ok()?;
    Some(Said { status, head, body })
}

/// What an answer to a request that may be looked at is. No service is named in one without a token.
fn is_as_it_should(route: &str, method: &str, said: &Said) -> bool {
    let expected: &[u16] = match (route, method) {
        (mcp, _) if mcp.starts_with("/mcp") => &[401],
        ("/nothing", _) => &[404],
        (document, "GET" | "HEAD") if document.starts_with("/.well-known") || document == "/device" => {
            // Nobody shows a page for a mere probe.
            if document == "/device" && method == "HEAD" { &[405] } else { &[200] }
        }
        ("/authorize", "GET") => &[400],
        ("/authorize/wait/0123456789abcdef0123456789abcdef", "GET") => &[404],
        ("/register", "POST") => &[400, 415, 429],
        ("/revoke" | "/token" | "/device_authorization", "POST") => &[400],
        _ => &[405],
    };
    expected.contains(&said.status)
}

/// Proves doors.10: nobody but a program of this person gets past the door, whatever it asks for and how; and whoever
/// gets past it without a token reaches no service. No answer lets a web page read it.
#[tokio::test]
async fn the_door_is_the_same_for_every_route_method_and_type_on_every_listener() {
    let bellhop = Bellhop::start().await.with_playground().await;
    let (_app, tokens) = App::let_in(&bellhop, "Honest", &["playground:read"]).await;
    let port = bellhop.port;
    let hosts = [
        Some(format!("127.0.0.1:{port}")),
        Some(format!("LOCALHOST:{port}")),
        Some(format!("[::1]:{port}")),
        Some(format!("evil.example:{port}")),
        Some("127.0.0.1".to_owned()),
        None,
    ];
    let origins = ["", "own", "null", "http://evil.example", "other"];
    let mut asked = [0u32; 2];
    for listener in [Listener::Four, Listener::Six, Listener::Socket] {
        let mut line = Line::new(&bellhop, listener);
        for (at, host) in hosts.iter().enumerate() {
            for origin in origins {
                let origin = match (origin, host) {
                    ("", _) => None,
                    ("own", Some(host)) => Some(format!("http://{}", host.to_lowercase())),
                    ("own", None) => continue,
                    ("other", _) if at == 0 => Some(format!("http://localhost:{port}")),
                    ("other", _) => Some(format!("http://127.0.0.1:{port}")),
                    (foreign, _) => Some(foreign.to_owned()),
                };
                for site in SITES {
                    // No browser reaches the socket, and it is its owner's alone: who gets there says who they are.
                    let own =
                        host.as_ref().filter(|_| at < 3).map(|h| format!("http://{}", h.to_lowercase()));
                    let passes = listener == Listener::Socket
                        || (own.is_some()
                            && origin.as_ref().is_none_or(|o| Some(o) == own.as_ref())
                            && !matches!(site, Some("same-site" | "cross-site")));
                    if listener == Listener::Socket && (at > 0 || site.is_some()) && host.is_some() {
                        continue;
                    }
                    for route in ROUTES {
                        for method in METHODS {
                            for kind in TYPES {
                                let mut lines = vec![format!("{method} {route} HTTP/1.1")];
                                lines.extend(host.iter().map(|h| format!("Host: {h}")));
                                lines.extend(origin.iter().map(|o| format!("Origin: {o}")));
                                lines.extend(site.map(|s| format!("Sec-Fetch-Site: {s}")));
                                lines.extend(kind.map(|k| format!("Content-Type: {k}")));
                                // Who is to be refused has a token that is good.
                                let bearer = format!("Authorization: Bearer {}", tokens.access);
                                lines.extend((!passes).then_some(bearer));
                                let body = if method == "POST" { "{}" } else { "" };
                                lines.push(format!("Content-Length: {}", body.len()));
                                let request = format!("{}\r\n\r\n{body}", lines.join("\r\n"));
                                let said = line.ask(request.as_bytes(), method == "HEAD").await;
                                let Some(said) = said else { panic!("no answer: {request}") };
                                let well = match passes {
                                    true => is_as_it_should(route, method, &said),
                                    false => said.status == 403 && said.body.is_empty(),
                                };
                                assert!(well, "{listener:?} {said:?}\n{request}");
                                let head = said.head.to_ascii_lowercase();
                                assert!(!head.contains("access-control-"), "{head}");
                                assert!(!head.contains("set-cookie"), "{head}");
                                asked[usize::from(passes)] += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(asked[0] > 10_000 && asked[1] > 2_000, "{asked:?}");
    let log = bellhop.activity().await;
    assert!(log.iter().all(|e| e["kind"] != "call"), "nothing reached a service: {log:?}");
    let session = Session::at(&bellhop_tests::Http::default(), &bellhop.url("/mcp"), &tokens.access).await;
    assert_eq!(session.call("playground_list_notes", json!({})).await["isError"], false);
}

/// Bytes of no sense, the same again for the same seed.
struct Noise(u64);

impl Noise {
    fn next(&mut self, below: u64) -> u64 {
        // xorshift64: any spread will do.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let length = self.next(most + 1);
        (0..length).map(|_| u8::try_from(self.next(256)).unwrap()).collect()
    }

    /// Text that may stand in a head.
    fn text(&mut self, most: u64) -> String {
        let length = self.next(most + 1);
        (0..length).map(|_| char::from(u8::try_from(0x21 + self.next(0x5e)).unwrap())).collect()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.next(of.len() as u64)).unwrap()]
    }
}

/// Proves doors.11: whatever bytes come to a route, it neither breaks nor says that it did.
#[tokio::test]
async fn bytes_without_sense_break_no_route() {
    let mut bellhop = Bellhop::start().await.with_playground().await;
    let (_app, tokens) = App::let_in(&bellhop, "Honest", &["playground:read"]).await;
    let mut seed = [0; 8];
    SystemRandom.fill(&mut seed);
    let seed = u64::from_le_bytes(seed) | 1;
    let mut noise = Noise(seed);
    let port = bellhop.port;
    let words = [
        "grant_type=",
        "client_id=",
        "generic",
        "&",
        "scope=",
        "redirect_uri=",
        "http://127.0.0.1:1/",
        "code=",
        "%",
        "device_code=",
        "urn:ietf:params:oauth:grant-type:device_code",
        "response_type=code",
        "resource=",
        "token=",
        "authorization_code",
        "refresh_token",
        "{\"redirect_uris\":[",
        "\"client_name\":\"",
        "\u{202e}",
        "]}",
        "\"",
        "code_challenge_method=S256",
        "code_challenge=",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"",
        "tools/call",
    ];
    for listener in [Listener::Four, Listener::Socket] {
        let mut line = Line::new(&bellhop, listener);
        for route in ROUTES {
            for round in 0..60 {
                let method = noise.one(&["GET", "POST", "POST", "POST", "PUT", "DELETE", "HEAD"]);
                // Some bytes that mean something in between get further than noise alone.
                let mut body = Vec::new();
                for _ in 0..noise.next(8) {
                    body.extend(noise.one(&words).as_bytes());
                    body.extend(noise.bytes(24));
                }
                let target = match round % 4 {
                    0 => route.to_owned(),
                    1 => format!("{route}?{}", noise.text(200).replace('#', "")),
                    2 => format!("{route}/{}", noise.text(60).replace(['#', '?'], "")),
                    _ => format!("{route}?{}{}", noise.one(&words[..15]), noise.text(40).replace('#', "%")),
                };
                let target: String = target.chars().filter(|c| c.is_ascii_graphic()).collect();
                let kind = match noise.next(4) {
                    0 => noise.text(40),
                    1 => "application/x-www-form-urlencoded".to_owned(),
                    _ => "application/json".to_owned(),
                };
                let authorization = match noise.next(5) {
                    0 => format!("Bearer {}", tokens.access),
                    1 => format!("Basic {}", noise.text(60)),
                    2 => format!("Bearer bhk_{}", noise.text(50)),
                    3 => format!("Bearer bha_{}", noise.text(80)),
                    _ => noise.text(40),
                };
                let mut request = format!(
                    "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\n\
                     Authorization: {authorization}\r\nAccept: {}\r\nMcp-Session-Id: {}\r\n\
                     Connection: close\r\nContent-Length: {}\r\n\r\n",
                    noise.text(20),
                    noise.text(30),
                    body.len()
                )
                .into_bytes();
                request.extend(&body);
                let said = line.ask(&request, method == "HEAD").await;
                let text = String::from_utf8_lossy(&request);
                // Bellhop may be busy; it is never broken.
                let well = said.as_ref().is_none_or(|s| s.status < 500 || s.status == 503);
                assert!(well, "seed {seed}: {said:?}\n{text}");
            }
        }
    }
    let errors = bellhop.process().errors();
    assert!(!errors.contains("panicked"), "seed {seed}: {errors}");
    let session = Session::at(&bellhop_tests::Http::default(), &bellhop.url("/mcp"), &tokens.access).await;
    assert_eq!(session.call("playground_list_notes", json!({})).await["isError"], false);
}

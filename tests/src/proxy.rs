use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

/// A proxy that tunnels (RFC 9110 §9.3.6), or connects by SOCKS 5 (RFC 1928, RFC 1929), to the names it was told of and
/// to nothing else: on this computer nobody else knows them.
pub struct Proxy {
    /// Its address, with the login it wants.
    pub url: String,
    /// The same for those who speak SOCKS and leave the names to it.
    pub socks: String,
    inside: Arc<Inside>,
    task: JoinHandle<()>,
}

struct Inside {
    login: String,
    names: Mutex<HashMap<String, u16>>,
    asked: Mutex<Vec<String>>,
    cut: Notify,
}

/// The password of the proxy: whoever finds it anywhere has found a leak.
pub const PROXY_PASSWORD: &str = "pr0xy-s3cret-tea";

impl Proxy {
    /// Start one.
    ///
    /// # Panics
    /// When it can't listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let place = format!("anna:{PROXY_PASSWORD}@{}", listener.local_addr().unwrap());
        let (url, socks) = (format!("http://{place}"), format!("socks5h://{place}"));
        let inside = Arc::new(Inside {
            login: format!("Basic {}", STANDARD.encode(format!("anna:{PROXY_PASSWORD}"))),
            names: Mutex::default(),
            asked: Mutex::default(),
            cut: Notify::new(),
        });
        let serving = Arc::clone(&inside);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).serve(stream));
            }
        });
        Self { url, socks, inside, task }
    }

    /// The same address with another password.
    pub fn url_with_wrong_password(&self) -> String {
        self.url.replace(PROXY_PASSWORD, "coffee")
    }

    /// From now on this name is on that port of this computer.
    ///
    /// # Panics
    /// Never, unless a test panicked before.
    pub fn knows(&self, name: &str, port: u16) {
        self.inside.names.lock().unwrap().insert(format!("{name}:443"), port);
    }

    /// From now on this name is nowhere, and what was connected to it is not any more.
    ///
    /// # Panics
    /// Never, unless a test panicked before.
    pub fn forgets(&self, name: &str) {
        self.inside.names.lock().unwrap().remove(&format!("{name}:443"));
        self.inside.cut.notify_waiters();
    }

    /// The places it was asked to connect to, each time.
    ///
    /// # Panics
    /// Never, unless a test panicked before.
    pub fn asked(&self) -> Vec<String> {
        self.inside.asked.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Inside {
    async fn serve(self: Arc<Self>, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        if stream.fill_buf().await.ok()?.first() == Some(&5) {
            return self.socks(stream).await;
        }
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let asked = head.first()?.clone();
        let login = head.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("proxy-authorization").then(|| value.trim().to_owned())
        });
        let place = asked.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
        self.asked.lock().ok()?.push(place.unwrap_or(&asked).to_owned());
        let port = place.and_then(|place| self.names.lock().ok()?.get(place).copied());
        let refusal = match port {
            _ if login.as_ref() != Some(&self.login) => {
                "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"tea\""
            }
            None => "502 Bad Gateway",
            Some(port) => {
                let mut there = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
                return self.carry(&mut stream, &mut there).await;
            }
        };
        let answer = format!("HTTP/1.1 {refusal}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.ok()
    }

    async fn socks(&self, mut stream: BufReader<TcpStream>) -> Option<()> {
        stream.read_u8().await.ok()?;
        part(&mut stream).await?;
        // A user name and a password, and nothing less.
        stream.write_all(&[5, 2]).await.ok()?;
        stream.read_u8().await.ok()?;
        let (user, password) = (part(&mut stream).await?, part(&mut stream).await?);
        let login = STANDARD.encode(format!("{user}:{password}"));
        let good = self.login == format!("Basic {login}");
        stream.write_all(&[1, u8::from(!good)]).await.ok()?;
        let mut head = [0; 4];
        stream.read_exact(&mut head).await.ok()?;
        // A name: who resolves it here has asked the wrong one.
        assert_eq!(head, [5, 1, 0, 3]);
        let place = format!("{}:{}", part(&mut stream).await?, stream.read_u16().await.ok()?);
        self.asked.lock().ok()?.push(place.clone());
        let port = self.names.lock().ok()?.get(&place).copied();
        let there = match port {
            Some(port) => TcpStream::connect(("127.0.0.1", port)).await.ok(),
            None => None,
        };
        stream.write_all(&[5, u8::from(there.is_none()), 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
        self.carry(&mut stream, &mut there?).await
    }

    async fn carry(&self, here: &mut BufReader<TcpStream>, there: &mut TcpStream) -> Option<()> {
        tokio::select! {
            carried = copy_bidirectional(here, there) => carried.ok().map(drop),
            () = self.cut.notified() => None,
        }
    }
}

/// A text with its length in front of it.
async fn part(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut text = vec![0; usize::from(stream.read_u8().await.ok()?)];
    stream.read_exact(&mut text).await.ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// A certificate authority of a test.
pub struct Certificates {
    /// The file with its certificate, for those who are to trust it.
    pub trusted: PathBuf,
    /// The file with the key and the certificate of a server of all the names.
    pub server: PathBuf,
}

impl Certificates {
    /// An authority, and a server's certificate from it for these names.
    ///
    /// # Panics
    /// When the files can't be written.
    pub fn of(names: &[&str], folder: &Path) -> Self {
        use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "Bellhop's tests");
        let certificate = authority.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let server = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let made = Self { trusted: folder.join("authority.pem"), server: folder.join("server.pem") };
        std::fs::write(&made.trusted, certificate.pem()).unwrap();
        std::fs::write(&made.server, key.serialize_pem() + &server.pem()).unwrap();
        made
    }
}

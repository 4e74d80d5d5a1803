use base64::{Engine, engine::general_purpose::STANDARD};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A proxy that tunnels (RFC 9110 §9.3.6) to the names it was told of, and to nothing else: on this computer nobody
/// else knows them.
pub struct Proxy {
    /// Its address, with the login it wants.
    pub url: String,
    inside: Arc<Inside>,
    task: JoinHandle<()>,
}

struct Inside {
    login: String,
    names: Mutex<HashMap<String, u16>>,
    asked: Mutex<Vec<String>>,
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
        let url = format!("http://anna:{PROXY_PASSWORD}@{}", listener.local_addr().unwrap());
        let inside = Arc::new(Inside {
            login: format!("Basic {}", STANDARD.encode(format!("anna:{PROXY_PASSWORD}"))),
            names: Mutex::default(),
            asked: Mutex::default(),
        });
        let serving = Arc::clone(&inside);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).serve(stream));
            }
        });
        Self { url, inside, task }
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
                copy_bidirectional(&mut stream, &mut there).await.ok()?;
                return Some(());
            }
        };
        let answer = format!("HTTP/1.1 {refusal}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.ok()
    }
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

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// How long a connection may stand still.
const STILL: Duration = Duration::from_secs(30);

/// TLS before a web server, with a certificate for `localhost` of an authority that nobody knows yet. As with many
/// hosters, what is behind it only knows by a header.
pub(super) struct Front {
    /// Its port.
    pub(super) port: u16,
    /// The authority's certificate.
    pub(super) authority: PathBuf,
    behind: Arc<Mutex<u16>>,
}

impl Front {
    /// One whose files are in this folder, and which has nothing behind it yet.
    pub(super) fn start(folder: &Path) -> Self {
        let (authority, certificate) = make(folder);
        // Bellhop's programs bring their own.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let chain = CertificateDer::pem_file_iter(certificate).unwrap().collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.join("leaf.key")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        let (config, behind) = (Arc::new(config), Arc::new(Mutex::new(0)));
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let to = Arc::clone(&behind);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, port) = (Arc::clone(&config), *to.lock().unwrap());
                // Whoever doesn't trust the certificate hangs up: an error here is nothing unusual.
                thread::spawn(move || pass(stream, config, port));
            }
        });
        Self { port, authority, behind }
    }

    /// Pass on to this port from now on.
    pub(super) fn before(&self, port: u16) {
        *self.behind.lock().unwrap() = port;
    }
}

/// One request, and its answer.
fn pass(stream: TcpStream, config: Arc<ServerConfig>, port: u16) -> io::Result<()> {
    stream.set_read_timeout(Some(STILL))?;
    let mut tls = StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, stream);
    let mut request = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let head = loop {
        if let Some(at) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        match tls.read(&mut buffer)? {
            0 => return Ok(()),
            n => request.extend_from_slice(&buffer[..n]),
        }
    };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let length: usize = length.unwrap_or(0);
    while request.len() < head + 4 + length {
        match tls.read(&mut buffer)? {
            0 => return Ok(()),
            n => request.extend_from_slice(&buffer[..n]),
        }
    }
    let mut behind = TcpStream::connect(("127.0.0.1", port))?;
    behind.set_read_timeout(Some(STILL))?;
    behind.write_all(&request[..head])?;
    behind.write_all(b"\r\nX-Forwarded-Proto: https\r\nConnection: close")?;
    behind.write_all(&request[head..])?;
    io::copy(&mut behind, &mut tls)?;
    tls.conn.send_close_notify();
    tls.flush()
}

/// Make an authority and a certificate of it.
fn make(folder: &Path) -> (PathBuf, PathBuf) {
    let openssl = |args: &[&str]| {
        let said = Command::new("openssl").args(args).current_dir(folder).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let authority = [
        "req",
        "-x509",
        "-days",
        "2",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-subj",
        "/CN=Authority of the tests",
    ];
    openssl(&[&authority[..], &key].concat());
    openssl(
        &[&["req", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost"][..], &key].concat(),
    );
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(&[
        "x509",
        "-req",
        "-in",
        "leaf.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-out",
        "leaf.pem",
        "-extfile",
        "names",
    ]);
    (folder.join("ca.pem"), folder.join("leaf.pem"))
}

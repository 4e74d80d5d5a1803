//! What Linux shows of processes and sockets, read from `/proc`; whose a socket is, also from the kernel itself.

mod diag;

use model::Program;
use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

/// Where a person's programs keep their data.
pub fn data_folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    set("XDG_DATA_HOME").or_else(|| set("HOME").map(|h| h.join(".local/share"))).map(|p| p.join("bellhop"))
}

/// The person's home folder.
pub fn home_folder() -> Option<PathBuf> {
    env::var_os("HOME").filter(|h| !h.is_empty()).map(PathBuf::from)
}

/// This computer's name.
pub fn computer_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Open an address in the person's browser, without a shell.
///
/// # Errors
/// A sentence about why no browser opened.
pub async fn open_address(address: &url::Url) -> Result<(), String> {
    let mut command = tokio::process::Command::new("xdg-open");
    command.arg(address.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|_| "xdg-open isn't installed".to_owned())?;
    // Some openers stay as long as the browser they started: waiting longer would tell nothing.
    match tokio::time::timeout(std::time::Duration::from_secs(3), child.wait()).await {
        Ok(Ok(status)) if !status.success() => Err("no browser is set up on this computer".to_owned()),
        _ => Ok(()),
    }
}

/// The parent of a process.
pub fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything, parentheses included.
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok().filter(|p| *p > 1)
}

const INTERPRETERS: [&str; 9] =
    ["node", "nodejs", "python", "python3", "bun", "deno", "ruby", "java", "electron"];

/// What a process is: `$APPIMAGE` for an AppImage, the executable, and the script for an interpreter.
pub fn program(pid: u32) -> Option<Program> {
    let exe = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    // After an update the kernel says so behind the path of a program that still runs.
    let exe = exe.to_string_lossy();
    let exe = exe.strip_suffix(" (deleted)").unwrap_or(&exe).to_owned();
    let mut identity = exe.clone();
    if exe.starts_with("/memfd:") {
        // In memory alone, under a name of its own choice: no other process is known by it.
        identity = format!("{exe} (process {pid})");
    } else if let Some(image) = app_image(pid, &exe) {
        identity = image;
    } else if is_interpreter(&exe)
        && let Some(script) = script(pid)
    {
        identity = format!("{exe} {script}");
    }
    let name = identity.rsplit('/').next().unwrap_or(&identity).to_owned();
    Some(Program { pid, identity, name })
}

fn is_interpreter(exe: &str) -> bool {
    let name = exe.rsplit('/').next().unwrap_or(exe);
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.contains(&name) || INTERPRETERS.contains(&stem)
}

fn variable(pid: u32, name: &str) -> Option<String> {
    let all = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let line = all.split(|b| *b == 0).find_map(|l| l.strip_prefix(format!("{name}=").as_bytes()))?;
    String::from_utf8(line.to_vec()).ok().filter(|v| !v.is_empty())
}

/// `$APPIMAGE`, for a program that runs from a mounted image. The variable alone shows nothing: all that an AppImage
/// starts inherits it, and anybody can set it.
fn app_image(pid: u32, exe: &str) -> Option<String> {
    let image = variable(pid, "APPIMAGE")?;
    let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).ok()?;
    is_in_image(&mounts, exe).then_some(image)
}

/// Whether the innermost mount above `exe` is a file system in user space, which is how an image is mounted.
fn is_in_image(mounts: &str, exe: &str) -> bool {
    let mounts = mounts.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        Some((place.split(' ').nth(4)?, kind.split(' ').next()?))
    });
    let above = mounts.filter(|(place, _)| Path::new(exe).starts_with(place));
    above.max_by_key(|(place, _)| place.len()).is_some_and(|(_, kind)| kind.starts_with("fuse"))
}

/// The first argument of an interpreter that is a file: its script.
fn script(pid: u32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    let arguments: Vec<_> =
        line.split(|b| *b == 0).skip(1).filter_map(|a| std::str::from_utf8(a).ok()).collect();
    script_among(&arguments, &folder)
}

fn script_among(arguments: &[&str], folder: &Path) -> Option<String> {
    // With these the code comes from elsewhere, and a file behind them is only an argument to it.
    const ELSEWHERE: [&str; 7] = ["-c", "-e", "-m", "-p", "-pe", "--eval", "--print"];
    let is_elsewhere =
        |a: &str| ELSEWHERE.contains(&a) || a.starts_with("--eval=") || a.starts_with("--print=");
    arguments
        .iter()
        .take_while(|a| !is_elsewhere(a))
        .filter(|a| !a.is_empty() && !a.starts_with('-'))
        .map(|a| folder.join(a))
        .find(|p| p.is_file())
        .and_then(|p| fs::canonicalize(p).ok())
        .map(|p| p.to_string_lossy().into_owned())
}

/// A row of `/proc/net/tcp`.
struct Row {
    local: String,
    remote: String,
    listening: bool,
    uid: u32,
    inode: u64,
}

fn rows() -> Vec<Row> {
    let mut out = Vec::new();
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(file).unwrap_or_default();
        out.extend(text.lines().skip(1).filter_map(|line| {
            let mut f = line.split_ascii_whitespace().skip(1);
            let (local, remote, state) = (f.next()?, f.next()?, f.next()?);
            let mut f = f.skip(3);
            let uid = f.next()?.parse().ok()?;
            let inode = f.nth(1)?.parse().ok()?;
            Some(Row { local: local.into(), remote: remote.into(), listening: state == "0A", uid, inode })
        }));
    }
    out
}

/// An address as `/proc/net/tcp` writes it: 32-bit words in the machine's own byte order, in hexadecimal.
fn written(address: SocketAddr) -> String {
    let words = match address {
        SocketAddr::V4(a) => vec![a.ip().octets()],
        SocketAddr::V6(a) => a.ip().octets().chunks_exact(4).map(|c| [c[0], c[1], c[2], c[3]]).collect(),
    };
    let ip: String = words.into_iter().map(|w| format!("{:08X}", u32::from_ne_bytes(w))).collect();
    format!("{ip}:{:04X}", address.port())
}

/// Whether the program at the other end of a loopback connection is surely this user's: quick enough to be asked in
/// passing. Where it can't be said at once, [`tcp_peer_is_ours`] looks thoroughly.
pub fn tcp_peer_is_surely_ours(peer: SocketAddr, local: SocketAddr) -> bool {
    diag::owner(peer, local) == Some(rustix::process::getuid().as_raw())
}

/// Whether the process at the other end of a loopback connection belongs to this user.
///
/// `None` when the system doesn't show it.
pub fn tcp_peer_is_ours(peer: SocketAddr, local: SocketAddr) -> Option<bool> {
    // A program may reach an IPv4 address with a socket of IPv6, and stands in the other table then.
    let ends = [(written(peer), written(local)), (written(mapped(peer)), written(mapped(local)))];
    let look = || {
        let rows = rows();
        let own = |r: &&Row| ends.iter().any(|(peer, local)| r.local == *peer && r.remote == *local);
        let uid = rows.iter().find(own).map(|r| r.uid);
        (uid, rows.is_empty())
    };
    // The tables are not read in one piece: a row can be missed while others come and go.
    for _ in 0..3 {
        match look() {
            (Some(uid), _) => return Some(uid == rustix::process::getuid().as_raw()),
            (None, true) => return None,
            (None, false) => {}
        }
    }
    // The tables can be read and it is in none of them: it has gone, or hides.
    Some(false)
}

/// The address as a socket of IPv6 has it.
fn mapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(a) => SocketAddr::new(a.ip().to_ipv6_mapped().into(), a.port()),
        six @ SocketAddr::V6(_) => six,
    }
}

/// The process that holds a socket, among those this user may look at.
fn holder(inode: u64) -> Option<u32> {
    let link = format!("socket:[{inode}]");
    let holds = |pid: u32| {
        fs::read_dir(format!("/proc/{pid}/fd"))
            .is_ok_and(|d| d.flatten().any(|f| fs::read_link(f.path()).is_ok_and(|l| l == Path::new(&link))))
    };
    fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .find(|p| holds(*p))
}

fn listeners(port: u16) -> impl Iterator<Item = Row> {
    let tail = format!(":{port:04X}");
    rows().into_iter().filter(move |r| r.listening && r.local.ends_with(&tail))
}

/// This user's program that listens on a loopback port.
pub fn listener_program(port: u16) -> Option<Program> {
    let uid = rustix::process::getuid().as_raw();
    listeners(port).filter(|r| r.uid == uid).find_map(|r| program(holder(r.inode)?))
}

/// This user's program at the other end of a loopback connection.
pub fn peer_program(peer: SocketAddr, local: SocketAddr) -> Option<Program> {
    let ends = [(written(peer), written(local)), (written(mapped(peer)), written(mapped(local)))];
    let own = |r: &Row| ends.iter().any(|(peer, local)| r.local == *peer && r.remote == *local);
    program(holder(rows().into_iter().find(own)?.inode)?)
}

/// Who holds a port, in words: a program's name and process id, or that it is another user's.
pub fn port_owner(port: u16) -> Option<String> {
    let row = listeners(port).next()?;
    match holder(row.inode).and_then(program) {
        Some(p) => Some(format!("{} (process {})", p.name, p.pid)),
        None => Some("a program of another user".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        net::{TcpListener, TcpStream},
        process::Command,
    };

    #[test]
    fn the_program_behind_a_listening_port_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let program = listener_program(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(program.pid, std::process::id());
        assert_eq!(program.identity, env::current_exe().unwrap().to_string_lossy());
    }

    #[test]
    fn only_what_runs_from_a_mounted_image_is_known_by_the_image() {
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                      90 22 0:50 / /tmp/.mount_CursorAb12 ro,nosuid - fuse.Cursor.AppImage Cursor.AppImage ro\n";
        assert!(is_in_image(mounts, "/tmp/.mount_CursorAb12/usr/bin/cursor"));
        assert!(!is_in_image(mounts, "/tmp/.mount_CursorAb123/cursor"));
        assert!(!is_in_image(mounts, "/home/anna/evil"));
        let mut child =
            Command::new("sleep").arg("30").env("APPIMAGE", "/opt/Cursor.AppImage").spawn().unwrap();
        let seen = program(child.id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!seen.identity.contains("AppImage"), "{}", seen.identity);
    }

    #[test]
    fn a_file_behind_code_on_the_command_line_is_no_script() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("app.js"), "").unwrap();
        let seen = |arguments: &[&str]| script_among(arguments, folder.path());
        assert!(seen(&["app.js"]).unwrap().ends_with("/app.js"));
        assert!(seen(&["--no-warnings", "app.js", "-e"]).is_some());
        for posing in
            [&["-e", "evil()", "app.js"][..], &["--eval=evil()", "app.js"], &["-c", "evil()", "app.js"]]
        {
            assert_eq!(seen(posing), None, "{posing:?}");
        }
    }

    #[test]
    fn a_peer_of_this_user_is_known_as_ours_on_both_families() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let local = listener.local_addr().unwrap();
            assert_eq!(tcp_peer_is_ours(client.local_addr().unwrap(), local), Some(true), "{address}");
        }
    }

    #[test]
    fn the_program_at_the_other_end_of_a_connection_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        let client = TcpStream::connect(local).unwrap();
        let seen = peer_program(client.local_addr().unwrap(), local).unwrap();
        assert_eq!(seen.pid, std::process::id());
    }

    #[test]
    fn a_peer_that_reaches_ipv4_with_a_socket_of_ipv6_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        let Ok(_client) = TcpStream::connect(mapped(local)) else { return };
        let (_stream, peer) = listener.accept().unwrap();
        assert_eq!(tcp_peer_is_ours(peer, local), Some(true));
    }

    #[test]
    fn a_script_is_part_of_what_an_interpreter_is() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("app.py");
        fs::write(&script, "import sys; sys.stdin.read()").unwrap();
        let mut child = Command::new("python3").arg(&script).stdin(Stdio::piped()).spawn().unwrap();
        let seen = (0..100).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            program(child.id()).filter(|p| p.identity.contains("app.py"))
        });
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(seen.unwrap().name, "app.py");
    }
}

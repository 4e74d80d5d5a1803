use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};
use std::net::{IpAddr, SocketAddr};

/// The length of a question: a netlink header and `inet_diag_req_v2` (sock_diag(7)).
const QUESTION: u32 = 72;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const IPPROTO_TCP: u8 = 6;
/// The one state in which a socket surely has its owner: one that is closing may have lost it.
const TCP_ESTABLISHED: u8 = 1;

/// The user whose socket stands at `peer` and is connected to `local`; `None` when the kernel doesn't say so for
/// exactly these two. One question and one answer, however many sockets the machine has.
pub(super) fn owner(peer: SocketAddr, local: SocketAddr) -> Option<u32> {
    let kind = SocketType::DGRAM;
    let socket =
        socket_with(AddressFamily::NETLINK, kind, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG)).ok()?;
    let id = id(peer, local);
    let family: u8 = if peer.is_ipv6() { 10 } else { 2 };
    let mut question = Vec::with_capacity(72);
    question.extend_from_slice(&QUESTION.to_ne_bytes());
    question.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    question.extend_from_slice(&NLM_F_REQUEST.to_ne_bytes());
    question.extend_from_slice(&[0; 8]);
    question.extend_from_slice(&[family, IPPROTO_TCP, 0, 0]);
    question.extend_from_slice(&u32::MAX.to_ne_bytes());
    question.extend_from_slice(&id);
    // Any interface, any cookie.
    question.extend_from_slice(&[0; 4]);
    question.extend_from_slice(&[0xff; 8]);
    send(&socket, &question, SendFlags::empty()).ok()?;
    let mut answer = [0_u8; 512];
    let (length, _) = recv(&socket, answer.as_mut_slice(), RecvFlags::DONTWAIT).ok()?;
    read(answer.get(..length)?, &id)
}

/// Both ends as `inet_diag_sockid` has them: ports, then addresses, in the order of the network.
fn id(peer: SocketAddr, local: SocketAddr) -> Vec<u8> {
    let mut id = Vec::with_capacity(36);
    id.extend_from_slice(&peer.port().to_be_bytes());
    id.extend_from_slice(&local.port().to_be_bytes());
    for ip in [peer.ip(), local.ip()] {
        let mut bytes = [0; 16];
        match ip {
            IpAddr::V4(four) => bytes[..4].copy_from_slice(&four.octets()),
            IpAddr::V6(six) => bytes = six.octets(),
        }
        id.extend_from_slice(&bytes);
    }
    id
}

/// The user in an `inet_diag_msg` that is about these two ends.
fn read(answer: &[u8], id: &[u8]) -> Option<u32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let message = answer.get(16..)?;
    let state = *message.get(1)?;
    if kind != SOCK_DIAG_BY_FAMILY || state != TCP_ESTABLISHED || message.get(4..4 + id.len())? != id {
        return None;
    }
    Some(u32::from_ne_bytes(message.get(64..68)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        net::{TcpListener, TcpStream},
        os::unix::process::CommandExt,
        process::Command,
    };

    #[test]
    fn the_kernel_says_whose_socket_it_is_on_both_families_and_nothing_of_one_that_is_gone() {
        let us = rustix::process::getuid().as_raw();
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, peer) = listener.accept().unwrap();
            let local = server.local_addr().unwrap();
            assert_eq!(owner(peer, local), Some(us), "{address}");
            drop(client);
            assert_eq!(owner(peer, local), None, "{address}");
            let other = SocketAddr::new(peer.ip(), 1);
            assert_eq!(owner(other, local), None, "{address}");
        }
    }

    #[test]
    fn another_users_socket_is_another_users() {
        if !rustix::process::getuid().is_root() {
            println!("skipped: only root can be two users");
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; read -r -t 20 line <&3");
        let mut other =
            Command::new("bash").args(["-c", &script]).uid(65534).current_dir("/").spawn().unwrap();
        let (server, peer) = listener.accept().unwrap();
        let local = server.local_addr().unwrap();
        assert_eq!(owner(peer, local), Some(65534));
        assert_eq!(super::super::tcp_peer_is_ours(peer, local), Some(false));
        drop(server);
        other.wait().unwrap();
    }
}

use std::time::Duration;

/// How much and how long. Every wait and every buffer of this room is bounded by one of these.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest body an app may send, in bytes.
    pub request_body: usize,
    /// How long an app may take to send a body.
    pub request_time: Duration,
    /// The largest single event or list answer that is held in memory, in bytes.
    pub message: usize,
    /// Up to how many bytes an answer of one JSON message is collected before it is passed on, so that a
    /// service that dies meanwhile is answered for with an error. What is larger passes as it arrives.
    pub collect: usize,
    /// How long a service may take to accept a connection.
    pub connect: Duration,
    /// How long a service may take to begin its answer to a call, and how long a stream may be silent.
    pub answer: Duration,
    /// How long a service may take for `initialize`, a list, or a notice.
    pub handshake: Duration,
    /// How long the lists of all services together may hold back an app that asks for them.
    pub merge: Duration,
    /// How old an inventory may be before it is fetched again when somebody asks.
    pub inventory_age: Duration,
    /// How many pages of a list are fetched.
    pub pages: usize,
    /// How many sessions one connection may have; the one idle the longest makes room.
    pub sessions: usize,
    /// How many messages wait for an app's listening stream before the oldest is dropped.
    pub queue: usize,
    /// How often a listening stream says that it is alive.
    pub keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_body: 4 << 20,
            request_time: Duration::from_secs(30),
            message: 16 << 20,
            collect: 1 << 20,
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(600),
            handshake: Duration::from_secs(20),
            merge: Duration::from_secs(5),
            inventory_age: Duration::from_secs(300),
            pages: 50,
            sessions: 32,
            queue: 256,
            keep_alive: Duration::from_secs(25),
        }
    }
}

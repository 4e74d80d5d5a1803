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
    /// When a service in trouble is asked again though nobody asks: the first time; then twice as late each time.
    pub ask_again: Duration,
    /// How long to wait before listening again to a service whose stream has ended, or never came. While none comes,
    /// this doubles each time, up to five minutes.
    pub listen_again: Duration,
    /// How many pages of a list are fetched.
    pub pages: usize,
    /// How many sessions one connection may have; the one idle the longest makes room. As many subscriptions,
    /// of which the oldest makes room.
    pub sessions: usize,
    /// How many messages wait for an app's listening stream before the oldest is dropped.
    pub queue: usize,
    /// How often a stream on which nothing happens says that it is alive.
    pub keep_alive: Duration,
    /// For how long an app of the modern era may keep lists and resources without asking again.
    pub ttl: Duration,
    /// How long an app of the legacy era may take to come back to a stream that broke off, before its call is
    /// given up. Services hear of that within a second.
    pub rejoin: Duration,
    /// How long a call waits for answers that an app of the modern era gives in a request of its own.
    pub park: Duration,
    /// How many calls of one connection may wait so.
    pub parked: usize,
    /// How long a call waits for the person when its app can't be told that it waits: less than apps do.
    pub hold: Duration,
    /// How long it waits for them when the app is told.
    pub hold_told: Duration,
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
            ask_again: Duration::from_secs(30),
            listen_again: Duration::from_secs(1),
            pages: 50,
            sessions: 32,
            queue: 256,
            keep_alive: Duration::from_secs(25),
            ttl: Duration::from_secs(60),
            rejoin: Duration::from_millis(700),
            park: Duration::from_secs(600),
            parked: 32,
            hold: Duration::from_secs(45),
            hold_told: Duration::from_secs(600),
        }
    }
}

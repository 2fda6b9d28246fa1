//! Refusals: why, in words and as a counter's label; the last hundred are kept to be looked at.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How a point or line came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// A `put` line.
    Telnet,
    /// `/api/put` and other requests.
    Http,
    /// Lines of `/api/v1/import`.
    Import,
    /// `put` lines in datagrams.
    Udp,
    /// KairosDB's lines and bodies.
    Kairosdb,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Protocol; 5] =
        [Protocol::Telnet, Protocol::Http, Protocol::Import, Protocol::Udp, Protocol::Kairosdb];

    /// The metrics label.
    pub const fn label(self) -> &'static str {
        match self {
            Protocol::Telnet => "telnet",
            Protocol::Http => "http",
            Protocol::Import => "import",
            Protocol::Udp => "udp",
            Protocol::Kairosdb => "kairosdb",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)*) => {
        /// Why something was refused; the label of its counter.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// The metrics label.
            pub const fn label(self) -> &'static str {
                match self { $(Reason::$name => $label,)* }
            }
        }
    };
}

reasons! {
    /// A field is missing, empty, malformed or against a rule.
    IllegalArgument = "illegal_argument",
    /// Timestamp or value is not a number.
    InvalidValue = "invalid_value",
    /// More tags than allowed.
    TooManyTags = "too_many_tags",
    /// A character that may not stand there.
    IllegalCharacter = "illegal_character",
    /// Bytes that are not UTF-8.
    InvalidUtf8 = "invalid_utf8",
    /// A timestamp outside what can be stored.
    TimestampRange = "timestamp_range",
    /// A name never seen, where names do not come into being by themselves.
    UnknownName = "unknown_name",
    /// A word that is no telnet command.
    UnknownCommand = "unknown_command",
    /// A telnet line beyond the limit.
    LineTooLong = "line_too_long",
    /// Bytes of a TLS handshake on a plain port.
    Tls = "tls_on_plain_port",
    /// A body that is not the JSON expected.
    Json = "invalid_json",
    /// A request that is not HTTP as it should be.
    BadRequest = "bad_request",
    /// A body beyond the limit.
    BodyTooLarge = "body_too_large",
    /// The node cannot take points now.
    Unavailable = "unavailable",
    /// Metric and tags together are too long.
    NameTooLong = "name_too_long",
    /// A timestamp that retention has dropped or would drop.
    Retention = "older_than_retention",
    /// No histogram, or one whose codec is not known.
    Histogram = "invalid_histogram",
    /// There are as many series as there may be.
    TooManySeries = "too_many_series",
    /// New series come faster than they may.
    NewSeriesRate = "new_series_rate",
    /// The process uses nearly all the memory it may.
    Memory = "memory_limit",
}

/// Longest message in bytes: it may show names and tags, which a client can make long.
const MESSAGE_BYTES_MAX: usize = 2048;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Its counter.
    pub reason: Reason,
    /// What was wrong, for the client.
    pub message: String,
}

impl Reject {
    /// A refusal with its message.
    pub fn new(reason: Reason, message: impl Into<String>) -> Reject {
        let mut message: String = message.into();
        if message.len() > MESSAGE_BYTES_MAX {
            let end = (0..=MESSAGE_BYTES_MAX).rev().find(|&at| message.is_char_boundary(at));
            message.truncate(end.unwrap_or(0));
            message.push_str("...");
            message.shrink_to_fit();
        }
        Reject { reason, message }
    }
}

/// One of the last refusals.
#[derive(Debug, Clone)]
pub struct Refused {
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// How it came in.
    pub protocol: Protocol,
    /// From where.
    pub peer: Option<SocketAddr>,
    /// Why.
    pub reject: Reject,
    /// The beginning of what was refused.
    pub input: String,
}

/// How many refusals are kept.
pub const KEPT: usize = 100;
/// How much of a refused line is kept, in bytes.
const INPUT_BYTES_MAX: usize = 200;

/// Counts refusals and keeps the last ones.
#[derive(Debug, Default)]
pub struct Rejections {
    counts: [[AtomicU64; Reason::ALL.len()]; Protocol::ALL.len()],
    last: Mutex<VecDeque<Refused>>,
}

impl Rejections {
    /// Counts and keeps one.
    pub fn add(
        &self,
        time_ms: i64,
        protocol: Protocol,
        peer: Option<SocketAddr>,
        reject: &Reject,
        input: &[u8],
    ) {
        self.counts[protocol as usize][reject.reason as usize].fetch_add(1, Relaxed);
        let input = &input[..input.len().min(INPUT_BYTES_MAX)];
        let input = String::from_utf8_lossy(input).into_owned();
        let mut last = self.last.lock();
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(Refused { time_ms, protocol, peer, reject: reject.clone(), input });
    }

    /// Counts refusals that are not kept.
    pub fn count_more(&self, protocol: Protocol, reason: Reason, count: u64) {
        self.counts[protocol as usize][reason as usize].fetch_add(count, Relaxed);
    }

    /// The count of a protocol and reason.
    pub fn count(&self, protocol: Protocol, reason: Reason) -> u64 {
        self.counts[protocol as usize][reason as usize].load(Relaxed)
    }

    /// The last refusals, oldest first.
    pub fn last(&self) -> Vec<Refused> {
        self.last.lock().iter().cloned().collect()
    }
}

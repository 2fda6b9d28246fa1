//! What a connection speaks: its first line tells.

use super::{EventLoop, spoken};
use crate::conn::Speaks;
use crate::http::head::is_request_line;
use crate::http::router::Port;
use crate::kairosdb;
use crate::reject::{Protocol, Reason, Reject};
use crate::telnet;

impl EventLoop {
    /// Decides what a connection speaks, by its first line once that has ended.
    pub(super) fn decide(&mut self, place: usize, bytes: &[u8]) -> bool {
        if bytes.starts_with(&[0x16, 0x03]) {
            return self.refuse_tls(place, bytes);
        }
        let conn = &mut self.conns[place];
        let line_end = memchr::memchr(b'\n', bytes);
        let http = match (conn.port, line_end) {
            (Port::Http, _) => true,
            (_, Some(end)) => is_request_line(&bytes[..=end]),
            (_, None) if bytes.len() > self.node.policy.line_bytes_max => false,
            (_, None) => return false,
        };
        conn.speaks = match conn.port {
            _ if http => Speaks::Http(Box::default()),
            Port::Kairosdb => Speaks::Kairosdb(kairosdb::session::Session::default()),
            _ => Speaks::Telnet(telnet::Session::default()),
        };
        if let Some(protocol) = spoken(conn) {
            self.node.counters.connect(protocol, 1);
        }
        true
    }

    fn refuse_tls(&mut self, place: usize, bytes: &[u8]) -> bool {
        let conn = &mut self.conns[place];
        let reject = Reject::new(Reason::Tls, "TLS is not spoken on this port: connect without it");
        conn.out.extend_from_slice(format!("error: {}\n", reject.message).as_bytes());
        conn.closing = true;
        let protocol = match conn.port {
            Port::Opentsdb => Protocol::Telnet,
            Port::Http => Protocol::Http,
            Port::Kairosdb => Protocol::Kairosdb,
        };
        let now_ms = self.node.engine.env().clock.wall_ms();
        let input = &bytes[..bytes.len().min(5)];
        self.node.rejections.add(now_ms, protocol, Some(conn.peer), &reject, input);
        false
    }
}

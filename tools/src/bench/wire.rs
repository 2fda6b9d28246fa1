//! What every protocol does for its connection.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Outcome;
use super::clock::now;

/// How long a connection waits at most before it looks whether it shall stop.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Why there is no connection, and what to do.
pub(super) fn not_there(server: SocketAddr, error: &std::io::Error) -> String {
    format!("cannot connect to {server}: {error}; start the server, or say where it listens")
}

/// A connection, or what stands for one.
pub(super) trait Wire: Send {
    /// Makes of whole lines what will be sent, before that is due.
    fn prepare(&mut self, _lines: &[u8]) -> Outcome<()> {
        Ok(())
    }

    /// Sends whole lines that were due at a time; may change them.
    fn send(&mut self, lines: &mut Vec<u8>, points: u64, due: Instant) -> Outcome<()>;

    /// Waits until a time, and takes what is answered meanwhile.
    fn wait(&mut self, until: Instant) -> Outcome<()> {
        std::thread::sleep(until.saturating_duration_since(now()));
        Ok(())
    }

    /// Waits until everything sent is answered.
    fn finish(&mut self) -> Outcome<()> {
        Ok(())
    }
}

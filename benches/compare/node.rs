//! What the benchmark needs to know about a kind of node.

use std::net::SocketAddr;
use std::time::Duration;

use super::send::Ending;
use super::server::Server;
use crate::Outcome;

/// A node that runs and serves.
pub struct Running {
    /// Its process.
    pub server: Server,
    /// Where it takes lines.
    pub opentsdb: SocketAddr,
    /// Where it answers requests.
    pub http: SocketAddr,
    /// The longest wait for any one thing.
    pub timeout: Duration,
}

/// A kind of node.
pub trait Node {
    /// Its name in tables.
    fn name(&self) -> &'static str;

    /// Its release.
    fn version(&self) -> String;

    /// The flags it is started with.
    fn flags(&self) -> Vec<String>;

    /// A directory in its data that holds nothing but caches and so is not counted.
    fn cache_dir(&self) -> Option<&'static str> {
        None
    }

    /// How a connection learns that its lines are accepted.
    fn ending(&self) -> Ending;

    /// Starts it and waits until it serves.
    fn start(&self) -> Outcome<Running>;

    /// Has everything written to sealed, synced segments and waits until that is so.
    fn seal(&self, running: &mut Running, points: u64) -> Outcome<()>;

    /// Has everything merged and waits until that is so.
    fn merge(&self, running: &mut Running) -> Outcome<()>;

    /// Fails unless the node's counters say that it stored `points` and refused none.
    fn check_counters(&self, running: &Running, points: u64) -> Outcome<()>;
}

/// An error unless two counts agree.
pub fn expect_count(what: &str, found: u64, expected: u64) -> Outcome<()> {
    if found != expected {
        return Err(format!("{what} is {found}, not {expected}").into());
    }
    Ok(())
}

/// The first line a program prints, or the reason why there is none.
pub fn first_line_of(program: &std::path::Path, arguments: &[&str]) -> String {
    match std::process::Command::new(program).args(arguments).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.trim().lines().next().unwrap_or_default().to_owned()
        }
        Err(error) => error.to_string(),
    }
}

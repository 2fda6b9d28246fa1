//! What the benchmark needs to know about a kind of node.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Outcome;
use super::send::Ending;
use super::server::{Server, new_dir};
use tempfile::TempDir;

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

    /// Whether every value comes back as it was sent.
    fn is_exact(&self) -> bool {
        true
    }

    /// Whether what was sent can be read from it.
    fn keeps_points(&self) -> bool {
        true
    }

    /// How a connection learns that its lines are accepted.
    fn ending(&self) -> Ending;

    /// Where directories for it are made.
    fn scratch(&self) -> &Path;

    /// Starts it on an empty directory and waits until it serves.
    fn start(&self) -> Outcome<Running> {
        self.start_on(Arc::new(new_dir(self.scratch())?))
    }

    /// Starts it on what an earlier one left and waits until it serves.
    fn start_on(&self, dir: Arc<TempDir>) -> Outcome<Running>;

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
pub fn first_line_of(program: &Path, arguments: &[&str]) -> String {
    match std::process::Command::new(program).args(arguments).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.trim().lines().next().unwrap_or_default().to_owned()
        }
        Err(error) => error.to_string(),
    }
}

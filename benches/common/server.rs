//! A server started for one run: its process, its files, its end.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::Outcome;
use ::irontsd::bench::wait;

const POLL: Duration = Duration::from_millis(10);
const LOG_TAIL_LINES: usize = 15;

/// A new directory for a server.
pub fn new_dir(scratch: &Path) -> Outcome<TempDir> {
    Ok(tempfile::Builder::new().prefix("irontsd-bench-").tempdir_in(scratch)?)
}

/// A running process with a directory of its own. Dropping it kills the one and, unless somebody
/// else holds it, removes the other.
pub struct Server {
    child: Child,
    dir: Arc<TempDir>,
}

impl Server {
    /// Starts `command` on a directory; `arguments` get the path for data in it.
    pub fn start(
        dir: Arc<TempDir>,
        command: &Path,
        arguments: impl FnOnce(&Path) -> Vec<String>,
    ) -> Outcome<Self> {
        let child = Command::new(command)
            .args(arguments(&dir.path().join("data")))
            .env_remove("GOGC")
            .env_remove("GOMAXPROCS")
            .stdin(Stdio::null())
            .stdout(File::create(dir.path().join("stdout"))?)
            .stderr(File::create(dir.path().join("stderr"))?)
            .spawn();
        let child = child.map_err(|error| format!("{}: {error}", command.display()))?;
        Ok(Server { child, dir })
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the server keeps its data.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The directory of its own, to keep it for another server.
    pub fn dir(&self) -> Arc<TempDir> {
        Arc::clone(&self.dir)
    }

    /// Ends the server as `kill -9` does.
    pub fn kill(&mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// What the server has printed so far.
    pub fn stdout(&self) -> Outcome<String> {
        Ok(std::fs::read_to_string(self.dir.path().join("stdout"))?)
    }

    /// When the server last printed something, by the clock of the file system.
    pub fn printed_at(&self) -> Outcome<SystemTime> {
        Ok(self.dir.path().join("stdout").metadata()?.modified()?)
    }

    /// What the server has logged so far.
    pub fn stderr(&self) -> Outcome<String> {
        Ok(std::fs::read_to_string(self.dir.path().join("stderr"))?)
    }

    /// An error with the end of the server's log if it no longer runs.
    pub fn check_alive(&mut self) -> Outcome<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("the server ended, {status}:\n{}", self.log_tail()).into()),
        }
    }

    /// Asks the server to stop, as Ctrl-C does, and waits for a clean end.
    pub fn stop(&mut self, timeout: Duration) -> Outcome<()> {
        kill_process(Pid::from_child(&self.child), Signal::INT)?;
        let status: ExitStatus =
            wait::until("the server's end", timeout, POLL, || Ok(self.child.try_wait()?))?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("the server ended, {status}:\n{}", self.log_tail()).into()),
        }
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read(self.dir.path().join("stderr")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Nothing is left to do about a process that cannot be killed.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A local address nobody listens on, for a server that cannot pick one itself.
pub fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

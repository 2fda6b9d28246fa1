//! IronTSD in the comparison.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::Outcome;
use super::node::{Node, Running, expect_count, first_line_of};
use super::options::TestOptions;
use super::send::Ending;
use super::server::Server;
use ::irontsd::bench::metrics::Metrics;
use ::irontsd::bench::{http, wait};

const POLL: Duration = Duration::from_millis(5);

/// The program under test and how to start it.
pub struct IronTsd {
    program: PathBuf,
    flags: Vec<String>,
    /// Descriptors that it may have, if not as many as the shell allows.
    descriptors: Option<u64>,
    scratch: PathBuf,
    timeout: Duration,
}

impl IronTsd {
    /// As the options say.
    pub fn new(options: &TestOptions) -> Self {
        let own = ["--opentsdb-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"];
        let own = own.iter().map(|flag| String::from(*flag));
        IronTsd {
            program: options.irontsd.clone(),
            flags: own.chain(options.irontsd_arg.iter().cloned()).collect(),
            descriptors: None,
            scratch: options.scratch(),
            timeout: options.timeout(),
        }
    }

    /// Starts it with these flags, too.
    pub fn add_flags(&mut self, flags: &[&str]) {
        self.flags.extend(flags.iter().map(|flag| String::from(*flag)));
    }

    /// Lets it have no more descriptors than that.
    pub fn set_descriptors(&mut self, descriptors: Option<u64>) {
        self.descriptors = descriptors;
    }

    /// What is run: the program, or a shell that becomes it.
    fn command(&self, data_dir: &Path) -> (PathBuf, Vec<String>) {
        let arguments = self.arguments(data_dir);
        let Some(descriptors) = self.descriptors else { return (self.program.clone(), arguments) };
        let script = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
        let shell = [String::from("-c"), script, self.program.display().to_string()];
        (PathBuf::from("sh"), shell.into_iter().chain(arguments).collect())
    }

    fn arguments(&self, data_dir: &Path) -> Vec<String> {
        let data_dir = data_dir.display().to_string();
        let mut arguments = vec![String::from("serve"), String::from("--data-dir"), data_dir];
        arguments.extend(self.flags.iter().cloned());
        arguments
    }
}

impl Node for IronTsd {
    fn name(&self) -> &'static str {
        "IronTSD"
    }

    fn version(&self) -> String {
        first_line_of(&self.program, &["--version"])
    }

    fn flags(&self) -> Vec<String> {
        self.flags.clone()
    }

    fn ending(&self) -> Ending {
        Ending::Version
    }

    fn scratch(&self) -> &Path {
        &self.scratch
    }

    fn start_on(&self, dir: Arc<TempDir>) -> Outcome<Running> {
        let (program, _) = self.command(dir.path());
        let mut server = Server::start(dir, &program, |dir| self.command(dir).1)?;
        let (opentsdb, http) = wait::until("IronTSD's start", self.timeout, POLL, || {
            server.check_alive()?;
            listening(&server.stdout()?)
        })?;
        Ok(Running { server, opentsdb, http, timeout: self.timeout })
    }

    fn seal(&self, running: &mut Running, _points: u64) -> Outcome<()> {
        http::get(running.http, "/internal/force_flush", running.timeout)?;
        Ok(())
    }

    fn merge(&self, running: &mut Running) -> Outcome<()> {
        http::get(running.http, "/internal/force_merge", running.timeout).map(drop)
    }

    fn check_counters(&self, running: &Running, points: u64) -> Outcome<()> {
        let metrics = Metrics::read(running.http, running.timeout)?;
        let accepted = metrics.count("irontsd_points_accepted_total", "")?;
        expect_count("irontsd_points_accepted_total", accepted, points)?;
        for name in ["irontsd_points_rejected_total", "irontsd_damaged_blocks"] {
            expect_count(name, metrics.sum(name, "").unwrap_or(0.0) as u64, 0)?;
        }
        Ok(())
    }
}

/// The addresses for lines and for requests, once the node says that it is ready.
fn listening(stdout: &str) -> Outcome<Option<(SocketAddr, SocketAddr)>> {
    if !stdout.lines().any(|line| line == "ready") {
        return Ok(None);
    }
    let address = |what: &str| -> Outcome<SocketAddr> {
        let line = stdout.lines().find_map(|line| line.strip_prefix(what));
        Ok(line.ok_or_else(|| format!("IronTSD did not print {what:?}"))?.parse()?)
    };
    Ok(Some((address("listening opentsdb ")?, address("listening http ")?)))
}

//! The node under test: a data directory that lives as long as the test, and runs on it.

use std::collections::HashSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use tempfile::TempDir;

use super::http::{Http, Response, encode};
use super::metrics::Metrics;
use super::process::Process;
use super::{Export, Telnet};

/// The selector that every series matches.
pub const EVERYTHING: &str = r#"{__name__!=""}"#;

/// State of a socket in the kernel's tables.
const LISTENING: &str = "0A";

/// A data directory and the flags its node runs with.
pub struct Home {
    root: TempDir,
    flags: Vec<String>,
}

impl Home {
    /// An empty home.
    pub fn new(flags: &[&str]) -> Arc<Home> {
        Home::inside(&std::env::temp_dir(), flags)
    }

    /// An empty home below a directory.
    pub fn inside(dir: &Path, flags: &[&str]) -> Arc<Home> {
        let root = tempfile::Builder::new().prefix("irontsd-test-").tempdir_in(dir);
        let root = root.expect("a temporary directory");
        Arc::new(Home { root, flags: flags.iter().map(|&flag| flag.to_owned()).collect() })
    }

    /// A home with a copy of this one's data; this one's node must not be running.
    pub fn copy(&self) -> Arc<Home> {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        self.copy_with(&flags)
    }

    /// The same for a node with other flags.
    pub fn copy_with(&self, flags: &[&str]) -> Arc<Home> {
        let copy = Home::new(flags);
        copy_tree(&self.data(), &copy.data());
        copy
    }

    /// The node's data directory.
    pub fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// The command line `irontsd serve` for this home, on free ports.
    pub fn command(&self) -> Command {
        let mut command = irontsd();
        command.arg("serve").arg("--data-dir").arg(self.data());
        command.args(["--opentsdb-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"]);
        command.args(&self.flags);
        command
    }

    /// Starts a node without waiting for it.
    pub fn launch(&self) -> Process {
        Process::spawn(&mut self.command())
    }

    /// Starts a node and waits until it serves.
    #[track_caller]
    pub fn start(self: &Arc<Self>) -> Node {
        Node::ready(self, self.launch())
    }
}

/// The program under test, without arguments.
pub fn irontsd() -> Command {
    Command::new(env!("CARGO_BIN_EXE_irontsd"))
}

/// A node that serves.
pub struct Node {
    process: Process,
    home: Arc<Home>,
    opentsdb: SocketAddr,
    http: SocketAddr,
    kairosdb: Option<SocketAddr>,
}

impl Node {
    /// A node with default settings on an empty directory.
    #[track_caller]
    pub fn start() -> Node {
        Home::new(&[]).start()
    }

    /// A node with more flags on an empty directory.
    #[track_caller]
    pub fn with_flags(flags: &[&str]) -> Node {
        Home::new(flags).start()
    }

    /// Waits for the start-up lines of a node launched on `home`.
    #[track_caller]
    pub fn ready(home: &Arc<Home>, process: Process) -> Node {
        let refused = |process: Process| panic!("not ready: {}", process.log());
        Node::ready_or_ended(home, process).unwrap_or_else(refused)
    }

    /// The same for a node that may rather end.
    #[track_caller]
    pub fn ready_or_ended(home: &Arc<Home>, mut process: Process) -> Result<Node, Process> {
        let (mut opentsdb, mut http, mut kairosdb) = (None, None, None);
        loop {
            let Some(line) = process.line() else {
                process.exit_status();
                return Err(process);
            };
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["listening", "opentsdb", addr] => opentsdb = addr.parse().ok(),
                ["listening", "http", addr] => http = addr.parse().ok(),
                ["listening", "kairosdb", addr] => kairosdb = addr.parse().ok(),
                ["ready"] => break,
                _ => {}
            }
        }
        let opentsdb = opentsdb.expect("a line `listening opentsdb ADDR` before `ready`");
        let http = http.expect("a line `listening http ADDR` before `ready`");
        Ok(Node { process, home: Arc::clone(home), opentsdb, http, kairosdb })
    }

    /// Where telnet and OpenTSDB's HTTP are served.
    pub fn opentsdb(&self) -> SocketAddr {
        self.opentsdb
    }

    /// Where every HTTP path is served.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where KairosDB's protocols are served; the node must have been told to.
    #[track_caller]
    pub fn kairosdb(&self) -> SocketAddr {
        self.kairosdb.expect("a line `listening kairosdb ADDR` before `ready`")
    }

    /// The process, for signals and its log.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Where its data are.
    pub fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// `kill -9`; the data directory stays.
    pub fn kill(mut self) -> Arc<Home> {
        self.process.kill();
        self.home
    }

    /// `kill -9`; everything it logged before.
    pub fn kill_and_read_log(mut self) -> String {
        self.process.kill();
        self.process.log_to_the_end()
    }

    /// `kill -9` and the next start.
    #[track_caller]
    pub fn kill_and_restart(self) -> Node {
        self.kill().start()
    }

    /// SIGTERM, which must end in exit status 0.
    #[track_caller]
    pub fn stop(mut self) -> Arc<Home> {
        self.process.signal(Signal::TERM);
        let status = self.process.exit_status();
        assert!(status.success(), "SIGTERM ended in {status}: {}", self.process.log());
        self.home
    }

    /// SIGTERM and the next start.
    #[track_caller]
    pub fn stop_and_restart(self) -> Node {
        self.stop().start()
    }

    /// A new telnet connection.
    #[track_caller]
    pub fn telnet(&self) -> Telnet {
        Telnet::connect(self.opentsdb)
    }

    /// One GET on a connection of its own.
    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        Http::connect(self.http).get(target)
    }

    /// One POST on a connection of its own.
    #[track_caller]
    pub fn post(&self, target: &str, body: impl AsRef<[u8]>) -> Response {
        Http::connect(self.http).post(target, body.as_ref())
    }

    /// Sends telnet lines and waits until they are acknowledged; none may be refused.
    #[track_caller]
    pub fn put_lines(&self, lines: &str) {
        let refused = self.telnet().send(lines).barrier();
        assert_eq!(refused, Vec::<String>::new(), "refused");
    }

    /// Posts a JSON body to `/api/put`; every point must be taken.
    #[track_caller]
    pub fn put_json(&self, body: &str) {
        let answer = self.post("/api/put", body);
        assert_eq!((answer.status, answer.text().as_str()), (204, ""), "{body}");
    }

    /// What the selector yields.
    #[track_caller]
    pub fn export(&self, selector: &str) -> Export {
        Export::parse(&self.export_text(selector))
    }

    /// What the selector yields, byte by byte.
    #[track_caller]
    pub fn export_text(&self, selector: &str) -> String {
        let answer = self.get(&format!("/api/v1/export?match[]={}", encode(selector)));
        assert_eq!(answer.status, 200, "{selector}: {}", answer.text());
        answer.text()
    }

    /// Every sample there is.
    #[track_caller]
    pub fn export_all(&self) -> Export {
        self.export(EVERYTHING)
    }

    /// Seals every point accepted so far.
    #[track_caller]
    pub fn force_flush(&self) {
        let answer = self.get("/internal/force_flush");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The figures of `/metrics`.
    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200);
        Metrics::parse(&answer.text())
    }

    /// The most memory the node ever held, as the kernel counts it.
    pub fn memory_peak_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("the node's status in /proc");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        let kib = peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB");
        kib * 1024
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// How many connections the node holds, as the kernel counts them. One whose client is gone may
    /// still be among them for a moment.
    pub fn connection_count(&self) -> usize {
        self.tcp_states().filter(|state| state != LISTENING).count()
    }

    /// How many ports the node listens on for connections.
    pub fn listener_count(&self) -> usize {
        self.tcp_states().filter(|state| state == LISTENING).count()
    }

    /// The state of each of the node's TCP sockets.
    fn tcp_states(&self) -> impl Iterator<Item = String> {
        let process = format!("/proc/{}", self.process.id());
        let links = fs::read_dir(format!("{process}/fd")).expect("/proc");
        let targets = links.flatten().filter_map(|link| fs::read_link(link.path()).ok());
        let held: HashSet<String> = targets
            .filter_map(|target| {
                let inode = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
                Some(inode.to_owned())
            })
            .collect();
        let tables =
            ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("{process}/net/{table}")));
        let lines: Vec<String> = tables
            .into_iter()
            .flat_map(|table| {
                table.unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        lines.into_iter().filter_map(move |line| {
            let mut fields = line.split_whitespace().skip(3);
            let (state, inode) = (fields.next()?, fields.nth(5)?);
            held.contains(inode).then(|| state.to_owned())
        })
    }
}

/// Memory that belongs to a process alone, without files; `None` once it has ended.
pub fn own_memory_bytes(process: u32) -> Option<u64> {
    let statm = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: Vec<u64> = statm.split_whitespace().flat_map(str::parse).collect();
    Some((pages.get(1)? - pages.get(2)?) * rustix::param::page_size() as u64)
}

/// Copies a directory and all that is in it.
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory for the copy");
    for entry in fs::read_dir(from).expect("a readable directory").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copied file");
        }
    }
}

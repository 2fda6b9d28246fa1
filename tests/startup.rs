//! Proves the command line: flags, environment, addresses, the lock on the directory, and what
//! is printed when the node serves.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use crate::common::node::irontsd;
use crate::common::process::Process;
use crate::common::{Home, Http, Node, require};

#[test]
fn a_missing_directory_is_made_and_an_empty_one_used() {
    let home = Home::new(&[]);
    assert!(!home.data().exists());
    let node = home.start();
    assert_eq!(node.export_all().count(), 0);
    assert!(home.data().is_dir());
    let node = node.stop_and_restart();
    assert_eq!(node.export_all().count(), 0);
}

#[test]
fn flags_take_their_value_behind_a_space_or_an_equals_sign() {
    let home = Home::new(&[]);
    let mut command = irontsd();
    command.arg("serve").arg(format!("--data-dir={}", home.data().display()));
    command.args(["--opentsdb-listen=127.0.0.1:0", "--http-listen=127.0.0.1:0"]);
    command.args(["--event-loops=2", "--sync-interval=500ms", "--export-stall-timeout=10s"]);
    serves(&home, &mut command);
    assert!(home.data().is_dir());
}

#[test]
fn the_environment_sets_every_flag_and_strangers_are_ignored() {
    let home = Home::new(&[]);
    let mut command = irontsd();
    command.env("IRONTSD_DATA_DIR", home.data());
    command.env("IRONTSD_OPENTSDB_LISTEN", "127.0.0.1:0").env("IRONTSD_HTTP_LISTEN", ":0");
    command.env("IRONTSD_EVENT_LOOPS", "1").env("IRONTSD_SYNC_INTERVAL", "0");
    command.env("IRONTSD_NO_SUCH_FLAG", "x").env("IRONTSD_", "y");
    serves(&home, &mut command);
    assert!(home.data().is_dir());
}

#[test]
fn a_flag_beats_the_environment() {
    let home = Home::new(&[]);
    let mut command = home.command();
    command.env("IRONTSD_DATA_DIR", "/nonexistent/irontsd");
    command.env("IRONTSD_HTTP_LISTEN", "nonsense");
    serves(&home, &mut command);
    assert!(home.data().is_dir());
}

#[test]
fn addresses_may_lack_a_host_or_be_ipv6() {
    for addr in [":0", "127.0.0.1:0", "localhost:0", "0.0.0.0:0"] {
        assert_ne!(http_address(addr).port(), 0, "{addr}");
    }
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return require::skip("this machine has no IPv6");
    }
    assert!(http_address("[::1]:0").is_ipv6());
}

#[test]
fn bad_command_lines_exit_with_2_and_say_why() {
    for (arguments, named) in [
        (["serve", "--no-such-flag"].as_slice(), "no-such-flag"),
        (&["serve", "--event-loops", "many"], "event-loops"),
        (&["serve", "--http-listen=nonsense"], "http-listen"),
        (&["serve", "--opentsdb-listen", "127.0.0.1:99999"], "opentsdb-listen"),
        (&["serve", "--sync-interval", "5parsecs"], "sync-interval"),
        (&["serve", "--data-dir"], "data-dir"),
        (&["nosuchcommand"], "nosuchcommand"),
    ] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut command = irontsd();
        command.args(arguments).current_dir(&directory);
        let mut process = Process::spawn(&mut command);
        assert_eq!(process.exit_status().code(), Some(2), "{named}: {}", process.log());
        assert!(process.log().contains(named), "{named}: {}", process.log());
    }
}

#[test]
fn a_taken_address_is_named() {
    let node = Node::start();
    let home = Home::new(&[]);
    let taken = node.http().to_string();
    let mut command = irontsd();
    command.arg("serve").arg("--data-dir").arg(home.data());
    command.args(["--opentsdb-listen", "127.0.0.1:0", "--http-listen", &taken]);
    let mut process = Process::spawn(&mut command);
    assert!(!process.exit_status().success());
    assert!(process.log().contains(&taken), "{}", process.log());
}

#[test]
fn a_second_node_refuses_and_names_the_holder() {
    let home = Home::new(&[]);
    let mut node = home.start();
    node.put_lines("put m 1 1 h=a\n");
    let mut second = home.launch();
    let status = second.exit_status();
    assert!(!status.success(), "two nodes on one directory");
    let holder = node.process().id().to_string();
    assert!(second.log().contains(&holder), "holder {holder}: {}", second.log());
    assert_eq!(node.export("m").count(), 1, "the first one goes on");
    // The lock dies with its holder, however it dies.
    assert_eq!(node.kill_and_restart().export("m").count(), 1);
}

#[test]
fn exactly_one_of_several_nodes_started_at_once_serves() {
    let home = Home::new(&[]);
    for _ in 0..5 {
        let launched: Vec<Process> = (0..4).map(|_| home.launch()).collect();
        let (ready, refused): (Vec<_>, Vec<_>) = launched.into_iter().partition(got_ready);
        assert_eq!((ready.len(), refused.len()), (1, 3));
    }
}

#[test]
fn the_descriptor_limit_is_raised() {
    let Some(shell) = require::program("sh") else {
        return;
    };
    let home = Home::new(&[]);
    let inner = home.command();
    let mut command = Command::new(shell);
    command.args(["-c", "ulimit -S -n 64 && exec \"$0\" \"$@\""]);
    command.arg(inner.get_program()).args(inner.get_args());
    let node = Node::ready(&home, Process::spawn(&mut command));
    let mut connections: Vec<_> = (0..300).map(|_| node.telnet()).collect();
    assert!(connections.iter_mut().all(|telnet| telnet.barrier().is_empty()));
}

#[test]
fn one_loop_and_many_loops_serve_alike() {
    for loops in ["1", "2", "7"] {
        let node = Node::with_flags(&["--event-loops", loops]);
        let mut connections: Vec<_> = (0..20).map(|_| node.telnet()).collect();
        for (n, telnet) in connections.iter_mut().enumerate() {
            let line = format!("put m {} {n} h=a\n", n + 1);
            assert!(telnet.send(line).barrier().is_empty(), "{loops} loops");
        }
        assert_eq!(node.export("m").count(), 20, "{loops} loops");
    }
}

/// Whether a launched node serves; one that ended instead does not.
fn got_ready(process: &Process) -> bool {
    std::iter::from_fn(|| process.line()).any(|line| line == "ready")
}

/// Runs a node until it has taken and returned a point.
#[track_caller]
fn serves(home: &Arc<Home>, command: &mut Command) {
    let node = Node::ready(home, Process::spawn(command));
    node.put_lines("put m 1 1 h=a\n");
    assert_eq!(node.export("m").count(), 1);
    node.stop();
}

/// Where a node told to listen on `addr` says it listens, after it answered there.
#[track_caller]
fn http_address(addr: &str) -> SocketAddr {
    let home = Home::new(&[]);
    let mut command = irontsd();
    command.arg("serve").arg("--data-dir").arg(home.data());
    command.args(["--opentsdb-listen", addr, "--http-listen", addr]);
    let node = Node::ready(&home, Process::spawn(&mut command));
    for addr in [node.http(), node.opentsdb()] {
        assert_eq!(Http::connect(addr).get("/api/version").status, 200);
    }
    node.http()
}

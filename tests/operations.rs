//! Proves that what operators are given fits the node: the table of metrics, the dashboard, the
//! alerts and their explanations, the service unit, readiness, logs for programs, and what becomes
//! of messages that repeat.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::node::irontsd;
use crate::common::process::Process;
use crate::common::wait::DEADLINE;
use crate::common::{Home, Json, Node, require};

/// A file of this repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

#[track_caller]
fn text(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Type and labels of each metric, by name.
type Table = BTreeMap<String, (String, BTreeSet<String>)>;

/// What a node that did everything once shows.
fn running() -> Table {
    let node = Node::start();
    node.put_lines("put m 1 1 h=a\n");
    node.force_flush();
    let page = node.get("/metrics").text();
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut table: Table =
        types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), BTreeSet::new()))).collect();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_at(line.find(['{', ' ']).expect("a name"));
        let name = name.strip_suffix("_sum").or(name.strip_suffix("_count")).unwrap_or(name);
        let (_, labels) = table.get_mut(name).unwrap_or_else(|| panic!("no TYPE for {line}"));
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let pairs = inside.map_or("", |(inside, _)| inside).split(',');
        labels.extend(pairs.filter_map(|pair| pair.split_once('=')).map(|(key, _)| key.into()));
    }
    table
}

/// The rows of the table in `docs/metrics.md`.
fn documented() -> Table {
    let page = text("docs/metrics.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let labels = cells[2].split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let labels = labels.filter(|label| !label.is_empty()).collect();
        (cells[0].trim_matches('`').to_owned(), (cells[1].to_owned(), labels))
    };
    rows.map(row).collect()
}

#[test]
fn the_table_of_metrics_is_what_a_node_shows() {
    let (running, documented) = (running(), documented());
    assert!(running.len() > 10, "{running:?}");
    for (name, shape) in &running {
        let found = documented.get(name);
        assert_eq!(found, Some(shape), "{name} in docs/metrics.md, and as a node shows it");
    }
    let gone: Vec<_> = documented.keys().filter(|name| !running.contains_key(*name)).collect();
    assert!(gone.is_empty(), "in docs/metrics.md, but not on /metrics: {gone:?}");
}

/// The node's metrics that a file names.
fn used(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = |word: &&str| word.starts_with("irontsd_") || word.starts_with("process_");
    words.filter(ours).map(str::to_owned).collect()
}

#[test]
fn dashboard_and_alerts_ask_for_metrics_that_are_there() {
    let running = running();
    let is_there = |name: &str| {
        let base = name.strip_suffix("_sum").or(name.strip_suffix("_count"));
        let summary = |base| running.get(base).is_some_and(|(kind, _)| kind == "summary");
        running.contains_key(name) || base.is_some_and(summary)
    };
    for file in ["packaging/prometheus-alerts.yml", "packaging/grafana-dashboard.json"] {
        let used = used(&text(file));
        assert!(used.len() > 5, "{file}: {used:?}");
        let missing: Vec<_> = used.iter().filter(|name| !is_there(name)).collect();
        assert!(missing.is_empty(), "{file} asks for {missing:?}");
    }
    // Whoever opens the dashboard sees everything there is.
    let dashboard = text("packaging/grafana-dashboard.json");
    let shown = used(&dashboard);
    for (name, (kind, _)) in &running {
        let name = if kind == "summary" { format!("{name}_count") } else { name.clone() };
        assert!(shown.contains(&name), "{name} has no panel");
    }
    let panels = Json::parse(&dashboard).get("panels").items().to_vec();
    let targets = panels.iter().map(|panel| panel.get("targets").items().len());
    assert!(targets.min() >= Some(1), "a panel without a query");
}

#[test]
fn every_alert_is_explained() {
    let (alerts, page) = (text("packaging/prometheus-alerts.yml"), text("docs/operations.md"));
    let named: Vec<&str> =
        alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let explained: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("### Irontsd")).collect();
    let explained: Vec<String> = explained.iter().map(|name| format!("Irontsd{name}")).collect();
    assert!(named.len() > 5);
    assert_eq!(named, explained, "in the order of the file");
    for name in named {
        let runbook = format!("runbook: docs/operations.md#{}\n", name.to_lowercase());
        assert!(alerts.contains(&runbook), "{name} without {runbook}");
    }
}

#[test]
fn the_unit_starts_the_node_with_flags_that_exist() {
    let unit = text("packaging/irontsd.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/irontsd "));
    let words: Vec<&str> = start.expect("ExecStart").split(' ').collect();
    assert_eq!(words, ["serve", "--config", "/etc/irontsd/irontsd.toml"]);
    // The same words with the packaged file instead of the installed one.
    let shown = irontsd()
        .args(["config", "show", "--config"])
        .arg(repository("packaging/irontsd.toml"))
        .output()
        .expect("the program runs");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("data-dir = \"/var/lib/irontsd\""), "{shown}");
}

#[test]
fn the_package_is_built_with_all_that_belongs_to_it() {
    if ["dpkg-deb", "objdump", "strip"].iter().any(|name| require::program(name).is_none()) {
        return;
    }
    let out = tempfile::tempdir().expect("a temporary directory");
    let mut build = Command::new(repository("packaging/build-deb"));
    build.arg(irontsd().get_program()).arg(out.path()).env("COMPRESSION", "none");
    let built = build.output().expect("bash");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let package = fs::read_dir(&out).expect("a directory").flatten().next().expect("a package");
    let told = |what: &str| {
        let output = Command::new("dpkg-deb").arg(what).arg(package.path()).output();
        String::from_utf8(output.expect("dpkg-deb").stdout).expect("UTF-8")
    };
    let (content, control) = (told("--contents"), told("--info"));
    for (mode, path) in [
        ("-rwxr-xr-x", "usr/bin/irontsd"),
        ("-rw-r--r--", "etc/irontsd/irontsd.toml"),
        ("-rw-r--r--", "lib/systemd/system/irontsd.service"),
        ("-rw-r--r--", "usr/share/man/man1/irontsd-serve.1.gz"),
        ("-rw-r--r--", "usr/share/bash-completion/completions/irontsd"),
        ("-rw-r--r--", "usr/share/doc/irontsd/operations.md"),
    ] {
        let (start, end) = (format!("{mode} root/root "), format!(" ./{path}"));
        let found = |line: &str| line.starts_with(&start) && line.ends_with(&end);
        assert!(content.lines().any(found), "{path}: {content}");
    }
    for line in [format!("Version: {}", env!("CARGO_PKG_VERSION")), "postinst".into()] {
        assert!(control.contains(&line), "{line}: {control}");
    }
}

#[test]
fn a_service_manager_is_told_of_readiness_and_the_end() {
    let home = Home::new(&[]);
    let path = home.data().with_file_name("notify");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    manager.set_read_timeout(Some(DEADLINE)).expect("a socket option");
    let told = || {
        let mut bytes = [0; 512];
        let length = manager.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let mut command = home.command();
    let mut node = Node::ready(&home, Process::spawn(command.env("NOTIFY_SOCKET", &path)));
    let message = told();
    assert!(message.lines().any(|line| line == "READY=1"), "{message}");
    node.put_lines("put m 1 1 h=a\n");
    node.process().signal(Signal::TERM);
    let message = told();
    assert!(message.lines().any(|line| line == "STOPPING=1"), "{message}");
    assert!(node.process().exit_status().success());
    // One that does not listen is no reason not to run.
    drop(manager);
    let mut command = home.command();
    let node = Node::ready(&home, Process::spawn(command.env("NOTIFY_SOCKET", &path)));
    assert_eq!(node.export("m").count(), 1);
}

#[test]
fn logs_for_programs_are_one_json_object_a_line() {
    let home = Home::new(&["--log-format", "json"]);
    let mut node = home.start();
    node.process().signal(Signal::TERM);
    assert!(node.process().exit_status().success());
    let log = node.process().log();
    let lines: Vec<Json> = log.lines().map(Json::parse).collect();
    assert!(lines.len() >= 3, "{log}");
    for line in &lines {
        assert!(line.get("timestamp").str().ends_with('Z'), "{log}");
        assert_eq!(line.get("level").str(), "INFO", "{log}");
    }
    let says = |text: &str| lines.iter().any(|line| line.get("message").str().contains(text));
    assert!(says("found 0 segments") && says("stopping on SIGTERM"), "{log}");
}

#[test]
fn the_journal_gets_levels_and_keeps_the_time_itself() {
    let home = Home::new(&[]);
    let path = home.data().with_file_name("journal");
    let file = fs::File::create(&path).expect("a file");
    let place = file.metadata().expect("a file");
    let stream = format!("{}:{}", place.dev(), place.ino());
    let mut command = serve_into(&home, file);
    let child = command.env("JOURNAL_STREAM", stream).spawn().expect("the program runs");
    let ended = wait_for_ready_and_stop(child);
    assert!(ended.success());
    let log = fs::read_to_string(&path).expect("the log");
    assert!(log.lines().count() >= 3, "{log}");
    assert!(log.lines().all(|line| line.starts_with("<6>")), "{log}");
    assert!(log.contains("<6>stopping on SIGTERM\n"), "{log}");
}

/// A node whose standard error is this file.
fn serve_into(home: &Home, file: fs::File) -> Command {
    let mut command = home.command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
    command
}

fn wait_for_ready_and_stop(mut child: Child) -> ExitStatus {
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let ready = stdout.lines().map_while(Result::ok).any(|line| line == "ready");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("the child is there");
    let status = child.wait().expect("the child ends");
    assert!(ready, "no line `ready`");
    status
}

#[test]
fn repeated_messages_are_counted() {
    let mut node = Node::start();
    // The file of assigned names cannot be made where something else has its name.
    let taken = node.home().data().join("assigned.names");
    fs::create_dir(&taken).expect("a directory");
    for _ in 0..20 {
        let answer = node.get("/api/uid/assign?metric=m");
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    node.process().signal(Signal::TERM);
    assert!(node.process().exit_status().success());
    let log = node.process().log();
    let told: Vec<&str> =
        log.lines().filter_map(|line| line.strip_suffix(" more_times=15")).collect();
    assert_eq!(told.len(), 1, "{log}");
    // Behind the time: level and message.
    let (_, message) = told[0].split_once(' ').expect("a time");
    assert!(message.contains(&taken.display().to_string()), "{log}");
    let shown = log.lines().filter(|line| line.ends_with(message)).count();
    assert_eq!(shown, 5, "{message} in {log}");
}

#[test]
fn pages_and_completions_are_made_from_the_flags() {
    let run = |arguments: &[&str]| {
        let output = irontsd().arg("generate").args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let pages = run(&["pages"]);
    for wanted in ["irontsd", "irontsd-serve", "irontsd-config-check", "irontsd-mkmetric"] {
        assert!(pages.lines().any(|page| page == wanted), "{wanted}: {pages}");
    }
    assert!(!pages.contains("generate"), "it is for packages: {pages}");
    for page in pages.lines() {
        assert!(run(&["page", page]).contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(run(&["page", "irontsd-serve"]).contains("IRONTSD_DATA_DIR"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).contains("opentsdb-listen"), "{shell}");
    }
}

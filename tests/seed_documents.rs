//! Proves that the examples of the two documents this project began with work as written:
//! VictoriaMetrics' OpenTSDB page through `nc` and `curl`, and the error examples of OpenTSDB's
//! histogram page. Only times and, where a test must not use the default ports, ports differ.

use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::common::node::irontsd;
use crate::common::process::Process;
use crate::common::shell::{Shell, on_ports_of};
use crate::common::{Export, Home, Node, require, wait};

/// "Example for writing data with OpenTSDB protocol ... using `nc`".
const PUT_WITH_NC: &str =
    r#"echo "put foo.bar.baz `date +%s` 123 tag1=value1 tag2=value2" | nc -N localhost 4242"#;

/// "After that the data may be read via /api/v1/export".
const EXPORT_ONE: &str = "curl -G 'http://localhost:8428/api/v1/export' -d 'match=foo.bar.baz'";

/// "Example for writing a single data point".
const PUT_SINGLE: &str = r#"curl -H 'Content-Type: application/json' -d '{"metric":"x.y.z","value":45.34,"tags":{"t1":"v1","t2":"v2"}}' http://localhost:4242/api/put"#;

/// "Example for writing multiple data points in a single request".
const PUT_MULTIPLE: &str = r#"curl -H 'Content-Type: application/json' -d '[{"metric":"foo","value":45.34},{"metric":"bar","value":43}]' http://localhost:4242/api/put"#;

/// "After that the data may be read via /api/v1/export", the second time.
const EXPORT_THREE: &str = "curl -G 'http://localhost:8428/api/v1/export' -d 'match[]=x.y.z' -d 'match[]=foo' -d 'match[]=bar'";

#[test]
fn telnet_example() {
    let Some(shell) = Shell::new() else { return };
    let node = Node::start();
    run_telnet_example(&shell, &node, &|command| on_ports_of(&node, command));
}

#[test]
fn http_example() {
    let Some(shell) = Shell::new() else { return };
    let node = Node::start();
    run_http_example(&shell, &|command| on_ports_of(&node, command));
}

#[test]
fn both_examples_on_the_default_ports_of_a_node_without_arguments() {
    let Some(shell) = Shell::new() else { return };
    if ["127.0.0.1:4242", "127.0.0.1:8428"].iter().any(|addr| TcpListener::bind(addr).is_err()) {
        return require::skip("port 4242 or 8428 is taken");
    }
    let home = Home::new(&[]);
    let directory = home.data();
    std::fs::create_dir(&directory).expect("a directory to start in");
    let process = Process::spawn(irontsd().current_dir(&directory));
    let node = Node::ready(&home, process);
    assert_eq!(node.opentsdb().to_string(), "127.0.0.1:4242");
    assert_eq!(node.http().to_string(), "127.0.0.1:8428");
    assert!(directory.join("irontsd-data").is_dir());
    run_telnet_example(&shell, &node, &str::to_owned);
    run_http_example(&shell, &str::to_owned);
}

#[test]
fn an_arbitrary_number_of_lines_in_one_go() {
    let Some(shell) = Shell::new() else { return };
    let node = Node::start();
    let send = r#"seq 1 20000 | sed 's/.*/put many.lines & & tag=value/' | nc -N localhost 4242"#;
    assert_eq!(shell.run(&on_ports_of(&node, send)), "");
    wait::until("all lines", || node.export("many.lines").count() == 20_000);
}

#[test]
fn extra_label() {
    let Some(shell) = Shell::new() else { return };
    let node = Node::start();
    let put = PUT_SINGLE.replace("/api/put", "/api/put?extra_label=foo=bar");
    assert_eq!(shell.run(&on_ports_of(&node, &put)), "");
    let line = node.export_text("x.y.z");
    let start =
        r#"{"metric":{"__name__":"x.y.z","foo":"bar","t1":"v1","t2":"v2"},"values":[45.34],"#;
    assert!(line.starts_with(start), "{line}");
}

#[test]
fn the_histogram_pages_error_examples() {
    let Some(shell) = Shell::new() else { return };
    let node = Node::start();
    for (line, answer) in [
        ("put ", "put: illegal argument: not enough arguments (need least 4, got 1)\n"),
        (
            "put metric.foo notatime 42 host=web01",
            "put: invalid value: Invalid character 'n' in notatime\n",
        ),
    ] {
        let command = format!("echo '{line}' | nc -N localhost 4242");
        assert_eq!(shell.run(&on_ports_of(&node, &command)), answer);
    }
}

/// Makes a command of the document one for the node under test.
type Adapt<'a> = &'a dyn Fn(&str) -> String;

#[track_caller]
fn run_telnet_example(shell: &Shell, node: &Node, adapt: Adapt) {
    let before = now_ms() / 1000;
    assert_eq!(shell.run(&adapt(PUT_WITH_NC)), "", "success is silent");
    let after = now_ms() / 1000;
    wait::until("the line to be taken", || node.export("foo.bar.baz").count() == 1);
    let line = shell.run(&adapt(EXPORT_ONE));
    let stamps = (before..=after).map(|seconds| {
        format!(
            "{{\"metric\":{{\"__name__\":\"foo.bar.baz\",\"tag1\":\"value1\",\"tag2\":\"value2\"}},\
             \"values\":[123],\"timestamps\":[{seconds}000]}}\n"
        )
    });
    assert!(stamps.into_iter().any(|expected| expected == line), "{line}");
}

#[track_caller]
fn run_http_example(shell: &Shell, adapt: Adapt) {
    let before = now_ms();
    assert_eq!(shell.run(&adapt(PUT_SINGLE)), "");
    assert_eq!(shell.run(&adapt(PUT_MULTIPLE)), "");
    let after = now_ms();
    let text = shell.run(&adapt(EXPORT_THREE));
    let starts = [
        r#"{"metric":{"__name__":"bar"},"values":[43],"timestamps":["#,
        r#"{"metric":{"__name__":"foo"},"values":[45.34],"timestamps":["#,
        r#"{"metric":{"__name__":"x.y.z","t1":"v1","t2":"v2"},"values":[45.34],"timestamps":["#,
    ];
    assert_eq!(text.lines().count(), 3, "{text}");
    for (line, start) in text.lines().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
    let export = Export::parse(&text);
    let stamps = export.series.values().flatten().map(|sample| sample.0);
    assert!(stamps.into_iter().all(|stamp| (before..=after).contains(&stamp)), "{text}");
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    i64::try_from(now.as_millis()).expect("this age")
}

//! Commands of documents, run by a shell as their reader would paste them.

use std::process::Command;

use super::{Node, require};

/// A shell with the programs the documents use.
pub struct Shell;

impl Shell {
    /// The shell, or `None` after saying which program is missing.
    pub fn new() -> Option<Shell> {
        for name in ["sh", "nc", "curl", "seq", "sed"] {
            require::program(name)?;
        }
        Some(Shell)
    }

    /// Runs a command line and returns what it printed.
    #[track_caller]
    pub fn run(&self, command: &str) -> String {
        let output = Command::new("sh").args(["-c", command]).output().expect("a shell");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }
}

/// A command of a document with this node's ports.
pub fn on_ports_of(node: &Node, command: &str) -> String {
    let (opentsdb, http) = (node.opentsdb().port(), node.http().port());
    command
        .replace("localhost 4242", &format!("localhost {opentsdb}"))
        .replace("localhost:4242", &format!("localhost:{opentsdb}"))
        .replace("localhost:8428", &format!("localhost:{http}"))
}

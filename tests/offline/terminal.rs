//! Progress of an import is for a terminal.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::tempdir;

use super::*;
use crate::common::require::program;

/// Lines come until the terminal has told how far it is, so it does not matter how fast that is.
#[test]
fn an_import_tells_a_terminal_how_far_it_is() {
    let Some(script) = program("script") else { return };
    let (dir, home) = (tempdir().expect("a directory"), Home::new(&[]));
    let pipe = dir.path().join("lines");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let binary = irontsd().get_program().to_string_lossy().into_owned();
    let line = format!("{binary} import {} --to {}", pipe.display(), home.data().display());
    let mut child = Command::new(script);
    child.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm");
    let child = child.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("script runs");
    let told = Arc::new(AtomicBool::new(false));
    let enough = Arc::clone(&told);
    // Reading and writing, so that it opens although nobody reads yet.
    let mut lines = OpenOptions::new().read(true).write(true).open(&pipe).expect("the pipe");
    let sender = thread::spawn(move || {
        let mut sent = 0;
        while !enough.load(Relaxed) {
            let some: String =
                (sent..sent + 500).map(|n| format!("put m {} 1 h=a\n", n + 1)).collect();
            lines.write_all(some.as_bytes()).expect("a reader");
            sent += 500;
        }
        sent
    });
    let (mut shown, mut some) = (String::new(), [0; 4096]);
    let mut stdout = child.stdout.take().expect("a pipe");
    loop {
        let count = stdout.read(&mut some).expect("output");
        if count == 0 {
            break;
        }
        shown += &String::from_utf8_lossy(&some[..count]);
        let progress = shown.contains(": line ") && shown.contains(" samples");
        told.store(progress, Relaxed);
    }
    assert!(told.load(Relaxed), "no progress: {shown:?}");
    assert!(child.wait().expect("an end").success(), "{shown:?}");
    let sent = sender.join().expect("a sender");
    let summary = shown.replace(',', "");
    assert!(summary.contains(&format!("of {sent} lines")), "{sent}: {shown:?}");
    // Elsewhere nothing but the result is said.
    let file = dir.path().join("file");
    fs::write(&file, "put m 1 1 h=a\n").expect("a file");
    let output = tool("import", &file, &["--to", home.data().to_str().expect("UTF-8")]);
    assert_eq!((output.status.code(), said(&output)), (Some(0), String::new()));
}

//! Programs and privileges a test may lack: skipped with a word, or failed in CI.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

/// Where Debian keeps daemons, which is not on every user's path.
const MORE_DIRECTORIES: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// The path of `name`, or `None` after saying that the test is skipped.
pub fn program(name: &str) -> Option<PathBuf> {
    let found = directories().into_iter().map(|dir| dir.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("the program `{name}` is missing"));
    }
    found
}

/// Says why the running test is skipped; fails it where everything is required.
pub fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(env::var_os("IRONTSD_REQUIRE_ALL").is_none_or(|v| v != "1"), "{test}: {reason}");
    // Past the harness, which hides what a passing test prints.
    let _ = writeln!(io::stderr(), "SKIPPED {test}: {reason}");
}

fn directories() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(MORE_DIRECTORIES.map(PathBuf::from)).collect()
}

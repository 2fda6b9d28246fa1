//! Subcommands of the binary that end by themselves.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Output, Stdio};

use super::Json;
use super::node::irontsd;

/// How a command ended and what it printed.
pub struct Told {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Told {
    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Json {
        assert!(!self.out.is_empty(), "code {}, nothing printed: {}", self.code, self.err);
        Json::parse(&self.out)
    }

    /// What it printed, if it ended with this code.
    #[track_caller]
    pub fn ended(self, code: i32) -> Told {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }
}

/// Runs the binary with these arguments, not on a terminal.
pub fn irontsd_with(arguments: &[impl AsRef<OsStr>]) -> Told {
    irontsd_in(Path::new("."), arguments)
}

/// The same in a directory.
pub fn irontsd_in(dir: &Path, arguments: &[impl AsRef<OsStr>]) -> Told {
    let mut command = irontsd();
    command.current_dir(dir).args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR");
    let Output { status, stdout, stderr } = command.output().expect("the binary starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Told { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}

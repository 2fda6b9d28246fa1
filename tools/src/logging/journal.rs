//! Messages for systemd's journal: it keeps the time itself and takes the level from a prefix, so
//! that `journalctl -p warning` works (sd-daemon(3)).

use std::io::{self, Stderr, Write, stderr};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Names what standard error was connected to: device and inode (systemd.exec(5)).
const VARIABLE: &str = "JOURNAL_STREAM";

/// Whether standard error goes to the journal, and was not redirected since.
pub fn is_there() -> bool {
    let found = rustix::fs::fstat(stderr()).map(|stat| format!("{}:{}", stat.st_dev, stat.st_ino));
    let said = std::env::var(VARIABLE).ok();
    said.is_some() && said == found.ok()
}

/// Writes lines with their level in front.
#[derive(Debug)]
pub struct Journal;

impl<'a> MakeWriter<'a> for Journal {
    type Writer = Prefixed;

    fn make_writer(&'a self) -> Prefixed {
        Prefixed(Level::INFO, stderr())
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Prefixed {
        Prefixed(*metadata.level(), stderr())
    }
}

/// See [`Journal`].
#[derive(Debug)]
pub struct Prefixed(Level, Stderr);

impl Write for Prefixed {
    /// A message comes whole. Each of its lines is one for the journal.
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        let prefix = match self.0 {
            Level::ERROR => "<3>",
            Level::WARN => "<4>",
            Level::INFO => "<6>",
            _ => "<7>",
        };
        let lines = message.split_inclusive(|&byte| byte == b'\n');
        let text = lines.flat_map(|line| [prefix.as_bytes(), line].concat()).collect::<Vec<u8>>();
        self.1.write_all(&text)?;
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

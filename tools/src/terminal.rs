//! The door through which tools speak: lines on standard output and standard error, numbers for eyes,
//! and progress on a terminal. Whoever stops reading is no error.

use indicatif::ProgressBar;
use irontsd_engine::env::Clock;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

/// Between two showings of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Prints a line for whoever called.
pub fn say(line: &str) {
    let _gone = writeln!(io::stdout(), "{line}");
}

/// Prints a line about what went on; it does not get between data on standard output.
pub fn remark(line: &str) {
    let _gone = writeln!(io::stderr(), "{line}");
}

/// Prints an error.
pub fn complain(line: &str) {
    remark(&format!("error: {line}"));
}

/// Standard output for large pieces, which std would look through for line ends.
pub fn raw_stdout() -> io::Result<std::fs::File> {
    Ok(std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// A count with a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count and what is counted, `1 sample` or `2 samples`; `series` stays as it is.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Bytes for eyes.
pub fn bytes(number: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut scaled = number as f64;
    let mut unit = "B";
    for next in units {
        if scaled < 1024.0 {
            break;
        }
        (scaled, unit) = (scaled / 1024.0, next);
    }
    if unit == "B" { format!("{number} B") } else { format!("{scaled:.1} {unit}") }
}

/// A line that is written over while work goes on; nothing where nobody watches.
pub struct Progress {
    bar: ProgressBar,
    clock: Arc<dyn Clock>,
    next: Duration,
}

impl Progress {
    /// Progress of work that begins now. `data_on_terminal`: what is written goes to the same eyes.
    pub fn new(clock: Arc<dyn Clock>, data_on_terminal: bool) -> Progress {
        let bar = if data_on_terminal { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let next = clock.monotonic() + PROGRESS_EVERY;
        Progress { bar, clock, next }
    }

    /// Shows what `line` says, if it is time.
    pub fn show(&mut self, line: impl FnOnce() -> String) {
        if self.bar.is_hidden() || self.clock.monotonic() < self.next {
            return;
        }
        self.next = self.clock.monotonic() + PROGRESS_EVERY;
        self.bar.set_message(line());
    }

    /// Takes the line away while something else is said.
    pub fn aside(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Takes the line away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_eyes() {
        let shown = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1023, 1024, 5 << 30].map(bytes), ["0 B", "1023 B", "1.0 KiB", "5.0 GiB"]);
        assert_eq!(counted(1, "line", "lines"), "1 line");
    }
}

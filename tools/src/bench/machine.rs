//! Where and when a record was made.

use std::fs::read_to_string;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Outcome;

const SECONDS_PER_DAY: u64 = 86_400;

/// Facts by name.
pub fn describe() -> Outcome<Vec<(&'static str, String)>> {
    let cores = std::thread::available_parallelism()?;
    Ok(vec![
        ("date", date_today()?),
        ("kernel", trimmed("/proc/sys/kernel/osrelease")),
        ("CPU", format!("{}, {cores} cores", field("/proc/cpuinfo", "model name"))),
        ("memory", memory(&field("/proc/meminfo", "MemTotal"))),
        ("load average at the start", trimmed("/proc/loadavg")),
    ])
}

/// `24684084 kB` for people.
fn memory(text: &str) -> String {
    let kib = text.strip_suffix(" kB").and_then(|digits| digits.parse::<f64>().ok());
    kib.map_or_else(|| text.to_owned(), |kib| format!("{:.1} GiB", kib / 1024.0 / 1024.0))
}

fn trimmed(path: &str) -> String {
    read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The value of the first `key: value` line.
fn field(path: &str, key: &str) -> String {
    let text = trimmed(path);
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or("unknown", |(_, value)| value.trim()).to_owned()
}

/// Type and mount point of the file system that holds `path`.
pub fn file_system(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mounts = trimmed("/proc/self/mounts");
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let holds = |mount: &Vec<&str>| mount.len() > 2 && path.starts_with(mount[1]);
    let deepest = fields.filter(holds).max_by_key(|mount| mount[1].len());
    deepest.map_or_else(|| String::from("unknown"), |mount| format!("{} at {}", mount[2], mount[1]))
}

#[expect(clippy::disallowed_methods, reason = "the date of a record")]
/// Today in UTC as `YYYY-MM-DD`.
fn date_today() -> Outcome<String> {
    let days = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() / SECONDS_PER_DAY;
    let (year, month, day) = civil(days);
    Ok(format!("{year:04}-{month:02}-{day:02}"))
}

/// Days since 1970-01-01 as year, month and day, by counting them off.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_of_month(year, month) {
        days -= days_of_month(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

fn days_of_year(year: u64) -> u64 {
    (1..=12).map(|month| days_of_month(year, month)).sum()
}

fn days_of_month(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

//! Names, times and tables as texts for eyes. Pure.

use irontsd_engine::name;
use irontsd_net::read::civil::Civil;

/// A moment, to the millisecond where it is not a whole second.
pub fn time(ms: i64) -> String {
    let Civil { year, month, day, hour, minute, second, millisecond, .. } = Civil::of(ms);
    let seconds = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if millisecond == 0 { format!("{seconds}Z") } else { format!("{seconds}.{millisecond:03}Z") }
}

/// A day.
pub fn day(ms: i64) -> String {
    let Civil { year, month, day, .. } = Civil::of(ms);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A length of time in its two largest units.
pub fn length(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let mut rest = ms.max(0);
    let mut words = Vec::new();
    for (unit, word) in units {
        if rest >= unit {
            words.push(format!("{}{word}", rest / unit));
            rest %= unit;
        }
    }
    words.truncate(2);
    if words.is_empty() { "0".to_owned() } else { words.join(" ") }
}

/// A series as a selector that means it.
pub fn series(canonical: &[u8]) -> String {
    let quoted = |text: &[u8]| format!("{:?}", String::from_utf8_lossy(text));
    let metric = name::metric(canonical);
    let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:.".contains(byte);
    let starts_bare = metric.first().is_some_and(|byte| !byte.is_ascii_digit());
    let bare = starts_bare && metric.iter().all(is_bare);
    let tags = name::tags(canonical)
        .map(|(key, value)| format!("{}={}", String::from_utf8_lossy(&key), quoted(&value)));
    let tags: Vec<String> = tags.collect();
    let mark = if name::is_histogram(canonical) { " (histograms)" } else { "" };
    match (bare, tags.is_empty()) {
        (true, true) => format!("{}{mark}", String::from_utf8_lossy(&metric)),
        (true, false) => {
            format!("{}{{{}}}{mark}", String::from_utf8_lossy(&metric), tags.join(","))
        }
        (false, true) => format!("{{__name__={}}}{mark}", quoted(&metric)),
        (false, false) => {
            format!("{{__name__={},{}}}{mark}", quoted(&metric), tags.join(","))
        }
    }
}

/// Columns of a table: the first is aligned to the left, a heading that begins with `<` as well, all
/// others to the right.
pub fn table(heads: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let width = |text: &str| text.chars().count();
    let plain: Vec<&str> = heads.iter().map(|head| head.trim_start_matches('<')).collect();
    let mut widths: Vec<usize> = plain.iter().map(|head| width(head)).collect();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            widths[at] = widths[at].max(width(cell));
        }
    }
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(at, (cell, &wide))| {
            let room = " ".repeat(wide - width(cell));
            let is_left = at == 0 || heads[at].starts_with('<');
            if is_left { format!("{cell}{room}") } else { format!("{room}{cell}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = plain.iter().map(|&head| head.to_owned()).collect();
    std::iter::once(line(&head)).chain(rows.iter().map(|row| line(row))).collect()
}

/// A bar of so many eighths of a column.
pub fn bar(eighths: usize) -> String {
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    format!("{}{}", "█".repeat(eighths / 8), parts[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_for_eyes() {
        assert_eq!(time(1_700_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(time(1_700_000_000_007), "2023-11-14T22:13:20.007Z");
        assert_eq!(length(90_061_000), "1d 1h");
        assert_eq!(series(b"cpu.user cpu=0 host=a"), r#"cpu.user{cpu="0",host="a"}"#);
        assert_eq!(series(b"m\xff\x01x\xff\x03"), r#"{__name__="m x"} (histograms)"#);
        let rows = [vec!["a".to_owned(), "10".to_owned()], vec!["bcd".to_owned(), "9".to_owned()]];
        assert_eq!(table(&["x", "n"], &rows), ["x     n", "a    10", "bcd   9"]);
        assert_eq!(bar(11), "█▍");
    }
}

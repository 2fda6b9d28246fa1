//! The door through which tools speak: lines on standard output and standard error, numbers for eyes,
//! and progress on a terminal. Whoever stops reading is no error.

use std::io::{self, Write};

/// Prints a line about what went on; it does not get between data on standard output.
pub fn remark(line: &str) {
    let _gone = writeln!(io::stderr(), "{line}");
}

/// Prints an error.
pub fn complain(line: &str) {
    remark(&format!("error: {line}"));
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

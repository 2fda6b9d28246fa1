//! Numbers for people. Pure.

pub(super) use crate::terminal::grouped;

/// Three digits that count, with a thousand, a million or a billion: `12.3 M`.
pub(super) fn scaled(number: f64) -> String {
    let units = [(1e9, " G"), (1e6, " M"), (1e3, " k")];
    let unit = units.iter().find(|(factor, _)| number.abs() >= *factor * 0.9995);
    match unit {
        Some((factor, name)) => format!("{}{name}", three_digits(number / factor)),
        None => three_digits(number),
    }
}

/// `1.23 ms`.
pub(super) fn time_ns(ns: u64) -> String {
    let ns = ns as f64;
    match ns {
        ns if ns < 999.5 => format!("{ns:.0} ns"),
        ns if ns < 999.5e3 => format!("{} us", three_digits(ns / 1e3)),
        ns if ns < 999.5e6 => format!("{} ms", three_digits(ns / 1e6)),
        ns => format!("{} s", three_digits(ns / 1e9)),
    }
}

/// `1.23 GB`, by thousands.
pub(super) fn bytes(number: u64) -> String {
    let text = scaled(number as f64);
    if text.contains(' ') { format!("{text}B") } else { format!("{text} B") }
}

/// `140 MiB`.
pub(super) fn mib(bytes: u64) -> String {
    format!("{} MiB", three_digits(bytes as f64 / 1024.0 / 1024.0))
}

/// Three digits that count, no needless ones behind a point.
pub(super) fn three_digits(number: f64) -> String {
    let decimals = match number.abs() {
        size if size >= 99.95 || size == 0.0 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        size if size >= 0.09995 => 3,
        _ => 4,
    };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        assert_eq!(grouped(1), "1");
        assert_eq!(grouped(20_000_000), "20,000,000");
        assert_eq!(grouped(123), "123");
        let scaled = [999.6, 12_345.0, 20e6, 1.5e9, 0.0, 0.0571].map(scaled);
        assert_eq!(scaled, ["1.00 k", "12.3 k", "20.0 M", "1.50 G", "0", "0.0571"]);
        let times = [999, 1500, 999_600, 12_345_678, 2_000_000_000].map(time_ns);
        assert_eq!(times, ["999 ns", "1.50 us", "1.00 ms", "12.3 ms", "2.00 s"]);
        assert_eq!(bytes(1_220_000_000), "1.22 GB");
        assert_eq!(bytes(12), "12.0 B");
        assert_eq!(mib(140 << 20), "140 MiB");
    }
}

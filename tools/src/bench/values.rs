//! Values of flags: numbers with units, lengths of time within bounds. Pure.

use crate::flags::{address, duration};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// `20M`, `500k`, `1.5M`, `2_000`: a whole number above 0.
pub(super) fn positive(text: &str) -> Result<u64, String> {
    let expected = || "expected a whole number above 0, for example 20M or 500k".to_owned();
    let plain = text.replace('_', "");
    let (digits, factor) = match plain.char_indices().next_back().ok_or_else(expected)? {
        (at, 'k' | 'K') => (&plain[..at], 1e3),
        (at, 'M') => (&plain[..at], 1e6),
        (at, 'G') => (&plain[..at], 1e9),
        _ => (plain.as_str(), 1.0),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(expected());
    }
    let number = digits.parse::<f64>().map_err(|_| expected())? * factor;
    let fits = (1.0..1e15).contains(&number) && number.fract() == 0.0;
    if fits { Ok(number as u64) } else { Err(expected()) }
}

/// Where a server is; no host is this one.
pub(super) fn server(text: &str) -> Result<SocketAddr, String> {
    let mut found = address(text)?;
    match found.ip() {
        ip if !ip.is_unspecified() => {}
        ip if ip.is_ipv4() => found.set_ip(Ipv4Addr::LOCALHOST.into()),
        _ => found.set_ip(Ipv6Addr::LOCALHOST.into()),
    }
    Ok(found)
}

/// Points of a piece.
pub(super) fn batch(text: &str) -> Result<u64, String> {
    let expected = || "expected 1 to 100000 points".to_owned();
    positive(text).ok().filter(|number| *number <= 100_000).ok_or_else(expected)
}

/// More than no time.
pub(super) fn some_duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected more than 0, for example 10s".to_owned();
    duration(text).and_then(|found| (!found.is_zero()).then_some(found).ok_or_else(expected))
}

/// Seconds up to a day.
pub(super) fn whole_seconds(text: &str) -> Result<u64, String> {
    let found = duration(text)?;
    let whole = found.subsec_nanos() == 0 && (1..=86_400).contains(&found.as_secs());
    let expected = || "expected 1s to 1d in whole seconds".to_owned();
    whole.then_some(found.as_secs()).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_units() {
        assert_eq!(positive("20M"), Ok(20_000_000));
        assert_eq!(positive("1.5k"), Ok(1500));
        assert_eq!(positive("2_000"), Ok(2000));
        for text in ["", "0", "-1", "1.5", "M", "1e9", "20MB", "inf", "1G0"] {
            assert!(positive(text).is_err(), "{text}");
        }
        assert_eq!(server(":4242"), Ok(([127, 0, 0, 1], 4242).into()));
        assert_eq!(server("[::]:1").map(|found| found.ip().is_loopback()), Ok(true));
        assert_eq!(server("192.0.2.7:1"), Ok(([192, 0, 2, 7], 1).into()));
        assert_eq!(whole_seconds("15s"), Ok(15));
        assert!(whole_seconds("500ms").is_err() && whole_seconds("0").is_err());
    }
}

//! Arguments `start` and `end`: plain numbers and full dates by simple arithmetic, everything else at least
//! without surprises.

use irontsd_net::read::civil::Civil;
use irontsd_net::read::time_arg::parse;

const NOW_MS: i64 = 1_700_000_000_123;
/// The last millisecond of the year 9999.
const LAST_MS: u64 = 253_402_300_799_999;

/// See the module. The first eight bytes are a time to be written out and read back.
pub fn check(bytes: &[u8]) {
    let Some((&moment, text)) = bytes.split_first_chunk::<8>() else { return };
    date(u64::from_le_bytes(moment) % (LAST_MS + 1));
    let Ok(text) = str::from_utf8(text) else { return };
    let found = parse(text, NOW_MS);
    if let Ok(ms) = &found {
        assert!(*ms >= 0);
        let later = parse(text, NOW_MS + 1000).expect("the clock decides nothing else");
        assert!(later == *ms || later == ms + 1000 || *ms == 0, "{ms} and {later}");
    }
    if !text.is_empty() && text.len() != 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        assert_eq!(found.ok(), number(text), "{text}");
    }
}

fn date(ms: u64) {
    let ms = i64::try_from(ms).expect("below the year 10000");
    let Civil { year, month, day, hour, minute, second, millisecond, .. } = Civil::of(ms);
    let date = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    assert!(parse(&format!("{date}.{millisecond:03}"), NOW_MS).is_err(), "{date}");
    assert_eq!(parse(&date, NOW_MS), Ok(ms - millisecond), "{date}");
    for zone in ["Z", "+00:00", "-00:00"] {
        let text = format!("{date}.{millisecond:03}{zone}");
        assert_eq!(parse(&text, NOW_MS), Ok(ms), "{text}");
    }
    let east = parse(&format!("{date}+01:30"), NOW_MS).expect("a date");
    assert_eq!(east, (ms - millisecond - 90 * 60_000).max(0));
}

/// The largest unit in which a number is not beyond 64 bits of nanoseconds.
fn number(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    let rounded = |per_ms: i64| number / per_ms + i64::from(number % per_ms >= per_ms / 2);
    Some(match () {
        () if number <= i64::MAX / 1_000_000_000 => number * 1000,
        () if number <= i64::MAX / 1_000_000 => number,
        () if number <= i64::MAX / 1000 => rounded(1000),
        () => rounded(1_000_000),
    })
}

//! KairosDB's bodies and lines: what is taken can be stored, and errors are listed. The first byte says
//! which, and whether the rules are strict.

use irontsd_engine::types::{TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN};
use irontsd_net::kairosdb::line::Unit;
use irontsd_net::kairosdb::{body, line, words};
use irontsd_net::policy::Policy;

/// See the module.
pub fn check(bytes: &[u8]) {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let policy = Policy { strict: how & 2 != 0, ..Policy::default() };
    match how & 1 {
        0 => as_body(bytes, &policy),
        _ => as_lines(bytes, &policy),
    }
}

fn as_body(bytes: &[u8], policy: &Policy) {
    let errors = body::judge(bytes, policy, |name, samples| {
        assert!(!name.is_empty());
        samples.iter().for_each(|&(ms, _)| storable(ms));
        Ok(())
    });
    let more: u64 = errors.more().map(|(_, count)| count).sum();
    assert!(more == 0 || errors.listed().len() == 100);
    assert_eq!(errors.reply().status, if errors.listed().is_empty() { 204 } else { 400 });
}

fn as_lines(bytes: &[u8], policy: &Policy) {
    for text in bytes.split(|&byte| byte == b'\n') {
        let Ok(words) = words::split(text) else { continue };
        for unit in [Unit::Any, Unit::Milliseconds] {
            if let Ok(point) = line::judge(&words, unit, policy) {
                assert!(!point.name.is_empty());
                storable(point.timestamp_ms);
            }
        }
    }
}

fn storable(ms: i64) {
    assert!((TIMESTAMP_MS_MIN..=TIMESTAMP_MS_MAX).contains(&ms), "{ms} ms");
}

//! Imported lines: what is taken is exported and imported again to the same.

use irontsd_engine::types::{Kind, Samples, Value};
use irontsd_net::import::{Sample, answer, judge};
use irontsd_net::policy::Policy;
use irontsd_net::read::json_line;

/// See the module. The first byte chooses the rules.
pub fn check(bytes: &[u8]) {
    let Some((&how, body)) = bytes.split_first() else { return };
    let policy = Policy { strict: how & 1 != 0, ..Policy::default() };
    let extra = [("zone".to_owned(), "a<b".to_owned())];
    let extra = if how & 2 == 0 { &[][..] } else { &extra };
    let mut lines = Vec::new();
    let outcome = judge(body, &policy, extra, |name, samples| {
        lines.push((name.to_vec(), samples.to_vec()));
        Ok(())
    });
    assert_eq!(outcome.success, lines.len() as u64);
    assert_eq!(answer(&outcome).0, if outcome.failed == 0 { 204 } else { 400 });
    for (name, samples) in &lines {
        again(name, samples);
    }
}

fn again(name: &[u8], sent: &[(i64, Sample)]) {
    let mut samples = Samples::default();
    for (ms, sample) in sent {
        match sample {
            Sample::Number(value) => samples.push(*ms, *value),
            Sample::Histogram(bytes) => {
                samples.push_histogram(*ms, |out| out.extend_from_slice(bytes));
            }
        }
    }
    let mut line = Vec::new();
    json_line::push(&mut line, name, &samples, &mut Default::default());
    let mut found = None;
    let outcome = judge(&line, &Policy::default(), &[], |name, samples| {
        found = Some((name.to_vec(), samples.iter().map(meaning).collect::<Vec<_>>()));
        Ok(())
    });
    assert_eq!(outcome.failed, 0, "{:?}\n{}", outcome.errors, line.escape_ascii());
    let expected = (name.to_vec(), sent.iter().map(meaning).collect::<Vec<_>>());
    assert_eq!(found, Some(expected), "{}", line.escape_ascii());
}

/// Time, bits of the number, bytes of the histogram. Whole doubles are exported as integers.
fn meaning((ms, sample): &(i64, Sample)) -> (i64, u64, Vec<u8>) {
    match sample {
        Sample::Number(value) => (*ms, bits(*value), Vec::new()),
        Sample::Histogram(bytes) => (*ms, 0, bytes.clone()),
    }
}

/// Those of the double, and for integers that no double is their own.
fn bits(value: Value) -> u64 {
    let double = value.as_f64();
    match value.kind {
        Kind::INTEGER if i128::from(value.bits as i64) != double as i128 => value.bits,
        _ => double.to_bits(),
    }
}

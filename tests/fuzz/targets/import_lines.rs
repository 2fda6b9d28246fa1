//! Imported lines: what is taken is exported and imported again to the same.

use irontsd_engine::types::{Kind, Samples};
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
        found = Some((name.to_vec(), samples.to_vec()));
        Ok(())
    });
    assert_eq!(outcome.failed, 0, "{:?}\n{}", outcome.errors, line.escape_ascii());
    let (found_name, found) = found.expect("a line of samples");
    assert_eq!((found_name.as_slice(), found.len()), (name, sent.len()), "{}", line.escape_ascii());
    for (found, sent) in found.iter().zip(sent) {
        assert!(found.0 == sent.0 && is_same(&found.1, &sent.1), "{}", line.escape_ascii());
    }
}

/// Integers are the same to the last digit. Others are the same double: the shortest text of a
/// large one is digits alone, which are read as an integer near it.
fn is_same(found: &Sample, sent: &Sample) -> bool {
    match (found, sent) {
        (Sample::Number(found), Sample::Number(sent)) if sent.kind == Kind::INTEGER => {
            found.kind == Kind::INTEGER && found.bits == sent.bits
        }
        (Sample::Number(found), Sample::Number(sent)) => {
            found.as_f64().to_bits() == sent.as_f64().to_bits()
        }
        (Sample::Histogram(found), Sample::Histogram(sent)) => found == sent,
        _ => false,
    }
}

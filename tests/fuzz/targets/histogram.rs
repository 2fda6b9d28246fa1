//! Histograms as JSON, as text and as bytes: what is taken can be written and read back to the same. The
//! first byte says which.

use irontsd_engine::histogram::Histogram;
use irontsd_net::histogram::codecs::Codec;
use irontsd_net::histogram::{binary, text};
use irontsd_net::policy::Policy;
use irontsd_net::put::{Scratch, judge_histograms, rollup};

/// See the module.
pub fn check(bytes: &[u8]) {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    match how % 4 {
        0 => json(bytes, how & 4 != 0),
        1 => as_text(bytes),
        2 => as_bytes(bytes),
        _ => engine(bytes),
    }
}

fn json(body: &[u8], strict: bool) {
    let mut policy = Policy { strict, ..Policy::default() };
    policy.histogram_codecs.set(42, Codec::Simple);
    policy.histogram_codecs.set(7, Codec::Opaque);
    let mut taken = 0;
    let mut out = |name: &[u8], ms: i64, bytes: &[u8]| {
        assert!(!name.is_empty() && ms > 0);
        engine(bytes);
        Histogram::decode(bytes).expect("what is passed on can be read");
        taken += 1;
        Ok(())
    };
    let mut scratch = Scratch::default();
    let outcome = judge_histograms(body, 1_700_000_000_123, &policy, &[], &mut scratch, &mut out);
    if let Ok(outcome) = outcome {
        assert_eq!(outcome.success, taken);
        assert_eq!(outcome.failed, outcome.failures.len() as u64);
    }
    if let Ok(outcome) = rollup::judge(body, 1_700_000_000_123, &policy, &[], &mut scratch) {
        assert_eq!((outcome.success, outcome.failed), (0, outcome.failures.len() as u64));
    }
}

fn as_text(text: &[u8]) {
    let Ok(histogram) = text::parse(text) else { return };
    let Histogram::Buckets(buckets) = &histogram else { panic!("text has buckets") };
    let mut out = Vec::new();
    text::push(&mut out, buckets);
    assert_eq!(text::parse(&out).expect("own text"), histogram);
    written(&histogram);
}

fn as_bytes(bytes: &[u8]) {
    if let Ok(buckets) = binary::decode(bytes) {
        written(&Histogram::Buckets(buckets));
    }
}

fn written(histogram: &Histogram) {
    let mut out = Vec::new();
    if histogram.encode(&mut out).is_ok() {
        assert_eq!(Histogram::decode(&out).as_ref(), Ok(histogram));
    }
}

/// The engine's own bytes.
fn engine(bytes: &[u8]) {
    if let Ok(histogram) = Histogram::decode(bytes) {
        written(&histogram);
    }
}

use super::*;
use crate::codec::Effort;
use crate::types::{Samples, SeriesId, Value};
use proptest::prelude::*;

type Runs = Vec<(SeriesId, Samples)>;

fn build(runs: &Runs, effort: Effort) -> Vec<u8> {
    let (mut builder, mut out) = (BlockBuilder::new(effort), Vec::new());
    for (series, samples) in runs {
        builder.push(*series, samples, 0, samples.len());
    }
    builder.finish(&mut out);
    out
}

fn effort() -> impl Strategy<Value = Effort> {
    prop_oneof![Just(Effort::Flush), Just(Effort::Merge)]
}

fn runs() -> impl Strategy<Value = Runs> {
    let run = (0..3u32, 1..40usize, 1..3i64, any::<i32>());
    prop::collection::vec(run, 1..60).prop_map(|shapes| {
        let mut series = 0;
        let mut runs = Vec::new();
        for (gap, rows, stride, seed) in shapes {
            series += gap;
            let mut samples = Samples::default();
            for row in 0..rows as i64 {
                let value = i64::from(seed).wrapping_mul(row * row % 7);
                samples.push(1000 + row * stride, Value::integer(value));
            }
            runs.push((series, samples));
        }
        runs
    })
}

proptest! {
    #[test]
    fn runs_survive_and_are_found(runs in runs(), effort in effort()) {
        let bytes = build(&runs, effort);
        let block = Block::parse(&bytes).expect("own bytes");
        prop_assert_eq!(block.runs(), runs.len());
        for (at, (series, samples)) in runs.iter().enumerate() {
            let mut back = Samples::default();
            block.read(at, &mut back).expect("own bytes");
            prop_assert_eq!((block.series(at), &back), (*series, samples));
            let first = runs.iter().position(|(other, _)| other >= series);
            prop_assert_eq!(Some(block.lower_bound(*series)), first);
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        if let Ok(block) = Block::parse(&bytes) {
            for run in 0..block.runs().min(99) {
                let _ = block.read(run, &mut Samples::default());
            }
        }
    }

    #[test]
    fn damaged_blocks_are_read_without_panic(runs in runs(), effort in effort(), at: usize, byte: u8) {
        let mut bytes = build(&runs, effort);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(block) = Block::parse(&bytes) {
            for run in 0..block.runs().min(99) {
                let _ = block.read(run, &mut Samples::default());
            }
        }
    }
}

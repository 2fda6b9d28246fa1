use super::*;
use crate::codec::Effort;
use crate::histogram::Histogram;
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
            let mut times = Vec::new();
            block.read_timestamps(at, &mut times).expect("own bytes");
            prop_assert_eq!(&times, &samples.timestamps);
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

fn two_runs() -> Vec<u8> {
    let mut samples = Samples::default();
    (0..40).for_each(|at| samples.push(1000 + at * at, Value::integer(at)));
    build(&vec![(7, samples.clone()), (9, samples)], Effort::Flush)
}

/// Columns and what is around them are all bytes of a block, none twice: so `inspect` tells where they go.
#[test]
fn a_block_is_its_head_its_columns_and_its_tables() {
    for effort in [Effort::Flush, Effort::Merge] {
        let mut runs = Runs::new();
        for series in 0..5 {
            let mut samples = Samples::default();
            let stride = i64::from(series / 2) + 1;
            (0..30).for_each(|at| samples.push(at * stride, Value::integer(at * at % 13)));
            runs.push((series, samples));
        }
        let bytes = build(&runs, effort);
        let block = Block::parse(&bytes).expect("own bytes");
        let columns: Vec<_> =
            (0..runs.len()).map(|run| block.columns(run).expect("inside")).collect();
        let (head, tail) = block.overhead();
        let times = columns.iter().flat_map(|column| column.0);
        let values = columns.iter().flat_map(|column| column.1);
        let joined: Vec<u8> = bytes[..head].iter().chain(times).chain(values).copied().collect();
        assert!(bytes.starts_with(&joined) && joined.len() + tail == bytes.len(), "{effort:?}");
    }
}

/// At its end it has zeros that decoders may read, and up to seven more.
#[test]
fn a_block_cut_short_is_refused() {
    let whole = two_runs();
    for length in 0..=whole.len() - 8 {
        assert!(Block::parse(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
    }
}

/// No entry of a directory has more bits than a number of 32.
#[test]
fn a_directory_of_impossible_widths_is_refused() {
    let sound = two_runs();
    for (place, width) in (WIDTHS_AT..WIDTHS_AT + 4).zip([33, 48, 64, 127]) {
        let mut bytes = sound.clone();
        bytes[place] = bytes[place] & WITH_LINES | width;
        assert!(Block::parse(&bytes).is_err_and(|error| error.at == WIDTHS_AT + 4), "{place}");
    }
}

/// Where they stand: behind three numbers of 32 bits.
const WIDTHS_AT: usize = 12;

/// A part of a longer column, and what makes a block full: runs, rows, bytes.
#[test]
fn a_block_counts_what_it_was_given_and_is_full_in_time() {
    use crate::limits::{BLOCK_ROWS, BLOCK_ROWS_MERGED, BLOCK_RUNS};
    let mut long = Samples::default();
    let mut state = 1u64;
    for at in 0..200 {
        let mut random = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state >> 56) as u8
        };
        let opaque = Histogram::Opaque { id: 42, bytes: (0..10_000).map(|_| random()).collect() };
        long.push_histogram(1000 + at, |out| opaque.encode(out).expect("short"));
    }
    for (effort, rows_max) in [(Effort::Flush, BLOCK_ROWS), (Effort::Merge, BLOCK_ROWS_MERGED)] {
        let mut builder = BlockBuilder::new(effort);
        builder.push(7, &long, 3, 5);
        assert_eq!((builder.rows(), builder.runs(), builder.is_full()), (2, 1, false));
        let mut bytes = Vec::new();
        builder.finish(&mut bytes);
        assert_eq!(Block::parse(&bytes).map(|block| block.rows(0)), Ok(2));

        let mut regular = Samples::default();
        (0..1024).for_each(|at| regular.push(1000 + at, Value::integer(7)));
        (0..rows_max as u32 / 1024).for_each(|series| {
            assert!(!builder.is_full());
            builder.push(series, &regular, 0, 1024);
        });
        assert!(builder.is_full());
        builder.finish(&mut Vec::new());

        (0..BLOCK_RUNS as u32).for_each(|series| {
            assert!(!builder.is_full());
            builder.push(series, &regular, 0, 1);
        });
        assert!(builder.is_full());
        builder.finish(&mut Vec::new());

        // Two hundred rows of ten thousand bytes that nothing packs.
        builder.push(1, &long, 0, long.len());
        assert!(builder.is_full(), "{effort:?}");
    }
}

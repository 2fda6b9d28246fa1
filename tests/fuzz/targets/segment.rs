//! Segments, and blocks alone: all of it is read, in two ways where there are two, and what is read is
//! written and read back. The first byte says which, and whether checksums are put right.

use std::path::Path;

use irontsd_engine::codec::Effort;
use irontsd_engine::offline::damaged;
use irontsd_engine::segment::Segment;
use irontsd_engine::segment::block::{Block, BlockBuilder};
use irontsd_engine::types::Samples;

use super::{memory_disk, repair};

/// Runs looked at in one block: directories of a few bytes can name a million.
const RUNS_MAX: usize = 50;
/// Samples that are worth writing again.
const WRITTEN_MAX: usize = 300;

/// See the module.
pub fn check(bytes: &[u8]) {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    match how {
        0 => block(bytes),
        1 => file(bytes.to_vec()),
        _ => {
            let mut bytes = bytes.to_vec();
            repair::segment(&mut bytes);
            file(bytes);
        }
    }
}

fn block(bytes: &[u8]) {
    let Ok(block) = Block::parse(bytes) else { return };
    for run in 0..block.runs().min(RUNS_MAX) {
        let (mut samples, mut timestamps) = (Samples::default(), Vec::new());
        let _lies_inside = block.columns(run);
        let read = block.read_timestamps(run, &mut timestamps);
        if block.read(run, &mut samples).is_ok() {
            assert_eq!(read, Ok(()));
            assert_eq!(
                (samples.timestamps.len(), &samples.timestamps),
                (block.rows(run), &timestamps)
            );
            if samples.len() <= WRITTEN_MAX {
                again(&samples);
            }
        }
    }
}

fn again(samples: &Samples) {
    for effort in [Effort::Flush, Effort::Merge] {
        let (mut builder, mut bytes, mut back) =
            (BlockBuilder::new(effort), Vec::new(), Samples::default());
        builder.push(7, samples, 0, samples.len());
        builder.finish(&mut bytes);
        let block = Block::parse(&bytes).expect("own bytes");
        block.read(0, &mut back).expect("own bytes");
        assert_eq!(back.timestamps, samples.timestamps);
        for at in 0..samples.len() {
            assert_eq!(back.histogram(at), samples.histogram(at), "{effort:?}");
            let (found, value) = (back.value(at), samples.value(at));
            // Of a decimal the double is kept that it means; a flush may write it at a larger scale.
            let scales = (found.kind.scale(), value.kind.scale());
            let same = match effort {
                Effort::Flush if scales.0.is_none() || scales.1.is_none() => found == value,
                _ => found.as_f64().to_bits() == value.as_f64().to_bits(),
            };
            assert!(same || samples.histogram(at).is_some(), "{value:?} became {found:?}");
        }
    }
}

fn file(bytes: Vec<u8>) {
    let path = Path::new("0000000001.seg");
    let env = memory_disk::world([(path, bytes)]);
    let opened = Segment::open(&env, path);
    let put_right = damaged::open(&env, path);
    if let Ok(segment) = &opened {
        let (_, faults) = put_right.as_ref().expect("a sound one, too");
        assert!(faults.is_empty(), "{faults:?}");
        read(segment);
    }
    if let Ok((segment, _)) = &put_right {
        read(segment);
    }
}

fn read(segment: &Segment) {
    for at in 0..segment.blocks().len() {
        let Ok(block) = segment.block(at) else { continue };
        for run in 0..block.runs().min(RUNS_MAX) {
            let (mut samples, mut timestamps) = (Samples::default(), Vec::new());
            let whole = segment.read(at, &block, run, &mut samples).is_ok();
            let times = segment.read_timestamps(at, &block, run, &mut timestamps).is_ok();
            assert!(!whole || (times && timestamps == samples.timestamps));
        }
    }
    let _readable = segment.each_name(|_, _| {});
}

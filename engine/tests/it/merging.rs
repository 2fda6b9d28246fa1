//! What merges in the background cost is counted and bounded.

use crate::common::{Model, Node, name, open_with};
use crate::simulated::disk::SimulatedDisk;
use crate::simulated::record::Op;
use crate::simulated::tree::Tree;
use crate::simulated::world::{SimulatedClock, world};
use irontsd_engine::codec::Effort;
use irontsd_engine::env;
use irontsd_engine::merge::days::Partition;
use irontsd_engine::merge::write::{Merge, Work};
use irontsd_engine::names::groups::Groups;
use irontsd_engine::segment::{Segment, SegmentWriter};
use irontsd_engine::series::Registry;
use irontsd_engine::types::{Samples, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// So many fresh segments are merged by themselves.
const DUE: i64 = 16;

/// A node whose merges never get further than their first rest, with so many segments.
fn slow_node(dir: &Path, segments: i64) -> (Node, Model) {
    let mut model = Model::new();
    let mut node =
        open_with(dir, |config| config.merge_bytes_per_second = 1, env::real()).expect("opens");
    for step in 0..segments {
        let rows = |series| (series, 1_700_000_000_000 + step, Value::integer(step));
        node.commit(0, &[1, 2, 3].map(rows), &mut model);
        node.flush();
    }
    (node, model)
}

#[test]
fn a_merge_tells_every_byte_that_it_reads_and_writes() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut node, _) = slow_node(dir.path(), DUE - 1);
    let files = std::fs::read_dir(dir.path().join("segments")).expect("a directory");
    let paths = files.map(|entry| entry.expect("a file").path());
    let open = |path: PathBuf| Arc::new(Segment::open(&env::real(), &path).expect("sound"));
    let inputs: Vec<_> = paths.map(open).collect();
    assert_eq!(inputs.len() as i64, DUE - 1);
    let read =
        inputs.iter().flat_map(|segment| segment.blocks()).map(|block| u64::from(block.bytes));
    let (read, env) = (read.sum::<u64>(), env::real());
    let merge = Merge {
        env: &env,
        registry: node.engine.registry(),
        inputs,
        effort: Effort::Merge,
        deletes: Vec::new(),
        floor_ms: i64::MIN,
        partition: Partition(86_400_000),
        unsynced_bytes_max: u64::MAX,
    };
    let mut told = Work::default();
    let output = dir.path().join("merged.seg");
    let sealed = merge.run(|| output.clone(), &mut |work| {
        (told.rows, told.bytes) = (told.rows + work.rows, told.bytes + work.bytes);
        Ok(())
    });
    let written: u64 = sealed.expect("merged").iter().map(|sealed| sealed.bytes).sum();
    assert_eq!(written, std::fs::metadata(&output).expect("a file").len());
    assert_eq!(told, Work { rows: 3 * (DUE - 1) as u64, bytes: read + written });
    drop(merge);
    node.merge();
    node.close();
}

#[test]
fn what_a_merge_writes_does_not_pile_up_in_the_kernel() {
    let (disk, clock) = (SimulatedDisk::over(Tree::new()), SimulatedClock::new(0));
    let (env, registry) =
        (world(&disk, &clock, 1), Registry::in_memory(&env::real(), Path::new("")));
    let (input, output) = (Path::new("1.seg"), Path::new("2.seg"));
    let mut writer = SegmentWriter::create(&env, input, (1, 1), Effort::Flush).expect("created");
    let mut random = fastrand::Rng::with_seed(1);
    for series in 0..60 {
        let id = registry.find_or_reserve(&name(series)).expect("room");
        let mut samples = Samples::default();
        (0..8000).for_each(|at| samples.push(at, Value::float(random.f64())));
        writer.push(id, &samples).expect("written");
    }
    writer.seal(&registry, &mut Groups::for_merges()).expect("sealed");
    let merge = Merge {
        env: &env,
        registry: &registry,
        inputs: vec![Arc::new(Segment::open(&env, input).expect("sound"))],
        effort: Effort::Merge,
        deletes: Vec::new(),
        floor_ms: i64::MIN,
        partition: Partition(86_400_000),
        unsynced_bytes_max: 1 << 20,
    };
    let before = disk.position();
    let sealed = merge.run(|| output.to_owned(), &mut |_| Ok(())).expect("merged");
    assert!(sealed[0].bytes > 3 << 20);
    let (mut unsynced, mut most) = (0, 0);
    for op in &disk.record()[before..] {
        match op {
            Op::Write { bytes, .. } => unsynced += bytes.len(),
            Op::Sync { .. } => unsynced = 0,
            _ => {}
        }
        most = most.max(unsynced);
    }
    // A write is of one block more than a mebibyte.
    assert!(unsynced == 0 && most < 5 << 19, "{most} bytes of {}", sealed[0].bytes);
}

#[test]
fn a_merge_rests_for_its_bytes_and_is_given_up_at_the_end() {
    let dir = tempfile::tempdir().expect("a directory");
    let (node, model) = slow_node(dir.path(), DUE);
    while node.engine.stats().merge_bytes.load(Relaxed) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(node.engine.stats().merges.total().0, 0, "it rests for hours");
    node.close();
    let node = open_with(dir.path(), |config| config.merge_bytes_per_second = 1, env::real())
        .expect("opens");
    assert_eq!(node.engine.sizes().segments.get(&0), Some(&(DUE as u64)));
    assert_eq!(node.content((0, i64::MAX)), model);
    node.close();
}

#[test]
fn who_waits_for_a_merge_does_not_wait_for_its_rests() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut node, model) = slow_node(dir.path(), DUE);
    node.merge();
    assert_eq!(node.engine.sizes().segments.get(&0), Some(&0));
    assert_eq!(node.content((0, i64::MAX)), model);
    node.close();
}

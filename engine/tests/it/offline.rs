//! What is read without a node is what the node serves, also while it flushes, merges and seals names;
//! and nothing in the directory changes by it.

use crate::common::{Model, Node, content, name, open};
use irontsd_engine::codec::Effort;
use irontsd_engine::env;
use irontsd_engine::index::filter::{Filter, Values};
use irontsd_engine::names::groups::Groups;
use irontsd_engine::offline::{Origin, Store, damaged};
use irontsd_engine::segment::{Segment, SegmentWriter};
use irontsd_engine::series::Registry;
use irontsd_engine::types::{Samples, TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

const EVER: (i64, i64) = (TIMESTAMP_MS_MIN, TIMESTAMP_MS_MAX);

fn read(path: &Path) -> (Store, Model) {
    let store = Store::open(&env::real(), path).expect("opens");
    assert_eq!(store.found().faults, Vec::<String>::new());
    let model = content(&store.snapshot().scan(None, EVER), store.registry()).expect("readable");
    (store, model)
}

fn rows(timestamp: i64) -> Vec<(u8, i64, Value)> {
    (0..9).map(|series| (series, timestamp, Value::integer(timestamp))).collect()
}

fn files(dir: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else {
            found.insert(entry.path(), fs::read(entry.path()).expect("readable"));
        }
    }
}

/// Segments, deletes, sealed names and logs of a node that runs.
fn filled(dir: &Path) -> (Node, Model) {
    let (mut node, mut model) = (open(dir), Model::new());
    for timestamp in 1..60 {
        node.commit((timestamp % 2) as usize, &rows(timestamp), &mut model);
    }
    node.merge();
    node.delete(&[1, 2], (3, 5), &mut model);
    node.commit(0, &rows(4), &mut model);
    node.flush();
    node.commit(1, &rows(70), &mut model);
    node.commit(0, &rows(71), &mut model);
    (node, model)
}

#[test]
fn a_directory_is_read_beside_its_node_and_stays_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let (node, model) = filled(dir.path());
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    files(dir.path(), &mut before);
    let (store, found) = read(dir.path());
    assert_eq!(found, model);
    assert_eq!((store.origin(), store.registry().len()), (Origin::Directory, 9));
    files(dir.path(), &mut after);
    assert_eq!(before, after);
    drop(node);
    assert_eq!(read(dir.path()).1, model, "after a crash");
}

#[test]
fn a_snapshot_and_a_segment_are_read_by_themselves() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut node, model) = filled(dir.path());
    node.snapshot("one");
    assert_eq!(read(&dir.path().join("snapshots/one")).1, model);
    node.merge();
    node.close();
    let segments: Vec<PathBuf> = fs::read_dir(dir.path().join("segments"))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let [segment] = &segments[..] else { panic!("one segment: {segments:?}") };
    let alone = tempfile::tempdir().expect("a directory");
    let copy = alone.path().join("any name");
    fs::copy(segment, &copy).expect("copied");
    let (store, found) = read(&copy);
    assert_eq!(found, model);
    assert_eq!(store.origin(), Origin::Segment);
    let values = Values::Listed(vec![b"h4".as_slice().into(), b"h7".as_slice().into()]);
    let filter = Filter { label: b"host", values, negated: false };
    let names = store.find(&[vec![filter]]).into_iter().map(|id| store.registry().name(id));
    assert_eq!(names.collect::<Vec<_>>(), [name(4), name(7)]);
}

/// All samples of all blocks that can be read, in their order.
fn samples(segment: &Segment) -> Vec<(u32, Samples)> {
    let mut all = Vec::new();
    for at in 0..segment.blocks().len() {
        let Ok(block) = segment.block(at) else { continue };
        for run in 0..block.runs() {
            let mut samples = Samples::default();
            segment.read(at, &block, run, &mut samples).expect("its checksum holds");
            all.push((block.series(run), samples));
        }
    }
    all
}

fn names(segment: &Segment) -> Vec<(u32, Vec<u8>)> {
    let mut all = Vec::new();
    segment.each_name(|id, name| all.push((id, name.to_vec()))).expect("its checksum holds");
    all
}

/// Blocks and names prove themselves: a wrong byte in header, indexes or footer takes nothing.
#[test]
fn a_wrong_byte_outside_of_blocks_and_names_costs_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let env = env::real();
    let path = dir.path().join("0000000001.seg");
    let registry = Registry::in_memory(&env, dir.path());
    let mut writer = SegmentWriter::create(&env, &path, (1, 1), Effort::Flush).expect("created");
    for series in 0..7 {
        let id = registry.find_or_reserve(&name(series)).expect("room");
        let mut samples = Samples::default();
        (0..6000).for_each(|at| samples.push(at * 10, Value::integer(at * i64::from(series))));
        writer.push(id, &samples).expect("written");
    }
    writer.seal(&registry, &mut Groups::for_merges()).expect("sealed");
    let (whole, faults) = damaged::open(&env, &path).expect("opens");
    assert!(faults.is_empty() && whole.blocks().len() > 2, "{faults:?}");
    let (all, all_names) = (samples(&whole), names(&whole));
    let bytes = fs::read(&path).expect("readable");
    let outside = (0..64).chain(whole.footer().blocks_at as usize..bytes.len());
    for at in outside {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, bad).expect("written");
        assert!(Segment::open(&env, &path).is_err(), "byte {at}");
        let (found, faults) = damaged::open(&env, &path).expect("opens");
        assert!(faults.iter().any(|fault| fault.to_string().contains("offset")), "byte {at}");
        assert!(samples(&found) == all, "byte {at} took samples");
        assert!(names(&found) == all_names, "byte {at} took names");
    }
}

/// A writer flushes after every hundred rows, merges and seals names. Whatever is read meanwhile is
/// everything committed before and nothing that was not sent.
#[test]
fn a_directory_that_changes_is_read_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut node = open(dir.path());
    let committed = AtomicI64::new(0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut model = Model::new();
            for timestamp in 1..400 {
                node.commit((timestamp % 2) as usize, &rows(timestamp), &mut model);
                committed.store(timestamp, SeqCst);
                if timestamp % 50 == 0 {
                    node.merge();
                }
            }
        });
        let mut readings = 0;
        while !writer.is_finished() {
            let least = committed.load(SeqCst);
            let found = match Store::open(&env::real(), dir.path()) {
                Ok(store) => {
                    assert_eq!(store.found().faults, Vec::<String>::new());
                    content(&store.snapshot().scan(None, EVER), store.registry()).expect("readable")
                }
                Err(error) => {
                    assert!(error.to_string().contains("changes faster"), "{error}");
                    continue;
                }
            };
            readings += 1;
            let most = committed.load(SeqCst) + 1;
            for series in 0..9 {
                let samples = found.get(&name(series));
                let count = samples.map_or(0, |samples| samples.len()) as i64;
                assert!((least..=most).contains(&count), "{least} <= {count} <= {most}");
            }
        }
        assert!(readings > 0, "never read");
    });
}

//! What recovery does with directories that a crash or damage left in odd states: nothing durable is
//! lost, no id is given to another series, and what cannot be is refused instead of overwritten.

use crate::common::{Model, Node, open, open_any};
use crate::simulated::disk::SimulatedDisk;
use crate::simulated::driver::{DIR, Driver, open as simulated_node};
use crate::simulated::record::Op;
use crate::simulated::world::SimulatedClock;
use irontsd_engine::env;
use irontsd_engine::header::{FileKind, Header};
use irontsd_engine::log::record;
use irontsd_engine::manifest::{Manifest, NamesEntry};
use irontsd_engine::segment::Segment;
use irontsd_engine::types::Value;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

fn one(series: u8, timestamp: i64) -> [(u8, i64, Value); 1] {
    [(series, timestamp, Value::integer(timestamp))]
}

fn names_file(dir: &Path) -> PathBuf {
    dir.join("names/0000000000.names")
}

fn cut(path: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("opens");
    file.set_len(bytes).expect("is cut");
}

/// A directory left by an orderly stop, with two series; its file of names is empty, and a segment's path.
fn without_names(dir: &Path) -> (Model, PathBuf) {
    let (mut node, mut model) = (open(dir), Model::new());
    node.commit(0, &one(0, 1), &mut model);
    node.commit(0, &one(1, 2), &mut model);
    node.close();
    cut(&names_file(dir), 64);
    let mut segments = fs::read_dir(dir.join("segments")).expect("readable");
    (model, segments.next().expect("one").expect("readable").path())
}

fn error_of(opened: irontsd_engine::error::Result<Node>) -> String {
    match opened {
        Ok(_) => panic!("the directory was opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn names_lost_from_their_file_are_taken_from_the_segments() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut model, _) = without_names(dir.path());
    for _ in 0..2 {
        let mut node = open_any(dir.path()).expect("opens");
        assert_eq!(node.engine.registry().find(&crate::common::name(1)), Some(1));
        node.commit(1, &one(2, 3), &mut model);
        assert_eq!(node.content((1, 9)), model);
        drop(node);
    }
}

/// The segment that used them may be readable again one day.
#[test]
fn ids_of_lost_names_are_not_given_out_by_any_later_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut model, segment) = without_names(dir.path());
    let away = dir.path().join("away");
    fs::rename(&segment, &away).expect("renamed");
    for _ in 0..3 {
        open_any(dir.path()).expect("opens").close();
    }
    let mut node = open_any(dir.path()).expect("opens");
    node.commit(0, &one(2, 3), &mut model);
    assert_eq!(node.engine.registry().find(&crate::common::name(2)), Some(2));
    node.close();
    fs::rename(&away, &segment).expect("renamed");
    assert_eq!(open_any(dir.path()).expect("opens").content((1, 9)), model);
}

/// Nothing tells of the names any more but the ids in a segment.
#[test]
fn ids_that_a_segment_uses_are_not_given_out_when_its_names_are_damaged_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_, path) = without_names(dir.path());
    fs::remove_file(dir.path().join("WITNESS")).expect("removed");
    let segment = Segment::open(&env::real(), &path).expect("sound");
    let at = segment.name_groups()[0].offset as usize;
    drop(segment);
    let mut bytes = fs::read(&path).expect("readable");
    bytes[at] ^= 1;
    fs::write(&path, bytes).expect("written");
    let mut sent = Model::new();
    for _ in 0..2 {
        let mut node = open_any(dir.path()).expect("opens");
        assert!(node.engine.faults()[0].contains("name group"), "{:?}", node.engine.faults());
        node.commit(0, &one(2, 3), &mut sent);
        assert_eq!(node.engine.registry().find(&crate::common::name(2)), Some(2));
        let mut found = node.content((1, 9));
        // What has no name is in no export.
        found.remove(&Vec::new());
        assert_eq!(found, sent);
        node.close();
    }
}

/// Their bytes are for people: what has no name is in no export.
#[test]
fn a_log_with_rows_whose_names_are_lost_is_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut node, mut model) = (open(dir.path()), Model::new());
    node.commit(0, &one(0, 1), &mut model);
    node.snapshot("n");
    // No segment has the name any more.
    node.delete(&[0], (0, 9), &mut model);
    node.merge();
    node.commit(0, &one(0, 5), &mut Model::new());
    node.commit(1, &one(1, 6), &mut model);
    drop(node);
    let files = |sub: &str, end: &str| {
        let files = fs::read_dir(dir.path().join(sub)).expect("readable");
        let paths = files.map(|entry| entry.expect("readable").path());
        paths.filter(|path| path.to_string_lossy().ends_with(end)).collect::<Vec<_>>()
    };
    let part = files("names", ".part").remove(0);
    let mut bytes = fs::read(&part).expect("readable");
    bytes[80] ^= 1;
    fs::write(&part, bytes).expect("written");
    model.retain(|_, samples| !samples.is_empty());
    for _ in 0..2 {
        let mut node = open_any(dir.path()).expect("opens");
        node.flush();
        assert_eq!(node.content((1, 9)), model);
        assert_eq!(files("log", ".log.damaged").len(), 1, "{:?}", node.engine.faults());
        node.close();
    }
}

/// A node killed again and again has many logs; a start syncs what no start before it has.
#[test]
fn a_log_is_synced_by_the_first_start_that_finds_it_and_by_no_other() {
    let mut driver = Driver::new(0, true);
    driver.open();
    driver.commit_rows(0, Vec::new());
    let mut tree = driver.disk.tree();
    let log = tree.file(&Path::new(DIR).join("log/0000000001-000.log")).expect("a log");
    let mut syncs_of_start = |number| {
        let (disk, clock) = (SimulatedDisk::over(tree.clone()), SimulatedClock::new(0));
        let node = simulated_node(&disk, DIR, &clock, number, |_| {}).expect("it starts");
        assert_eq!(node.engine.recovery().faults, Vec::<String>::new());
        // As it is when the node is killed: one that ends syncs its logs.
        tree = disk.tree();
        let is_one = |op: &&Op| matches!(op, Op::Sync { file } if *file == log);
        disk.record().iter().filter(is_one).count()
    };
    assert_eq!([1, 2, 3].map(&mut syncs_of_start), [1, 0, 0]);
}

/// Found by fuzzing: a few bytes made a start take memory for billions of lost names.
#[test]
fn a_names_log_that_goes_on_far_ahead_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut node = open(dir.path());
    node.commit(0, &one(0, 1), &mut Model::new());
    node.close();
    let path = names_file(dir.path());
    let mut file = fs::read(&path).expect("readable");
    let salt = Header::decode(&path, &file, FileKind::Names).expect("a header").salt;
    let mut record = Vec::new();
    record::begin(&mut record);
    record.extend_from_slice(b"\x01m");
    let offset = file.len() as u64;
    record::finish(&mut record, salt, offset, u64::from(u32::MAX - 1), 0);
    file.extend_from_slice(&record);
    fs::write(&path, file).expect("written");
    let error = error_of(open_any(dir.path()));
    let expected = format!("0000000000.names is damaged at offset {offset}: impossible series id");
    assert!(error.contains(&expected), "{error}");
}

/// The same of parts: those that cannot be read cost memory for each name they should hold.
#[test]
fn parts_that_claim_very_many_names_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut node = open(dir.path());
    node.commit(0, &one(0, 1), &mut Model::new());
    node.merge();
    node.close();
    let env = env::real();
    let manifest = Manifest::read(&env, dir.path()).expect("readable").expect("there");
    let at = manifest.encode().find("names ").expect("a part");
    let error_with = |change: fn(&mut Vec<NamesEntry>)| {
        let mut hostile = manifest.clone();
        change(&mut hostile.names);
        hostile.write(&env, dir.path()).expect("written");
        error_of(open_any(dir.path()))
    };
    let error = error_with(|names| names[0].first = u32::MAX - 7);
    let expected = format!("MANIFEST is damaged at offset {at}: a part of names does not begin");
    assert!(error.contains(&expected), "{error}");
    let error = error_with(|names| names[0].count = u32::MAX);
    let expected = format!("MANIFEST is damaged at offset {at}: a part with more names than");
    assert!(error.contains(&expected), "{error}");
    let error = error_with(|names| {
        const COUNT: u32 = 4 << 20;
        let part = |at| NamesEntry {
            name: format!("{at}.part"),
            first: at * COUNT,
            count: COUNT,
            bytes: 9,
        };
        *names = (0..1000).map(part).collect();
    });
    let expected = "0.part is damaged at offset 0: it and other parts should hold 4194304000 names";
    assert!(error.contains(expected), "{error}");
}

/// Whatever byte of a part is damaged: every name is taken from the segments, no id changes hands, and
/// the next seal makes the parts whole again.
#[test]
fn a_damaged_part_of_names_is_made_anew_from_the_segments() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut model = Model::new();
    let mut node = open(dir.path());
    for series in 0..6 {
        node.commit(0, &one(series, 5), &mut model);
    }
    node.merge();
    node.commit(0, &one(6, 5), &mut model);
    node.merge();
    node.flush();
    node.close();
    let parts: Vec<PathBuf> = fs::read_dir(dir.path().join("names"))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "part"))
        .collect();
    let [part] = &parts[..] else { panic!("one part was expected: {parts:?}") };
    let bytes = fs::read(part).expect("readable");
    for at in (0..bytes.len()).step_by(7) {
        let mut bad = bytes.clone();
        bad[at] ^= 0x40;
        fs::write(part, bad).expect("written");
        let node = open_any(dir.path()).expect("opens");
        let faults = node.engine.recovery().faults.join(" ");
        assert!(faults.contains(".part is damaged at offset"), "byte {at}: {faults}");
        assert_eq!(node.content((1, 9)), model, "byte {at}");
    }
    let mut node = open_any(dir.path()).expect("opens");
    node.merge();
    drop(node);
    let node = open(dir.path());
    assert_eq!(node.content((1, 9)), model);
    assert!(part.with_extension("part.damaged").exists());
}

#[test]
fn a_names_file_without_its_last_padding_goes_on_aligned() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut model = Model::new();
    let mut node = open(dir.path());
    // A name of an odd length, so that the record ends in padding.
    node.engine.registry().find_or_reserve(b"x").expect("room");
    node.commit(0, &one(0, 1), &mut model);
    drop(node);
    let path = names_file(dir.path());
    let bytes = fs::read(&path).expect("readable");
    let padding = bytes.iter().rev().take_while(|&&byte| byte == 0).count() as u64;
    assert!(padding > 0, "the test needs a record with padding");
    cut(&path, bytes.len() as u64 - padding);
    for series in 1..4 {
        let mut node = open(dir.path());
        node.commit(0, &one(series, 5), &mut model);
        assert_eq!(node.content((1, 9)), model);
    }
}

/// A names log is begun before the one in use is synced for the last time.
#[test]
fn a_names_log_begun_and_never_used_is_no_damage() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut model = Model::new();
    let mut node = open(dir.path());
    node.commit(0, &one(0, 1), &mut model);
    drop(node);
    let path = names_file(dir.path());
    let mut bytes = fs::read(&path).expect("readable");
    let next = |number: u64| path.with_file_name(format!("{number:010}.names"));
    let header = bytes[..64].to_vec();
    for (series, begun) in [(1u8, &header[..0]), (2, &header[..9]), (3, &header[..])] {
        let unused = next(u64::from(series) + 6);
        fs::write(&unused, begun).expect("written");
        // The end of the one in use is torn.
        bytes = fs::read(&path).expect("readable");
        fs::write(&path, [&bytes[..], b"torn"].concat()).expect("written");
        let mut node = open(dir.path());
        assert_eq!(node.content((1, 9)), model);
        assert!(!unused.exists());
        node.commit(1, &one(series, 2), &mut model);
        drop(node);
    }
    assert_eq!(open(dir.path()).content((1, 9)), model);
}

#[test]
fn a_directory_that_lost_its_manifest_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut node = open(dir.path());
    node.commit(0, &one(0, 1), &mut Model::new());
    drop(node);
    fs::remove_file(dir.path().join("MANIFEST")).expect("removed");
    let error = error_of(open_any(dir.path()));
    assert!(error.contains("MANIFEST"), "{error}");
    assert!(fs::metadata(names_file(dir.path())).expect("still there").len() > 64);
}

#[test]
fn a_manifest_without_its_first_lines_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    open(dir.path()).close();
    fs::write(dir.path().join("MANIFEST"), "checksum 00000000\n").expect("written");
    let error = error_of(open_any(dir.path()));
    assert!(error.contains("MANIFEST") && error.contains("offset"), "{error}");
}

#[test]
fn a_damaged_log_is_kept_for_people() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut model = Model::new();
    let mut node = open(dir.path());
    node.commit(0, &one(0, 1), &mut model);
    drop(node);
    let log = dir.path().join("log/0000000001-000.log");
    let mut bytes = fs::read(&log).expect("readable");
    bytes[3] ^= 1;
    fs::write(&log, bytes).expect("written");
    let node = open_any(dir.path()).expect("opens");
    let faults = node.engine.recovery().faults.join(" ");
    assert!(faults.contains("0000000001-000.log") && faults.contains("offset 0"), "{faults}");
    node.close();
    assert!(log.with_extension("log.damaged").exists());
    drop(open(dir.path()));
    assert!(log.with_extension("log.damaged").exists());
}

#[test]
fn a_segment_cut_short_is_set_aside_and_the_rest_served() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut node = open(dir.path());
    node.commit(0, &one(0, 1), &mut Model::new());
    node.flush();
    let mut model = Model::new();
    node.commit(0, &one(1, 2), &mut model);
    node.close();
    cut(&dir.path().join("segments/0000000001.seg"), 100);
    let node = open_any(dir.path()).expect("opens");
    assert!(node.engine.recovery().faults[0].contains("0000000001.seg"));
    assert_eq!(node.content((1, 9)), model);
}

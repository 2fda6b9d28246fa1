//! A segment file by itself: its bytes, the checksums of its names, and what becomes of it when it is cut
//! while it is open.

use irontsd_engine::env;
use irontsd_engine::segment::Segment;
use std::fs;
use std::path::{Path, PathBuf};

/// A copy of a golden segment, in a directory of its own.
fn copy() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/v4/data/segments");
    let mut files =
        fs::read_dir(golden).expect("golden").map(|entry| entry.expect("golden").path());
    let file = files.find(|path| path.extension().is_some_and(|end| end == "seg"));
    let path = dir.path().join("0000000001.seg");
    fs::copy(file.expect("a segment"), &path).expect("copied");
    (dir, path)
}

#[test]
fn a_wrong_byte_in_names_is_told_by_their_checksum() {
    let (_dir, path) = copy();
    let mut bytes = fs::read(&path).expect("readable");
    let segment = Segment::open(&env::real(), &path).expect("sound");
    assert_eq!(segment.file(), bytes);
    let group = *segment.name_groups().first().expect("names");
    assert!(segment.has_sound_names(&group));
    segment.each_name_of(&group, |_, _| {}).expect("sound");
    drop(segment);
    bytes[group.offset as usize + group.bytes as usize - 1] ^= 1;
    fs::write(&path, bytes).expect("written");
    let segment = Segment::open(&env::real(), &path).expect("names are checked when read");
    assert!(!segment.has_sound_names(&group));
    assert!(segment.each_name_of(&group, |_, _| {}).is_err());
}

#[test]
fn a_file_cut_while_it_is_open_is_no_more_believed() {
    let (_dir, path) = copy();
    let segment = Segment::open(&env::real(), &path).expect("sound");
    segment.check().expect("sound");
    fs::File::options().write(true).open(&path).and_then(|file| file.set_len(0)).expect("cut");
    // Not left out by the compiler: the pages must be touched.
    std::hint::black_box(segment.file().iter().fold(0u8, |all, byte| all | byte));
    assert!(segment.check().is_err() && segment.is_lost());
}

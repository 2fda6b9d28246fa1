//! A newer version is refused.

use super::document::*;
use super::golden::*;
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env;
use irontsd_engine::error::Error;
use irontsd_engine::header::{FORMAT_VERSION, Header};
use irontsd_engine::segment::Segment;
use std::path::Path;

/// Raises the version in a file's header, checksum included, where the document says they are.
pub fn raise_version(path: &Path) {
    let mut bytes = std::fs::read(path).expect("readable");
    let fields = fields("File header");
    let place = |name: &str| {
        let field = fields.iter().find(|field| field.name == name).expect("a field");
        field.offset..field.offset + field.bytes
    };
    bytes[place("version")].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    let sum = checksum(0, 0, &bytes[..place("checksum").start]);
    bytes[place("checksum")].copy_from_slice(&sum.to_le_bytes());
    std::fs::write(path, bytes).expect("written");
}

/// The same in the first line of a text.
pub fn raise_text_version(path: &Path, to: u32) {
    let text = std::fs::read_to_string(path).expect("readable");
    let (body, _) = text.split_once("checksum").expect("a checksum");
    let (first, rest) = body.split_once('\n').expect("lines");
    let (what, _) = first.rsplit_once(' ').expect("a version");
    let body = format!("{what} {to}\n{rest}");
    let text = format!("{body}checksum {:08x}\n", crc(body.as_bytes()));
    std::fs::write(path, text).expect("written");
}

pub fn refused(error: &Error, path: &Path) {
    let path = path.to_string_lossy();
    let expected = format!("{path} has format version 5; this build reads versions 1 to 4");
    assert!(matches!(error, Error::Version { .. }), "{error}");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_newer_version_is_refused() {
    for file in ["series.names", "log/0000000003-000.log", "MANIFEST"] {
        let dir = golden_copy();
        let path = dir.path().join(file);
        if file == "MANIFEST" {
            raise_text_version(&path, FORMAT_VERSION + 1)
        } else {
            raise_version(&path)
        }
        let before = std::fs::read(&path).expect("readable");
        let error = Engine::open(Config::new(dir.path()), env::real()).expect_err("refused");
        refused(&error, &path);
        assert_eq!(std::fs::read(&path).expect("readable"), before, "{file} was changed");
    }
}

#[test]
fn a_newer_segment_is_refused() {
    let dir = golden_copy();
    let path = dir.path().join("segments/0000000001.seg");
    raise_version(&path);
    refused(&Segment::open(&env::real(), &path).expect_err("refused"), &path);
}

/// A directory of version 4 with every kind of file, and a witness.
fn golden_4() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/v4-witness/data");
    for sub in ["", "log", "names", "segments"] {
        std::fs::create_dir_all(dir.path().join(sub)).expect("a directory");
        for entry in std::fs::read_dir(from.join(sub)).expect("a directory").flatten() {
            if entry.path().is_file() {
                let to = dir.path().join(sub).join(entry.file_name());
                std::fs::copy(entry.path(), to).expect("copied");
            }
        }
    }
    dir
}

#[test]
fn a_newer_version_of_any_kind_of_file_is_refused() {
    let files = [
        "MANIFEST",
        "assigned.names",
        "log/0000000004-000.log",
        "names/0000000001.names",
        "names/0000000002.part",
        "segments/0000000003.seg",
        "segments/delete-0000000004.ids",
        "segments/merged-0000000003.seg",
    ];
    let mut found = Vec::new();
    for file in files {
        let dir = golden_4();
        let path = dir.path().join(file);
        if file == "MANIFEST" {
            raise_text_version(&path, FORMAT_VERSION + 1);
        } else {
            let bytes = std::fs::read(&path).expect("readable");
            found.push(Header::peek(&bytes).expect("a header").0);
            raise_version(&path);
        }
        let before = std::fs::read(&path).expect("readable");
        let error = Engine::open(Config::new(dir.path()), env::real()).expect_err("refused");
        refused(&error, &path);
        assert_eq!(std::fs::read(&path).expect("readable"), before, "{file} was changed");
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, [1, 2, 3, 4, 5, 6], "every kind of the document's table");
}

/// It is taken for none: it proves nothing, and nothing is lost by it.
#[test]
fn a_newer_witness_proves_nothing() {
    let dir = golden_4();
    let log = dir.path().join("log/0000000004-000.log");
    raise_text_version(&dir.path().join("WITNESS"), 2);
    std::fs::remove_file(&log).expect("removed");
    let engine = Engine::open(Config::new(dir.path()), env::real()).expect("opens");
    assert_eq!(engine.recovery().faults, Vec::<String>::new());
    drop(engine);
    // The one it was would have told.
    let dir = golden_4();
    std::fs::remove_file(dir.path().join("log/0000000004-000.log")).expect("removed");
    let engine = Engine::open(Config::new(dir.path()), env::real()).expect("opens");
    let faults = engine.recovery().faults.join("\n");
    assert!(faults.contains("0000000004-000.log"), "{faults}");
}

//! A newer version is refused.

use super::document::*;
use super::golden::*;
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env;
use irontsd_engine::error::Error;
use irontsd_engine::header::FORMAT_VERSION;
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

pub fn raise_manifest_version(path: &Path) {
    let text = std::fs::read_to_string(path).expect("readable");
    let (body, _) = text.split_once("checksum").expect("a checksum");
    let body = body.replacen("manifest 1", "manifest 5", 1);
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
            raise_manifest_version(&path)
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

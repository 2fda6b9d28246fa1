//! Texts that a command prints, compared with files of `tests/snapshots`.
//!
//! `IRONTSD_REWRITE_SNAPSHOTS=1` writes the files anew; what changed is then seen in the diff.

use std::env;
use std::fs;
use std::path::Path;

/// Compares a text with the file of this name.
#[track_caller]
pub fn assert_snapshot(name: &str, text: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/snapshots");
    let path = dir.join(format!("{name}.txt"));
    if env::var_os("IRONTSD_REWRITE_SNAPSHOTS").is_some_and(|value| value == "1") {
        fs::create_dir_all(&dir).expect("a directory for snapshots");
        fs::write(&path, text).expect("a snapshot is written");
    }
    let expected = fs::read_to_string(&path);
    let expected = expected.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if text != expected {
        let differs = text.lines().zip(expected.lines()).find(|(found, wanted)| found != wanted);
        let lines = (text.lines().count(), expected.lines().count());
        panic!("{name} differs: {differs:#?}, {lines:?} lines; it is now:\n{text}");
    }
}

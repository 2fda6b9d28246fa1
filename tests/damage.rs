//! Proves that a torn tail of the log is cut and everything before it served, that damage
//! elsewhere is named with file and offset, and that damage never becomes a sample.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use crate::common::http::{Http, encode};
use crate::common::ledger::Ledger;
use crate::common::node::{EVERYTHING, copy_tree};
use crate::common::process::Process;
use crate::common::{Export, Home, Node};

/// One loop, so that one log file holds everything in the order sent.
const ONE_LOOP: [&str; 2] = ["--event-loops", "1"];

#[test]
fn garbage_behind_the_log_is_cut_and_told() {
    for garbage in
        [&b"\0"[..], b"garbage behind the last record, no header", &[0; 5000], &[255; 70]]
    {
        let (home, sent) = logged();
        let log = newest_log(&home);
        let mut file = OpenOptions::new().append(true).open(&log).expect("the log opens");
        file.write_all(garbage).expect("the log grows");
        let node = home.start();
        node.export_all().assert_same(&sent);
        // And the node goes on.
        node.put_lines("put later 1 1 h=a\n");
        let said = node.kill_and_read_log();
        assert!(said.contains(&file_name(&log)), "{said}");
        assert_eq!(home.start().export("later").count(), 1);
    }
}

#[test]
fn a_log_cut_anywhere_yields_what_stands_before_the_cut() {
    let (home, sent) = logged();
    let length = fs::metadata(newest_log(&home)).expect("the log is there").len();
    let cuts = (0..24).map(|n| length * n / 24).chain(length.saturating_sub(9)..length);
    for cut in cuts {
        let home = home.copy();
        let file = OpenOptions::new().write(true).open(newest_log(&home)).expect("the log opens");
        file.set_len(cut).expect("the log shrinks");
        let node = home.start();
        assert_prefix(&node.export_all(), &sent, cut);
        node.put_lines("put later 1 1 h=a\n");
        assert_eq!(node.kill_and_restart().export("later").count(), 1);
    }
}

#[test]
fn a_flipped_byte_in_the_log_is_named_and_never_a_sample() {
    let (home, sent) = logged();
    let detected = flips(&home, &sent, |home| newest_log(home));
    assert!(detected > 0, "no flip was noticed");
}

#[test]
fn a_flipped_byte_in_a_segment_is_named_and_never_a_sample() {
    let (home, sent) = logged();
    let node = home.start();
    node.force_flush();
    let home = node.stop();
    let detected = flips(&home, &sent, |home| largest_segment(home));
    assert!(detected > 0, "no flip was noticed");
}

/// A golden directory has every kind of file. Each is changed, cut and removed before a start.
#[test]
fn damage_to_any_kind_of_file_is_named_or_costs_nothing() {
    let home = Home::new(&["--histogram-codec", "42=simple"]);
    copy_tree(&golden("v4-witness").join("data"), &home.data());
    let whole = home.copy().start().export_text(EVERYTHING);
    let mut paths = files(&home.data());
    // Their own tests are above: what a kill leaves behind their synced part may be cut.
    paths.retain(|path| path.extension().is_none_or(|ending| ending != "log"));
    assert!(paths.len() >= 8 && paths.iter().any(|path| path.ends_with("WITNESS")), "{paths:?}");
    for path in paths {
        let name = path.strip_prefix(home.data()).expect("below").to_owned();
        let length = fs::metadata(&path).expect("a file").len();
        for way in ["flipped", "cut", "removed"] {
            let home = home.copy();
            let damaged = home.data().join(&name);
            let place = match way {
                "flipped" => {
                    flip(&damaged, length / 2);
                    length / 2
                }
                "cut" => {
                    cut(&damaged, length * 2 / 3);
                    length * 2 / 3
                }
                _ => {
                    fs::remove_file(&damaged).expect("removed");
                    u64::MAX - 1
                }
            };
            let (text, told) = match Node::ready_or_ended(&home, home.launch()) {
                Ok(node) => (export_bytes(&node, "").0, node.kill_and_read_log()),
                Err(process) => (Vec::new(), refused(&damaged, process)),
            };
            let is_told = is_named(&told, &damaged, place)
                || (way == "removed" && is_said_to_be_missing(&told, &damaged));
            assert!(is_told || text == whole.as_bytes(), "{name:?} {way}: {told}");
        }
    }
}

/// What a node said that did not start. Damage in segments and parts of names is no reason for that.
#[track_caller]
fn refused(damaged: &Path, process: Process) -> String {
    let log = process.log();
    let may_refuse = damaged.extension().is_none_or(|it| it != "seg" && it != "part");
    assert!(may_refuse, "damage in {damaged:?} stopped the start: {log}");
    log
}

/// Whether a line names the file, and in it a place that holds this byte: what is unreadable is named by
/// where it begins, or as a range.
fn is_named(log: &str, path: &Path, place: u64) -> bool {
    let numbers = |line: &str| {
        let behind = line.split("offset ").skip(1);
        let digits = behind.filter_map(|text| text.split(|c: char| !c.is_ascii_digit()).next());
        digits.filter_map(|digits| digits.parse().ok()).collect::<Vec<u64>>()
    };
    let holds = |line: &str| match numbers(line)[..] {
        [from] => from <= place,
        [from, to, ..] => from <= place && (place < to || place == u64::MAX - 1),
        [] => false,
    };
    let path = path.to_str().expect("UTF-8");
    log.lines().any(|line| line.contains(path) && holds(line))
}

/// Whether a line says that there is no such file, which has no offsets.
fn is_said_to_be_missing(log: &str, path: &Path) -> bool {
    let gone = format!("{}: No such file", path.display());
    let unnamed = format!("but no {}: restore it", file_name(path));
    log.lines().any(|line| line.contains(&gone) || line.contains(&unnamed))
}

fn golden(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(version)
}

#[test]
fn damaged_blocks_are_counted() {
    let node = Node::start();
    node.put_lines(&Ledger::new("m".into()).next_lines(100_000));
    node.force_flush();
    let home = node.stop();
    let counted = |place: u64| {
        let home = home.copy();
        let segment = largest_segment(&home);
        let length = fs::metadata(&segment).expect("a segment").len();
        flip(&segment, length * place / 8);
        let node = home.start();
        export_what_is_readable(&node);
        node.metrics().sum("irontsd_damaged_blocks", &[]) >= 1.0
    };
    assert!((0..8).any(counted), "no damaged block was counted");
}

#[test]
fn a_packed_export_that_damage_cuts_short_shows_it() {
    let node = Node::start();
    let lines = |n: u64| Ledger::new(format!("m{n}")).next_lines(20_000);
    (0..5).for_each(|n| node.put_lines(&lines(n)));
    node.force_flush();
    let home = node.stop();
    let cut_short = |place: &u64| {
        let home = home.copy();
        let segment = largest_segment(&home);
        flip(&segment, fs::metadata(&segment).expect("a segment").len() * place / 8);
        let node = home.start();
        let (plain, is_whole) = export_bytes(&node, "");
        let (packed, packed_is_whole) = export_bytes(&node, "Accept-Encoding: gzip\r\n");
        assert_eq!(packed_is_whole, is_whole);
        let mut unpacked = Vec::new();
        let unpacks = MultiGzDecoder::new(&*packed).read_to_end(&mut unpacked).is_ok();
        assert_eq!(unpacks, is_whole);
        assert!(unpacked == plain, "{} and {} bytes", unpacked.len(), plain.len());
        !is_whole && !plain.is_empty()
    };
    assert!((0..8).filter(cut_short).count() > 0, "no export was cut short");
}

/// The body of an export, and whether it came to its end.
fn export_bytes(node: &Node, headers: &str) -> (Vec<u8>, bool) {
    let mut http = Http::connect(node.http());
    let target = format!("/api/v1/export?match={}", encode(EVERYTHING));
    http.send(format!("GET {target} HTTP/1.1\r\nHost: t\r\n{headers}\r\n"));
    let head = http.head();
    let mut body = Vec::new();
    let is_whole = http.body(&head, &mut body).is_ok();
    (body, is_whole)
}

/// Flips a byte at each of many places, each in a copy; returns how many the node noticed.
fn flips(home: &Arc<Home>, sent: &Export, file: impl Fn(&Home) -> PathBuf) -> usize {
    let length = fs::metadata(file(home)).expect("a file").len();
    let places = (0..40).map(|n| length * n / 40).chain([length - 1]);
    places.filter(|&place| noticed(&home.copy(), sent, &file, place)).count()
}

/// Whether the node named the damage; if not, every sample must be there and right.
#[track_caller]
fn noticed(home: &Arc<Home>, sent: &Export, file: impl Fn(&Home) -> PathBuf, place: u64) -> bool {
    let path = file(home);
    flip(&path, place);
    let (found, log) = match Node::ready_or_ended(home, home.launch()) {
        Ok(node) => {
            let found = export_what_is_readable(&node);
            (found, node.kill_and_read_log())
        }
        Err(process) => (Export::default(), refused(&path, process)),
    };
    for (series, samples) in &found.series {
        for (stamp_ms, value) in samples {
            assert_eq!(sent.value(series, *stamp_ms), Some(value.as_str()), "flip at {place}");
        }
    }
    let named = is_named(&log, &path, place);
    assert!(named || found == *sent, "flip at {place} of {path:?} lost samples silently: {log}");
    named
}

/// The whole lines of an export that damage may cut short.
fn export_what_is_readable(node: &Node) -> Export {
    let mut http = Http::connect(node.http());
    let target = format!("/api/v1/export?match={}", encode(EVERYTHING));
    http.send(format!("GET {target} HTTP/1.1\r\nHost: t\r\n\r\n"));
    let head = http.head();
    let mut body = Vec::new();
    let _ = http.body(&head, &mut body);
    let whole = body.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let text = String::from_utf8_lossy(&body[..whole]);
    Export::parse(if head.status == 200 { &text } else { "" })
}

/// A home whose log holds 600 points in 60 acknowledged batches, killed.
fn logged() -> (Arc<Home>, Export) {
    let node = Node::with_flags(&ONE_LOOP);
    let mut telnet = node.telnet();
    for batch in 0..60 {
        let line = |n: u32| format!("put m{} {n} {n}.5 h=a\n", n % 3);
        let lines: String = (batch * 10 + 1..=batch * 10 + 10).map(line).collect();
        assert!(telnet.send(lines).barrier().is_empty());
    }
    let sent = node.export_all();
    assert_eq!(sent.count(), 600);
    (node.kill(), sent)
}

/// Panics unless `found` is what was sent up to some moment.
#[track_caller]
fn assert_prefix(found: &Export, sent: &Export, cut: u64) {
    let count = found.count();
    let mut expected = sent.clone();
    for samples in expected.series.values_mut() {
        samples.retain(|sample| sample.0 <= 1000 * count as i64);
    }
    expected.series.retain(|_, samples| !samples.is_empty());
    assert_eq!(found, &expected, "cut at {cut}: not the first {count} points");
}

fn cut(path: &Path, length: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("the file opens");
    file.set_len(length).expect("the file shrinks");
}

fn flip(path: &Path, place: u64) {
    let mut bytes = fs::read(path).expect("a readable file");
    bytes[usize::try_from(place).expect("a small file")] ^= 0x40;
    fs::write(path, bytes).expect("a writable file");
}

/// The file under `log/` that was written last.
#[track_caller]
fn newest_log(home: &Home) -> PathBuf {
    let files = files(&home.data().join("log")).into_iter();
    let newest = files.max_by_key(|path| {
        let written = fs::metadata(path).and_then(|data| data.modified()).expect("a file");
        (written, path.clone())
    });
    newest.unwrap_or_else(|| panic!("no log among {:?}", self::files(&home.data())))
}

/// The largest file outside `log/`.
#[track_caller]
fn largest_segment(home: &Home) -> PathBuf {
    let log = home.data().join("log");
    let files = files(&home.data()).into_iter().filter(|path| !path.starts_with(&log));
    let largest = files.max_by_key(|path| fs::metadata(path).expect("a file").len());
    largest.expect("a sealed segment")
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

//! Proves that a file cut under a running node, or one that the disk no longer gives, ends neither node nor
//! export: the segment is set aside and named, an export that needs it says that it is not whole, and
//! everything else is served; and that damage is told once, counted, and left out where that is asked for.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use crate::common::dying_disk::DyingDisk;
use crate::common::http::{Http, encode};
use crate::common::node::EVERYTHING;
use crate::common::{Export, Node, wait};

const ONE_LOOP: [&str; 2] = ["--event-loops", "1"];

#[test]
fn a_segment_cut_while_it_is_open_is_set_aside() {
    for share in [0, 2] {
        let (node, sent) = two_segments();
        let segment = &segments(&node)[0];
        cut(segment, share);
        let first = export(&node, EVERYTHING, "");
        assert!(!first.is_whole, "an export without a file ended as if it were whole");
        first.assert_part_of(&sent);
        assert_eq!(samples(&first.found, "whole"), samples(&sent, "whole"));
        wait::until("the segment to be set aside", || {
            node.metrics().sum("irontsd_segments_set_aside", &[]) == 1.0
        });
        // The node takes points and serves the rest; who needs the lost file is told, or allows it.
        let ready = node.get("/-/ready");
        assert_eq!(ready.status, 200);
        assert!(ready.text().contains(&format!("damaged: {}", segment.display())), "{ready:?}");
        node.put_lines("put later 1 1 h=a\n");
        assert!(!export(&node, EVERYTHING, "").is_whole);
        assert!(!export(&node, "cut", "").is_whole);
        for selector in ["whole", "later"] {
            assert!(export(&node, selector, "").is_whole, "{selector}");
        }
        let allowed = export(&node, EVERYTHING, "&allow_damaged=1");
        assert!(allowed.is_whole && allowed.lost_blocks >= 1);
        assert_eq!(samples(&allowed.found, "whole"), samples(&sent, "whole"));
        assert_eq!(samples(&allowed.found, "later"), 1);
        assert!(node.metrics().sum("irontsd_exports_damaged_total", &[]) >= 3.0);
        node.force_flush();
        let log = node.kill_and_read_log();
        assert_eq!(log.matches("is set aside").count(), 1, "{log}");
    }
}

/// The same for pages that the disk cannot give (EIO): the disk dies, the system has one of two segments in
/// memory. With a sound disk everything is there again.
#[test]
fn a_segment_that_the_disk_no_longer_gives_is_set_aside() {
    let (node, sent) = two_segments();
    let unread = segments(&node)[0].clone();
    let home = node.stop();
    let Some(disk) = DyingDisk::over(&home.data().join("segments"), 16 << 20) else { return };
    let node = home.start();
    assert!(export(&node, "whole", "").is_whole);
    disk.die(&unread);
    let broken = export(&node, EVERYTHING, "");
    assert!(!broken.is_whole, "an export without a file ended as if it were whole");
    broken.assert_part_of(&sent);
    wait::until("the segment to be set aside", || {
        node.metrics().sum("irontsd_segments_set_aside", &[]) == 1.0
    });
    let ready = node.get("/-/ready");
    assert_eq!(ready.status, 200);
    assert!(ready.text().contains(&format!("damaged: {}", unread.display())), "{ready:?}");
    node.put_lines("put later 1 1 h=a\n");
    let mut all = sent.clone();
    all.series.extend(node.export("later").series);
    let allowed = export(&node, EVERYTHING, "&allow_damaged=1");
    assert!(allowed.is_whole && allowed.lost_blocks >= 1);
    allowed.assert_part_of(&all);
    assert_eq!(samples(&allowed.found, "whole"), samples(&sent, "whole"));
    let home = node.kill();
    drop(disk);
    assert_eq!(home.start().export_all(), all);
}

#[test]
fn a_segment_that_cannot_be_opened_is_told_to_every_export_that_may_need_it() {
    let (node, sent) = two_segments();
    let segment = segments(&node)[0].clone();
    let home = node.stop();
    cut(&segment, 2);
    let node = home.start();
    assert!(node.get("/-/ready").text().contains(&segment.display().to_string()));
    let broken = export(&node, EVERYTHING, "");
    assert!(!broken.is_whole);
    assert_eq!(samples(&broken.found, "whole"), samples(&sent, "whole"));
    let allowed = export(&node, EVERYTHING, "&allow_damaged=1");
    assert!(allowed.is_whole && allowed.lost_blocks == 1);
    // Nothing of that time was in it.
    node.put_lines("put later 1 1 h=a\n");
    assert!(export(&node, EVERYTHING, "&end=2").is_whole);
}

/// Only the block that is damaged is lost, not what else its series has.
#[test]
fn damage_is_told_once_and_costs_a_block() {
    let node = Node::with_flags(&ONE_LOOP);
    let stamp = |n: i64| 1_600_000_000_000 + n;
    let line = |n: i64| format!("put long {} {} h=a\n", stamp(n), (n * n * 7919) % 1_000_003);
    node.put_lines(&(0..100_000).map(line).collect::<String>());
    node.force_flush();
    node.put_lines("put other 1600000000 1 h=a\n");
    let sent = node.export_all();
    let segment = segments(&node)[0].clone();
    let home = node.stop();
    flip_in_the_middle(&segment);
    let node = home.start();
    for shape in ["", "&format=prometheus", "&max_rows_per_line=1000"] {
        assert!(!export(&node, EVERYTHING, shape).is_whole, "{shape}");
        assert!(export(&node, "other", shape).is_whole, "{shape}");
    }
    let allowed = export(&node, EVERYTHING, "&allow_damaged=1");
    assert!(allowed.is_whole && allowed.lost_blocks >= 1);
    allowed.assert_part_of(&sent);
    let (left, all) = (samples(&allowed.found, "long"), samples(&sent, "long"));
    assert!(left >= all - 20_000 && left < all, "{left} of {all} samples are left");
    let lines = node.get("/api/v1/export?match=long&max_rows_per_line=1000&allow_damaged=1");
    assert_eq!(samples(&Export::parse(&lines.text()), "long"), left);
    assert_eq!(node.get("/api/v1/export?match=long&allow_damaged=x").status, 400);
    let metrics = node.metrics();
    assert_eq!(metrics.sum("irontsd_damaged_blocks", &[]), 1.0);
    assert_eq!(metrics.sum("irontsd_exports_damaged_total", &[]), 5.0);
    let ready = node.get("/-/ready");
    assert!(ready.status == 200 && ready.text().contains("offset"), "{}", ready.text());
    let log = node.kill_and_read_log();
    assert_eq!(log.matches("block checksum does not match").count(), 1, "{log}");
}

/// A known series could pass for a new one: once names could not be read none is taken, and the next
/// start finds the names in the segments.
#[test]
fn names_cut_while_they_are_open_stop_new_series_until_the_next_start() {
    let node = Node::with_flags(&ONE_LOOP);
    let lines: String = (0..500).map(|n| format!("put named {} {n} h=h{n}\n", n + 1)).collect();
    node.put_lines(&lines);
    assert_eq!(node.get("/internal/force_merge").status, 200);
    let sent = node.export_all();
    cut(&file_in(&node.home().data().join("names"), "part"), 0);
    // With a space behind, the loop does not remember it and asks the names.
    for line in ["put named 1 1 h=h7 \n", "put new 1 1 h=a\n"] {
        let answers = node.telnet().send(line).barrier();
        assert!(answers[0].starts_with("put: Please throttle writes: "), "{answers:?}");
    }
    wait::until("the node to say so", || node.get("/-/ready").status == 503);
    assert!(node.get("/-/ready").text().contains(".part"));
    assert_eq!(node.telnet().send("put named 1 1 h=h0\n").barrier().len(), 1);
    assert!(!export(&node, EVERYTHING, "").is_whole);
    let node = node.stop_and_restart();
    assert_eq!(node.get("/-/ready").status, 200);
    node.put_lines(&lines);
    node.put_lines("put new 1 1 h=a\n");
    let found = node.export_all();
    assert_eq!(found.count(), 501);
    assert!(sent.series.iter().all(|(name, samples)| found.series.get(name) == Some(samples)));
}

/// A node with two segments, and everything in them: series `cut` in the first, `whole` in the second.
fn two_segments() -> (Node, Export) {
    let node = Node::with_flags(&ONE_LOOP);
    for metric in ["cut", "whole"] {
        let line = |n: i64| {
            format!("put {metric} {} {} h=h{}\n", 1_600_000_000 + n, n * 7919 % 100_003, n % 5)
        };
        node.put_lines(&(0..50_000).map(line).collect::<String>());
        node.force_flush();
    }
    let sent = node.export_all();
    (node, sent)
}

/// What an export brought, and how it ended.
struct Brought {
    found: Export,
    is_whole: bool,
    lost_blocks: u64,
}

impl Brought {
    /// Whatever there is was sent like that.
    #[track_caller]
    fn assert_part_of(&self, sent: &Export) {
        for (series, samples) in &self.found.series {
            for (stamp_ms, value) in samples {
                assert_eq!(sent.value(series, *stamp_ms), Some(value.as_str()), "{series}");
            }
        }
    }
}

#[track_caller]
fn export(node: &Node, selector: &str, more: &str) -> Brought {
    let mut http = Http::connect(node.http());
    let target = format!("/api/v1/export?match[]={}{more}", encode(selector));
    http.send(format!("GET {target} HTTP/1.1\r\nHost: t\r\n\r\n"));
    let head = http.head();
    assert_eq!(head.status, 200);
    let mut body = Vec::new();
    let is_whole = http.body(&head, &mut body).is_ok();
    let end = body.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let text = String::from_utf8_lossy(&body[..end]);
    let found = if more.contains("format=") { Export::default() } else { Export::parse(&text) };
    let lost = http.trailer("x-irontsd-damaged-blocks").and_then(|text| text.parse().ok());
    Brought { found, is_whole, lost_blocks: lost.unwrap_or(0) }
}

fn samples(export: &Export, metric: &str) -> usize {
    let of_metric = |name: &&String| name.starts_with(&format!("{metric}{{"));
    let names = export.series.keys().filter(of_metric);
    names.map(|name| export.series[name].len()).sum()
}

/// The segments by name.
fn segments(node: &Node) -> Vec<PathBuf> {
    let entries = fs::read_dir(node.home().data().join("segments")).expect("segments");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn file_in(dir: &Path, extension: &str) -> PathBuf {
    let mut paths = fs::read_dir(dir).expect("a directory").flatten().map(|entry| entry.path());
    paths.find(|path| path.extension().is_some_and(|e| e == extension)).expect("such a file")
}

/// Cuts a file to a share of its length, or to nothing.
fn cut(path: &Path, share: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("the file opens");
    let length = file.metadata().expect("a length").len();
    file.set_len(length.checked_div(share).unwrap_or(0)).expect("it shrinks");
}

fn flip_in_the_middle(path: &Path) {
    let mut bytes = fs::read(path).expect("a readable file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(path, bytes).expect("a writable file");
}

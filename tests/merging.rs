//! Merges change nothing that a reader sees, whatever interrupts them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::node::{EVERYTHING, Node};
use crate::common::wait;

const DAY_S: i64 = 86_400;
/// Noon of a day long over.
const NOON_S: i64 = 19_000 * DAY_S + DAY_S / 2;

/// One flush's lines: three days around a noon, times that come again with other values, histograms.
fn lines(round: i64) -> String {
    let mut lines = String::new();
    for series in 0..40 {
        for at in 0..30 {
            let second = NOON_S + (at - 15) * 7_000 + (round % 3) * 50;
            let value = round * 1000 + at;
            lines += &format!("put m{series} {second} {value}.5 host=h{}\n", series % 7);
        }
        let second = NOON_S + round * 60 % 600;
        lines += &format!("histogram m{series} {second} u={round}:0,1={series}\n");
    }
    lines
}

fn filled(rounds: i64) -> Node {
    let node = Node::start();
    for round in 0..rounds {
        node.put_lines(&lines(round));
        node.force_flush();
    }
    node
}

fn merge(node: &Node) {
    let answer = node.get("/internal/force_merge");
    let text = answer.text();
    assert!(answer.status == 200 && text.ends_with("merged\n"), "{} {text}", answer.status);
}

#[test]
fn an_export_is_the_same_before_and_after_and_after_a_restart() {
    let node = filled(9);
    let before = node.export_text(EVERYTHING);
    assert_eq!(node.metrics().sum("irontsd_segments", &[r#"level="0""#]), 9.0);
    merge(&node);
    assert_eq!(node.export_text(EVERYTHING), before);
    let metrics = node.metrics();
    assert_eq!(metrics.sum("irontsd_segments", &[r#"level="0""#]), 0.0);
    assert_eq!(metrics.sum("irontsd_segments", &[r#"level="9""#]), 1.0, "thin days are one file");
    let node = node.kill_and_restart();
    assert_eq!(node.export_text(EVERYTHING), before);
    // What comes later still wins, before and after it is merged.
    node.put_lines(&lines(20));
    let changed = node.export_text(EVERYTHING);
    assert_ne!(changed, before);
    node.force_flush();
    merge(&node);
    assert_eq!(node.export_text(EVERYTHING), changed);
    merge(&node);
    assert_eq!(node.stop_and_restart().export_text(EVERYTHING), changed);
}

#[test]
fn many_flushes_are_merged_by_themselves() {
    let node = filled(17);
    let before = node.export_text(EVERYTHING);
    let fresh = || node.metrics().sum("irontsd_segments", &[r#"level="0""#]);
    wait::until("fresh segments are merged", || fresh() < 16.0);
    assert_eq!(node.export_text(EVERYTHING), before);
}

/// An export begun before a merge reads on in files that have no name any more.
#[test]
fn an_export_in_progress_is_not_disturbed() {
    let node = filled(4);
    let whole = node.export_text(EVERYTHING);
    let mut slow = crate::common::Http::connect(node.http());
    let target = crate::common::http::encode(EVERYTHING);
    slow.send(format!("GET /api/v1/export?match[]={target} HTTP/1.1\r\nHost: x\r\n\r\n"));
    merge(&node);
    let mut body = Vec::new();
    let answer = slow.head();
    slow.body(&answer, &mut body).expect("the whole body");
    assert!(body == whole.as_bytes());
}

/// A moment of a merge as the directory shows it.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// An output is being written.
    Writing,
    /// An output is sealed, and nothing names it.
    Sealed,
    /// A manifest that names outputs is being written.
    Naming,
    /// It is in force, and inputs are there still.
    Named,
}

impl Moment {
    const ALL: [Moment; 4] = [Moment::Writing, Moment::Sealed, Moment::Naming, Moment::Named];

    fn is_now(self, data: &Path) -> bool {
        match self {
            Moment::Writing => segments(data).iter().any(|name| name.ends_with(".seg.tmp")),
            Moment::Sealed => unnamed(data).iter().any(|name| name.starts_with("merged-")),
            Moment::Naming => data.join("MANIFEST.tmp").exists(),
            Moment::Named => unnamed(data).iter().any(|name| !name.starts_with("merged-")),
        }
    }
}

fn segments(data: &Path) -> Vec<String> {
    let entries = fs::read_dir(data.join("segments")).expect("a directory").flatten();
    entries.map(|entry| entry.file_name().display().to_string()).collect()
}

/// Segments that the manifest does not name, as they were before it was read.
fn unnamed(data: &Path) -> Vec<String> {
    let mut names = segments(data);
    let manifest = fs::read_to_string(data.join("MANIFEST")).expect("readable");
    names.retain(|name| name.ends_with(".seg") && !manifest.contains(&format!("segment {name} ")));
    names
}

/// Killed at any moment of a merge, the node has every sample once.
#[test]
fn a_kill_during_a_merge_loses_nothing() {
    let node = filled(6);
    let expected = node.export_text(EVERYTHING);
    let fresh = node.stop();
    let mut unfinished = [0; Moment::ALL.len()];
    for round in 0..24 {
        let (moment, home) = (Moment::ALL[round % 4], fresh.copy());
        let data = home.data();
        let mut node = home.start();
        let mut http = crate::common::Http::connect(node.http());
        http.send("GET /internal/force_merge HTTP/1.1\r\nHost: x\r\n\r\n");
        // Looked at without a pause, for a moment is short. That of a merge may be missed.
        let is_over = || segments(&data).iter().all(|name| name.starts_with("merged-"));
        while !moment.is_now(&data) && !is_over() {}
        node.process().kill();
        let home = node.kill();
        let is_unfinished = Moment::ALL.iter().any(|moment| moment.is_now(&data));
        unfinished[round % 4] += usize::from(is_unfinished);
        let node = home.start();
        assert!(node.export_text(EVERYTHING) == expected, "round {round}, {moment:?}");
        // A manifest that was not finished stays until the next one is written.
        let leftovers = [Moment::Writing, Moment::Sealed, Moment::Named];
        let found = leftovers.into_iter().find(|moment| moment.is_now(&data));
        assert!(found.is_none(), "round {round}, {moment:?}: {found:?} is left");
        // And the merge can be done.
        merge(&node);
        assert!(node.export_text(EVERYTHING) == expected, "round {round}, {moment:?}");
    }
    assert!(unfinished.iter().sum::<usize>() >= 6, "unfinished merges: {unfinished:?}");
}

/// Whoever waits for a merge is told how far it is.
#[test]
fn a_merge_tells_how_far_it_is() {
    let mut node = Node::start();
    for round in 0..4 {
        for part in 0..10 {
            let line = |n: i64| {
                let at = NOON_S + n + part * 10_000;
                format!("put m{} {at} {round}.{n} h=a\n", n % 7)
            };
            node.put_lines(&(0..10_000).map(line).collect::<String>());
        }
        node.force_flush();
    }
    let data = node.home().data();
    let mut http = crate::common::Http::connect(node.http());
    http.send("GET /internal/force_merge HTTP/1.1\r\nHost: x\r\n\r\n");
    let is_writing = || Moment::Writing.is_now(&data);
    while !is_writing() {}
    // The merge cannot go on while its clock does: when it may, it has been long enough.
    node.process().signal(Signal::STOP);
    assert!(is_writing(), "it was over before it was stopped");
    let stopped = Instant::now();
    wait::until("a second to pass", || stopped.elapsed() > Duration::from_secs(1));
    node.process().signal(Signal::CONT);
    let answer = http.response();
    let text = answer.text();
    let lines: Vec<&str> = text.lines().collect();
    let (last, progress) = lines.split_last().expect("lines");
    assert_eq!(*last, "merged", "{text}");
    let told = |line: &&str| {
        let rest = line.strip_prefix("merging 4 segments: ").expect("how many");
        let (rows, of) =
            rest.strip_suffix(" samples").and_then(|it| it.split_once(" of ")).expect("of");
        (rows.parse::<u64>().expect("a number"), of.parse::<u64>().expect("a number"))
    };
    let told: Vec<(u64, u64)> = progress.iter().map(told).collect();
    assert!(!told.is_empty(), "{text}");
    assert!(
        told.is_sorted() && told.iter().all(|&(rows, of)| rows > 0 && rows <= of && of == 400_000),
        "{text}"
    );
}

/// The last day of which a timestamp is accepted, counted from 1970.
const LAST_DAY: i64 = 9_999_999_999_999 / 86_400_000;

#[test]
fn a_point_in_every_day_there_is_costs_little() {
    let mut node = Node::start();
    let days: Vec<i64> = (0..=LAST_DAY).collect();
    // Twice, so that some days are merged with what came before.
    for value in [1, 2] {
        // From the 51st day on milliseconds of noon fit and are no seconds.
        let at = |day: i64| if day < 51 { day * 86_400 + 1 } else { day * 86_400_000 + 43_200_000 };
        let line = |day: &i64| format!("put every.day {} {value} h=a\n", at(*day));
        for lines in days.chunks(20_000) {
            node.put_lines(&lines.iter().map(line).collect::<String>());
        }
        node.force_flush();
        merge(&node);
    }
    let export = node.export("every.day");
    assert_eq!(export.count(), days.len());
    let segments = node.metrics().sum("irontsd_segments", &[]);
    assert!(segments <= 4.0, "{segments} segments");
    let proc = format!("/proc/{}", node.process().id());
    let descriptors = std::fs::read_dir(format!("{proc}/fd")).expect("there").count();
    assert!(descriptors < 40, "{descriptors} descriptors");
    let maps = std::fs::read_to_string(format!("{proc}/maps")).expect("there").lines().count();
    assert!(maps < 250, "{maps} mappings");
    let peak = node.memory_peak_bytes();
    assert!(peak < 200 << 20, "{peak} bytes");
}

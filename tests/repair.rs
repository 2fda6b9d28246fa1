//! `irontsd verify --repair` writes a sound directory with every sample that was not in the damaged
//! block or record itself, wherever the damage is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::tool::{Told, irontsd_with};
use crate::common::{Export, Home, Node};

type Place = (String, i64, String);

/// Several blocks in fresh and merged segments, deletes, sealed names, and a log of many records; no
/// sample is written twice.
fn filled() -> Arc<Home> {
    let node = Node::with_flags(&["--event-loops", "1"]);
    let mut at = 1_700_000_000;
    let mut lines = |count: i64| {
        let line = |n: i64| format!("put m{} {} {}.{} h=x{}\n", n % 7, at + n, n, n % 10, n % 3);
        let lines: String = (0..count).map(line).collect();
        at += count;
        lines
    };
    node.put_lines(&lines(140_000));
    node.force_flush();
    assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
    node.put_lines(&lines(34_000));
    node.force_flush();
    let deleted = "match[]=m1&start=1700000000&end=1700001000";
    assert_eq!(node.post(&format!("/api/v1/admin/tsdb/delete_series?{deleted}"), "").status, 204);
    for record in 0..12 {
        node.put_lines(&format!("put m{} {} 1 h=x1\n", record % 7, 1_800_000_000 + record));
    }
    node.kill()
}

fn places(export: &Export) -> BTreeSet<Place> {
    let of = |(series, samples): (&String, &Vec<(i64, String)>)| {
        samples
            .iter()
            .map(|(time, value)| (series.clone(), *time, value.clone()))
            .collect::<Vec<_>>()
    };
    export.series.iter().flat_map(of).collect()
}

/// What a node serves from a copy of a directory.
fn served(data: &Path) -> BTreeSet<Place> {
    let home = Home::new(&["--event-loops", "1"]);
    crate::common::node::copy_tree(data, &home.data());
    places(&home.start().export_all())
}

/// Repairs a directory; the result must be sound.
fn repair(from: &Path, to: &Path) -> Told {
    let arguments = ["verify", "--json", from.to_str().expect("UTF-8"), "--repair"];
    let told = irontsd_with(&[&arguments[..], &[to.to_str().expect("UTF-8")]].concat());
    let again = irontsd_with(&["verify", to.to_str().expect("UTF-8")]);
    assert_eq!(again.code, 0, "not sound: {}\n{}{}", again.out, told.out, told.err);
    told
}

/// The samples of the block of a segment that has this byte.
fn of_block(segment: &Path, at: u64) -> BTreeSet<Place> {
    let path = segment.to_str().expect("UTF-8");
    for number in 0.. {
        let block = number.to_string();
        let told = irontsd_with(&["inspect", path, "--json", "--block", &block]);
        if told.code != 0 {
            break;
        }
        let figure = |key| told.json().get(key).str().parse::<u64>().expect("a number");
        if !(figure("offset")..figure("offset") + figure("bytes")).contains(&at) {
            continue;
        }
        let dumped = irontsd_with(&["inspect", path, "--block", &block, "--dump"]).ended(0);
        let place = |line: &str| {
            let mut parts = line.split('\t').map(str::to_owned);
            let mut next = || parts.next().expect("three parts");
            (next(), next().parse().expect("a time"), next())
        };
        return dumped.out.lines().map(place).collect();
    }
    BTreeSet::new()
}

#[test]
fn one_flipped_byte_costs_no_sample_of_another_block_or_record() {
    let home = filled();
    let data = home.data();
    let all = served(&data);
    let mut costs = 0;
    for path in files(&data) {
        let bytes = fs::read(&path).expect("readable");
        let name = path.strip_prefix(&data).expect("below").to_owned();
        let len = bytes.len();
        // Salt, content, and what stands at the end.
        let mut at: Vec<usize> = vec![17, len / 2, len - 30];
        if name.extension().is_some_and(|it| it == "seg") {
            // Footer, index of names, index of blocks, names.
            at.extend([len - 80, len - 100, len - 150, len - 250]);
        }
        for at in at.into_iter().filter(|&at| at < len) {
            let damaged = home.copy();
            let mut bad = bytes.clone();
            bad[at] ^= 0x24;
            fs::write(damaged.data().join(&name), bad).expect("written");
            let to = Home::new(&["--event-loops", "1"]);
            let told = repair(&damaged.data(), &to.data());
            assert_eq!(told.code, 1, "byte {at} of {name:?} was not noticed");
            let found = places(&to.start().export_all());
            let lost: BTreeSet<Place> = all.difference(&found).cloned().collect();
            let invented = found.difference(&all).next();
            let is_log = name.extension().is_some_and(|it| it == "log");
            let is_delete = name.extension().is_some_and(|it| it == "ids");
            // Without its list, what a delete took is there again: that is told.
            assert!(invented.is_none() || is_delete, "byte {at} of {name:?}: {invented:?}");
            if is_log {
                assert!(lost.len() <= 1, "byte {at} of {name:?} cost {lost:?}");
            } else {
                let allowed = of_block(&path, at as u64);
                let more = lost.difference(&allowed).next();
                assert!(more.is_none(), "byte {at} of {name:?} cost {} {more:?}", lost.len());
            }
            costs += usize::from(!lost.is_empty());
        }
    }
    assert!(costs > 0, "no flip cost anything");
}

fn files(data: &Path) -> Vec<PathBuf> {
    let mut files = vec![data.join("MANIFEST")];
    for dir in ["log", "names", "segments"] {
        let entries = fs::read_dir(data.join(dir)).expect("a directory").flatten();
        files.extend(entries.map(|entry| entry.path()));
    }
    files.sort();
    files
}

#[test]
fn a_sound_directory_is_copied_and_nothing_is_overwritten() {
    let home = filled();
    let to = Home::new(&["--event-loops", "1"]);
    let told = repair(&home.data(), &to.data()).ended(0);
    let all = served(&home.data());
    assert_eq!(served(&to.data()), all);
    let told = told.json();
    let written = told.get("repair").get("samples").str().parse::<usize>().expect("a number");
    assert!(written >= all.len(), "{written}");
    let path = home.data();
    let path = path.to_str().expect("UTF-8");
    let told = irontsd_with(&["verify", path, "--repair", path]).ended(3);
    assert!(told.err.contains("is not empty"), "{}", told.err);
}

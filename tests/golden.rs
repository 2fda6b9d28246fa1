//! Data directories made by every version of the format are read forever.
//!
//! `tests/golden/vN/data` was left by a killed node of format version N with samples of every kind, in
//! fresh and merged segments and in logs, deletes, assigned names; `export.jsonl` is what that node
//! exported after its next start. `v4-witness` is of version 4, too, and has a `WITNESS`, which nodes did
//! not write at first.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::Home;
use crate::common::node::{EVERYTHING, copy_tree};
use crate::common::telnet::converse;
use crate::common::wait;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

#[test]
fn directories_of_all_versions_are_read() {
    for version in ["v2", "v3", "v4", "v4-witness"] {
        let expected = fs::read_to_string(golden().join(version).join("export.jsonl"));
        let expected = expected.expect("readable");
        let home = Home::new(&["--histogram-codec", "42=simple", "--auto-create-metrics", "off"]);
        copy_tree(&golden().join(version).join("data"), &home.data());
        let node = home.start();
        let served = |text: String, when: &str| {
            assert!(text == expected, "{version} {when}: the export differs");
        };
        served(node.export_text(EVERYTHING), "as it was");
        // A name assigned then may be used now, and nothing else.
        let lines = "put assigned.metric 1800000000 1 a=b\nput other 1800000000 1 a=b\n";
        let answers = converse(node.opentsdb(), lines);
        assert!(answers.contains("other") && !answers.contains("assigned.metric"), "{answers}");
        let count =
            |text: &str| text.lines().filter(|line| line.contains("assigned.metric")).count();
        assert_eq!(count(&node.export_text(EVERYTHING)), 1);
        node.post("/api/v1/admin/tsdb/delete_series?match[]=assigned.metric", "");
        assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
        served(node.export_text(EVERYTHING), "merged by this version");
        let node = node.kill_and_restart();
        served(node.export_text(EVERYTHING), "after another start");
    }
}

/// Made `tests/golden/v4-witness`. A later version gets a directory of its own and leaves the others alone.
#[test]
#[ignore = "writes a golden directory; once for each version of the format"]
fn make_golden() {
    let to = golden().join("v4-witness");
    assert!(!to.exists(), "a golden directory is never made anew");
    let home = Home::new(&["--event-loops", "1", "--histogram-codec", "42=simple"]);
    let node = home.start();
    let mut chance = fastrand::Rng::with_seed(5);
    node.put_lines(&lines(0..300, &mut chance));
    node.force_flush();
    node.put_lines(&lines(300..360, &mut chance));
    let days: String =
        (0..5).map(|day| format!("put day {} {day} host=x\n", START - day * 86_400)).collect();
    node.put_lines(&days);
    node.force_flush();
    assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
    node.put_lines(&lines(360..400, &mut chance));
    node.put_lines(
        &(0..3).map(|at| format!("put counter {} 7 host=a\n", START + at * 15)).collect::<String>(),
    );
    node.force_flush();
    let range = "match[]=gauge%7Bhost%3D%22b%22%7D&start=1700000000&end=1700001000";
    assert_eq!(node.post(&format!("/api/v1/admin/tsdb/delete_series?{range}"), "").status, 204);
    assert_eq!(node.get("/api/uid/assign?metric=assigned.metric&tagk=assigned_key").status, 200);
    node.put_lines(&lines(400..410, &mut chance));
    node.put_lines("put late 1700000123.5 4 a=\u{fc}\n");
    let synced = r#"{"metric":"synced","timestamp":1700000200,"value":1,"tags":{"a":"b"}}"#;
    assert_eq!(node.post("/api/put?sync", synced).status, 204);
    let witness = home.data().join("WITNESS");
    wait::until("the witness tells of the log", || {
        fs::read_to_string(&witness).is_ok_and(|text| {
            text.lines().any(|line| line.starts_with("log ") && !line.ends_with(" bytes 64"))
        })
    });
    let home = node.kill();
    fs::remove_file(home.data().join("LOCK")).expect("there");
    copy_tree(&home.data(), &to.join("data"));
    fs::write(to.join("export.jsonl"), home.start().export_text(EVERYTHING)).expect("written");
}

const START: i64 = 1_700_000_000;

/// Samples whose values need different encodings, every 15 seconds.
fn lines(rows: std::ops::Range<i64>, chance: &mut fastrand::Rng) -> String {
    let mut text = String::new();
    for row in rows {
        let at = START + row * 15;
        for host in ["a", "b", "c"] {
            let counter = 1_000_000 + row * 700 + chance.i64(0..2000);
            let (whole, cents) = (chance.i64(0..100), chance.i64(0..100));
            let double = (row as f64 / 50.0).sin() * std::f64::consts::PI + chance.f64() * 1e-3;
            text += &format!("put counter {at} {counter} host={host}\n");
            text += &format!("put gauge {at} {whole}.{cents:02} host={host}\n");
            text += &format!("put whole {at} {} host={host}\n", row / 97 * 5 + 1);
            text += &format!("put double {at} {double} host={host}\n");
        }
        let odd = ["1", "2.5", "-0.0", "0.1234567890123456", "9007199254740993", "1e300"];
        text += &format!("put noise {at} {} host=a\n", chance.f64());
        text += &format!("put mixed {at} {} host=a\n", chance.choice(odd).unwrap_or("1"));
        text += &format!("put big {at} {} host=a\n", chance.i64(..));
        text +=
            &format!("put jitter {} {} host=a\n", at * 1000 + chance.i64(0..9), chance.i64(0..3));
        text += &format!("put mean {at} {} host=a\n", chance.i64(0..3000) as f64 / 3.0);
        if row % 20 == 0 {
            text +=
                &format!("histogram hist {at} u=1:o=2:0,1.5={row}:1.5,5.75={} host=a\n", row * 2);
        }
    }
    text
}

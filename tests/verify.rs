//! `irontsd verify` finds nothing in sound directories of every version, also while a node writes to
//! them, and every planted fault in the file where it was planted.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::node::copy_tree;
use crate::common::tool::{Told, irontsd_with};
use crate::common::{Home, Json, Node};

/// Where golden directories are, by version.
fn golden(version: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match version {
        "v1" => root.join("engine/tests/golden/v1"),
        _ => root.join("tests/golden").join(version).join("data"),
    }
}

fn verify(path: &Path, more: &[&str]) -> Told {
    let path = path.to_str().expect("UTF-8");
    irontsd_with(&[&["verify", "--json", path], more].concat())
}

/// The file and the offset of each fault.
fn faults(told: &Told) -> Vec<(String, u64)> {
    let told = told.json();
    let place = |fault: &Json| {
        let offset = fault.get("offset").str().parse().expect("a number");
        (fault.get("file").str().to_owned(), offset)
    };
    told.get("faults").items().iter().map(place).collect()
}

#[track_caller]
fn assert_sound(path: &Path) {
    for more in [&[][..], &["--quick"]] {
        let told = verify(path, more).ended(0);
        assert_eq!(faults(&told), []);
        let figure = |key| told.json().get(key).str().parse::<u64>().expect("a number");
        assert!(figure("bytes") > 0 && figure("blocks") > 0 && figure("samples") > 0);
    }
}

#[test]
fn directories_of_all_versions_are_sound() {
    for version in ["v1", "v2", "v3", "v4", "v4-witness"] {
        assert_sound(&golden(version));
    }
    let segments = fs::read_dir(golden("v4-witness").join("segments")).expect("a directory");
    let segments = segments.map(|entry| entry.expect("an entry").path());
    for segment in segments.filter(|path| path.extension().is_some_and(|it| it == "seg")) {
        assert_sound(&segment);
    }
    assert_sound(&golden("v4-witness").join("log/0000000004-000.log"));
}

/// Samples of each kind in fresh and merged segments, in logs, and deleted ones.
fn filled() -> Node {
    let node = Node::with_flags(&["--event-loops", "2"]);
    for round in 0..4 {
        let line = |n: i64| {
            let at = 1_700_000_000 + round * 4000 + n * 10;
            format!("put m{} {at} {n}.{} h=x{}\n", n % 7, n % 100, n % 3)
        };
        node.put_lines(&(0..400).map(line).collect::<String>());
        node.force_flush();
    }
    assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
    let deleted = "match[]=m1&start=1700000000&end=1700001000";
    assert_eq!(node.post(&format!("/api/v1/admin/tsdb/delete_series?{deleted}"), "").status, 204);
    node.put_lines("put late 1700000001 1 a=b\nput late 1700000002 2.5 a=c\n");
    node
}

#[test]
fn a_node_is_not_disturbed_and_what_it_does_meanwhile_is_no_fault() {
    let node = filled();
    let data = node.home().data();
    assert_sound(&data);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            for round in 0..12 {
                let line =
                    |n: i64| format!("put live{} {} {n} h=x{round}\n", n % 50, 1 + n + round);
                node.put_lines(&(0..2000).map(line).collect::<String>());
                node.force_flush();
                if round % 4 == 3 {
                    assert!(node.get("/internal/force_merge").text().ends_with("merged\n"));
                }
            }
            node.kill()
        });
        let mut rounds = 0;
        while !writer.is_finished() || rounds == 0 {
            let told = verify(&data, &[]);
            assert_eq!((told.code, faults(&told)), (0, vec![]), "{}", told.out);
            rounds += 1;
        }
        assert_sound(&writer.join().expect("it writes").data());
    });
}

/// One byte after another is flipped in a copy of a directory with every kind of file.
#[test]
fn every_flipped_byte_is_named_with_its_file_and_offset() {
    let home = Home::new(&[]);
    let data = home.data();
    copy_tree(&golden("v4-witness"), &data);
    let mut files = Vec::new();
    for dir in [".", "log", "names", "segments"] {
        let entries = fs::read_dir(data.join(dir)).expect("a directory").flatten();
        files.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    assert!(files.len() >= 9, "{files:?}");
    let mut tried = 0;
    for path in files {
        let bytes = fs::read(&path).expect("readable");
        let name = path.strip_prefix(&data).expect("below").components().as_path().to_owned();
        let step = if bytes.len() > 10_000 { 211 } else { 31 };
        let mut places: Vec<usize> = (0..bytes.len()).step_by(step).collect();
        places.push(bytes.len() - 1);
        for at in places {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(&path, &bad).expect("written");
            let told = verify(&data, &[]);
            tried += 1;
            // One that is not whole proves less, and nothing is lost.
            if name == Path::new("WITNESS") {
                let told = told.ended(0).json();
                let notes: Vec<&str> = told.get("notes").items().iter().map(Json::str).collect();
                assert!(notes.iter().any(|note| note.contains("WITNESS")), "byte {at}: {notes:?}");
                continue;
            }
            assert_eq!(told.code, 1, "byte {at} of {name:?}: {}{}", told.out, told.err);
            let found = faults(&told);
            // What is unreadable is named by where it begins.
            let mut named = found.iter().filter(|(file, _)| Path::new(file) == name);
            let is_there = named.any(|(_, offset)| *offset <= at as u64);
            assert!(is_there, "byte {at} of {name:?}: {found:?}");
        }
        fs::write(&path, &bytes).expect("written");
    }
    assert!(tried > 250, "{tried}");
    assert_sound(&data);
}

/// What the file itself cannot tell: that it is older, shorter at a record's end, or gone.
#[test]
fn what_is_missing_without_a_trace_is_named() {
    let node = filled();
    let earlier = fs::read(node.home().data().join("MANIFEST")).expect("readable");
    let deleted = "match[]=m2&start=1700000000&end=1700000001";
    assert_eq!(node.post(&format!("/api/v1/admin/tsdb/delete_series?{deleted}"), "").status, 204);
    let point = r#"{"metric":"synced","timestamp":1700000001,"value":1,"tags":{"a":"b"}}"#;
    assert_eq!(node.post("/api/put?sync", point).status, 204);
    let home = node.kill();
    assert_sound(&home.data());
    let logs = fs::read_dir(home.data().join("log")).expect("a directory").flatten();
    let has_rows = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes.len() > 64);
    let log = logs.map(|entry| entry.path()).find(has_rows);
    let name = log.expect("a log with rows").strip_prefix(home.data()).expect("below").to_owned();
    type Damage = Box<dyn Fn(&Path)>;
    let damages: [(PathBuf, Damage); 3] = [
        (name.clone(), Box::new(|path| fs::remove_file(path).expect("removed"))),
        (name, Box::new(|path| cut(path, 64))),
        ("MANIFEST".into(), Box::new(move |path| fs::write(path, &earlier).expect("written"))),
    ];
    for (name, damage) in damages {
        let home = home.copy();
        damage(&home.data().join(&name));
        let told = verify(&home.data(), &[]).ended(1);
        let found = faults(&told);
        assert!(found.iter().any(|(file, _)| Path::new(file) == name), "{name:?}: {found:?}");
    }
}

fn cut(path: &Path, len: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).expect("opens");
    file.set_len(len).expect("is cut");
}

#[test]
fn all_of_many_faults_are_found_and_say_what_they_touch() {
    let home = filled().kill();
    let data = home.data();
    let mut planted = Vec::new();
    for (dir, ending, place) in
        [("segments", "seg", 70), ("segments", "ids", 100), ("log", "log", 100)]
    {
        for entry in fs::read_dir(data.join(dir)).expect("a directory").flatten() {
            let path = entry.path();
            let mut bytes = fs::read(&path).expect("readable");
            if path.extension().is_some_and(|it| it == ending) && bytes.len() > place {
                bytes[place] ^= 0xff;
                fs::write(&path, bytes).expect("written");
                planted.push(format!("{dir}/{}", entry.file_name().display()));
            }
        }
    }
    let gone = fs::read_dir(data.join("names")).expect("a directory").flatten();
    let part =
        gone.map(|entry| entry.path()).find(|it| it.extension().is_some_and(|e| e == "part"));
    let part = part.expect("a sealed part");
    fs::remove_file(&part).expect("removed");
    planted.push(format!("names/{}", part.file_name().expect("a name").display()));
    assert!(planted.len() >= 4, "{planted:?}");
    let told = verify(&data, &[]).ended(1);
    let found = faults(&told);
    for file in &planted {
        assert!(found.iter().any(|(name, _)| name == file), "{file} in {}", told.out);
    }
    let told = told.json();
    let all = told.get("faults").items();
    let block = all.iter().find(|it| it.get("kind").str() == "block").expect("a block");
    assert!(!block.get("series").items().is_empty());
    assert!(block.get("start").str() <= block.get("end").str());
    assert!(block.get("samples").str().parse::<u64>().expect("a number") > 0);
}

#[test]
fn what_cannot_be_read_is_no_verdict() {
    let home = Home::new(&[]);
    let told = verify(&home.data().join("nothing"), &[]).ended(3);
    assert!(told.err.contains("nothing") && told.out.is_empty(), "{}", told.err);
    fs::create_dir_all(home.data()).expect("made");
    assert!(verify(&home.data(), &[]).ended(3).err.contains("no data directory"));
    fs::write(home.data().join("text"), "a text").expect("written");
    let told = verify(&home.data().join("text"), &[]).ended(3);
    assert!(told.err.contains("no file of a data directory"), "{}", told.err);
}

//! Every byte of a data directory with every kind of file is changed, files are cut at every length, lost,
//! swapped or replaced by what they were earlier: then the fault is named with its file, or all samples are
//! there; no sample is wrong, nothing panics, and the engine takes rows all the same or does not start.
//!
//! All that can be done to a directory is dealt out, by chance, to a thousand numbers; the directory of
//! numbers 0 to 999 is made from seed 0, and so on. `IRONTSD_DAMAGE=FIRST..END` says which are tried.

mod directory;
mod planted;

use crate::common::{Model, Node};
use crate::power_cuts::{for_each, numbers};
use crate::simulated::disk::SimulatedDisk;
use crate::simulated::driver::{DIR, open};
use crate::simulated::history::AGE_MS;
use crate::simulated::tree::Tree;
use crate::simulated::world::SimulatedClock;
use directory::Directory;
use irontsd_engine::scan::{Cursor, Scan};
use irontsd_engine::types::Samples;
use planted::Damage;
use std::collections::BTreeMap;
use std::path::Path;

/// Numbers over which all damage of one directory is spread.
const PARTS: u64 = 1000;

#[test]
fn damage_is_named_or_costs_nothing() {
    for_each(numbers("IRONTSD_DAMAGE", 0..40), |number| {
        let complaints: Vec<String> =
            [true, false].iter().flat_map(|&is_stopped| part(number, is_stopped)).collect();
        assert!(complaints.is_empty(), "{} in part {number}: {complaints:#?}", complaints.len());
    });
}

/// The complaints about a part of all damage.
fn part(number: u64, is_stopped: bool) -> Vec<String> {
    let directory = Directory::new(number / PARTS, is_stopped);
    let all = planted::all(&directory);
    let share = |part: u64| all.len() * part as usize / PARTS as usize;
    let damages = &all[share(number % PARTS)..share(number % PARTS + 1)];
    let complaint =
        |damage: &Damage| Some(format!("{damage}: {}", judge(&directory, damage).err()?));
    damages.iter().filter_map(complaint).collect()
}

/// A bit of every byte, and every length: each is tried, always.
#[test]
fn a_bit_of_every_byte_and_every_length_is_named_or_costs_nothing() {
    let judge_all = |is_stopped: bool| {
        move || {
            let directory = Directory::new(0, is_stopped);
            let mut damages = planted::all(&directory);
            damages.retain(|damage| damage.is_bit_or_cut(&directory.tree));
            let bytes: usize = directory.tree.files.values().map(|file| file.len()).sum();
            assert!(damages.len() > bytes, "{} of {bytes} bytes", damages.len());
            let complaint =
                |damage: &Damage| Some(format!("{damage}: {}", judge(&directory, damage).err()?));
            let complaints: Vec<String> = damages.iter().filter_map(complaint).collect();
            assert!(complaints.is_empty(), "stopped: {is_stopped}: {complaints:#?}");
        }
    };
    let both = [true, false].map(|is_stopped| std::thread::spawn(judge_all(is_stopped)));
    both.into_iter().for_each(|one| one.join().expect("one of them failed"));
}

/// Of these the file itself shows nothing: each is tried, always.
#[test]
fn what_leaves_no_trace_in_its_file_is_named_or_costs_nothing() {
    for is_stopped in [true, false] {
        let directory = Directory::new(0, is_stopped);
        let damages: Vec<Damage> =
            planted::all(&directory).into_iter().filter(Damage::leaves_no_trace).collect();
        assert!(damages.len() > 50, "{} of them", damages.len());
        let complaint =
            |damage: &Damage| Some(format!("{damage}: {}", judge(&directory, damage).err()?));
        let complaints: Vec<String> = damages.iter().filter_map(complaint).collect();
        assert!(complaints.is_empty(), "stopped: {is_stopped}: {complaints:#?}");
    }
}

/// Files that are not ours stay as they are, wherever they lie.
#[test]
fn foreign_files_change_nothing_and_stay() {
    for is_stopped in [true, false] {
        let directory = Directory::new(0, is_stopped);
        let mut tree = directory.tree.clone();
        let names =
            ["README", "backup.tar", "0000000001.seg.bak", "x.log", ".hidden", "MANIFEST.old"];
        let places = ["", "log", "segments", "names"];
        let strangers: Vec<String> =
            places.iter().flat_map(|dir| names.map(|name| format!("{DIR}/{dir}/{name}"))).collect();
        for path in &strangers {
            planted::write(&mut tree, path, b"not ours".to_vec());
        }
        let disk = SimulatedDisk::over(tree);
        let node = reopen(&disk, 1).expect("opens");
        assert_eq!(node.engine.faults(), Vec::<String>::new());
        assert_eq!(content(&node), directory.model);
        drop(node);
        for path in &strangers {
            let id = disk.tree().file(Path::new(path)).expect("a foreign file is there");
            assert_eq!(**disk.tree().files[&id], *b"not ours", "{path}");
        }
    }
}

fn reopen(disk: &SimulatedDisk, salt: u64) -> irontsd_engine::error::Result<Node> {
    open(disk, DIR, &SimulatedClock::new(AGE_MS), 1 << 20 | salt, |_| {})
}

/// What is wrong with how the damage is met.
fn judge(directory: &Directory, damage: &Damage) -> Result<(), String> {
    let disk = SimulatedDisk::over(damage.plant(&directory.tree));
    let mut model = directory.model.clone();
    let mut promised = directory.synced.clone();
    for start in 0..2 {
        let mut node = match reopen(&disk, start) {
            Ok(node) => node,
            Err(error) if damage.never_stops_a_start() => {
                return Err(format!("it does not start: {error}"));
            }
            Err(error) => return damage.is_named_in(&[error.to_string()], &directory.tree),
        };
        let found = content(&node);
        nothing_is_wrong(&found, &model)?;
        if found != model {
            let recovery = node.engine.recovery();
            let told = [&node.engine.faults()[..], &recovery.cuts[..]].concat();
            if !(holds_all(&found, &promised) && damage.is_earlier_log()) {
                let named = damage.is_named_in(&told, &directory.tree);
                named.map_err(|text| format!("lost without a word: {text}"))?;
            }
            // What is lost now stays lost.
            model = found;
            promised = model.clone();
        }
        if start == 0 {
            // What comes later must not be mixed up with what was lost.
            let row = directory.later_row();
            if node.engine.gate().is_open() {
                node.commit(0, &[row], &mut model);
            }
        }
    }
    Ok(())
}

/// Whatever is there was sent.
fn nothing_is_wrong(found: &Model, sent: &Model) -> Result<(), String> {
    for (name, samples) in found {
        for (timestamp, sample) in samples {
            if sent.get(name).and_then(|sent| sent.get(timestamp)) != Some(sample) {
                return Err(format!("{} at {timestamp} is {sample:?}", name.escape_ascii()));
            }
        }
    }
    Ok(())
}

fn holds_all(found: &Model, promised: &Model) -> bool {
    let is_there = |(name, samples): (&Vec<u8>, &BTreeMap<i64, _>)| {
        let found = found.get(name);
        samples.keys().all(|time| found.is_some_and(|found| found.contains_key(time)))
    };
    promised.iter().all(is_there)
}

/// All that can be read.
fn content(node: &Node) -> Model {
    let scan: Scan = node.engine.snapshot().scan(None, (1, i64::MAX));
    let (names, mut cursor) = (node.engine.registry(), Cursor::tolerant());
    let mut content = Model::new();
    for series in 0..names.len() {
        let mut samples = Samples::default();
        // What a tolerant cursor cannot read it leaves out, but for names and indexes.
        if cursor.seek(&scan, series).is_err() {
            continue;
        }
        while cursor.read(&scan, series, samples.len() + 50, &mut samples).unwrap_or(false) {}
        let rows =
            (0..samples.len()).map(|at| (samples.timestamps[at], directory::sample(&samples, at)));
        let rows: BTreeMap<_, _> = rows.collect();
        // A series that lost its name is in no export.
        let name = names.name(series);
        if !rows.is_empty() && !name.is_empty() {
            content.insert(name, rows);
        }
    }
    content
}

/// Files below a directory of a tree, by their paths.
fn files(tree: &Tree, dir: &str, found: &mut Vec<String>) {
    let id = tree.dir(Path::new(dir)).expect("a directory");
    for name in tree.dirs[&id].keys() {
        let path = format!("{dir}/{name}");
        match tree.file(Path::new(&path)) {
            Ok(_) => found.push(path),
            Err(_) => files(tree, &path, found),
        }
    }
}

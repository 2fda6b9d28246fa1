//! All names that are still to be had, under their ids.

use super::{Repair, Repaired, header};
use irontsd_engine::bytes::Reader;
use irontsd_engine::error::{Error, Result};
use irontsd_engine::header::FileKind;
use irontsd_engine::log::record::{self, Record};
use irontsd_engine::manifest::Manifest;
use irontsd_engine::names;
use irontsd_engine::names::coded::Walk;
use irontsd_engine::names::part::Part;
use irontsd_engine::offline::damaged;
use irontsd_engine::series::{NAMES_DIR, OLD_NAMES_FILE, Registry};
use irontsd_engine::types::SeriesId;
use std::collections::BTreeMap;
use std::path::PathBuf;

type Names = BTreeMap<SeriesId, Vec<u8>>;

/// Gathers the names and writes them to the new directory.
pub fn gather(repair: &Repair<'_>, manifest: &Manifest, report: &mut Repaired) -> Result<Registry> {
    let mut names = Names::new();
    for entry in &manifest.names {
        let path = repair.from.join(NAMES_DIR).join(&entry.name);
        if let Ok(part) = Part::open(repair.env, &path) {
            let mut walk = Walk::default();
            for id in part.ids() {
                let mut name = Vec::new();
                part.read(id, &mut walk, &mut name);
                add(&mut names, id, &name);
            }
        }
    }
    for path in logs(repair) {
        let bytes = repair.env.disk.read(&path).map_err(|error| Error::io("read", &path, error))?;
        let Some(header) = header(&path, &bytes, FileKind::Names) else { continue };
        for found in record::salvage(&bytes, header.salt).0 {
            // What is behind a malformed name of a record whose checksum holds is nothing.
            let _malformed = of_record(&found, &mut names);
        }
    }
    let known = names.len();
    for entry in &manifest.segments {
        let path = repair.from.join("segments").join(&entry.name);
        if let Ok((segment, _)) = damaged::open(repair.env, &path) {
            for group in segment.name_groups() {
                let _damaged = segment.each_name_of(group, |id, name| add(&mut names, id, name));
            }
        }
    }
    if names.len() > known {
        let taken = names.len() - known;
        report.notes.push(format!("{taken} names were lost and taken from segments"));
    }
    write(repair, names, report)
}

fn add(names: &mut Names, id: SeriesId, name: &[u8]) {
    if !name.is_empty() {
        names.entry(id).or_insert_with(|| name.to_vec());
    }
}

fn logs(repair: &Repair<'_>) -> Vec<PathBuf> {
    let dir = repair.from.join(NAMES_DIR);
    let files = repair.env.disk.list(&dir).unwrap_or_default();
    let logs = files.into_iter().filter(|name| names::log::parse_file_name(name).is_some());
    let old = repair.from.join(OLD_NAMES_FILE);
    let old = repair.env.disk.read(&old).is_ok().then_some(old);
    old.into_iter().chain(logs.map(|name| dir.join(name))).collect()
}

fn of_record(found: &Record<'_>, names: &mut Names) -> Option<()> {
    let mut reader = Reader::new(found.payload);
    let mut id = u32::try_from(found.sequence).ok()?;
    while !reader.is_done() {
        let len = usize::try_from(reader.varint().ok()?).ok()?;
        add(names, id, reader.take(len).ok()?);
        id = id.checked_add(1)?;
    }
    Some(())
}

/// Every name gets its id again; ids between them that nobody can name stay without one.
fn write(repair: &Repair<'_>, names: Names, report: &mut Repaired) -> Result<Registry> {
    let registry = Registry::create(repair.env, repair.to)?;
    let mut twice = 0u64;
    for (id, name) in names {
        if id > registry.len() {
            registry.skip_ids_to(id - 1);
        }
        if registry.find(&name).is_some() {
            registry.skip_ids_to(id);
            twice += 1;
        } else {
            let given = registry.find_or_reserve(&name);
            assert_eq!(given, Some(id), "ids are given out in order");
        }
    }
    if twice > 0 {
        report.notes.push(format!("{twice} ids had the name of another and lost it"));
    }
    if !registry.is_empty() {
        registry.ensure_written(registry.len() - 1)?;
    }
    registry.sync()?;
    Ok(registry)
}

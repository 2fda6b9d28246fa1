//! Files of names: names logs, sealed parts, assigned names, and the list of a delete.

use super::parts::fact;
use super::{Faults, Inspect};
use crate::screen::{Screen, text};
use crate::terminal::{bytes, counted};
use irontsd_engine::bytes::Reader;
use irontsd_engine::env::Env;
use irontsd_engine::error::{Error, Result};
use irontsd_engine::header::{FileKind, HEADER_BYTES, Header};
use irontsd_engine::log::record::{self, Record};
use irontsd_engine::names::coded::Walk;
use irontsd_engine::names::part::Part;
use serde_json::json;
use std::path::Path;

/// Names shown at the most.
const NAMES_SHOWN: usize = 20;

/// What a file of names holds.
pub struct List {
    kind: &'static str,
    version: u32,
    bytes: u64,
    /// Numbers and what they stand for.
    names: Vec<(u32, String)>,
    faults: Vec<String>,
}

impl List {
    /// Reads a file of this kind.
    pub fn read(env: &Env, path: &Path, kind: FileKind) -> Result<List> {
        let file = env.disk.read(path).map_err(|error| Error::io("read", path, error))?;
        let version = Header::peek(&file).map_or(0, |(_, version, _)| version);
        let mut list = List {
            kind: match kind {
                FileKind::Names => "names log",
                FileKind::NamesPart => "sealed names",
                FileKind::Assigned => "assigned names",
                _ => "series of a delete",
            },
            version,
            bytes: file.len() as u64,
            names: Vec::new(),
            faults: Vec::new(),
        };
        if kind == FileKind::NamesPart {
            let part = Part::open(env, path)?;
            let (mut walk, mut name) = (Walk::default(), Vec::new());
            for id in part.ids() {
                name.clear();
                part.read(id, &mut walk, &mut name);
                list.names.push((id, text::series(&name)));
            }
            return Ok(list);
        }
        let header = Header::decode(path, &file, kind)?;
        if kind == FileKind::Delete {
            let found = Record::read(&file, HEADER_BYTES, header.salt);
            match found.and_then(|found| deleted(found.payload)) {
                Some(ids) => {
                    list.names = ids.into_iter().map(|id| (id, format!("id {id}"))).collect();
                }
                None => list.faults.push(format!("{} is damaged at offset 64", path.display())),
            }
            return Ok(list);
        }
        let scan = record::scan(&file, header.salt);
        list.faults.extend(scan.damaged.iter().map(|(from, to)| {
            format!("{} is damaged from offset {from} to offset {to}", path.display())
        }));
        for found in &scan.records {
            if list.add(found, kind == FileKind::Assigned).is_none() {
                let error = Error::damaged(path, found.offset, "a record's names are malformed");
                list.faults.push(error.to_string());
            }
        }
        Ok(list)
    }

    fn add(&mut self, found: &Record<'_>, is_assigned: bool) -> Option<()> {
        let (mut reader, mut id) = (Reader::new(found.payload), found.sequence as u32);
        while !reader.is_done() {
            let kind = if is_assigned { Some(reader.u8().ok()?) } else { None };
            let len = reader.varint().ok()?;
            let name = reader.take(usize::try_from(len).ok()?).ok()?;
            let plain = || String::from_utf8_lossy(name);
            self.names.push((
                id,
                match kind {
                    None => text::series(name),
                    Some(1) => format!("metric {}", plain()),
                    Some(2) => format!("tag key {}", plain()),
                    Some(_) => format!("tag value {}", plain()),
                },
            ));
            id = id.wrapping_add(1);
        }
        Some(())
    }
}

fn deleted(payload: &[u8]) -> Option<Vec<u32>> {
    let mut reader = Reader::new(payload);
    let (mut ids, mut id) = (Vec::new(), 0u32);
    for _ in 0..reader.varint().ok()? {
        id = id.checked_add(u32::try_from(reader.varint().ok()?).ok()?)?;
        ids.push(id);
    }
    Some(ids)
}

/// Shows a file of names.
pub fn show(flags: &Inspect, list: &List, screen: &mut Screen) -> Faults {
    if flags.json {
        let names: Vec<_> =
            list.names.iter().map(|(id, name)| json!({"id": id, "name": name})).collect();
        let all = json!({
            "path": flags.path.display().to_string(),
            "kind": list.kind,
            "version": list.version,
            "bytes": list.bytes,
            "names": names,
            "faults": list.faults,
        });
        screen.line(&all.to_string());
        return list.faults.clone();
    }
    let path = flags.path.display();
    screen.line(&format!("{path}: {}, format version {}", list.kind, list.version));
    fact(screen, "holds", &counted(list.names.len() as u64, "entry", "entries"));
    fact(screen, "bytes", &bytes(list.bytes));
    screen.heading("the first of them");
    for (id, name) in list.names.iter().take(NAMES_SHOWN) {
        screen.line(&format!("{id:>10}  {name}"));
    }
    list.faults.clone()
}

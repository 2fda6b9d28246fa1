//! Logs: read whole, for they are small, and shown record by record.

use super::parts::{self, fact, lines};
use super::{Faults, Inspect};
use crate::screen::{Screen, text};
use crate::terminal::{bytes, counted, grouped};
use irontsd_engine::batch::Batch;
use irontsd_engine::env::Env;
use irontsd_engine::error::{Error, Result};
use irontsd_engine::header::{FileKind, Header};
use irontsd_engine::log::record;
use irontsd_engine::log::rows;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Records shown at the most.
const RECORDS_SHOWN: usize = 20;

/// What a log holds.
pub struct Log {
    path: PathBuf,
    header: Header,
    version: u32,
    /// Bytes of the file.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// First and last timestamp.
    pub times: Option<(i64, i64)>,
    /// Its records.
    pub records: Vec<OneRecord>,
    /// Where it ends, if bytes behind were never finished.
    torn_at: Option<u64>,
    /// Ranges that cannot be read.
    pub faults: Vec<String>,
}

/// One record of a log.
pub struct OneRecord {
    offset: u64,
    bytes: u64,
    sequence: u64,
    synced: u64,
    rows: u64,
    times: Option<(i64, i64)>,
}

impl Log {
    /// Reads a log.
    pub fn read(env: &Env, path: &Path) -> Result<Log> {
        let file = env.disk.read(path).map_err(|error| Error::io("read", path, error))?;
        let header = Header::decode(path, &file, FileKind::Log)?;
        let version = Header::peek(&file).map_or(0, |(_, version, _)| version);
        let scan = record::scan(&file, header.salt);
        let damaged = scan.damaged.iter().map(|(from, to)| {
            format!("{} is damaged from offset {from} to offset {to}", path.display())
        });
        let mut faults: Vec<String> = damaged.collect();
        let mut batch = Batch::default();
        let mut records = Vec::new();
        for found in &scan.records {
            batch.clear();
            if rows::decode(found.payload, &mut batch).is_err() {
                let error = Error::damaged(path, found.offset, "a record's rows are malformed");
                faults.push(error.to_string());
            }
            let times = (0..batch.len()).map(|at| batch.row(at).1);
            let times = times.clone().min().zip(times.max());
            records.push(OneRecord {
                offset: found.offset,
                bytes: (found.end() as u64).min(file.len() as u64) - found.offset,
                sequence: found.sequence,
                synced: found.synced,
                rows: batch.len() as u64,
                times,
            });
        }
        let times = records.iter().filter_map(|record| record.times);
        Ok(Log {
            path: path.to_owned(),
            header,
            version,
            bytes: file.len() as u64,
            rows: records.iter().map(|record| record.rows).sum(),
            times: times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))),
            records,
            torn_at: scan.torn_at,
            faults,
        })
    }

    /// Its file's name.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Shows a log.
pub fn show_log(flags: &Inspect, log: &Log, screen: &mut Screen) -> Faults {
    if flags.json {
        let mut all = of(log);
        all["kind"] = "log".into();
        all["path"] = flags.path.display().to_string().into();
        all["version"] = log.version.into();
        all["faults"] = log.faults.clone().into();
        screen.line(&all.to_string());
        return log.faults.clone();
    }
    let Header { epoch, shard, .. } = log.header;
    screen.line(&format!("{}: log, format version {}", flags.path.display(), log.version));
    fact(screen, "place", &format!("epoch {epoch}, shard {shard}"));
    if let Some(times) = log.times {
        fact(screen, "times", &parts::span(times));
    }
    let records = counted(log.records.len() as u64, "record", "records");
    fact(screen, "holds", &format!("{} in {records}", counted(log.rows, "row", "rows")));
    fact(
        screen,
        "bytes",
        &format!("{}, {} a row", bytes(log.bytes), parts::each(log.bytes, log.rows)),
    );
    if let Some(at) = log.torn_at {
        let left = log.bytes - at;
        fact(screen, "torn", &format!("at offset {at}: {left} bytes of a write never finished"));
    }
    screen.heading("records");
    let rows: Vec<Vec<String>> = log
        .records
        .iter()
        .take(RECORDS_SHOWN)
        .map(|record| {
            let time = |time: Option<i64>| time.map_or("-".to_owned(), text::time);
            vec![
                record.offset.to_string(),
                grouped(record.bytes),
                format!("{}:{}", record.sequence >> 32, record.sequence as u32),
                record.synced.to_string(),
                grouped(record.rows),
                time(record.times.map(|times| times.0)),
                time(record.times.map(|times| times.1)),
            ]
        })
        .collect();
    let heads = ["offset", "bytes", "epoch:commit", "synced", "rows", "<from", "<to"];
    lines(screen, &text::table(&heads, &rows));
    if log.records.len() > RECORDS_SHOWN {
        let more = log.records.len() - RECORDS_SHOWN;
        let paint = screen.paint();
        screen.line(&paint.dim(&format!("and {more} more")));
    }
    log.faults.clone()
}

/// A log's facts for scripts.
pub fn of(log: &Log) -> Value {
    json!({
        "file": log.name(),
        "epoch": log.header.epoch,
        "shard": log.header.shard,
        "bytes": log.bytes,
        "records": log.records.len(),
        "samples": log.rows,
        "start": log.times.map(|times| times.0),
        "end": log.times.map(|times| times.1),
        "torn_at": log.torn_at,
    })
}

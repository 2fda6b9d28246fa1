//! Logs: what a start makes of a file is what its records say one by one. The first byte says which
//! record's checksum is left as it is: 0 is all, 1 is none.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use irontsd_engine::batch::Batch;
use irontsd_engine::buffer::ChunkPool;
use irontsd_engine::header::{FileKind, HEADER_BYTES, Header};
use irontsd_engine::log::record::{self, Scan};
use irontsd_engine::log::replay::replay;
use irontsd_engine::log::rows;
use irontsd_engine::series::Known;

use super::repair;

/// Ids of series that there are.
const KNOWN: u32 = 40;

thread_local! {
    static POOL: RefCell<Arc<ChunkPool>> = RefCell::default();
}

/// See the module.
pub fn check(bytes: &[u8]) {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let mut file = bytes.to_vec();
    if how > 0
        && let Some(salt) = repair::header(&mut file, FileKind::Log)
    {
        repair::records(&mut file, salt, u64::MAX, usize::from(how).checked_sub(2));
    }
    let place = Header::peek(&file).map_or((1, 0), |(_, _, header)| {
        (u32::try_from(header.epoch).unwrap_or(0), header.shard as usize)
    });
    let pool = POOL.with_borrow(Arc::clone);
    let known = Known { end: KNOWN, lost: Default::default() };
    let Ok(found) = replay(Path::new("x.log"), &file, place, (&known, 0), &pool) else { return };
    assert!(found.cut_at.is_none_or(|at| at <= file.len() as u64));
    let Some((salt, buffer)) = found.rows else { return };
    let scan = record::scan(&file, salt);
    consistent(&file, salt, &scan);
    let kept = rows_one_by_one(&scan, place.0, found.cut_at);
    assert_eq!(buffer.len(), kept);
}

/// Records, gaps and end do not overlap, and salvage finds at least the same.
fn consistent(file: &[u8], salt: u64, scan: &Scan<'_>) {
    let mut at = HEADER_BYTES as u64;
    let records = scan.records.iter().map(|record| (record.offset, record.end() as u64));
    let mut ranges: Vec<_> = records.chain(scan.damaged.iter().copied()).collect();
    ranges.sort_unstable();
    for (from, to) in ranges {
        assert!(from == at && to > from, "{from}..{to} behind {at}");
        at = to;
    }
    match scan.torn_at {
        Some(torn_at) => assert_eq!(torn_at, at),
        None => assert!(at >= file.len() as u64, "{at} of {}", file.len()),
    }
    let (salvaged, _) = record::salvage(file, salt);
    assert!(salvaged.starts_with(&scan.records), "salvage loses records");
}

fn rows_one_by_one(scan: &Scan<'_>, epoch: u32, cut_at: Option<u64>) -> usize {
    let mut kept = 0;
    for record in scan.records.iter().filter(|record| cut_at.is_none_or(|at| record.offset < at)) {
        let mut batch = Batch::default();
        if rows::decode(record.payload, &mut batch).is_ok() {
            again(&batch);
            if (record.sequence >> 32) as u32 == epoch {
                kept += (0..batch.len()).filter(|&at| batch.row(at).0 < KNOWN).count();
            }
        }
    }
    kept
}

/// Rows that could be read are written and read back the same.
fn again(batch: &Batch) {
    let (mut payload, mut back) = (Vec::new(), Batch::default());
    rows::encode(batch, &mut payload);
    rows::decode(&payload, &mut back).expect("own bytes");
    assert_eq!(back.len(), batch.len());
    for at in 0..batch.len() {
        let (series, ms, value, bytes) = batch.row(at);
        let found = back.row(at);
        assert_eq!((found.0, found.1, found.3), (series, ms, bytes));
        assert!(bytes.is_some() || found.2 == value, "{value:?} became {:?}", found.2);
    }
}

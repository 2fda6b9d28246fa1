//! A names log and a part of names as a start reads them. The first byte says which record's checksum is
//! left as it is (0 is all, 1 is none), the next two how many bytes of the rest are the log.

use std::path::Path;

use irontsd_engine::header::FileKind;
use irontsd_engine::manifest::NamesEntry;
use irontsd_engine::names::coded::Walk;
use irontsd_engine::names::load;
use irontsd_engine::names::part::Part;

use super::{memory_disk, repair};

/// Names looked at in one part: a few bytes can claim many.
const NAMES_MAX: usize = 300;
/// Ids far ahead are allowed up to a limit, and cost memory and time.
const ID_BITS: u32 = (1 << 14) - 1;

/// See the module.
pub fn check(bytes: &[u8]) {
    let Some((&[how, low, high], rest)) = bytes.split_first_chunk::<3>() else { return };
    let log_bytes = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
    let (log, part) = rest.split_at(log_bytes);
    let (mut log, mut part) = (log.to_vec(), part.to_vec());
    if how > 0 {
        if let Some(salt) = repair::header(&mut log, FileKind::Names) {
            repair::records(&mut log, salt, ID_BITS.into(), usize::from(how).checked_sub(2));
        }
        repair::names_part(&mut part, ID_BITS);
    }
    let log_path = Path::new("data/names/0000000002.names");
    let part_path = Path::new("data/names/0000000001.part");
    let env = memory_disk::world([
        (Path::new("data/MANIFEST"), Vec::new()),
        (log_path, log),
        (part_path, part),
    ]);
    let part = Part::open(&env, part_path).ok();
    let entries: Vec<NamesEntry> = part.iter().map(NamesEntry::of).collect();
    if let Some(part) = &part {
        read(part);
    }
    if let Ok((found, _)) = load::read(&env, Path::new("data"), &entries) {
        let sealed = found.parts.last().map_or(0, |part| part.ids().end);
        assert!(found.tail.first() == sealed && found.tail.end() >= sealed);
    }
}

/// Names by id, forwards and alone; each must be the same both times.
fn read(part: &Part) {
    let mut walk = Walk::default();
    for id in part.ids().take(NAMES_MAX) {
        let (mut walked, mut alone) = (Vec::new(), Vec::new());
        part.read(id, &mut walk, &mut walked);
        part.read(id, &mut Walk::default(), &mut alone);
        assert_eq!(walked, alone, "name {id}");
        let _found = part.find(u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15), &alone);
    }
}

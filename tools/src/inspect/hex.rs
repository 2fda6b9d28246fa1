//! Header fields against their offsets, as the tables of `engine/FORMAT.md` have them.

use super::{Failed, Faults, Inspect};
use crate::screen::Screen;
use irontsd_engine::env::Env;
use irontsd_engine::error::Error;
use irontsd_engine::header::{FileKind, HEADER_BYTES, Header};
use irontsd_engine::log::record::{self, RECORD_HEAD_BYTES};
use irontsd_engine::manifest::MANIFEST_FILE;
use irontsd_engine::names::part;
use irontsd_engine::segment::format::{
    BLOCK_ENTRY_BYTES, BLOCK_HEAD_BYTES, FOOTER_BYTES, Footer, has_lines,
};

/// Name and bytes of a field.
type Field = (&'static str, usize);

/// Section "File header".
const FILE_HEADER: [Field; 8] = [
    ("magic", 8),
    ("kind", 4),
    ("version", 4),
    ("salt", 8),
    ("epoch", 8),
    ("shard", 4),
    ("reserved", 24),
    ("checksum", 4),
];
/// Section "Footer".
const FOOTER: [Field; 13] = [
    ("magic", 8),
    ("blocks at", 8),
    ("blocks", 4),
    ("name groups", 4),
    ("index checksum", 4),
    ("series", 4),
    ("samples", 8),
    ("first timestamp", 8),
    ("last timestamp", 8),
    ("first epoch", 4),
    ("last epoch", 4),
    ("reserved", 20),
    ("checksum", 4),
];
/// Section "Block index entry".
const BLOCK_ENTRY: [Field; 10] = [
    ("offset", 8),
    ("bytes", 4),
    ("checksum", 4),
    ("first series", 4),
    ("last series", 4),
    ("runs", 4),
    ("samples", 4),
    ("first timestamp", 8),
    ("last timestamp", 8),
    ("reserved", 8),
];
/// Section "Block"; without lines up to the widths.
const BLOCK_HEAD: [Field; 15] = [
    ("runs", 4),
    ("samples", 4),
    ("first series", 4),
    ("series width", 1),
    ("samples width", 1),
    ("time end width", 1),
    ("value end width", 1),
    ("series base", 4),
    ("series slope", 4),
    ("samples base", 4),
    ("samples slope", 4),
    ("time end base", 4),
    ("time end slope", 4),
    ("value end base", 4),
    ("value end slope", 4),
];
/// Section "Records".
const RECORD: [Field; 6] = [
    ("magic", 4),
    ("payload bytes", 4),
    ("sequence", 8),
    ("synced", 8),
    ("checksum", 4),
    ("reserved", 4),
];
/// Section "Names part".
const PART_FOOTER: [Field; 10] = [
    ("magic", 8),
    ("slots at", 8),
    ("checksums at", 8),
    ("first", 4),
    ("names", 4),
    ("seed", 8),
    ("probe", 8),
    ("checksums checksum", 4),
    ("reserved", 8),
    ("checksum", 4),
];
/// Records shown at the most.
const RECORDS_SHOWN: usize = 3;
/// Bytes of a field shown in a line.
const BYTES_SHOWN: usize = 8;

/// Shows what stands where in a file.
pub fn show(env: &Env, flags: &Inspect, screen: &mut Screen) -> Result<Faults, Failed> {
    if env.disk.list(&flags.path).is_ok() {
        return Err(Failed::Usage("--hex is for a file: give one of the directory".to_owned()));
    }
    let file = env.disk.map(&flags.path);
    let file = file.map_err(|error| Error::io("open", &flags.path, error))?;
    if flags.path.ends_with(MANIFEST_FILE) {
        String::from_utf8_lossy(&file).lines().for_each(|line| screen.line(line));
        return Ok(Vec::new());
    }
    if file.len() < HEADER_BYTES {
        let what = format!("{} is shorter than a header", flags.path.display());
        return Err(Failed::CannotRun(what));
    }
    let mut faults = Vec::new();
    fields(screen, "file header", &file, 0, &FILE_HEADER);
    let Some((_, _, header)) = Header::peek(&file) else {
        faults.push(format!("{}: header checksum does not match", flags.path.display()));
        return Ok(faults);
    };
    match header.kind {
        FileKind::Segment => segment(flags, &file, header.salt, screen, &mut faults)?,
        FileKind::NamesPart => {
            let at = file.len().saturating_sub(part::FOOTER_BYTES);
            fields(screen, "footer", &file, at, &PART_FOOTER);
        }
        _ => {
            let (records, _) = record::salvage(&file, header.salt);
            for (number, found) in records.iter().take(RECORDS_SHOWN).enumerate() {
                fields(screen, &format!("record {number}"), &file, found.offset as usize, &RECORD);
            }
            if records.len() > RECORDS_SHOWN {
                screen.line(&format!("and {} more records", records.len() - RECORDS_SHOWN));
            }
        }
    }
    Ok(faults)
}

fn segment(
    flags: &Inspect,
    file: &[u8],
    salt: u64,
    screen: &mut Screen,
    faults: &mut Faults,
) -> Result<(), Failed> {
    let at = file.len().saturating_sub(FOOTER_BYTES).max(HEADER_BYTES);
    fields(screen, "footer", file, at, &FOOTER);
    let Ok(footer) = Footer::decode(&file[at..], salt, at as u64) else {
        faults.push(format!("{}: footer checksum does not match", flags.path.display()));
        return Ok(());
    };
    let Some(number) = flags.block else { return Ok(()) };
    if number >= footer.blocks as usize {
        let what = format!("--block {number}: there are {}, the first is 0", footer.blocks);
        return Err(Failed::Usage(what));
    }
    let entry = footer.blocks_at as usize + number * BLOCK_ENTRY_BYTES;
    fields(screen, &format!("block index entry {number}"), file, entry, &BLOCK_ENTRY);
    let offset = file.get(entry..entry + 8).and_then(|bytes| bytes.try_into().ok());
    let offset = offset.map_or(0, u64::from_le_bytes) as usize;
    let lines = file.get(offset..).is_some_and(has_lines);
    let head = if lines { &BLOCK_HEAD[..] } else { &BLOCK_HEAD[..7] };
    fields(screen, &format!("block {number}"), file, offset, head);
    Ok(())
}

/// Prints the fields of a structure that begins at an offset.
fn fields(screen: &mut Screen, title: &str, file: &[u8], at: usize, fields: &[Field]) {
    let paint = screen.paint();
    screen.line(&paint.head(&format!("{title}, at offset {at}")));
    let mut offset = 0;
    for (name, len) in fields {
        let bytes = at.checked_add(offset).and_then(|start| file.get(start..start + len));
        let bytes = bytes.unwrap_or_default();
        let shown = bytes.iter().take(BYTES_SHOWN).map(|byte| format!("{byte:02x}"));
        let more = if bytes.len() > BYTES_SHOWN { " …" } else { "" };
        let hex = format!("{}{more}", shown.collect::<Vec<_>>().join(" "));
        screen
            .line(&format!("{offset:>6}  {len:>2}  {hex:<25}  {name:<18}  {}", value(name, bytes)));
        offset += len;
    }
    screen.line("");
}

/// What the bytes of a field mean.
fn value(name: &str, bytes: &[u8]) -> String {
    let mut word = [0; 8];
    if bytes.len() > word.len() || bytes.is_empty() {
        return String::new();
    }
    word[..bytes.len()].copy_from_slice(bytes);
    let number = u64::from_le_bytes(word);
    match name {
        "magic" => format!("{:?}", String::from_utf8_lossy(bytes)),
        "salt" | "seed" | "probe" => format!("{number:#018x}"),
        name if name.contains("checksum") && bytes.len() == 4 => format!("{number:#010x}"),
        "first timestamp" | "last timestamp" => {
            format!("{} ({})", number as i64, crate::screen::text::time(number as i64))
        }
        "kind" => match number {
            1 => "1, log".to_owned(),
            2 => "2, names log".to_owned(),
            3 => "3, segment".to_owned(),
            4 => "4, assigned names".to_owned(),
            5 => "5, delete".to_owned(),
            6 => "6, names part".to_owned(),
            other => format!("{other}, unknown"),
        },
        _ => number.to_string(),
    }
}

const _: () = {
    const fn sum<const N: usize>(fields: &[Field; N]) -> usize {
        let (mut sum, mut at) = (0, 0);
        while at < N {
            sum += fields[at].1;
            at += 1;
        }
        sum
    }
    assert!(sum(&FILE_HEADER) == HEADER_BYTES && sum(&FOOTER) == FOOTER_BYTES);
    assert!(sum(&BLOCK_ENTRY) == BLOCK_ENTRY_BYTES && sum(&BLOCK_HEAD) == BLOCK_HEAD_BYTES);
    assert!(sum(&RECORD) == RECORD_HEAD_BYTES && sum(&PART_FOOTER) == part::FOOTER_BYTES);
};

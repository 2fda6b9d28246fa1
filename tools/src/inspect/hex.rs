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
use serde_json::{Value, json};

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

/// A structure of the format in a file.
struct Structure {
    title: String,
    at: usize,
    fields: Vec<Found>,
}

/// A field of it.
struct Found {
    name: &'static str,
    /// From the beginning of the structure.
    offset: usize,
    len: usize,
    /// None, if the file ends before.
    bytes: Vec<u8>,
}

/// Shows what stands where in a file.
pub fn show(env: &Env, flags: &Inspect, screen: &mut Screen) -> Result<Faults, Failed> {
    if env.disk.list(&flags.path).is_ok() {
        return Err(Failed::Usage("--hex is for a file: give one of the directory".to_owned()));
    }
    let file = env.disk.map(&flags.path);
    let file = file.map_err(|error| Error::io("open", &flags.path, error))?;
    if flags.path.ends_with(MANIFEST_FILE) {
        let text = String::from_utf8_lossy(&file);
        match flags.json {
            true => tell(flags, screen, json!({"lines": text.lines().collect::<Vec<_>>()}), &[]),
            false => text.lines().for_each(|line| screen.line(line)),
        }
        return Ok(Vec::new());
    }
    if file.len() < HEADER_BYTES {
        let what = format!("{} is shorter than a header", flags.path.display());
        return Err(Failed::CannotRun(what));
    }
    let mut faults = Vec::new();
    let found = structures(flags, &file, &mut faults)?;
    if flags.json {
        let all: Vec<Value> = found.iter().map(Structure::to_json).collect();
        tell(flags, screen, json!({ "structures": all }), &faults);
    } else {
        found.iter().for_each(|structure| structure.print(screen));
    }
    Ok(faults)
}

/// Prints an object with what was found.
fn tell(flags: &Inspect, screen: &mut Screen, mut object: Value, faults: &[String]) {
    object["path"] = flags.path.display().to_string().into();
    object["kind"] = "hex".into();
    object["faults"] = faults.into();
    screen.line(&object.to_string());
}

fn structures(flags: &Inspect, file: &[u8], faults: &mut Faults) -> Result<Vec<Structure>, Failed> {
    let mut found = vec![Structure::read("file header", file, 0, &FILE_HEADER)];
    let Some((_, _, header)) = Header::peek(file) else {
        faults.push(format!("{}: header checksum does not match", flags.path.display()));
        return Ok(found);
    };
    match header.kind {
        FileKind::Segment => segment(flags, file, header.salt, &mut found, faults)?,
        FileKind::NamesPart => {
            let at = file.len().saturating_sub(part::FOOTER_BYTES);
            found.push(Structure::read("footer", file, at, &PART_FOOTER));
        }
        _ => {
            let (records, _) = record::salvage(file, header.salt);
            for (number, record) in records.iter().take(RECORDS_SHOWN).enumerate() {
                let title = format!("record {number}");
                found.push(Structure::read(&title, file, record.offset as usize, &RECORD));
            }
            if let Some(next) = records.get(RECORDS_SHOWN) {
                let title = format!("{} more records, the next", records.len() - RECORDS_SHOWN);
                found.push(Structure::read(&title, file, next.offset as usize, &[]));
            }
        }
    }
    Ok(found)
}

fn segment(
    flags: &Inspect,
    file: &[u8],
    salt: u64,
    found: &mut Vec<Structure>,
    faults: &mut Faults,
) -> Result<(), Failed> {
    let at = file.len().saturating_sub(FOOTER_BYTES).max(HEADER_BYTES);
    found.push(Structure::read("footer", file, at, &FOOTER));
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
    let title = format!("block index entry {number}");
    found.push(Structure::read(&title, file, entry, &BLOCK_ENTRY));
    let offset = file.get(entry..entry + 8).and_then(|bytes| bytes.try_into().ok());
    let offset = offset.map_or(0, u64::from_le_bytes) as usize;
    let lines = file.get(offset..).is_some_and(has_lines);
    let head = if lines { &BLOCK_HEAD[..] } else { &BLOCK_HEAD[..7] };
    found.push(Structure::read(&format!("block {number}"), file, offset, head));
    Ok(())
}

impl Structure {
    /// The one that begins at an offset; what lies behind the file's end is empty.
    fn read(title: &str, file: &[u8], at: usize, fields: &[Field]) -> Structure {
        let mut offset = 0;
        let field = |(name, len): &Field| {
            let start = at.checked_add(offset);
            let bytes = start.and_then(|start| file.get(start..start + len)).unwrap_or_default();
            let found = Found { name, offset, len: *len, bytes: bytes.to_vec() };
            offset += len;
            found
        };
        let fields = fields.iter().map(field).collect();
        Structure { title: title.to_owned(), at, fields }
    }

    fn print(&self, screen: &mut Screen) {
        let paint = screen.paint();
        screen.line(&paint.head(&format!("{}, at offset {}", self.title, self.at)));
        for Found { name, offset, len, bytes } in &self.fields {
            let more = if bytes.len() > BYTES_SHOWN { " …" } else { "" };
            let hex = format!("{}{more}", hex(&bytes[..bytes.len().min(BYTES_SHOWN)]));
            let value = value(name, bytes);
            screen.line(&format!("{offset:>6}  {len:>2}  {hex:<25}  {name:<18}  {value}"));
        }
        screen.line("");
    }

    fn to_json(&self) -> Value {
        let field = |Found { name, offset, len, bytes }: &Found| {
            json!({
                "field": name,
                "offset": self.at + offset,
                "bytes": len,
                "hex": hex(bytes),
                "value": value(name, bytes),
            })
        };
        let fields: Vec<Value> = self.fields.iter().map(field).collect();
        json!({"structure": self.title, "offset": self.at, "fields": fields})
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
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

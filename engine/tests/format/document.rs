//! What `FORMAT.md` says: its sections, tables, examples and checksum.

pub const FORMAT: &str = include_str!("../../FORMAT.md");
pub const SALT: u64 = 0x0123_4567_89ab_cdef;

/// The text below a heading, up to the next one.
pub fn section(title: &str) -> &'static str {
    let heading = |line: &&str| line.trim_start_matches('#').trim() == title;
    let line = FORMAT.lines().filter(|line| line.starts_with('#')).find(heading);
    let line = line.unwrap_or_else(|| panic!("no section {title}"));
    let start = FORMAT.find(&format!("\n{line}\n")).expect("just found") + line.len() + 2;
    &FORMAT[start..FORMAT[start..].find("\n#").map_or(FORMAT.len(), |len| start + len)]
}

/// The cells of the first table with these columns.
pub fn table(text: &'static str, columns: &str) -> Vec<Vec<&'static str>> {
    let rows = text.lines().skip_while(|line| *line != columns).skip(2);
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    rows.take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// The lines between the fences with this mark, and the text behind them.
pub fn fenced(mark: &str) -> (&'static str, &'static str) {
    let open = format!("```{mark}\n");
    let start = FORMAT.find(&open).expect("a fence") + open.len();
    FORMAT[start..].split_once("```").expect("a closed fence")
}

pub struct Field {
    pub offset: usize,
    pub bytes: usize,
    pub name: &'static str,
    pub meaning: &'static str,
}

pub fn fields(title: &str) -> Vec<Field> {
    let number = |cell: &str| cell.parse().expect("a number");
    let field = |row: Vec<&'static str>| Field {
        offset: number(row[0]),
        bytes: number(row[1]),
        name: row[2],
        meaning: row[3],
    };
    let rows = table(section(title), "| offset | bytes | field | meaning |");
    rows.into_iter().map(field).collect()
}

pub fn hex(text: &str) -> Vec<u8> {
    let byte = |digits| u8::from_str_radix(digits, 16).expect("hex digits");
    text.split_whitespace().map(byte).collect()
}

/// CRC-32C bit by bit, as the document defines it.
pub fn crc(bytes: &[u8]) -> u32 {
    let bit = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
    let byte = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| bit(sum));
    !bytes.iter().fold(!0, byte)
}

pub fn checksum(salt: u64, offset: u64, bytes: &[u8]) -> u32 {
    crc(&[&salt.to_le_bytes()[..], &offset.to_le_bytes(), bytes].concat())
}

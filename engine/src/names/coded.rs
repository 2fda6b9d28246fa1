//! A list of canonical names, packed: each distinct field once, each name as numbers of fields.
//!
//! Series that follow each other share most of their fields, and all series share most of their
//! texts, so a name takes a few bytes. Any name can be read by itself: names stand in small groups,
//! and within a group each says only where it differs from the one before. Pure. Layout: `FORMAT.md`,
//! section "Coded names".

use crate::bytes::{Reader, put_varint};
use crate::codec::bits::{self, SLACK_BYTES, pack, packed_bytes, width_for};
use crate::texts::Texts;
use rapidhash::v3::RapidSecrets;

/// Names of one group: the most that are gone through to read one.
const GROUP: usize = 16;
/// Bytes before the packed columns.
pub const HEAD_BYTES: usize = 24;
/// Bytes of texts or of rows from which a list is full.
const BYTES_MAX: usize = 1 << 30;
/// Fields of one name at the most; a name of 64 KiB has no more.
const FIELDS_MAX: u64 = 1 << 16;

/// Packs names, one after the other.
#[derive(Debug)]
pub struct Encoder {
    texts: Texts,
    names: u32,
    rows: Vec<u8>,
    /// Where the rows of each group begin, and the texts there were before it.
    groups: Vec<(u32, u32)>,
    /// The fields of the name before.
    last: Vec<u32>,
    /// Where the fields of a name end.
    ends: Vec<usize>,
}

impl Encoder {
    /// Packs into a new list.
    pub fn new(secrets: RapidSecrets) -> Encoder {
        let texts = Texts::new(secrets);
        let (last, ends) = (Vec::new(), Vec::new());
        Encoder { texts, names: 0, rows: Vec::new(), groups: Vec::new(), last, ends }
    }

    /// Number of names so far.
    pub fn len(&self) -> u32 {
        self.names
    }

    /// Whether there is no name yet.
    pub fn is_empty(&self) -> bool {
        self.names == 0
    }

    /// Whether no more should be added: its columns count in 32 bits.
    pub fn is_full(&self) -> bool {
        self.texts.bytes().len() >= BYTES_MAX || self.rows.len() >= BYTES_MAX
    }

    /// Bytes of the texts and rows so far: most of what the list will take.
    pub fn bytes(&self) -> u64 {
        (self.texts.bytes().len() + self.rows.len()) as u64
    }

    /// Adds a name; an empty one stands for a name that was lost.
    pub fn add(&mut self, name: &[u8]) {
        if (self.names as usize).is_multiple_of(GROUP) {
            self.groups.push((self.rows.len() as u32, self.texts.len()));
            self.last.clear();
        }
        self.names += 1;
        find_ends(name, &mut self.ends);
        let fields = self.ends.len();
        put_varint(&mut self.rows, fields as u64);
        let mask_at = self.rows.len();
        let has_mask = !(self.names as usize - 1).is_multiple_of(GROUP);
        self.rows.resize(mask_at + if has_mask { fields.div_ceil(8) } else { 0 }, 0);
        let mut start = 0;
        for (place, &end) in self.ends.iter().enumerate() {
            let field = &name[start..end];
            start = end + 1;
            let last = self.last.get(place);
            if has_mask && last.is_some_and(|&text| self.texts.get(text) == field) {
                self.rows[mask_at + place / 8] |= 1 << (place % 8);
                continue;
            }
            let before = self.texts.len();
            let text = self.texts.number(field);
            put_varint(&mut self.rows, if text == before { 0 } else { u64::from(text) + 1 });
            match self.last.get_mut(place) {
                Some(last) => *last = text,
                None => self.last.push(text),
            }
        }
        self.last.truncate(fields);
    }

    /// Appends the packed list.
    pub fn finish(self, out: &mut Vec<u8>) {
        let Encoder { texts, names, rows, groups, .. } = self;
        let max =
            |numbers: &mut dyn Iterator<Item = u32>| width_for(numbers.max().unwrap_or(0).into());
        let widths = [
            width_for(texts.bytes().len() as u64),
            max(&mut groups.iter().map(|group| group.0)),
            max(&mut groups.iter().map(|group| group.1)),
        ];
        for number in [names, texts.len(), texts.bytes().len() as u32, rows.len() as u32] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&[widths[0], widths[1], widths[2], 0, 0, 0, 0, 0]);
        pack(texts.ends().iter().map(|&end| end.into()), widths[0], out);
        pack(groups.iter().map(|group| group.0.into()), widths[1], out);
        pack(groups.iter().map(|group| group.1.into()), widths[2], out);
        out.extend_from_slice(texts.bytes());
        out.extend_from_slice(&rows);
        out.extend_from_slice(&[0; SLACK_BYTES]);
    }
}

/// Where what stands between the spaces of a name ends; nowhere in an empty one.
fn find_ends(name: &[u8], ends: &mut Vec<usize>) {
    ends.clear();
    if !name.is_empty() {
        ends.extend(memchr::memchr_iter(b' ', name));
        ends.push(name.len());
    }
}

/// Where the pieces of a packed list stand in its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Coded {
    names: u32,
    texts: u32,
    text_bytes: usize,
    row_bytes: usize,
    widths: [u8; 3],
    groups_at: usize,
    group_texts_at: usize,
    texts_at: usize,
    rows_at: usize,
    /// Bytes of the whole list.
    pub bytes: usize,
}

/// Where a reading of a list stands: going forward is cheap.
#[derive(Debug, Default)]
pub struct Walk {
    /// The next name, if it is in the group begun; its row, and the texts used before it.
    next: u32,
    row: usize,
    texts: u32,
    begun: bool,
    fields: Vec<u32>,
}

impl Walk {
    /// Forgets the place, to go through another list.
    pub fn restart(&mut self) {
        self.begun = false;
    }
}

impl Coded {
    /// Reads the head of a packed list; `None` if the bytes cannot be one.
    pub fn parse(bytes: &[u8]) -> Option<Coded> {
        let mut reader = Reader::new(bytes);
        let mut number = || reader.u32().ok();
        let (names, texts) = (number()?, number()?);
        let (text_bytes, row_bytes) = (number()? as usize, number()? as usize);
        let widths = [reader.u8().ok()?, reader.u8().ok()?, reader.u8().ok()?];
        if widths.iter().any(|&width| width > 32) {
            return None;
        }
        let groups = (names as usize).div_ceil(GROUP);
        let groups_at = HEAD_BYTES + packed_bytes(texts as usize, widths[0]);
        let group_texts_at = groups_at + packed_bytes(groups, widths[1]);
        let texts_at = group_texts_at + packed_bytes(groups, widths[2]);
        let rows_at = texts_at + text_bytes;
        let end = rows_at + row_bytes + SLACK_BYTES;
        let list = Coded {
            names,
            texts,
            text_bytes,
            row_bytes,
            widths,
            groups_at,
            group_texts_at,
            texts_at,
            rows_at,
            bytes: end,
        };
        (end <= bytes.len()).then_some(list)
    }

    /// Number of names.
    pub fn len(&self) -> u32 {
        self.names
    }

    /// Whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.names == 0
    }

    /// Appends the name at a place to `out`; `bytes` are those that were parsed. `None` if they are
    /// malformed or there is no such name.
    pub fn read(&self, bytes: &[u8], at: u32, walk: &mut Walk, out: &mut Vec<u8>) -> Option<()> {
        if at >= self.names {
            return None;
        }
        let group = at as usize / GROUP;
        if !walk.begun || walk.next > at || walk.next as usize / GROUP != group {
            let column = |from, width| bits::get(&bytes[from..], group, width);
            walk.row = column(self.groups_at, self.widths[1]) as usize;
            walk.texts = column(self.group_texts_at, self.widths[2]) as u32;
            walk.next = (group * GROUP) as u32;
            walk.begun = true;
        }
        while walk.next <= at {
            let stepped = self.step(bytes, walk);
            walk.begun = stepped.is_some();
            stepped?;
        }
        for (place, &text) in walk.fields.iter().enumerate() {
            if place > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(self.text(bytes, text)?);
        }
        Some(())
    }

    /// Goes through the row of the next name.
    fn step(&self, bytes: &[u8], walk: &mut Walk) -> Option<()> {
        let rows = &bytes[self.rows_at..][..self.row_bytes];
        let mut reader = Reader::new(rows.get(walk.row..)?);
        let fields = reader.varint().ok().filter(|&fields| fields <= FIELDS_MAX)? as usize;
        let is_first = (walk.next as usize).is_multiple_of(GROUP);
        if is_first {
            walk.fields.clear();
        }
        let mask = reader.take(if is_first { 0 } else { fields.div_ceil(8) }).ok()?;
        let before = walk.fields.len();
        for place in 0..fields {
            if mask.get(place / 8).is_some_and(|bits| bits >> (place % 8) & 1 == 1) {
                if place >= before {
                    return None;
                }
                continue;
            }
            let text = match reader.varint().ok()? {
                0 => {
                    walk.texts = walk.texts.checked_add(1)?;
                    walk.texts - 1
                }
                text => u32::try_from(text - 1).ok()?,
            };
            match walk.fields.get_mut(place) {
                Some(field) => *field = text,
                None => walk.fields.push(text),
            }
        }
        walk.fields.truncate(fields);
        walk.row += reader.position();
        walk.next += 1;
        Some(())
    }

    fn text<'a>(&self, bytes: &'a [u8], text: u32) -> Option<&'a [u8]> {
        if text >= self.texts {
            return None;
        }
        let end = |at: u32| bits::get(&bytes[HEAD_BYTES..], at as usize, self.widths[0]) as usize;
        let start = if text == 0 { 0 } else { end(text - 1) };
        let end = end(text);
        (end <= self.text_bytes).then(|| bytes[self.texts_at..].get(start..end)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(names: &[Vec<u8>]) -> Vec<u8> {
        let mut encoder = Encoder::new(RapidSecrets::seed(3));
        names.iter().for_each(|name| encoder.add(name));
        let mut bytes = Vec::new();
        encoder.finish(&mut bytes);
        bytes
    }

    fn name() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            8 => "[a-c]{0,2}( [kl]=[x-z]{0,3}){0,20}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 0..40),
            1 => Just(Vec::new()),
        ]
    }

    proptest! {
        #[test]
        fn every_name_comes_back_from_everywhere(
            names in prop::collection::vec(name(), 0..70), jumps in prop::collection::vec(0..70u32, 40)
        ) {
            let bytes = packed(&names);
            let list = Coded::parse(&bytes).expect("valid");
            prop_assert_eq!(list.bytes, bytes.len());
            let mut walk = Walk::default();
            let order = (0..names.len() as u32).chain(jumps);
            for at in order {
                let mut name = b"x".to_vec();
                let read = list.read(&bytes, at, &mut walk, &mut name);
                prop_assert_eq!(read.map(|()| &name[1..]), names.get(at as usize).map(|n| &n[..]));
            }
        }

        #[test]
        fn bad_bytes_are_no_panic(
            names in prop::collection::vec(name(), 1..40),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
        ) {
            let mut bytes = packed(&names);
            for (place, byte) in flips {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Some(list) = Coded::parse(&bytes) {
                let mut walk = Walk::default();
                for at in 0..list.len().min(200) {
                    let _maybe = list.read(&bytes, at, &mut walk, &mut Vec::new());
                }
            }
        }
    }

    #[test]
    fn names_of_a_host_take_a_few_bytes_each() {
        let name =
            |n: u32| format!("cpu.usage_{} arch=x64 hostname=host_{} team=SF", n % 10, n / 10);
        let names: Vec<_> = (0..10_000).map(|number| name(number).into_bytes()).collect();
        assert!(packed(&names).len() < 60_000, "{}", packed(&names).len());
    }
}

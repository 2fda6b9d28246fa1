//! Builds the index of a range of ids from their names.
//!
//! Each text gets a number in the order of its first use, found by hash; then numbers are sorted
//! by text once, and the pairs of number and id by counting. Series that follow each other mostly
//! share labels at the same place, so that place's last text is compared before anything is hashed.

use super::dictionary::Writer;
use super::part::Part;
use crate::name::{METRIC_LABEL, fields, split_tag, unescape};
use crate::texts::Texts;
use crate::types::SeriesId;
use rapidhash::v3::RapidSecrets;

/// Bounds of what is held unpacked, 4 MiB of pairs and as much text; some names more may come.
const PAIRS_MAX: usize = 512 << 10;
const TEXT_BYTES_MAX: usize = 4 << 20;

/// See the module.
#[derive(Debug)]
pub struct Builder {
    first: SeriesId,
    texts: Texts,
    /// Number of a text and a series, series ascending.
    pairs: Vec<(u32, SeriesId)>,
    /// Numbers of key and text at each place of the last name.
    places: Vec<(u32, u32)>,
    text: Vec<u8>,
}

impl Builder {
    /// For ids from `first` on.
    pub fn new(first: SeriesId, secrets: RapidSecrets) -> Builder {
        let (texts, text) = (Texts::new(secrets), Vec::new());
        Builder { first, texts, pairs: Vec::new(), places: Vec::new(), text }
    }

    /// Adds the labels of a series; an empty name has none. Ids ascend.
    pub fn add(&mut self, series: SeriesId, name: &[u8]) {
        if name.is_empty() {
            return;
        }
        for (place, field) in fields(name).enumerate() {
            let (key, text) = match self.places.get(place) {
                Some(&(key, text)) if self.is_same(place, text, field) => (key, text),
                _ => self.look_up(place, field),
            };
            self.pairs.push((key, series));
            self.pairs.push((text, series));
        }
    }

    /// Whether a field is that of the name before. A field with escapes never seems to be.
    fn is_same(&self, place: usize, text: u32, field: &[u8]) -> bool {
        let text = self.texts.get(text);
        if place > 0 { text == field } else { text[METRIC_LABEL.len() + 1..] == *field }
    }

    fn look_up(&mut self, place: usize, field: &[u8]) -> (u32, u32) {
        let (key, value) = if place == 0 { (METRIC_LABEL, field) } else { split_tag(field) };
        self.text.clear();
        self.text.extend_from_slice(key);
        self.text.push(b'=');
        self.text.extend_from_slice(&unescape(value));
        let text = self.texts.number(&self.text);
        let key = match self.places.get(place) {
            Some(&(before, _)) if self.texts.get(before) == key => before,
            _ => self.texts.number(key),
        };
        if place < self.places.len() {
            self.places[place] = (key, text);
        } else {
            self.places.push((key, text));
        }
        (key, text)
    }

    /// Whether it holds as much as should be held before it is packed.
    pub fn is_full(&self) -> bool {
        self.pairs.len() >= PAIRS_MAX || self.texts.bytes().len() >= TEXT_BYTES_MAX
    }

    /// The index of the ids up to `end`.
    pub fn finish(self, end: SeriesId) -> Part {
        let Builder { first, texts, pairs, .. } = self;
        let mut order: Vec<u32> = (0..texts.len()).collect();
        order.sort_unstable_by(|&a, &b| texts.get(a).cmp(texts.get(b)));
        let ids = Grouped::new(&pairs, order.len());
        drop(pairs);
        let mut writer = Writer::default();
        for number in order {
            writer.push(texts.get(number), ids.of(number));
        }
        Part { ids: first..end, texts: writer.finish() }
    }
}

/// The ids of each text, laid end to end.
struct Grouped {
    ids: Vec<SeriesId>,
    ends: Vec<usize>,
}

impl Grouped {
    fn new(pairs: &[(u32, SeriesId)], texts: usize) -> Grouped {
        let mut ends = vec![0; texts];
        pairs.iter().for_each(|&(number, _)| ends[number as usize] += 1);
        let mut sum = 0;
        for end in &mut ends {
            (*end, sum) = (sum, sum + *end);
        }
        let mut ids = vec![0; pairs.len()];
        for &(number, series) in pairs {
            let end = &mut ends[number as usize];
            ids[*end] = series;
            *end += 1;
        }
        Grouped { ids, ends }
    }

    fn of(&self, number: u32) -> &[SeriesId] {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.ids[start..self.ends[number]]
    }
}

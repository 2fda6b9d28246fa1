//! Many short byte strings in one allocation: the ready-made parts of lines.

/// Byte strings by index.
#[derive(Default)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends; it begins where the one before it ends.
    ends: Vec<usize>,
}

impl Texts {
    /// Adds a text behind the others.
    pub(super) fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(self.bytes.len());
    }

    /// The text added as number `index`, counted from 0.
    #[inline]
    pub(super) fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }
}

impl FromIterator<String> for Texts {
    fn from_iter<I: IntoIterator<Item = String>>(items: I) -> Self {
        let mut texts = Texts::default();
        items.into_iter().for_each(|text| texts.push(&text));
        texts
    }
}

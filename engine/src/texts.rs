//! Texts numbered in the order in which they first came, found again by hash.

use hashbrown::HashTable;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

/// See the module.
#[derive(Debug)]
pub(crate) struct Texts {
    secrets: RapidSecrets,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    numbers: HashTable<u32>,
}

impl Texts {
    /// No texts; the secrets keep senders from choosing texts whose hashes collide.
    pub fn new(secrets: RapidSecrets) -> Texts {
        Texts { secrets, bytes: Vec::new(), ends: Vec::new(), numbers: HashTable::new() }
    }

    /// Number of texts.
    pub fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    /// All texts, end to end; less than 4 GiB.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each text ends among them.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The text of a number.
    pub fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start as usize..self.ends[number] as usize]
    }

    /// The number of a text, a new one if it has none.
    pub fn number(&mut self, text: &[u8]) -> u32 {
        let hash = rapidhash_v3_seeded(text, &self.secrets);
        if let Some(&number) = self.numbers.find(hash, |&number| self.get(number) == text) {
            return number;
        }
        let number = self.len();
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
        let mut numbers = std::mem::take(&mut self.numbers);
        let rehash = |&other: &u32| rapidhash_v3_seeded(self.get(other), &self.secrets);
        numbers.insert_unique(hash, number, rehash);
        self.numbers = numbers;
        number
    }
}

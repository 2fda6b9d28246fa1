//! A file for each day that has samples, open side by side, in bounded memory.

use crate::day::Day;
use crate::error::Error;
use irontsd_engine::types::Samples;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// Files open at a time at the most.
pub const DAYS_MAX: usize = 32;
/// Bytes that may wait in all days together; the largest then writes a row group early.
const MEMORY_MAX: usize = 256 << 20;

/// Which days are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The first [`DAYS_MAX`] that are met.
    First,
    /// These.
    Only(BTreeSet<i64>),
}

/// What a day's file came to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The day, counted from 1970.
    pub day: i64,
    /// Samples.
    pub samples: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Spreads series over the files of the days. `open` makes what a day's file is written to; days are
/// counted from 1970.
pub struct Days<W: Write + Send, F: FnMut(i64) -> io::Result<W>> {
    which: Which,
    open: F,
    files: BTreeMap<i64, Day<W>>,
    left: BTreeSet<i64>,
    samples: u64,
}

impl<W: Write + Send, F: FnMut(i64) -> io::Result<W>> Days<W, F> {
    /// No files yet.
    pub fn new(which: Which, open: F) -> Days<W, F> {
        Days { which, open, files: BTreeMap::new(), left: BTreeSet::new(), samples: 0 }
    }

    /// Adds samples of a series, ascending in time; series come in name order, and may come in pieces.
    pub fn push(&mut self, name: &[u8], samples: &Samples) -> Result<(), Error> {
        let mut from = 0;
        while let Some(first) = samples.timestamps.get(from) {
            let day = first.div_euclid(DAY_MS);
            let rest = &samples.timestamps[from..];
            let to = from + rest.partition_point(|&time| time < (day + 1) * DAY_MS);
            if let Some(file) = self.file(day)? {
                file.push(name, samples, from, to)?;
                self.samples += (to - from) as u64;
            }
            from = to;
        }
        self.keep_within_memory()
    }

    /// The file of a day, if it is one that is written.
    fn file(&mut self, day: i64) -> Result<Option<&mut Day<W>>, Error> {
        if !self.files.contains_key(&day) {
            let wanted = match &self.which {
                Which::First => self.files.len() < DAYS_MAX,
                Which::Only(days) => days.contains(&day),
            };
            if !wanted {
                self.left.insert(day);
                return Ok(None);
            }
            self.files.insert(day, Day::new((self.open)(day)?)?);
        }
        Ok(self.files.get_mut(&day))
    }

    fn keep_within_memory(&mut self) -> Result<(), Error> {
        if self.files.values().map(Day::memory).sum::<usize>() <= MEMORY_MAX {
            return Ok(());
        }
        match self.files.values_mut().max_by_key(|file| file.memory()) {
            Some(largest) => largest.flush(),
            None => Ok(()),
        }
    }

    /// Samples written so far.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Ends all files, passing on what each was written to; `seal` says how many bytes that holds.
    /// Returns what each came to hold, and the days that were met and are not among them.
    pub fn finish(
        self,
        mut seal: impl FnMut(W) -> io::Result<u64>,
    ) -> Result<(Vec<Written>, BTreeSet<i64>), Error> {
        let mut ended = Vec::new();
        for (day, file) in self.files {
            let (out, samples) = file.finish()?;
            ended.push(Written { day, samples, bytes: seal(out)? });
        }
        Ok((ended, self.left))
    }
}

//! Whether series have samples in a range of time.

use irontsd_engine::error::Result;
use irontsd_engine::rows::SeriesSet;
use irontsd_engine::scan::{Cursor, Scan};
use irontsd_engine::types::{Samples, SeriesId};

/// See the module. A series is read once: it has many labels, and comes again in later pages.
pub struct Within {
    scan: Scan,
    cursor: Cursor,
    samples: Samples,
    asked: SeriesSet,
    found: SeriesSet,
}

impl Within {
    /// Within the range of a scan.
    pub fn new(scan: Scan) -> Within {
        let (cursor, samples, asked, found) = Default::default();
        Within { scan, cursor, samples, asked, found }
    }

    /// Whether a series has a sample.
    pub fn has(&mut self, series: SeriesId) -> Result<bool> {
        if self.asked.contains(series) {
            return Ok(self.found.contains(series));
        }
        self.samples.clear();
        self.cursor.seek(&self.scan, series)?;
        self.cursor.read(&self.scan, series, 1, &mut self.samples)?;
        self.asked.insert(series);
        if !self.samples.is_empty() {
            self.found.insert(series);
        }
        Ok(!self.samples.is_empty())
    }
}

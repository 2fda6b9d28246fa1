//! What an export came to, for eyes and for scripts.

use super::Export;
use crate::terminal::{bytes, complain, counted, remark, say};
use irontsd_engine::offline::Store;
use irontsd_net::read::formats::Skipped;
use simd_json::OwnedValue;
use simd_json::prelude::Writable;
use std::path::PathBuf;

/// A file that was written.
#[derive(Debug)]
pub struct Wrote {
    /// Where.
    pub path: PathBuf,
    /// Samples in it.
    pub samples: u64,
    /// Its length.
    pub bytes: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Report {
    /// Series that matched.
    pub series: u64,
    /// Samples read.
    pub samples: u64,
    /// What the form could not carry.
    pub skipped: Skipped,
    /// What is damaged.
    pub damage: Vec<String>,
    /// The files.
    pub files: Vec<Wrote>,
    /// Whether the reader went away.
    pub cut_short: bool,
}

impl Report {
    /// Nothing exported yet.
    pub fn new(store: &Store) -> Report {
        let damage = store.found().faults.clone();
        let (skipped, files) = (Skipped::default(), Vec::new());
        Report { series: 0, samples: 0, skipped, damage, files, cut_short: false }
    }

    /// Whether all was exported that is there.
    pub fn is_whole(&self) -> bool {
        self.damage.is_empty() && self.skipped == Skipped::default()
    }

    /// Prints it: damage to standard error in any case.
    pub fn show(&self, flags: &Export) {
        self.damage.iter().for_each(|damage| complain(damage));
        if self.cut_short {
            return;
        }
        let out: fn(&str) = if flags.output.is_some() { say } else { remark };
        if flags.json {
            return out(&self.json());
        }
        let Skipped { series, samples } = self.skipped;
        if series + samples > 0 {
            let (series, samples) =
                (counted(series, "series", "series"), counted(samples, "sample", "samples"));
            remark(&format!(
                "left out: {series}, and {samples} of others, which no put line can carry"
            ));
        }
        for file in &self.files {
            let (path, samples) = (file.path.display(), counted(file.samples, "sample", "samples"));
            out(&format!("{path}: {samples}, {}", bytes(file.bytes)));
        }
        let samples = counted(self.samples, "sample", "samples");
        out(&format!("exported {samples} of {}", counted(self.series, "series", "series")));
    }

    fn json(&self) -> String {
        let files = self.files.iter().map(|file| {
            let path = file.path.display().to_string();
            simd_json::json!({"path": path, "samples": file.samples, "bytes": file.bytes})
        });
        let files: Vec<OwnedValue> = files.collect();
        let damage: Vec<OwnedValue> = self.damage.iter().map(|text| text.as_str().into()).collect();
        let report = simd_json::json!({
            "series": self.series,
            "samples": self.samples,
            "skipped": {"series": self.skipped.series, "samples": self.skipped.samples},
            "damage": damage,
            "files": files,
        });
        report.encode()
    }
}

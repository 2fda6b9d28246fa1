//! What was imported and what was refused, for eyes and for scripts.

use crate::terminal::{counted, grouped, remark, say};
use irontsd_net::reject::Reject;
use simd_json::OwnedValue;
use simd_json::prelude::Writable;
use std::collections::BTreeMap;

/// Refusals named one by one at the most; all are counted.
const NAMED_MAX: u64 = 100;

/// See the module.
#[derive(Debug, Default)]
pub struct Report {
    /// Lines and rows read.
    pub lines: u64,
    /// Samples taken.
    pub samples: u64,
    /// Series in the directory afterwards.
    pub series: u64,
    reasons: BTreeMap<&'static str, u64>,
    errors: Vec<OwnedValue>,
}

impl Report {
    /// Names and counts a refusal.
    pub fn refuse(&mut self, file: &str, line: u64, reject: &Reject) {
        let (reason, message) = (reject.reason.label(), &reject.message);
        if self.refused() < NAMED_MAX {
            remark(&format!("{file}:{line}: {message} ({reason})"));
            self.errors.push(simd_json::json!({
                "file": file, "line": line, "reason": reason, "error": message.as_str(),
            }));
        } else if self.refused() == NAMED_MAX {
            remark("more lines are refused; the first 100 were named, all are counted");
        }
        *self.reasons.entry(reason).or_default() += 1;
    }

    /// Lines refused.
    pub fn refused(&self) -> u64 {
        self.reasons.values().sum()
    }

    /// Prints it.
    pub fn show(&self, json: bool) {
        if json {
            return say(&self.json());
        }
        for (reason, &count) in &self.reasons {
            say(&format!("refused as {reason}: {}", counted(count, "line", "lines")));
        }
        say(&format!(
            "imported {} from {} of {}; the directory holds {}",
            counted(self.samples, "sample", "samples"),
            grouped(self.lines - self.refused()),
            counted(self.lines, "line", "lines"),
            counted(self.series, "series", "series"),
        ));
    }

    fn json(&self) -> String {
        let reasons = self.reasons.iter();
        let refused: OwnedValue =
            reasons.map(|(&reason, &count)| (reason, OwnedValue::from(count))).collect();
        let report = simd_json::json!({
            "lines": self.lines,
            "samples": self.samples,
            "series": self.series,
            "refused": refused,
            "errors": self.errors.clone(),
        });
        report.encode()
    }
}

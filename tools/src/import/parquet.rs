//! Parquet files, whose rows are numbered from 1.

use super::Intake;
use super::source::{Source, Text};
use crate::terminal::counted;
use irontsd_engine::types::Samples;
use irontsd_net::import::series_name;
use irontsd_net::intake::Content;
use irontsd_net::reject::{Reason, Reject};
use irontsd_parquet::{Name, Taker, read as read_file};
use std::borrow::Cow;

/// Reads rows.
pub fn read(source: Source, intake: &mut Intake) -> Result<(), String> {
    let Text::File(file) = source.text else {
        return Err("Parquet is read from its end: give a file, not a pipe".into());
    };
    read_file(file, intake).map_err(|error| error.to_string())
}

impl Taker for Intake {
    fn take(&mut self, row: u64, name: &Name, samples: &Samples) -> Result<(), String> {
        let rows = samples.len() as u64;
        self.report.lines += rows;
        let labels = name.tags.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes()));
        let labels = [(&b"__name__"[..], name.metric.as_bytes())].into_iter().chain(labels);
        let labels = labels.map(|(key, value)| (Cow::Borrowed(key), Cow::Borrowed(value)));
        let canonical = series_name(&self.policy, labels, &[], name.histograms);
        let series = match canonical.and_then(|name| self.target.series(&name)) {
            Ok(series) => series,
            Err(reject) => {
                (row..row + rows).for_each(|row| self.refuse(row, &reject));
                return Ok(());
            }
        };
        for at in 0..samples.len() {
            let content = match samples.histogram(at) {
                Some(bytes) => Content::Histogram(bytes),
                None => Content::Number(samples.value(at)),
            };
            self.target.push(series, samples.timestamps[at], content);
        }
        let (file, samples) = (&self.file, self.target.samples());
        self.progress
            .show(|| format!("{file}: row {row}, {}", counted(samples, "sample", "samples")));
        self.target.check()
    }

    fn refuse(&mut self, row: u64, why: String) -> Result<(), String> {
        self.judged(row, Err(Reject::new(Reason::InvalidValue, why)))
    }
}

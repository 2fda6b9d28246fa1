//! Where the bytes of segments go: by column and codec, by metric, by block.

use super::codecs;
use irontsd_engine::header::HEADER_BYTES;
use irontsd_engine::name;
use irontsd_engine::segment::Segment;
use irontsd_engine::segment::format::FOOTER_BYTES;
use irontsd_engine::types::SeriesId;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Bytes, and what they hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct Share {
    /// Bytes.
    pub bytes: u64,
    /// Runs.
    pub runs: u64,
    /// Samples.
    pub samples: u64,
}

impl Share {
    fn add(&mut self, bytes: usize, samples: usize) {
        self.bytes += bytes as u64;
        self.runs += 1;
        self.samples += samples as u64;
    }
}

/// What a metric takes.
#[derive(Debug, Clone, Default)]
pub struct Metric {
    /// Its columns.
    pub share: Share,
    /// Its series.
    pub series: HashSet<SeriesId>,
}

/// The bytes of one or more segments.
#[derive(Debug, Default)]
pub struct Detail {
    /// By column (`times` or `values`) and codec.
    pub columns: BTreeMap<(&'static str, &'static str), Share>,
    /// Heads and directories of blocks.
    pub directories: u64,
    /// Tables of codes, and what fills blocks up.
    pub tables: u64,
    /// Names.
    pub names: u64,
    /// Headers, indexes, footers.
    pub indexes: u64,
    /// Samples.
    pub samples: u64,
    /// By metric.
    pub metrics: BTreeMap<String, Metric>,
    /// Number of blocks from 2^N bytes up to the next power, by N.
    pub block_sizes: BTreeMap<u32, u64>,
    /// What could not be read.
    pub faults: Vec<String>,
}

impl Detail {
    /// Adds a segment; `done` is told of bytes as they are read.
    pub fn add(&mut self, segment: &Segment, mut done: impl FnMut(u64)) {
        let metrics = self.metric_names(segment);
        let mut found: HashMap<&str, Metric> = HashMap::new();
        for (at, entry) in segment.blocks().iter().enumerate() {
            *self.block_sizes.entry(entry.bytes.max(1).ilog2()).or_default() += 1;
            let block = match segment.block(at) {
                Ok(block) => block,
                Err(error) => {
                    self.faults.push(error.to_string());
                    continue;
                }
            };
            let (directory, tables) = block.overhead();
            self.directories += directory as u64;
            self.tables += tables as u64;
            self.samples += u64::from(entry.rows);
            for run in 0..block.runs() {
                let Some((times, values)) = block.columns(run) else { continue };
                let rows = block.rows(run);
                self.share("times", codecs::times(times)).add(times.len(), rows);
                self.share("values", codecs::values(values)).add(values.len(), rows);
                let series = block.series(run);
                let metric = metrics.get(&series).map_or("", String::as_str);
                let metric = found.entry(metric).or_default();
                metric.share.add(times.len() + values.len(), rows);
                metric.series.insert(series);
            }
            done(entry.bytes.into());
        }
        for (name, metric) in found {
            let all = self.metrics.entry(name.to_owned()).or_default();
            all.share.bytes += metric.share.bytes;
            all.share.runs += metric.share.runs;
            all.share.samples += metric.share.samples;
            all.series.extend(metric.series);
        }
        let names: u64 = segment.name_groups().iter().map(|group| u64::from(group.bytes)).sum();
        self.names += names;
        let index = segment.bytes() - segment.footer().blocks_at - FOOTER_BYTES as u64;
        self.indexes += index + (HEADER_BYTES + FOOTER_BYTES) as u64;
    }

    fn share(&mut self, column: &'static str, codec: &'static str) -> &mut Share {
        self.columns.entry((column, codec)).or_default()
    }

    fn metric_names(&mut self, segment: &Segment) -> HashMap<SeriesId, String> {
        let mut names = HashMap::new();
        let read = segment.each_name(|series, canonical| {
            let metric = String::from_utf8_lossy(&name::metric(canonical)).into_owned();
            names.insert(series, metric);
        });
        self.faults.extend(read.err().map(|error| error.to_string()));
        names
    }
}

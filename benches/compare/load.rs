//! The bytes to send, made before any clock runs, and what an export of them must yield.

use std::fmt;
use std::io::Read;

use irontsd::workload::{
    Digest, Kind, SampleList, Shape, Workload, collect, digest_export, digest_lines,
};

use super::options::Options;
use super::real;
use crate::common::Outcome;

/// One run's worth of lines; every run of every node gets the same.
pub struct Load {
    /// Whole lines by connection.
    pub connections: Vec<Vec<u8>>,
    /// Number of lines, which is the number of points.
    pub points: u64,
    /// Number of bytes.
    pub bytes: u64,
    sent: Sent,
    what: String,
}

/// What was sent, as far as is needed to check what comes back.
enum Sent {
    /// Every value comes back as it was sent.
    Exactly(Digest),
    /// A node may give back other values, which are counted.
    Each(SampleList),
}

impl Load {
    /// Makes all lines.
    pub fn generate(options: &Options) -> Outcome<Self> {
        match options.workload.kind() {
            Some(kind) => generated(kind, &options.shape(), options.connections),
            None => recorded(&options.workload.word(), options.copies, options.connections),
        }
    }

    fn new(connections: Vec<Vec<u8>>, points: u64, sent: Sent, what: String) -> Self {
        let bytes = connections.iter().map(|lines| lines.len() as u64).sum();
        Load { connections, points, bytes, sent, what }
    }

    /// How many of the values in an export differ from what was sent. Fails if a sample is missing or
    /// was never sent, and if values of a generated load differ.
    pub fn changed_in(&self, export: impl Read) -> Outcome<u64> {
        match &self.sent {
            Sent::Exactly(sent) => {
                let found = digest_export(export)?;
                if found != *sent {
                    return Err(format!("exported {found}; sent {sent}").into());
                }
                Ok(0)
            }
            Sent::Each(sent) => {
                let found = SampleList::of_export(export)?;
                let count = found.count();
                let lost = || format!("{count} samples exported that are not those sent");
                Ok(sent.clone().changed_in(found).ok_or_else(lost)?)
            }
        }
    }

    /// What the check of an export has shown.
    pub fn checked(&self) -> String {
        match &self.sent {
            Sent::Exactly(digest) => format!("every run's export equals what was sent ({digest})"),
            Sent::Each(_) => String::from(
                "every run's export has exactly the timestamps of exactly the series sent; values are \
                 compared one by one, IronTSD's are all as sent",
            ),
        }
    }
}

/// A thread makes the lines of each connection.
fn generated(kind: Kind, shape: &Shape, connections: u64) -> Outcome<Load> {
    let workloads = kind.connections(shape, connections);
    let parts = std::thread::scope(|scope| {
        let makers: Vec<_> = workloads.into_iter().map(|load| scope.spawn(|| make(load))).collect();
        makers.into_iter().map(|maker| maker.join()).collect::<Vec<_>>()
    });
    let (mut connections, mut digest) = (Vec::new(), Digest::default());
    for part in parts {
        let (lines, part_digest) = part.map_err(|_| "a generator failed")??;
        connections.push(lines);
        digest.merge(part_digest);
    }
    let Shape { series_count, samples_per_series, seed, start_s, interval_s } = shape;
    let what = format!(
        "{series_count} series, {samples_per_series} samples each, from {start_s} every {interval_s} \
         s, seed {seed}"
    );
    Ok(Load::new(connections, digest.count, Sent::Exactly(digest), what))
}

fn make(mut workload: Box<dyn Workload + Send>) -> Outcome<(Vec<u8>, Digest)> {
    let (lines, count) = collect(workload.as_mut());
    let digest = digest_lines(&lines)?;
    if digest.count != count {
        return Err("the generator miscounted its lines".into());
    }
    Ok((lines, digest))
}

fn recorded(name: &str, copies: u64, connections: u64) -> Outcome<Load> {
    let (connections, series) = real::lines(name, copies, connections)?;
    let mut sent = SampleList::default();
    for lines in &connections {
        sent.extend(SampleList::of_lines(lines)?);
    }
    let what = format!(
        "{series} series: benches/data/{name}.put.gz, {copies} times, a sample for each time of a \
         series, in order of time"
    );
    Ok(Load::new(connections, sent.count(), Sent::Each(sent), what))
}

impl fmt::Display for Load {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line_bytes = self.bytes as f64 / self.points.max(1) as f64;
        let connections = self.connections.len();
        let Load { points, bytes, what, .. } = self;
        write!(
            out,
            "{points} points, {bytes} bytes ({line_bytes:.1} a line), {what}, {connections} connections",
        )
    }
}

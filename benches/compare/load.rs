//! The bytes to send, made before any clock runs, and the checksum of the samples in them.

use std::fmt;

use irontsd::workload::{Digest, Shape, Workload, collect, digest_lines};

use super::options::Options;
use crate::Outcome;

/// One run's worth of lines; every run of every node gets the same.
pub struct Load {
    /// Whole lines by connection.
    pub connections: Vec<Vec<u8>>,
    /// Number of lines, which is the number of points.
    pub points: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// What an export must yield.
    pub digest: Digest,
    shape: Shape,
}

impl Load {
    /// Makes all lines, a thread for each connection.
    pub fn generate(options: &Options) -> Outcome<Self> {
        let shape = options.shape();
        let workloads = options.kind().connections(&shape, options.connections);
        let parts = std::thread::scope(|scope| {
            let makers: Vec<_> =
                workloads.into_iter().map(|load| scope.spawn(|| make(load))).collect();
            makers.into_iter().map(|maker| maker.join()).collect::<Vec<_>>()
        });
        let (mut connections, mut digest) = (Vec::new(), Digest::default());
        for part in parts {
            let (lines, part_digest) = part.map_err(|_| "a generator failed")??;
            connections.push(lines);
            digest.merge(part_digest);
        }
        let bytes = connections.iter().map(|lines| lines.len() as u64).sum();
        Ok(Load { connections, points: digest.count, bytes, digest, shape })
    }
}

fn make(mut workload: Box<dyn Workload + Send>) -> Outcome<(Vec<u8>, Digest)> {
    let (lines, count) = collect(workload.as_mut());
    let digest = digest_lines(&lines)?;
    if digest.count != count {
        return Err("the generator miscounted its lines".into());
    }
    Ok((lines, digest))
}

impl fmt::Display for Load {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape { series_count, samples_per_series, seed, start_s, interval_s } = self.shape;
        write!(
            out,
            "{} points, {} bytes ({:.1} a line), {series_count} series, {samples_per_series} \
             samples each, from {start_s} every {interval_s} s, seed {seed}, {} connections",
            self.points,
            self.bytes,
            self.bytes as f64 / self.points.max(1) as f64,
            self.connections.len(),
        )
    }
}

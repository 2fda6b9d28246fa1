//! What is exported: agent lines that stay as they are while later ones come.

use irontsd::workload::{Digest, Kind, Shape, digest_export};

use crate::common::Outcome;
use crate::common::irontsd::IronTsd;
use crate::common::node::{Node, Running, expect_count};
use crate::common::stream::Streams;
use ::irontsd::bench::http;

/// Whatever comes beside the data set is so much later.
const LATER_S: u64 = 10 * 86_400;
const CONNECTIONS: u64 = 4;
/// Rounds of different values.
const ROUNDS_MAX: u64 = 25;

/// A data set in a node.
pub struct FixedSet {
    /// The request that exports it and nothing that comes later.
    pub path: String,
    /// Its points.
    pub digest: Digest,
}

impl FixedSet {
    /// Sends it and has it merged.
    pub fn fill(
        node: &IronTsd,
        running: &mut Running,
        series_count: u64,
        rounds: u64,
    ) -> Outcome<Self> {
        let samples_per_series = rounds.min(ROUNDS_MAX);
        let shape = Shape { series_count, samples_per_series, ..Shape::default() };
        let mut streams =
            Streams::connect(running.opentsdb, Kind::Agent, &shape, CONNECTIONS, running.timeout)?;
        let mut points = 0;
        for _ in 0..rounds {
            points += streams.one_round()?;
        }
        node.seal(running, points)?;
        node.merge(running)?;
        let path = format!("{}&end={}", http::EXPORT_ALL, streams.time_s() - 1);
        let digest = digest(running, &path)?;
        expect_count("the number of points of the fixed data set", digest.count, points)?;
        Ok(FixedSet { path, digest })
    }

    /// Fails unless it is what it was.
    pub fn check(&self, running: &Running) -> Outcome<()> {
        let (found, digest) = (digest(running, &self.path)?, self.digest);
        match found == digest {
            true => Ok(()),
            false => Err(format!("the fixed data set became {found} from {digest}").into()),
        }
    }
}

/// Unix time from which on nothing belongs to the data set.
pub fn later_s() -> u64 {
    Shape::default().start_s + LATER_S
}

fn digest(running: &Running, path: &str) -> Outcome<Digest> {
    Ok(digest_export(http::stream(running.http, path, running.timeout)?)?)
}

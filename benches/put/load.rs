//! Requests made of agent lines.

use std::fmt;
use std::io::Write;

use irontsd::bench::json_points::push_body;
use irontsd::workload::{Digest, Kind, Shape, collect, digest_lines};

use crate::common::Outcome;

/// A kind of request.
pub struct Size {
    /// Points of each body.
    pub points_per_request: usize,
    /// Connections that send at the same time.
    pub connections: u64,
    /// Samples of each of the 40,000 series.
    pub samples_per_series: u64,
    /// Who sends them.
    pub senders: Senders,
}

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub enum Senders {
    /// A thread for each connection, which waits for its answer.
    OneEach,
    /// One thread that waits for answers on all connections, as load generators and proxies do.
    One,
}

/// The kinds that are measured.
pub const SIZES: [Size; 4] = [
    Size {
        points_per_request: 1000,
        connections: 4,
        samples_per_series: 150,
        senders: Senders::OneEach,
    },
    Size {
        points_per_request: 50,
        connections: 4,
        samples_per_series: 75,
        senders: Senders::OneEach,
    },
    Size { points_per_request: 1, connections: 8, samples_per_series: 10, senders: Senders::One },
    Size {
        points_per_request: 1,
        connections: 8,
        samples_per_series: 10,
        senders: Senders::OneEach,
    },
];

/// The requests of a run.
pub struct Load {
    /// Those of each connection.
    pub connections: Vec<Requests>,
    /// Number of requests.
    pub requests: u64,
    /// Number of points.
    pub points: u64,
    /// What an export must yield.
    pub digest: Digest,
    /// Who sends it.
    pub senders: Senders,
    points_per_request: usize,
}

/// Requests one behind the other.
#[derive(Default)]
pub struct Requests {
    /// Their bytes.
    pub bytes: Vec<u8>,
    /// Where each of them ends.
    pub ends: Vec<usize>,
}

impl Load {
    /// Makes all requests.
    pub fn make(size: &Size) -> Outcome<Self> {
        let shape = Shape { samples_per_series: size.samples_per_series, ..Shape::default() };
        let (mut connections, mut digest) = (Vec::new(), Digest::default());
        for mut part in Kind::Agent.connections(&shape, size.connections) {
            let (lines, _) = collect(part.as_mut());
            digest.merge(digest_lines(&lines)?);
            connections.push(requests(&lines, size.points_per_request)?);
        }
        Ok(Load {
            requests: connections.iter().map(|requests| requests.ends.len() as u64).sum(),
            points: digest.count,
            connections,
            digest,
            senders: size.senders,
            points_per_request: size.points_per_request,
        })
    }
}

fn requests(lines: &[u8], points: usize) -> Outcome<Requests> {
    let lines: Vec<&[u8]> = lines.split_inclusive(|byte| *byte == b'\n').collect();
    let (mut requests, mut body) = (Requests::default(), Vec::new());
    for group in lines.chunks(points) {
        body.clear();
        push_body(&mut body, &group.concat())?;
        write!(
            requests.bytes,
            "POST /api/put HTTP/1.1\r\nHost: localhost:4242\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        )?;
        requests.bytes.extend_from_slice(&body);
        requests.ends.push(requests.bytes.len());
    }
    Ok(requests)
}

impl fmt::Display for Load {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let senders = match self.senders {
            Senders::OneEach => "a sender each",
            Senders::One => "one sender",
        };
        let points = if self.points_per_request == 1 { "point" } else { "points" };
        write!(
            out,
            "{} requests of {} {points}, {} connections, {senders}",
            self.requests,
            self.points_per_request,
            self.connections.len(),
        )
    }
}

//! Endless lines on connections that stay open: as fast as the node takes them, or open loop.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use irontsd::workload::{EndlessLines, Kind, Shape, split};

use super::Outcome;

/// Lines of one write; about 250 kB.
const PIECE_LINES: u64 = 4096;
/// How long a sender rests that has nothing due.
const REST: Duration = Duration::from_millis(1);

/// How fast lines are sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// As fast as the node takes them.
    Closed,
    /// So many lines a second on all connections together, whatever became of those before.
    Open(f64),
}

/// Connections with their share of the series each.
pub struct Streams {
    streams: Vec<(TcpStream, EndlessLines)>,
}

/// What was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Lines; each was accepted.
    pub lines: u64,
    /// From the first byte until every connection had its last line accepted.
    pub seconds: f64,
}

impl Streams {
    /// Makes the rounds of lines, a thread for each connection, and connects.
    pub fn connect(
        node: SocketAddr,
        kind: Kind,
        shape: &Shape,
        connections: u64,
        timeout: Duration,
    ) -> Outcome<Self> {
        let ranges = split(shape.series_count, connections);
        let lines = std::thread::scope(|scope| {
            let makers: Vec<_> = ranges
                .into_iter()
                .map(|range| scope.spawn(|| EndlessLines::new(kind, shape, range)))
                .collect();
            makers.into_iter().map(|maker| maker.join()).collect::<Vec<_>>()
        });
        let mut streams = Vec::new();
        for lines in lines {
            streams.push((connect(node, timeout)?, lines.map_err(|_| "a generator failed")?));
        }
        Ok(Streams { streams })
    }

    /// Goes on where it stopped, on connections to another node.
    pub fn reconnect(&mut self, node: SocketAddr, timeout: Duration) -> Outcome<()> {
        self.streams.iter_mut().try_for_each(|(socket, _)| {
            *socket = connect(node, timeout)?;
            Ok(())
        })
    }

    /// The latest timestamp that any line has next.
    pub fn time_s(&self) -> u64 {
        self.streams.iter().map(|(_, lines)| lines.time_s()).max().unwrap_or(0)
    }

    /// Sends for so long; then waits until everything is accepted.
    pub fn run(&mut self, pace: Pace, duration: Duration) -> Outcome<Sent> {
        let count = self.streams.len() as f64;
        let start = Instant::now();
        let sent = std::thread::scope(|scope| {
            let each = |(socket, lines): &mut (TcpStream, EndlessLines)| -> Outcome<u64> {
                let sent = match pace {
                    Pace::Closed => closed(socket, lines, start + duration),
                    Pace::Open(rate) => open(socket, lines, rate / count, duration),
                }?;
                await_version(socket)?;
                Ok(sent)
            };
            let senders: Vec<_> =
                self.streams.iter_mut().map(|stream| scope.spawn(move || each(stream))).collect();
            senders.into_iter().map(|sender| sender.join()).collect::<Vec<_>>()
        });
        let mut lines = 0;
        for sent in sent {
            lines += sent.map_err(|_| "a sender failed")??;
        }
        Ok(Sent { lines, seconds: start.elapsed().as_secs_f64() })
    }

    /// Sends every series once.
    pub fn one_round(&mut self) -> Outcome<u64> {
        let mut sum = 0;
        for (socket, lines) in &mut self.streams {
            let time_s = lines.time_s();
            while lines.time_s() == time_s {
                let (piece, count) = lines.take(PIECE_LINES);
                socket.write_all(piece)?;
                sum += count;
            }
            await_version(socket)?;
        }
        Ok(sum)
    }
}

/// A connection with limits on waiting.
pub fn connect(node: SocketAddr, timeout: Duration) -> Outcome<TcpStream> {
    let socket = TcpStream::connect_timeout(&node, timeout)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(timeout))?;
    socket.set_write_timeout(Some(timeout))?;
    Ok(socket)
}

fn closed(socket: &mut TcpStream, lines: &mut EndlessLines, end: Instant) -> Outcome<u64> {
    let mut sent = 0;
    while Instant::now() < end {
        let (piece, count) = lines.take(PIECE_LINES);
        socket.write_all(piece)?;
        sent += count;
    }
    Ok(sent)
}

/// What is due at the end and could not be sent by then is not sent.
fn open(
    socket: &mut TcpStream,
    lines: &mut EndlessLines,
    lines_per_s: f64,
    duration: Duration,
) -> Outcome<u64> {
    let start = Instant::now();
    let mut sent = 0;
    loop {
        let elapsed = start.elapsed();
        let due = (elapsed.min(duration).as_secs_f64() * lines_per_s) as u64 - sent;
        if elapsed >= duration && (due == 0 || elapsed > duration + REST) {
            return Ok(sent);
        }
        if due == 0 {
            std::thread::sleep(REST);
            continue;
        }
        let (piece, count) = lines.take(due.min(PIECE_LINES));
        socket.write_all(piece)?;
        sent += count;
        if due < PIECE_LINES {
            std::thread::sleep(REST);
        }
    }
}

/// Waits until all lines are accepted; fails when the answer is that to a refused line.
pub fn await_version(mut socket: &TcpStream) -> Outcome<()> {
    socket.write_all(b"version\n")?;
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer)?;
    if answer.is_empty() || answer.starts_with("put:") {
        return Err(format!("instead of its version the node answered {answer:?}").into());
    }
    Ok(())
}
